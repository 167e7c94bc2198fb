"""Activations: functions of an array, element by element or along one axis, and layers of them.

Functions are plain Python: the engine fuses what they record, with what stands before and after.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import mlx.core as mx
from mlx.nn.layers.base import Module

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "HardShrink", "HardTanh", "Hardswish", "LeakyReLU",
    "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "ReLU", "ReLU2", "ReLU6", "SELU", "SiLU",
    "Sigmoid", "Softmax", "Softmin", "Softplus", "Softshrink", "Softsign", "Step", "Tanh",
    "celu", "elu", "gelu", "gelu_approx", "gelu_fast_approx", "glu", "hard_shrink", "hard_tanh",
    "hardswish", "leaky_relu", "log_sigmoid", "log_softmax", "mish", "prelu", "relu", "relu2",
    "relu6", "selu", "sigmoid", "silu", "softmax", "softmin", "softplus", "softshrink",
    "softsign", "step", "tanh",
]

_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def sigmoid(x: mx.array) -> mx.array:
    """1 / (1 + exp(-x)).

    >>> nn.sigmoid(mx.array([0.0])).item()
    0.5
    """
    return mx.sigmoid(x)


def tanh(x: mx.array) -> mx.array:
    """The hyperbolic tangent."""
    return mx.tanh(x)


def relu(x: mx.array) -> mx.array:
    """max(x, 0).

    >>> nn.relu(mx.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return mx.maximum(x, 0)


def relu2(x: mx.array) -> mx.array:
    """max(x, 0)²."""
    return mx.square(mx.maximum(x, 0))


def relu6(x: mx.array) -> mx.array:
    """min(max(x, 0), 6)."""
    return mx.minimum(mx.maximum(x, 0), 6.0)


def leaky_relu(x: mx.array, negative_slope: float = 0.01) -> mx.array:
    """max(x, negative_slope x)."""
    return mx.maximum(negative_slope * x, x)


def prelu(x: mx.array, alpha: mx.array) -> mx.array:
    """max(x, 0) + alpha min(x, 0), where `alpha` is an array that broadcasts with `x`."""
    return mx.maximum(0, x) + alpha * mx.minimum(0, x)


def elu(x: mx.array, alpha: float = 1.0) -> mx.array:
    """x where it is positive, else alpha (exp(x) - 1)."""
    return mx.where(x > 0, x, alpha * mx.expm1(mx.where(x > 0, 0, x)))


def celu(x: mx.array, alpha: float = 1.0) -> mx.array:
    """max(x, 0) + min(0, alpha (exp(x / alpha) - 1)): `elu` with a derivative without a step."""
    return mx.maximum(x, 0.0) + alpha * mx.expm1(mx.minimum(x, 0.0) / alpha)


def selu(x: mx.array) -> mx.array:
    """`elu` with alpha 1.67326, times 1.0507: keeps mean 0 and variance 1 from layer to layer."""
    return elu(x, _SELU_ALPHA) * _SELU_SCALE


def silu(x: mx.array) -> mx.array:
    """x sigmoid(x), also called swish."""
    return x * mx.sigmoid(x)


def gelu(x: mx.array) -> mx.array:
    """x times the normal distribution's function: x (1 + erf(x / √2)) / 2."""
    return x * (1 + mx.erf(x / math.sqrt(2))) / 2


def gelu_approx(x: mx.array) -> mx.array:
    """`gelu` by a tangent: x (1 + tanh(√(2 / π) (x + 0.044715 x³))) / 2. At most 0.0005 off."""
    return 0.5 * x * (1 + mx.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_fast_approx(x: mx.array) -> mx.array:
    """`gelu` by a sigmoid: x sigmoid(1.702 x). At most 0.021 off."""
    return x * mx.sigmoid(1.702 * x)


def glu(x: mx.array, axis: int = -1) -> mx.array:
    """One half of `x`, times the sigmoid of the other half.

    Args:
        axis: is cut in two, so its length must be even.

    >>> nn.glu(mx.zeros((2, 6))).shape
    (2, 3)
    """
    a, b = mx.split(x, 2, axis=axis)
    return a * mx.sigmoid(b)


def mish(x: mx.array) -> mx.array:
    """x tanh(softplus(x))."""
    return x * mx.tanh(softplus(x))


def softplus(x: mx.array) -> mx.array:
    """log(1 + exp(x)), without overflow."""
    return mx.logaddexp(x, 0)


def softsign(x: mx.array) -> mx.array:
    """x / (1 + |x|)."""
    return x / (1 + mx.abs(x))


def softshrink(x: mx.array, lambd: float = 0.5) -> mx.array:
    """x moved towards zero by `lambd`; zero where it is nearer to it."""
    return mx.where(mx.abs(x) > lambd, x - mx.sign(x) * lambd, 0)


def hard_shrink(x: mx.array, lambd: float = 0.5) -> mx.array:
    """x, or zero where |x| ≤ lambd."""
    return mx.where(mx.abs(x) > lambd, x, 0)


def hard_tanh(x: mx.array, min_val: float = -1.0, max_val: float = 1.0) -> mx.array:
    """x, cut off at `min_val` and `max_val`."""
    return mx.minimum(mx.maximum(x, min_val), max_val)


def hardswish(x: mx.array) -> mx.array:
    """x min(max(x + 3, 0), 6) / 6."""
    return x * mx.minimum(mx.maximum(x + 3, 0), 6) / 6


def step(x: mx.array, threshold: float = 0.0) -> mx.array:
    """1 where `x` is `threshold` or more, else 0; int32, as there is no derivative to speak of."""
    return mx.where(x >= threshold, 1, 0)


def log_sigmoid(x: mx.array) -> mx.array:
    """log(sigmoid(x)), without overflow."""
    return -softplus(-x)


def softmax(x: mx.array, axis: int = -1) -> mx.array:
    """exp(x), divided by its sum along `axis`."""
    return mx.softmax(x, axis=axis)


def softmin(x: mx.array, axis: int = -1) -> mx.array:
    """exp(-x), divided by its sum along `axis`."""
    return mx.softmax(-x, axis=axis)


def log_softmax(x: mx.array, axis: int = -1) -> mx.array:
    """The logarithm of `softmax(x)`: x - log Σ exp(x) along `axis`."""
    return x - mx.logsumexp(x, axis=axis, keepdims=True)


def _layer_of(name: str, function: Callable[[mx.array], mx.array]) -> type[Module]:
    """A layer without parameters that applies `function`."""

    def call(self: Module, x: mx.array) -> mx.array:
        return function(x)

    body = {
        "__call__": call,
        "__doc__": f"The layer of `{function.__name__}`: {function.__doc__}",
        "__module__": __name__,
    }
    return type(name, (Module,), body)


Sigmoid = _layer_of("Sigmoid", sigmoid)
Tanh = _layer_of("Tanh", tanh)
ReLU = _layer_of("ReLU", relu)
ReLU2 = _layer_of("ReLU2", relu2)
ReLU6 = _layer_of("ReLU6", relu6)
SELU = _layer_of("SELU", selu)
SiLU = _layer_of("SiLU", silu)
Mish = _layer_of("Mish", mish)
Softplus = _layer_of("Softplus", softplus)
Softsign = _layer_of("Softsign", softsign)
HardTanh = _layer_of("HardTanh", hard_tanh)
Hardswish = _layer_of("Hardswish", hardswish)
LogSigmoid = _layer_of("LogSigmoid", log_sigmoid)
Softmax = _layer_of("Softmax", softmax)
Softmin = _layer_of("Softmin", softmin)
LogSoftmax = _layer_of("LogSoftmax", log_softmax)


class LeakyReLU(Module):
    """The layer of `leaky_relu`."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self._negative_slope = negative_slope

    def __call__(self, x: mx.array) -> mx.array:
        return leaky_relu(x, self._negative_slope)


class ELU(Module):
    """The layer of `elu`."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self._alpha = alpha

    def __call__(self, x: mx.array) -> mx.array:
        return elu(x, self._alpha)


class CELU(Module):
    """The layer of `celu`."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self._alpha = alpha

    def __call__(self, x: mx.array) -> mx.array:
        return celu(x, self._alpha)


class PReLU(Module):
    """The layer of `prelu`, which learns its slopes.

    Args:
        num_parameters: how many slopes: one, or one for each feature of the last axis.
        init: what they are at first.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__()
        self.weight = mx.full([num_parameters], init)

    def __call__(self, x: mx.array) -> mx.array:
        return prelu(x, self.weight)


class Softshrink(Module):
    """The layer of `softshrink`."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def __call__(self, x: mx.array) -> mx.array:
        return softshrink(x, self.lambd)


class HardShrink(Module):
    """The layer of `hard_shrink`."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def __call__(self, x: mx.array) -> mx.array:
        return hard_shrink(x, self.lambd)


class Step(Module):
    """The layer of `step`."""

    def __init__(self, threshold: float = 0.0) -> None:
        super().__init__()
        self.threshold = threshold

    def __call__(self, x: mx.array) -> mx.array:
        return step(x, self.threshold)


class GLU(Module):
    """The layer of `glu`."""

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = axis

    def __call__(self, x: mx.array) -> mx.array:
        return glu(x, self.axis)


class GELU(Module):
    """The layer of `gelu`.

    Args:
        approx: `"none"` for `gelu`, `"precise"` or `"tanh"` for `gelu_approx`, `"fast"` for
            `gelu_fast_approx`.

    Raises:
        ValueError: where it is something else.
    """

    _FUNCTIONS = {
        "none": gelu,
        "precise": gelu_approx,
        "tanh": gelu_approx,
        "fast": gelu_fast_approx,
    }

    def __init__(self, approx: Literal["none", "precise", "tanh", "fast"] = "none") -> None:
        super().__init__()
        if approx not in self._FUNCTIONS:
            raise ValueError(
                f"The approximation should be in {list(self._FUNCTIONS)} but '{approx}' was given"
            )
        self._approx = approx

    def __call__(self, x: mx.array) -> mx.array:
        return self._FUNCTIONS[self._approx](x)
