"""Where MLX's wheel is wrong, or ends the process: what is right instead."""

import mlx.core as mx
import numpy as np
import pytest


def test_numpy_numbers_are_not_cut():
    assert (mx.array([1]) + np.float32(1.5)).item() == 2.5
    assert (mx.array([1]) + np.array([1.5])).item() == 2.5


def test_indices_beyond_the_end():
    with pytest.raises(IndexError):
        mx.array([1, 2])[5]
    with pytest.raises(IndexError):
        mx.array([1, 2])[-5]
    with pytest.raises(IndexError):
        mx.array(1)[0]


def test_numbers_with_shifts_and_bits_in_front():
    assert (1 << mx.array([5])).item() == 32
    assert (1 & mx.array([5])).item() == 1
    assert [x.item() for x in divmod(mx.array([5]), 2)] == [2, 1]


def test_numpy_arrays_are_indices():
    assert mx.array([1, 2])[np.array([1, 0])].tolist() == [2, 1]
    assert mx.array([1, 2])[np.int64(1)].item() == 2


def test_bytes_seen_as_truths():
    x = mx.array([0, 1, 5, 256], mx.int32)
    seen = x.view(mx.bool_)
    assert np.array_equal(np.array(seen), np.array(x).view(np.uint8) != 0)
    assert mx.sum(seen).item() == 3 and mx.all(seen.view(mx.uint8) <= 1)
