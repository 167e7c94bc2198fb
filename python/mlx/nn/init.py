"""Initialisers: functions that make an array in the shape of another.

    weight = nn.init.he_normal()(mx.zeros((64, 32)))
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import mlx.core as mx

__all__ = [
    "constant",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "normal",
    "orthogonal",
    "sparse",
    "uniform",
]

Initializer = Callable[..., mx.array]


def constant(value: float, dtype: mx.Dtype = mx.float32) -> Initializer:
    """One value everywhere.

    >>> nn.init.constant(0.5)(mx.zeros((1, 2))).tolist()
    [[0.5, 0.5]]
    """

    def initializer(a: mx.array) -> mx.array:
        return mx.full(a.shape, value, dtype=dtype)

    return initializer


def normal(mean: float = 0.0, std: float = 1.0, dtype: mx.Dtype = mx.float32) -> Initializer:
    """Numbers of a normal distribution."""

    def initializer(a: mx.array) -> mx.array:
        return mx.random.normal(shape=a.shape, scale=std, loc=mean, dtype=dtype)

    return initializer


def uniform(low: float = 0.0, high: float = 1.0, dtype: mx.Dtype = mx.float32) -> Initializer:
    """Numbers from `low` up to `high`."""

    def initializer(a: mx.array) -> mx.array:
        return mx.random.uniform(low, high, a.shape, dtype=dtype)

    return initializer


def identity(dtype: mx.Dtype = mx.float32) -> Initializer:
    """The identity matrix, for a square one.

    >>> nn.init.identity()(mx.zeros((2, 2))).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    def initializer(a: mx.array) -> mx.array:
        if a.ndim != 2 or a.shape[0] != a.shape[1]:
            raise ValueError(
                f"The input array must be a square matrix but got shape {a.shape}."
            )
        return mx.eye(n=a.shape[0], dtype=dtype)

    return initializer


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs an output of a layer sees, and how many outputs an input: a weight is
    (outputs, *kernel, inputs)."""
    if len(shape) < 2:
        raise ValueError(
            "Glorot / He initialization requires at least 2 dimensional input but input with"
            f" {len(shape)} dimensions."
        )
    window = math.prod(shape[1:-1])
    return shape[-1] * window, shape[0] * window


def _he_fan(shape: tuple[int, ...], mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Invalid mode: {mode}. Valid modes are: fan_in, fan_out")
    return _fans(shape)[mode == "fan_out"]


def glorot_normal(dtype: mx.Dtype = mx.float32) -> Initializer:
    """Normal numbers of the deviation gain √(2 / (inputs + outputs)), with `gain` an argument of
    the initialiser: signals keep their size in both directions (Glorot and Bengio, 2010)."""

    def initializer(a: mx.array, gain: float = 1.0) -> mx.array:
        std = gain * math.sqrt(2.0 / sum(_fans(a.shape)))
        return mx.random.normal(shape=a.shape, scale=std, dtype=dtype)

    return initializer


def glorot_uniform(dtype: mx.Dtype = mx.float32) -> Initializer:
    """As `glorot_normal`, with uniform numbers up to gain √(6 / (inputs + outputs))."""

    def initializer(a: mx.array, gain: float = 1.0) -> mx.array:
        limit = gain * math.sqrt(6.0 / sum(_fans(a.shape)))
        return mx.random.uniform(-limit, limit, a.shape, dtype=dtype)

    return initializer


def he_normal(dtype: mx.Dtype = mx.float32) -> Initializer:
    """Normal numbers of the deviation gain / √fan. The initialiser's arguments are `mode`, whether
    fan is the number of inputs (`"fan_in"`) or of outputs (`"fan_out"`), and `gain` (He and
    others, 2015).

    >>> nn.init.he_normal()(mx.zeros((8, 4)), mode="fan_out", gain=2.0).shape
    (8, 4)
    """

    def initializer(
        a: mx.array, mode: Literal["fan_in", "fan_out"] = "fan_in", gain: float = 1.0
    ) -> mx.array:
        std = gain / math.sqrt(_he_fan(a.shape, mode))
        return mx.random.normal(shape=a.shape, scale=std, dtype=dtype)

    return initializer


def he_uniform(dtype: mx.Dtype = mx.float32) -> Initializer:
    """As `he_normal`, with uniform numbers up to gain √(3 / fan)."""

    def initializer(
        a: mx.array, mode: Literal["fan_in", "fan_out"] = "fan_in", gain: float = 1.0
    ) -> mx.array:
        limit = gain * math.sqrt(3.0 / _he_fan(a.shape, mode))
        return mx.random.uniform(-limit, limit, a.shape, dtype=dtype)

    return initializer


def sparse(
    sparsity: float, mean: float = 0.0, std: float = 1.0, dtype: mx.Dtype = mx.float32
) -> Initializer:
    """Normal numbers in a matrix, of which a part of each row, at random places, is zero.

    Args:
        sparsity: which part, rounded up to whole elements.
        mean, std: those of the others.
    """

    def initializer(a: mx.array) -> mx.array:
        if a.ndim != 2:
            raise ValueError("Only tensors with 2 dimensions are supported")
        rows, columns = a.shape
        zeros = math.ceil(sparsity * columns)
        order = mx.argsort(mx.random.uniform(shape=a.shape), axis=1)
        numbers = mx.random.normal(shape=a.shape, scale=std, loc=mean, dtype=dtype)
        numbers[mx.arange(rows)[:, None], order[:, :zeros]] = 0
        return numbers

    return initializer


def orthogonal(gain: float = 1.0, dtype: mx.Dtype = mx.float32) -> Initializer:
    """A matrix whose shorter side's vectors are orthogonal and `gain` long."""

    def initializer(a: mx.array) -> mx.array:
        if a.ndim != 2:
            raise ValueError(
                f"Orthogonal initialization requires a 2D array but got a {a.ndim}D array."
            )
        rows, columns = a.shape
        size = max(rows, columns)
        q, r = mx.linalg.qr(mx.random.normal(shape=(size, size)), stream=mx.cpu)
        # The signs that a factorization happens to choose are taken out again.
        q = q * mx.sign(mx.diag(r))
        return (gain * q[:rows, :columns]).astype(dtype)

    return initializer
