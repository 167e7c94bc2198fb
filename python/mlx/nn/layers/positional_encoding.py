"""Where an element stands in its sequence: rotations, sines, linear biases."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx.nn.layers.base import Module


class RoPE(Module):
    """Turns pairs of features by angles that grow with the position, so that products of two
    vectors depend on their distance (arXiv 2104.09864).

    Args:
        dims: how many features are turned; others stay.
        traditional: whether neighbours make a pair. Otherwise feature i and feature i + dims / 2.
        base: pair i turns by base^(-2i / dims) at each position.
        scale: positions are multiplied by it.

    >>> nn.RoPE(8)(mx.zeros((1, 2, 5, 8)), offset=10).shape
    (1, 2, 5, 8)
    """

    def __init__(
        self, dims: int, traditional: bool = False, base: float = 10000, scale: float = 1.0
    ) -> None:
        super().__init__()
        self.dims = dims
        self.traditional = traditional
        self.base = base
        self.scale = scale

    def _extra_repr(self) -> str:
        return f"{self.dims}, traditional={self.traditional}"

    def __call__(self, x: mx.array, offset: int | mx.array = 0) -> mx.array:
        """The turned array; `x` is (…, L, features), and its first position is `offset`."""
        return mx.fast.rope(
            x,
            self.dims,
            traditional=self.traditional,
            base=self.base,
            scale=self.scale,
            offset=offset,
        )


class SinusoidalPositionalEncoding(Module):
    """Sines and cosines of a position, of wavelengths in a geometric sequence: from positions (…)
    to vectors (…, dims) (arXiv 1706.03762).

    Args:
        dims: the length of a vector, which is even.
        min_freq, max_freq: the ends of the sequence of frequencies.
        scale: multiplies the result. Default: √(2 / dims).
        cos_first: whether cosines stand before the sines.
        full_turns: whether frequencies are turns, not radians: multiplied by 2π.

    Raises:
        ValueError: where `dims` is odd or not positive.

    >>> nn.SinusoidalPositionalEncoding(8)(mx.arange(5)).shape
    (5, 8)
    """

    def __init__(
        self,
        dims: int,
        min_freq: float = 0.0001,
        max_freq: float = 1,
        scale: float | None = None,
        cos_first: bool = False,
        full_turns: bool = False,
    ) -> None:
        super().__init__()
        if dims <= 0 or dims % 2:
            raise ValueError(
                "[SinusoidalPositionalEncoding] dims must be positive and even but got"
                f" {dims}."
            )
        count, low, high = dims // 2, math.log(min_freq), math.log(max_freq)
        # From the highest frequency to the lowest; a single one is the highest.
        part = mx.arange(0, count) / max(count - 1, 1)
        sigmas = mx.exp((1 - part) * (high - low) + low)
        self._sigmas = sigmas * (2 * math.pi) if full_turns else sigmas
        self.scale = math.sqrt(2 / dims) if scale is None else scale
        self.cos_first = cos_first

    def __call__(self, x: mx.array) -> mx.array:
        angles = mx.expand_dims(x, -1) * self._sigmas
        parts = [mx.cos(angles), mx.sin(angles)]
        y = mx.concatenate(parts if self.cos_first else parts[::-1], axis=-1)
        return y if self.scale == 1 else y * self.scale


class ALiBi(Module):
    """Takes from the score of a query and a key their distance, times a slope that differs from
    head to head (arXiv 2108.12409).

    >>> nn.ALiBi()(mx.zeros((1, 8, 5, 5))).shape
    (1, 8, 5, 5)
    """

    @staticmethod
    def create_alibi_matrix(
        q_sequence_length: int,
        k_sequence_length: int,
        num_heads: int,
        offset: int = 0,
        dtype: mx.Dtype = mx.float32,
    ) -> mx.array:
        """What is added to scores, (1, num_heads, q_sequence_length - offset, k_sequence_length).

        Args:
            q_sequence_length: the position behind the last query's.
            k_sequence_length: how many keys there are; the first one's position is 0.
            offset: the position of the first query.
        """
        queries = mx.arange(offset, q_sequence_length)
        keys = mx.arange(0, k_sequence_length)
        distances = mx.abs(queries[:, None] - keys[None]).astype(dtype)
        return ALiBi.create_alibi_slope(num_heads, dtype) * -distances[None, None]

    @staticmethod
    def create_alibi_slope(num_heads: int, dtype: mx.Dtype = mx.float32) -> mx.array:
        """The slopes of the heads, (num_heads, 1, 1): 2^(-8 (h + 1) / n) for the largest power n
        of two that is not more than `num_heads`, and for the heads left over every second one of
        those that twice as many would have."""
        n = 2 ** (num_heads.bit_length() - 1)
        slopes = [2 ** (-8 * h / n) for h in range(1, n + 1)]
        slopes += [2 ** (-4 * h / n) for h in range(1, 2 * (num_heads - n), 2)]
        return mx.array(slopes, dtype)[:, None, None]

    def __call__(
        self, attention_scores: mx.array, offset: int = 0, mask: mx.array | None = None
    ) -> mx.array:
        """Scores with the distances taken off.

        Args:
            attention_scores: (…, heads, queries, keys).
            offset: the position of the first query.
            mask: is added too.

        Raises:
            ValueError: where there are fewer than three axes.
        """
        if attention_scores.ndim < 3:
            raise ValueError(
                f"ALiBi takes scores (..., heads, queries, keys), not {attention_scores.shape}"
            )
        heads, queries, keys = attention_scores.shape[-3:]
        bias = self.create_alibi_matrix(
            queries + offset, keys, heads, offset, attention_scores.dtype
        )[0]
        return attention_scores + (bias if mask is None else bias + mask)
