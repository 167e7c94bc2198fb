"""Layers, activations and losses against what MLX computes; the data is written by
Scripts/python-layer-fixtures."""

import json
import pathlib

import mlx.core as mx
import mlx.nn as nn
import mlx.utils as utils
import nn_cases as cases
import numpy as np
import pytest

DATA = pathlib.Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def layers():
    return np.load(DATA / "nn_layers.npz")


@pytest.fixture(scope="module")
def functions():
    return np.load(DATA / "nn_functions.npz")


def check(got, want, name, tolerance=2e-5):
    assert got.shape == want.shape, name
    assert got.dtype == want.dtype, name
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("name", cases.LAYERS)
def test_layer(name, layers):
    got = cases.layer_results(name, mx, nn, utils)
    want = {k.split(":")[1] for k in layers.files if k.startswith(f"{name}:")}
    assert set(got) == want
    for key, array in got.items():
        check(array, layers[f"{name}:{key}"], key)


@pytest.mark.parametrize("name", cases.LAYERS)
def test_layer_is_described_as_in_mlx(name):
    if name == "rnn_hidden":
        pytest.skip("says where a function of the process lies")
    want = json.loads((DATA / "nn_reprs.json").read_text())[name]
    got = repr(cases.LAYERS[name][0](nn))
    assert got.split(" at 0x")[0] == want.split(" at 0x")[0]


@pytest.mark.parametrize("name", cases.SEEDED)
def test_first_parameters_follow_from_the_seed_as_in_mlx(name, layers):
    mx.random.seed(7)
    for path, array in utils.tree_flatten(cases.SEEDED[name](nn).parameters()):
        check(np.array(array), layers[f"seeded_{name}:{path}"], path, 1e-6)


def test_activations(functions):
    got = cases.activation_results(mx, nn)
    assert len(got) > 45
    for name, array in got.items():
        check(array, functions[f"activation:{name}"], name)


def test_losses(functions):
    got = cases.loss_results(mx, nn)
    assert len(got) == len(cases.LOSSES)
    for name, array in got.items():
        check(array, functions[f"loss:{name}"], name)


@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
def test_distances_are_taken_off_under_any_leading_axes(lead):
    scores = mx.zeros((*lead, 4, 3, 5))
    expected = nn.ALiBi.create_alibi_matrix(3, 5, 4)[0]
    found = nn.ALiBi()(scores)
    assert found.shape == scores.shape
    assert mx.array_equal(found, mx.broadcast_to(expected, scores.shape))
    masked = nn.ALiBi()(scores, mask=mx.ones((3, 5)))
    assert mx.allclose(masked, found + 1)


def test_distances_need_heads():
    with pytest.raises(ValueError, match="heads, queries, keys"):
        nn.ALiBi()(mx.zeros((3, 5)))
