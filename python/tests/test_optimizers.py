"""Optimizers and schedules against what MLX computes in 20 steps; the data is written by
Scripts/python-layer-fixtures."""

import pathlib

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import mlx.utils as utils
import nn_cases as cases
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map

DATA = pathlib.Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def data():
    return np.load(DATA / "optimizers.npz")


@pytest.mark.parametrize("name", cases.OPTIMIZERS)
def test_twenty_steps(name, data):
    got = cases.optimizer_results(name, mx, optim, utils)
    assert len(got) == 5
    # Muon multiplies rounding errors of small matrices.
    tolerance = 2e-3 if name.startswith(("muon", "multi")) else 3e-5
    for path, array in got.items():
        want = data[f"{name}:{path}"]
        assert array.dtype == want.dtype
        np.testing.assert_allclose(array, want, rtol=tolerance, atol=tolerance, err_msg=path)


def test_schedules(data):
    got = cases.schedule_results(mx, optim)
    for name, values in got.items():
        np.testing.assert_allclose(values, data[f"schedule:{name}"], rtol=1e-5, atol=1e-7)


def test_schedules_refuse_what_makes_no_sense():
    with pytest.raises(ValueError, match="greater than 0"):
        optim.linear_schedule(0, 1, 0)
    with pytest.raises(ValueError, match="at least 1"):
        optim.join_schedules([], [])
    with pytest.raises(ValueError, match="Received 1 boundaries but expected 0"):
        optim.join_schedules([optim.step_decay(1, 0.5, 2)], [1])


def test_state_is_a_tree_beside_the_parameters():
    optimizer = optim.Adam(0.1)
    parameters = {"layers": [{"w": mx.ones((2, 3))}, {"w": mx.ones(2)}]}
    optimizer.init(parameters)
    names = [name for name, _ in tree_flatten(optimizer.state)]
    assert names == ["step", "learning_rate", "layers.0.w.m", "layers.0.w.v", "layers.1.w.m",
                     "layers.1.w.v"]
    assert optimizer.step.dtype == mx.uint64
    optimizer.apply_gradients(parameters, parameters)
    kept = optimizer.state["layers"][0]["w"]["m"].tolist()
    optimizer.init(parameters)
    assert optimizer.state["layers"][0]["w"]["m"].tolist() == kept


@pytest.mark.parametrize("name", cases.OPTIMIZERS)
def test_goes_on_from_a_saved_state(name):
    def steps(optimizer, parameters, count):
        for _ in range(count):
            gradients = tree_map(lambda p: 0.5 * p + 0.1, parameters)
            parameters = optimizer.apply_gradients(gradients, parameters)
        return parameters

    start = {"w": mx.array(cases.wave((4, 3), 1)), "b": mx.array(cases.wave((3,), 2))}
    straight = steps(cases.OPTIMIZERS[name](optim), start, 6)
    first = cases.OPTIMIZERS[name](optim)
    middle = steps(first, start, 3)
    second = cases.OPTIMIZERS[name](optim)
    saved = tree_flatten(first.state)
    second.state = utils.tree_unflatten([(k, mx.array(np.array(x))) for k, x in saved])
    for key, x in steps(second, middle, 3).items():
        np.testing.assert_array_equal(np.array(x), np.array(straight[key]))


def test_half_precision_stays_half():
    for make in (optim.SGD, optim.Adam, optim.AdamW, optim.Lion, optim.RMSprop, optim.Adagrad):
        optimizer = make(0.1)
        x = {"w": mx.ones((2,), mx.bfloat16)}
        assert optimizer.apply_gradients(x, x)["w"].dtype == mx.bfloat16
    factor = optim.Adafactor(beta_1=0.9)
    x = {"w": mx.ones((2, 3), mx.float16)}
    assert factor.apply_gradients(x, x)["w"].dtype == mx.float16


def test_adam_with_correction_takes_a_whole_first_step_in_half_precision():
    optimizer = optim.Adam(0.5, bias_correction=True)
    x = {"w": mx.full((2,), 4.0, mx.bfloat16)}
    assert optimizer.apply_gradients(x, x)["w"].tolist() == [3.5, 3.5]


def test_learning_rate_can_be_set_and_scheduled():
    optimizer = optim.SGD(lambda step: 1.0 / (step + 1))
    x = {"w": mx.array(0.0)}
    rates = []
    for _ in range(3):
        optimizer.apply_gradients({"w": mx.array(1.0)}, x)
        rates.append(round(optimizer.learning_rate.item(), 4))
    assert rates == [1.0, 0.5, 0.3333]
    plain = optim.SGD(0.1)
    plain.learning_rate = 0.25
    assert plain.learning_rate.item() == 0.25


def test_update_changes_the_model():
    model = nn.Sequential(nn.Linear(2, 1), nn.relu)
    model.layers[0].weight = mx.array([[1.0, 2.0]])
    optim.SGD(0.5).update(model, {"layers": [{"weight": mx.array([[1.0, 1.0]])}, {}]})
    assert model.layers[0].weight.tolist() == [[0.5, 1.5]]


def test_clip_grad_norm():
    clipped, norm = optim.clip_grad_norm({"a": mx.array([3.0]), "b": [mx.array([4.0])]}, 1.0)
    assert norm.item() == 5.0
    np.testing.assert_allclose(
        [clipped["a"].item(), clipped["b"][0].item()], [0.6, 0.8], rtol=1e-5)
    same, norm = optim.clip_grad_norm({"a": mx.array([0.3])}, 1.0)
    assert same["a"].item() == pytest.approx(0.3)
    half, norm = optim.clip_grad_norm({"a": mx.array([300.0, 400.0], mx.float16)}, 1.0)
    assert half["a"].dtype == mx.float16
    assert norm.item() == 500.0  # its square is more than float16 can hold
    sharded, norm = nn.utils.clip_grad_norm_sharded({"a": mx.array([3.0, 4.0])}, 1.0)
    assert norm.item() == 5.0
    assert sharded["a"].tolist() == pytest.approx([0.6, 0.8], rel=1e-5)


def test_multi_optimizer_shares_parameters_out():
    is_weight = lambda path, x: path.endswith("w")  # noqa: E731
    both = optim.MultiOptimizer([optim.SGD(0.1), optim.Adam(0.01)], [is_weight])
    x = {"a": {"w": mx.array([1.0]), "b": mx.array([1.0])}}
    new = both.apply_gradients(x, x)
    assert new["a"]["w"].item() == pytest.approx(0.9)
    assert new["a"]["b"].item() == pytest.approx(1 - 0.1 / 0.001**0.5 * 0.01, rel=1e-4)
    first, second = both.state["states"]
    assert "w" in first["a"] and "b" not in first["a"]
    assert "b" in second["a"] and "w" not in second["a"]
    both.learning_rate = 0.5
    assert [o.learning_rate.item() for o in both.optimizers] == [0.5, 0.5]
    both.state = both.state
    for wrong in ({}, {"states": [{}]}):
        with pytest.raises(ValueError, match="Invalid state"):
            both.state = wrong
    with pytest.raises(ValueError, match="1 filters but 0 needed"):
        optim.MultiOptimizer([optim.SGD(0.1)], [is_weight])


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.SGD(0.1, nesterov=True),
        lambda: optim.SGD(0.1, momentum=0.9, dampening=0.1, nesterov=True),
        lambda: optim.RMSprop(0.1, alpha=-1),
        lambda: optim.RMSprop(0.1, eps=-1),
        lambda: optim.Adagrad(0.1, eps=-1),
        lambda: optim.AdaDelta(0.1, rho=-1),
        lambda: optim.AdaDelta(0.1, eps=-1),
        lambda: optim.Adam(0.1, betas=[0.9, 1.0]),
        lambda: optim.Adam(0.1, eps=-1),
        lambda: optim.Adamax(0.1, eps=-1),
        lambda: optim.Lion(0.1, betas=[-0.1, 0.9]),
    ],
)
def test_refuses_arguments_out_of_range(make):
    with pytest.raises(ValueError):
        make()


def test_a_compiled_step_trains():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(0.1, momentum=0.9)
    x = mx.array(cases.wave((64, 2)))
    y = x @ mx.array([[1.0], [-2.0]]) + 0.5
    gradients = nn.value_and_grad(model, lambda x, y: nn.losses.mse_loss(model(x), y))
    optimizer.init(model.trainable_parameters())
    state = [model.state, optimizer.state]

    def step(x, y):
        loss, by = gradients(x, y)
        optimizer.update(model, by)
        return loss

    step = mx.compile(step, inputs=state, outputs=state)
    for _ in range(300):
        loss = step(x, y)
        mx.eval(state)
    assert loss.item() < 1e-6
    np.testing.assert_allclose(np.array(model.weight), [[1.0, -2.0]], atol=1e-3)
