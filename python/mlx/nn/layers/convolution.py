"""Convolutions over one, two and three axes, channels last."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx.nn.layers.base import Module


def per_axis(value: int | tuple[int, ...], count: int) -> tuple[int, ...]:
    """A number for each axis; one integer is meant for all of them."""
    return (value,) * count if isinstance(value, int) else tuple(value)


def start_filters(
    layer: Module, filters: int, kernel: tuple[int, ...], channels: int, bias: bool
) -> None:
    """Gives a layer its `weight` (filters, *kernel, channels), uniform up to 1 / √(numbers that a
    filter sees), and its `bias`, zeros."""
    bound = math.sqrt(1 / (channels * math.prod(kernel)))
    shape = (filters, *kernel, channels)
    layer.weight = mx.random.uniform(low=-bound, high=bound, shape=shape)
    if bias:
        layer.bias = mx.zeros((filters,))


def with_bias(layer: Module, y: mx.array) -> mx.array:
    """The result of a product, and the layer's bias if it has one."""
    return y + layer["bias"] if "bias" in layer else y


def check_groups(in_channels: int, groups: int) -> int:
    """The channels that a filter sees.

    Raises:
        ValueError: where groups would have different ones.
    """
    if in_channels % groups != 0:
        raise ValueError(
            f"The number of input channels ({in_channels}) must be divisible by the number of"
            f" groups ({groups})"
        )
    return in_channels // groups


class Conv1d(Module):
    """Convolution over one axis: from (N, L, in_channels) to (N, L', out_channels), where L' is
    (L + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1, rounded down.

    `weight` has the shape (out_channels, kernel_size, in_channels / groups).

    Args:
        kernel_size: the length of a filter.
        stride: how far a filter moves at a time.
        padding: how many zeros are put at both ends.
        dilation: the distance between two elements of a filter.
        groups: into how many parts channels are cut that do not see one another.
        bias: whether there is a bias of (out_channels,).

    Raises:
        ValueError: where `groups` does not divide `in_channels`.

    >>> nn.Conv1d(3, 8, kernel_size=5, padding=2)(mx.zeros((2, 10, 3))).shape
    (2, 10, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        seen = check_groups(in_channels, groups)
        start_filters(self, out_channels, (kernel_size,), seen, bias)
        self.padding = padding
        self.dilation = dilation
        self.stride = stride
        self.groups = groups

    def _extra_repr(self) -> str:
        filters, size, seen = self.weight.shape
        return (
            f"{seen * self.groups}, {filters}, kernel_size={size}, stride={self.stride},"
            f" padding={self.padding}, dilation={self.dilation}, groups={self.groups},"
            f" bias={'bias' in self}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.conv1d(x, self["weight"], self.stride, self.padding, self.dilation, self.groups)
        return with_bias(self, y)


class Conv2d(Module):
    """Convolution over two axes: from (N, H, W, in_channels) to (N, H', W', out_channels), with
    lengths as `Conv1d` has them.

    `weight` has the shape (out_channels, height, width, in_channels / groups).

    Args:
        kernel_size, stride, padding, dilation: as in `Conv1d`; one number, or one for each axis.
        groups: into how many parts channels are cut that do not see one another.
        bias: whether there is a bias of (out_channels,).

    >>> nn.Conv2d(3, 8, kernel_size=3, stride=2, padding=1)(mx.zeros((2, 10, 10, 3))).shape
    (2, 5, 5, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        seen = check_groups(in_channels, groups)
        start_filters(self, out_channels, per_axis(kernel_size, 2), seen, bias)
        self.padding = per_axis(padding, 2)
        self.stride = per_axis(stride, 2)
        self.dilation = dilation
        self.groups = groups

    def _extra_repr(self) -> str:
        filters, *size, seen = self.weight.shape
        return (
            f"{seen * self.groups}, {filters}, kernel_size={tuple(size)}, stride={self.stride},"
            f" padding={self.padding}, dilation={self.dilation}, groups={self.groups},"
            f" bias={'bias' in self}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.conv2d(x, self["weight"], self.stride, self.padding, self.dilation, self.groups)
        return with_bias(self, y)


class Conv3d(Module):
    """Convolution over three axes: from (N, D, H, W, in_channels) to (N, D', H', W',
    out_channels), with lengths as `Conv1d` has them.

    `weight` has the shape (out_channels, depth, height, width, in_channels).

    Args:
        kernel_size, stride, padding, dilation: as in `Conv1d`; one number, or one for each axis.
        bias: whether there is a bias of (out_channels,).

    >>> nn.Conv3d(1, 4, kernel_size=3)(mx.zeros((1, 8, 8, 8, 1))).shape
    (1, 6, 6, 6, 4)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int, int],
        stride: int | tuple[int, int, int] = 1,
        padding: int | tuple[int, int, int] = 0,
        dilation: int | tuple[int, int, int] = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        start_filters(self, out_channels, per_axis(kernel_size, 3), in_channels, bias)
        self.padding = per_axis(padding, 3)
        self.stride = per_axis(stride, 3)
        self.dilation = dilation

    def _extra_repr(self) -> str:
        filters, *size, channels = self.weight.shape
        return (
            f"{channels}, {filters}, kernel_size={tuple(size)}, stride={self.stride},"
            f" padding={self.padding}, dilation={self.dilation}, bias={'bias' in self}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.conv3d(x, self["weight"], self.stride, self.padding, self.dilation)
        return with_bias(self, y)
