"""Transforms: trees, states, exceptions, what is called how often."""

import collections
import threading
from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn
import pytest


def test_exceptions_come_out_as_themselves():
    class Mine(Exception):
        pass

    def fails(x):
        raise Mine("here")

    x = mx.array([1.0])
    for transformed in (
        mx.grad(fails), mx.value_and_grad(fails), mx.vmap(fails), mx.compile(fails),
        mx.checkpoint(fails), lambda x: mx.vjp(fails, [x], [x]), lambda x: mx.jvp(fails, [x], [x]),
    ):
        with pytest.raises(Mine, match="here") as caught:
            transformed(x)
        assert any(entry.name == "fails" for entry in caught.traceback)
    assert (x + 1).item() == 2


def test_a_compiled_function_that_failed_is_recorded_anew():
    calls = []

    @mx.compile
    def f(x):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("once")
        return x * 2

    with pytest.raises(RuntimeError):
        f(mx.array(1))
    assert f(mx.array(3)).item() == 6
    assert f(mx.array(4)).item() == 8
    assert len(calls) == 2


def test_compiled_functions_are_called_once_for_each_form():
    calls = []

    def f(x, scale=1.0, names=None):
        calls.append(1)
        return {"y": x * scale}

    compiled = mx.compile(f)
    for _ in range(3):
        assert compiled(mx.array([2.0]))["y"].tolist() == [2]
        assert compiled(mx.array([2.0]), scale=3.0)["y"].tolist() == [6]
        assert compiled(mx.array([2.0, 1.0]))["y"].tolist() == [2, 1]
    assert len(calls) == 3
    with pytest.raises(ValueError):
        compiled(mx.array([2.0]), names=object())


def test_compiled_state():
    state = {"x": mx.array(1.0), "list": [mx.array(2.0)]}

    def step(d):
        state["x"] = state["x"] + d
        state["list"][0] = state["list"][0] * 2
        return state["x"] * 10

    compiled = mx.compile(step, inputs=state, outputs=state)
    assert [compiled(mx.array(1.0)).item() for _ in range(3)] == [20, 30, 40]
    assert state["x"].item() == 4 and state["list"][0].item() == 16


def test_compiled_random_numbers_differ():
    draw = mx.compile(
        lambda: mx.random.uniform(), inputs=mx.random.state, outputs=mx.random.state)
    assert len({draw().item() for _ in range(5)}) == 5


def test_seeds():
    mx.random.seed(3)
    first = mx.random.normal((3,)).tolist()
    mx.random.seed(3)
    assert mx.random.normal((3,)).tolist() == first


def test_shapeless():
    calls = []

    def f(x):
        calls.append(1)
        return mx.exp(x).sum()

    compiled = mx.compile(f, shapeless=True)
    assert compiled(mx.zeros((2,))).item() == 2
    assert compiled(mx.zeros((5,))).item() == 5
    assert len(calls) == 1


def test_gradients_of_trees():
    def loss(parameters, x):
        return (parameters["a"][0] * x + parameters["b"]).sum()

    parameters = {"a": [mx.array([2.0])], "b": mx.array([1.0])}
    value, gradients = mx.value_and_grad(loss)(parameters, mx.array([3.0]))
    assert value.item() == 7
    assert gradients["a"][0].tolist() == [3] and gradients["b"].tolist() == [1]
    (value, aux), _ = mx.value_and_grad(lambda x: (x * 2, {"kept": x + 1}))(mx.array(1.0))
    assert value.item() == 2 and aux["kept"].item() == 2


def test_item_inside_a_differentiated_function():
    seen = []

    def f(x):
        y = x * x
        seen.append(y.item())
        return y

    assert mx.grad(f)(mx.array(3.0)).item() == 6 and seen == [9]


def test_custom_function():
    @mx.custom_function
    def double(x):
        return 2 * x

    @double.vjp
    def double_vjp(primals, cotangents, outputs):
        return 100 * cotangents

    assert double(mx.array(1.0)).item() == 2
    assert mx.grad(lambda x: double(x))(mx.array(1.0)).item() == 100

    @double.vmap
    def double_vmap(inputs, axes):
        return inputs + 1, axes

    assert mx.vmap(lambda x: double(x))(mx.array([1.0, 2.0])).tolist() == [2, 3]

    @double.jvp
    def double_jvp(primals, tangents):
        return 7 * tangents

    _, tangents = mx.jvp(lambda x: double(x), [mx.array(1.0)], [mx.array(1.0)])
    assert tangents[0].item() == 7


def test_checkpoint_calls_again_for_gradients():
    calls = []

    def f(x):
        calls.append(1)
        return mx.sin(x)

    g = mx.grad(lambda x: mx.checkpoint(f)(x))(mx.array(0.0))
    assert g.item() == 1 and len(calls) == 2


def test_vmap_of_trees():
    out = mx.vmap(lambda d, y: {"s": d["x"] + y, "p": d["x"] * y}, in_axes=({"x": 0}, None))(
        {"x": mx.array([1.0, 2.0])}, mx.array(3.0))
    assert out["s"].tolist() == [4, 5] and out["p"].tolist() == [3, 6]
    with pytest.raises(ValueError):
        mx.vmap(lambda x, y: x + y)(mx.zeros((2,)), mx.zeros((3,)))


def test_functions_in_files(tmp_path):
    path = str(tmp_path / "f.mlxfn")
    mx.export_function(path, lambda x, y=None: x * 2 + y, mx.array([1.0]), y=mx.array([2.0]))
    f = mx.import_function(path)
    assert f(mx.array([3.0]), y=mx.array([1.0]))[0].tolist() == [7]
    with pytest.raises(ValueError):
        f(mx.array([3]))
    with pytest.raises(OSError):
        mx.import_function(str(tmp_path / "none"))


def test_compiled_functions_have_their_arguments_as_arguments():
    """One that is reached by another way would be the first call's for ever."""
    evaluated, lazy = mx.array([1, 2]), mx.array([1, 2]) + 1
    derived = lazy * 2
    for outside, argument in ((evaluated, evaluated), (lazy, lazy), (derived, lazy)):
        with pytest.raises(ValueError, match="uncaptured inputs"):
            mx.compile(lambda x: x + outside)(argument)
    # Other variables are constants, and the function goes on to be one for other arguments.
    compiled = mx.compile(lambda x: x + lazy)
    with pytest.raises(ValueError):
        compiled(lazy)
    assert compiled(mx.array([5, 5])).tolist() == [7, 8]
    # State is exchanged for placeholders wherever it is reached.
    state = {"w": mx.array(2.0)}
    step = mx.compile(lambda x: x * state["w"], inputs=state)
    assert step(mx.array(3.0)).item() == 6

    def outer(x):
        x = mx.abs(x)
        return mx.compile(lambda z: -mx.exp(x) + z)(x)

    x = mx.array([[1.0, -2.0], [2.0, 3.0]])
    expected = -mx.exp(mx.abs(x)) + mx.abs(x)
    assert mx.allclose(mx.vmap(outer)(x), expected).item()
    assert mx.grad(lambda y: outer(y).sum())(x).shape == (2, 2)
    assert mx.allclose(mx.compile(outer)(x), expected).item()


class Pair(NamedTuple):
    a: mx.array
    b: mx.array


class Row(tuple):
    pass


class Table(dict):
    pass


class Series(list):
    pass


CONTAINERS = (
    dict, list, tuple, Row, Table, Series, Pair, collections.OrderedDict,
    lambda x: collections.defaultdict(list, x))


def container(make, x):
    """A container of some kind with two arrays in it."""
    if make is Pair:
        return Pair(x, x + 1)
    is_list = isinstance(make, type) and issubclass(make, (list, tuple))
    return make([x, x + 1]) if is_list else make({"a": x, "b": x + 1})


def parts(tree):
    return list(tree.values()) if isinstance(tree, dict) else list(tree)


@pytest.mark.parametrize("make", CONTAINERS)
def test_containers_of_arguments_and_results(make):
    tree = container(make, mx.array([2.0]))
    kinds = []

    def square(t):
        kinds.append(type(t))
        return (parts(t)[0] ** 2).sum()

    before = parts(tree)
    gradient = mx.grad(square)(tree)
    assert kinds == [type(tree)]
    assert [x.tolist() for x in parts(gradient)] == [[4], [0]]
    assert all(x is y for x, y in zip(parts(tree), before, strict=True))
    # Tuples keep their type wherever they go; what is filled comes out as a plain container.
    plain = next(kind for kind in (dict, list, type(tree)) if isinstance(tree, kind))
    assert type(gradient) is plain
    for transform in (mx.compile, mx.checkpoint, mx.vmap):
        assert type(transform(lambda t: t)(tree)) is plain


def test_a_module_is_an_argument():
    layer = nn.Linear(2, 2)
    weight, seen = layer.weight, []

    def loss(model):
        seen.append(model)
        return model(mx.ones((1, 2))).sum()

    gradient = mx.grad(loss)(layer)
    assert seen == [layer] and seen[0] is layer and layer.weight is weight
    assert gradient["weight"].tolist() == [[1, 1], [1, 1]] and gradient["bias"].tolist() == [1, 1]
    with pytest.raises(ZeroDivisionError):
        mx.grad(lambda model: 1 / 0)(layer)
    assert layer.weight is weight
    norm = nn.BatchNorm(2)
    mx.grad(lambda model: model(mx.array([[1.0, 2.0], [3.0, 6.0]])).sum())(norm)
    assert mx.allclose(norm.running_mean, mx.array([0.2, 0.4]))


def test_what_a_function_writes_into_its_arguments_stays_there():
    tree = {"x": mx.array([1.0, 2.0]), "list": [mx.array(3.0), mx.array(4.0)], "gone": mx.array(0)}
    kept, inner = tree["list"][1], tree["list"]

    def loss(t):
        t["x"][0] = 5.0
        t["list"][0] = t["list"][0] * 2
        t["list"].append(mx.array(9.0))
        t["new"] = (mx.array(7.0),)
        del t["gone"]
        return t["x"].sum() + t["list"][0] + t["list"][1]

    gradient = mx.grad(loss)({**tree, "gone": mx.array(0.0)})
    assert gradient["x"].tolist() == [0, 1] and [g.item() for g in gradient["list"]] == [2, 1]
    assert set(tree) == {"x", "list", "gone"}, "the caller's own dictionary was another"
    del tree["gone"]
    tree["gone"] = mx.array(0.0)
    mx.grad(loss)(tree)
    assert set(tree) == {"x", "list", "new"}
    assert tree["x"].tolist() == [5, 2] and tree["new"][0].item() == 7
    assert tree["list"] is inner and inner[1] is kept
    assert [x.item() for x in inner] == [12, 4, 9, 9]


def test_threads_share_plain_arguments():
    """Each thread's function sees its own variables in the dictionary that all of them pass."""
    shared = {"x": mx.array(2.0), "list": [mx.array(3.0)]}
    barrier, results = threading.Barrier(4), []

    def loss(t):
        barrier.wait()
        return t["x"] * t["list"][0]

    def run():
        gradient = mx.grad(loss)(shared)
        results.append((gradient["x"].item(), gradient["list"][0].item()))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(3, 2)] * 4
    assert mx.grad(lambda p, q: p["x"] * q["x"] * 3, argnums=(0, 1))(shared, shared)[1][
        "x"].item() == 6


@pytest.mark.parametrize("transform", [mx.grad, mx.value_and_grad])
@pytest.mark.parametrize("argnums", ["x", 1.0, (None, None), (0, 1.5), [None]], ids=str)
def test_numbers_of_arguments_are_integers(transform, argnums):
    with pytest.raises(TypeError):
        transform(lambda x: x, argnums)


@pytest.mark.parametrize("result", [lambda x: (x, 1), lambda x: (x,), lambda x: [x], lambda x: 1])
def test_grad_takes_functions_of_one_result(result):
    with pytest.raises(ValueError):
        mx.grad(result)(mx.array(1.0))


@pytest.mark.parametrize("kind", [
    mx.equal, mx.not_equal, mx.less, mx.less_equal, mx.greater, mx.greater_equal,
    mx.logical_and, lambda x, y: mx.isnan(x), lambda x, y: mx.logical_not(x),
])
@pytest.mark.parametrize("dtype", [mx.float32, mx.float16], ids=str)
def test_tangents_of_bools_can_be_added_up(kind, dtype):
    x = mx.array([1.0, -2.0], dtype)
    outputs, tangents = mx.jvp(lambda x: kind(x, 0), [x], [mx.ones_like(x)])
    assert outputs[0].dtype is mx.bool_ and tangents[0].dtype is dtype
    assert tangents[0].tolist() == [0, 0]


@pytest.mark.parametrize("scan, x", [
    (mx.cummax, [2.0, 2.0, 1.0, 2.0, 3.0]), (mx.cummin, [-2.0, -2.0, -1.0, -2.0, -3.0]),
])
@pytest.mark.parametrize("reverse, inclusive, want", [
    (False, True, [1, 10 + 100, 0, 1000, 10000]), (False, False, [10, 1100, 0, 10000, 0]),
    (True, True, [0, 0, 0, 0, 11111]), (True, False, [0, 0, 0, 0, 1111]),
])
def test_the_latest_of_equal_extremes_has_the_gradient(scan, x, reverse, inclusive, want):
    cotangent = mx.array([1.0, 10.0, 100.0, 1000.0, 10000.0])
    _, (gradient,) = mx.vjp(
        lambda x: scan(x, reverse=reverse, inclusive=inclusive), [mx.array(x)], [cotangent])
    assert gradient.tolist() == want
