"""`Upsample`: longer, or shorter, spatial axes, by one of three interpolations.

Interpolations are separable: each axis in turn becomes a weighted sum of a few of its elements.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

import mlx.core as mx
from mlx.nn.layers.base import Module

#: The elements that a new one is made of: an array of their indices, and one of weights or None
#: for 1.
Taps = list[tuple[mx.array, mx.array | None]]


def _length(length: int, scale: float) -> int:
    return int(scale * length)


def _positions(length: int, scale: float, align_corners: bool) -> mx.array:
    """Where new elements lie among the old ones, whose positions are 0, 1, 2, …"""
    count = _length(length, scale)
    if align_corners:
        return mx.arange(count, dtype=mx.float32) * ((length - 1) / max(count - 1, 1))
    # Elements are as wide as the distance between them, and the first begins at -1/2.
    start = ((count - 1) / scale - length + 1) / 2
    return mx.arange(count, dtype=mx.float32) * (1 / scale) - start


def _index(position: mx.array, length: int) -> mx.array:
    return mx.clip(position, 0, length - 1).astype(mx.int32)


def _triangle(distance: mx.array) -> mx.array:
    return mx.maximum(1 - mx.abs(distance), 0)


def _cubic(distance: mx.array, a: float) -> mx.array:
    """The cubic kernel, 1 at 0, and 0 at all other integers and from 2 on."""
    d = mx.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((d - 5) * d + 8) * d * a - 4 * a
    return mx.where(d < 1, near, mx.where(d < 2, far, 0))


def _nearest_taps(length: int, scale: float) -> Taps:
    """The element whose middle is nearest to a new one's, of two equally near the even one; where
    there are fewer new ones, the element at a new one's beginning. In whole numbers, as half ways
    are frequent."""
    count = _length(length, scale)
    if scale < 1:
        indices = [i * length // count for i in range(count)]
    else:
        twice = [(2 * i + 1) * length - count for i in range(count)]
        indices = [round(Fraction(t, 2 * count)) for t in twice]
    return [(mx.array(indices, mx.int32), None)]


def _linear_taps(length: int, scale: float, align_corners: bool) -> Taps:
    position = mx.clip(_positions(length, scale, align_corners), 0, length - 1)
    below = mx.floor(position)
    part = position - below
    return [(_index(below, length), 1 - part), (_index(below + 1, length), part)]


def _cubic_taps(length: int, scale: float, align_corners: bool) -> Taps:
    position = _positions(length, scale, align_corners)
    below = mx.floor(position)
    return [
        (_index(below + k, length), _cubic(position - below - k, -0.75)) for k in (-1, 0, 1, 2)
    ]


def _wide_taps(length: int, scale: float, cubic: bool) -> Taps:
    """Taps of a kernel that is at least as wide as the distance between new elements, so that no
    old one is passed over; weights of those that are there sum to 1."""
    shrink = min(scale, 1)
    width = (2 if cubic else 1) / shrink
    position = _positions(length, scale, False)
    first = mx.floor(position - width + 0.5)
    taps = []
    for k in range(2 * math.ceil(width) + 1):
        at = first + k
        distance = (at - position) * shrink
        weight = _cubic(distance, -0.5) if cubic else _triangle(distance)
        is_there = mx.logical_and(at >= 0, at < length)
        taps.append((_index(at, length), mx.where(is_there, weight, 0)))
    total = sum(weight for _, weight in taps)
    return [(index, weight / total) for index, weight in taps]


def _resampled(x: mx.array, axis: int, taps: Taps) -> mx.array:
    shape = [1] * x.ndim
    shape[axis] = -1
    parts = [
        mx.take(x, index, axis=axis)
        if weight is None
        else mx.take(x, index, axis=axis) * weight.reshape(shape)
        for index, weight in taps
    ]
    return sum(parts[1:], parts[0])


class Upsample(Module):
    """Stretches the spatial axes: from (N, *lengths, C) to (N, *(scale · lengths), C).

    Args:
        scale_factor: one number, or one for each spatial axis. Lengths are rounded down.
        mode: `"nearest"` takes the nearest element, `"linear"` is linear between two neighbours
            along each axis, `"cubic"` a cubic through four (a = -0.75).
        align_corners: whether the first and last elements stay first and last; otherwise the
            outer edges of the elements stay.
        antialias: whether shrinking takes a mean of all elements that lie under a new one; the
            cubic is another then (a = -0.5, as Pillow has it).

    Raises:
        ValueError: for another mode, or `antialias` with `"nearest"` or `align_corners`; in the
            call, for an input without spatial axes or with another number of them than factors.

    >>> x = mx.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    >>> nn.Upsample(2, mode="linear")(x).squeeze().tolist()[0]
    [1.0, 1.25, 1.75, 2.0]
    """

    def __init__(
        self,
        scale_factor: float | tuple[float, ...],
        mode: Literal["nearest", "linear", "cubic"] = "nearest",
        align_corners: bool = False,
        antialias: bool = False,
    ) -> None:
        super().__init__()
        if mode not in ("nearest", "linear", "cubic"):
            raise ValueError(f"[Upsample] Got unsupported upsampling algorithm: {mode}")
        if antialias and mode == "nearest":
            raise ValueError(
                "[Upsample] Antialiasing is not supported for nearest neighbor upsampling"
            )
        if antialias and align_corners:
            raise ValueError(
                "[Upsample] antialias=True with align_corners=True is not supported. Use"
                " align_corners=False for antialiased interpolation."
            )
        if isinstance(scale_factor, (list, tuple)):
            self.scale_factor = tuple(map(float, scale_factor))
        else:
            self.scale_factor = float(scale_factor)
        self.mode = mode
        self.align_corners = align_corners
        self.antialias = antialias

    def _extra_repr(self) -> str:
        return (
            f"scale_factor={self.scale_factor}, mode={self.mode!r},"
            f" align_corners={self.align_corners}"
            + (", antialias=True" if self.antialias else "")
        )

    def _taps(self, length: int, scale: float) -> Taps:
        if self.mode == "nearest":
            return _nearest_taps(length, scale)
        if self.antialias:
            return _wide_taps(length, scale, self.mode == "cubic")
        if self.mode == "linear":
            return _linear_taps(length, scale, self.align_corners)
        return _cubic_taps(length, scale, self.align_corners)

    def __call__(self, x: mx.array) -> mx.array:
        axes = x.ndim - 2
        if axes <= 0:
            raise ValueError(
                "[Upsample] The input should have at least 1 spatial dimension which means it"
                f" should be at least 3D but {x.ndim}D was provided"
            )
        scales = self.scale_factor
        if not isinstance(scales, tuple):
            scales = (scales,) * axes
        if len(scales) != axes:
            raise ValueError(
                "[Upsample] One scale per spatial dimension is required but"
                f" scale_factor={scales} and the number of spatial dimensions were {axes}"
            )
        for axis, scale in enumerate(scales, start=1):
            if scale >= 1 and scale == int(scale) and self.mode == "nearest":
                x = mx.repeat(x, int(scale), axis=axis)
            else:
                x = _resampled(x, axis, self._taps(x.shape[axis], scale))
        return x
