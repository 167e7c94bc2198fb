"""Affine layers: `Linear`, `Bilinear`, and `Identity`, which stands where none is wanted."""

from __future__ import annotations

import math
from typing import Any

import mlx.core as mx
from mlx.nn.layers.base import Module
from mlx.nn.layers.quantized import QQLinear, QuantizedLinear


def uniform(bound: float, *shape: int) -> mx.array:
    """Numbers between `-bound` and `bound`."""
    return mx.random.uniform(low=-bound, high=bound, shape=shape)


class Identity(Module):
    """Returns its argument; takes any arguments when it is made.

    >>> nn.Identity(3, unused=True)(mx.array([1, 2])).tolist()
    [1, 2]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def __call__(self, x: mx.array) -> mx.array:
        return x


class Linear(Module):
    """x Wᵀ + b, from (…, input_dims) to (…, output_dims).

    `weight` has the shape (output_dims, input_dims), `bias` (output_dims,); both start as uniform
    numbers up to 1 / √input_dims.

    Args:
        bias: whether there is a bias.

    >>> nn.Linear(4, 2)(mx.zeros((3, 4))).shape
    (3, 2)
    """

    def __init__(self, input_dims: int, output_dims: int, bias: bool = True) -> None:
        super().__init__()
        bound = math.sqrt(1.0 / input_dims)
        self.weight = uniform(bound, output_dims, input_dims)
        if bias:
            self.bias = uniform(bound, output_dims)

    def _extra_repr(self) -> str:
        outputs, inputs = self.weight.shape
        return f"input_dims={inputs}, output_dims={outputs}, bias={'bias' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        if "bias" in self:
            return mx.addmm(self["bias"], x, self["weight"].T)
        return x @ self["weight"].T

    def to_quantized(
        self,
        group_size: int | None = None,
        bits: int | None = None,
        mode: str = "affine",
        quantize_input: bool = False,
    ) -> QuantizedLinear | QQLinear:
        """A layer with quantized weights that does about the same.

        Args:
            group_size, bits, mode: those of `mx.quantize`.
            quantize_input: whether the layer quantizes its input too (a `QQLinear`), which the
                modes `nvfp4` and `mxfp8` can.

        Raises:
            ValueError: for `quantize_input` in another mode.
            NotImplementedError: for `quantize_input` where there is a bias.
        """
        if not quantize_input:
            return QuantizedLinear.from_linear(self, group_size, bits, mode)
        if mode not in ("nvfp4", "mxfp8"):
            raise ValueError(
                "Quantized activations are only supported for 'nvfp4' and 'mxfp8' modes,"
                f" got {mode}."
            )
        return QQLinear.from_linear(self, group_size, bits, mode)


class Bilinear(Module):
    """x₂ᵀ Wᵢ x₁ + bᵢ for each output i, from (…, input1_dims) and (…, input2_dims).

    `weight` has the shape (output_dims, input2_dims, input1_dims), `bias` (output_dims,); both
    start as uniform numbers up to 1 / √input1_dims.

    >>> nn.Bilinear(2, 3, 4)(mx.zeros((5, 2)), mx.zeros((5, 3))).shape
    (5, 4)
    """

    def __init__(
        self, input1_dims: int, input2_dims: int, output_dims: int, bias: bool = True
    ) -> None:
        super().__init__()
        bound = math.sqrt(1.0 / input1_dims)
        self.weight = uniform(bound, output_dims, input2_dims, input1_dims)
        if bias:
            self.bias = uniform(bound, output_dims)

    def _extra_repr(self) -> str:
        outputs, second, first = self.weight.shape
        return (
            f"input1_dims={first}, input2_dims={second}, output_dims={outputs},"
            f" bias={'bias' in self}"
        )

    def __call__(self, x1: mx.array, x2: mx.array) -> mx.array:
        outputs, second, first = self.weight.shape
        # (…, 1, first) by (first, outputs * second): the product of each output with x1 at once.
        flat = self.weight.reshape(outputs * second, first)
        y = (x1 @ flat.T).reshape(*x1.shape[:-1], outputs, second)
        y = (y @ mx.expand_dims(x2, -1)).squeeze(-1)
        return y + self.bias if "bias" in self else y
