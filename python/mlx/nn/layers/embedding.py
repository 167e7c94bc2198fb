"""`Embedding`: a vector for each token."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx.nn.layers.base import Module
from mlx.nn.layers.quantized import QuantizedEmbedding


class Embedding(Module):
    """A table of vectors: from integers (…) to vectors (…, dims).

    `weight` has the shape (num_embeddings, dims); it starts as normal numbers with the deviation
    1 / √dims.

    Args:
        num_embeddings: how many tokens there are.
        dims: the length of a vector.

    >>> nn.Embedding(10, 4)(mx.array([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(self, num_embeddings: int, dims: int) -> None:
        super().__init__()
        scale = math.sqrt(1 / dims)
        self.weight = mx.random.normal(shape=(num_embeddings, dims), scale=scale)

    def _extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, {self.weight.shape[1]}"

    def __call__(self, x: mx.array) -> mx.array:
        return self["weight"][x]

    def as_linear(self, x: mx.array) -> mx.array:
        """x Wᵀ, from vectors (…, dims) to a number for each token (…, num_embeddings): for models
        whose last layer shares the table."""
        return x @ self["weight"].T

    def to_quantized(
        self,
        group_size: int | None = None,
        bits: int | None = None,
        mode: str = "affine",
        quantize_input: bool = False,
    ) -> QuantizedEmbedding:
        """A quantized table that has about the same vectors; the arguments are those of
        `mx.quantize`.

        Raises:
            ValueError: for `quantize_input`: tokens cannot be quantized.
        """
        if quantize_input:
            raise ValueError("Quantized input is not supported.")
        return QuantizedEmbedding.from_embedding(self, group_size, bits, mode)
