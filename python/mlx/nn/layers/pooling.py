"""Pooling: the largest element or the mean of each window, channels last."""

from __future__ import annotations

import mlx.core as mx
from mlx.nn.layers.base import Module


def _windows(x: mx.array, kernel: list[int], stride: list[int]) -> mx.array:
    """The windows of an array (N, *lengths, C), as a view (N, *counts, *kernel, C).

    Raises:
        ValueError: where a window is larger than the array.
    """
    batch, *lengths, channels = x.shape
    if any(length < size for length, size in zip(lengths, kernel)):
        raise ValueError(
            f"A window of {tuple(kernel)} is larger than the input, which with its padding has"
            f" the lengths {tuple(lengths)}."
        )
    counts = [(n - k) // s + 1 for n, k, s in zip(lengths, kernel, stride)]
    if kernel == stride:
        # Windows do not overlap: cutting and reshaping has the simplest derivative.
        x = x[(slice(None), *(slice(n * k) for n, k in zip(counts, kernel)))]
        parts = [size for pair in zip(counts, kernel) for size in pair]
        axes = len(kernel)
        order = [0, *range(1, 2 * axes, 2), *range(2, 2 * axes + 1, 2), 2 * axes + 1]
        return x.reshape(batch, *parts, channels).transpose(order)
    steps = [channels]
    for length in reversed(lengths):
        steps.insert(0, steps[0] * length)
    outer, axis_steps = steps[0], steps[1:]
    return mx.as_strided(
        x,
        shape=(batch, *counts, *kernel, channels),
        strides=(outer, *(s * a for s, a in zip(stride, axis_steps)), *axis_steps, 1),
    )


class _Pool(Module):
    """What all have in common: window, stride and padding, a number for each axis."""

    _count: int

    def __init__(self, kernel_size, stride=None, padding=0) -> None:
        super().__init__()
        if stride is None:
            stride = kernel_size
        self._kernel_size = self._numbers("kernel_size", kernel_size)
        self._stride = self._numbers("stride", stride)
        self._padding = [(p, p) for p in self._numbers("padding", padding)]
        self._axes = tuple(range(-self._count - 1, -1))

    def _numbers(self, name: str, value: int | tuple[int, ...]) -> list[int]:
        count = self._count
        values = [value] * count if isinstance(value, int) else value
        if (
            not isinstance(values, (list, tuple))
            or len(values) != count
            or not all(isinstance(v, int) for v in values)
        ):
            raise ValueError(
                f"[{type(self).__name__}] '{name}' must be an integer or a tuple containing"
                f" {count} integer{'s' if count > 1 else ''}"
            )
        return list(values)

    def _extra_repr(self) -> str:
        return (
            f"kernel_size={tuple(self._kernel_size)}, stride={tuple(self._stride)},"
            f" padding={tuple(p for p, _ in self._padding)}"
        )

    def _reduced(self, windows: mx.array) -> mx.array:
        raise NotImplementedError

    def _pad_value(self, dtype: mx.Dtype) -> float | int:
        return 0

    def __call__(self, x: mx.array) -> mx.array:
        if x.ndim != self._count + 2:
            raise ValueError(
                f"[{type(self).__name__}] The input should have {self._count + 2} dimensions"
                f" (N, ..., C) but it has the shape {x.shape}."
            )
        if any(before for before, _ in self._padding):
            widths = [(0, 0), *self._padding, (0, 0)]
            x = mx.pad(x, widths, constant_values=self._pad_value(x.dtype))
        return self._reduced(_windows(x, self._kernel_size, self._stride))


class _MaxPool(_Pool):
    """The largest element; padding never is it."""

    def _reduced(self, windows: mx.array) -> mx.array:
        return mx.max(windows, self._axes)

    def _pad_value(self, dtype: mx.Dtype) -> float | int:
        if dtype == mx.bool_ or not mx.issubdtype(dtype, mx.integer):
            return 0 if dtype == mx.bool_ else -float("inf")
        return mx.iinfo(dtype).min


class _AvgPool(_Pool):
    """The mean, in which padding counts as zeros."""

    def _reduced(self, windows: mx.array) -> mx.array:
        return mx.mean(windows, self._axes)


_DESCRIPTION = """{what} of each window, along {axes}: from {before} to {after}. A length L becomes
    (L + 2 padding - kernel_size) / stride + 1, rounded down.

    Args:
        kernel_size: the size of a window{each}.
        stride: how far it moves at a time{each}. Default: `kernel_size`.
        padding: how much is put at both ends{each}: {padding}.

    Raises:
        ValueError: where an argument is no integer or tuple of {count}; in the call, where the
            input has another number of dimensions, or a window is larger than it.

    >>> nn.{name}({count})(mx.zeros({shape})).shape
    {result}
    """

_AXES = {
    1: ("one axis", "(N, L, C)", "(N, L', C)"),
    2: ("two axes", "(N, H, W, C)", "(N, H', W', C)"),
    3: ("three axes", "(N, D, H, W, C)", "(N, D', H', W', C)"),
}


def _pool(name: str, base: type[_Pool], count: int) -> type[_Pool]:
    """The class for `count` axes, with its page."""
    axes, before, after = _AXES[count]
    is_max = base is _MaxPool
    page = _DESCRIPTION.format(
        name=name,
        what="The largest element" if is_max else "The mean",
        axes=axes,
        before=before,
        after=after,
        each="" if count == 1 else "; one number, or one for each axis",
        padding="never the largest element" if is_max else "zeros, which count in the mean",
        count=count,
        shape=(2, *[6] * count, 3),
        result=(2, *[6 // count] * count, 3),
    )
    return type(name, (base,), {"_count": count, "__doc__": page, "__module__": __name__})


MaxPool1d = _pool("MaxPool1d", _MaxPool, 1)
MaxPool2d = _pool("MaxPool2d", _MaxPool, 2)
MaxPool3d = _pool("MaxPool3d", _MaxPool, 3)
AvgPool1d = _pool("AvgPool1d", _AvgPool, 1)
AvgPool2d = _pool("AvgPool2d", _AvgPool, 2)
AvgPool3d = _pool("AvgPool3d", _AvgPool, 3)
