"""Transposed convolutions: what the derivative of a convolution does, for larger outputs."""

from __future__ import annotations

import mlx.core as mx
from mlx.nn.layers.base import Module
from mlx.nn.layers.convolution import per_axis, start_filters, with_bias


class ConvTranspose1d(Module):
    """Transposed convolution over one axis: from (N, L, in_channels) to (N, L', out_channels),
    where L' is (L - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.

    `weight` has the shape (out_channels, kernel_size, in_channels).

    Args:
        kernel_size: the length of a filter.
        stride: the distance between what two inputs add to.
        padding: how much is cut off at both ends.
        dilation: the distance between two elements of a filter.
        output_padding: how much longer the output is at its end.
        bias: whether there is a bias of (out_channels,).

    >>> nn.ConvTranspose1d(3, 8, kernel_size=4, stride=2, padding=1)(mx.zeros((2, 5, 3))).shape
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
        output_padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        start_filters(self, out_channels, (kernel_size,), in_channels, bias)
        self.padding = padding
        self.dilation = dilation
        self.stride = stride
        self.output_padding = output_padding

    def _extra_repr(self) -> str:
        filters, size, channels = self.weight.shape
        return (
            f"{channels}, {filters}, kernel_size={size}, stride={self.stride},"
            f" padding={self.padding}, dilation={self.dilation},"
            f" output_padding={self.output_padding}, bias={'bias' in self}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.conv_transpose1d(
            x, self["weight"], self.stride, self.padding, self.dilation, self.output_padding
        )
        return with_bias(self, y)


class _ConvTransposeN(Module):
    """What two and three axes have in common."""

    _axes: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        output_padding: int | tuple[int, ...] = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        kernel = per_axis(kernel_size, self._axes)
        start_filters(self, out_channels, kernel, in_channels, bias)
        self.padding = per_axis(padding, self._axes)
        self.stride = per_axis(stride, self._axes)
        self.output_padding = per_axis(output_padding, self._axes)
        self.dilation = dilation

    def _extra_repr(self) -> str:
        filters, *size, channels = self.weight.shape
        return (
            f"{channels}, {filters}, kernel_size={tuple(size)}, stride={self.stride},"
            f" padding={self.padding}, dilation={self.dilation},"
            f" output_padding={self.output_padding}, bias={'bias' in self}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        transposed = mx.conv_transpose2d if self._axes == 2 else mx.conv_transpose3d
        y = transposed(
            x, self["weight"], self.stride, self.padding, self.dilation, self.output_padding
        )
        return with_bias(self, y)


class ConvTranspose2d(_ConvTransposeN):
    """Transposed convolution over two axes: from (N, H, W, in_channels) to (N, H', W',
    out_channels), with lengths as `ConvTranspose1d` has them, whose arguments are meant for both
    axes or given for each. `weight` has the shape (out_channels, height, width, in_channels).

    >>> nn.ConvTranspose2d(3, 8, kernel_size=4, stride=2, padding=1)(mx.zeros((2, 5, 5, 3))).shape
    (2, 10, 10, 8)
    """

    _axes = 2


class ConvTranspose3d(_ConvTransposeN):
    """Transposed convolution over three axes: from (N, D, H, W, in_channels) to (N, D', H', W',
    out_channels), with lengths as `ConvTranspose1d` has them, whose arguments are meant for all
    axes or given for each. `weight` has the shape (out_channels, depth, height, width,
    in_channels).

    >>> nn.ConvTranspose3d(2, 4, kernel_size=2, stride=2)(mx.zeros((1, 3, 3, 3, 2))).shape
    (1, 6, 6, 6, 4)
    """

    _axes = 3
