"""Normalizations: (x - mean) / √(variance + eps), over one set of axes or another."""

from __future__ import annotations

import mlx.core as mx
from mlx.nn.layers.base import Module


class InstanceNorm(Module):
    """Normalizes each channel of each instance over the axes between: (N, …, C).

    Args:
        dims: how many channels there are.
        eps: is added to the variance.
        affine: whether there are a `weight` and a `bias` of (dims,), which start as 1 and 0.

    Raises:
        ValueError: in the call, for an input with fewer than three dimensions.

    >>> nn.InstanceNorm(16)(mx.ones((8, 4, 4, 16))).shape
    (8, 4, 4, 16)
    """

    def __init__(self, dims: int, eps: float = 1e-5, affine: bool = False) -> None:
        super().__init__()
        if affine:
            self.weight = mx.ones((dims,))
            self.bias = mx.zeros((dims,))
        self.dims = dims
        self.eps = eps

    def _extra_repr(self) -> str:
        return f"{self.dims}, eps={self.eps}, affine={'weight' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        if x.ndim < 3:
            raise ValueError(
                "InstanceNorm expects inputs with at least 3 dimensions (N, ..., C) but the input"
                f" has {x.ndim} dimensions."
            )
        axes = tuple(range(1, x.ndim - 1))
        mean = mx.mean(x, axis=axes, keepdims=True)
        variance = mx.var(x, axis=axes, keepdims=True)
        x = (x - mean) * mx.rsqrt(variance + self.eps)
        return self.weight * x + self.bias if "weight" in self else x


class LayerNorm(Module):
    """Normalizes each vector of the last axis: (…, dims).

    Args:
        dims: the length of that axis.
        eps: is added to the variance.
        affine: whether there is a `weight` of (dims,), which starts as 1.
        bias: whether with it there is a `bias` of (dims,), which starts as 0.

    >>> nn.LayerNorm(4)(mx.ones((2, 4))).tolist()[0]
    [0.0, 0.0, 0.0, 0.0]
    """

    def __init__(
        self, dims: int, eps: float = 1e-5, affine: bool = True, bias: bool = True
    ) -> None:
        super().__init__()
        if affine:
            self.weight = mx.ones((dims,))
            if bias:
                self.bias = mx.zeros((dims,))
        self.eps = eps
        self.dims = dims

    def _extra_repr(self) -> str:
        return f"{self.dims}, eps={self.eps}, affine={'weight' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        return mx.fast.layer_norm(x, self.get("weight"), self.get("bias"), self.eps)


class RMSNorm(Module):
    """x / √(mean(x²) + eps), times `weight`, for each vector of the last axis: (…, dims). The
    mean is taken in float32.

    Args:
        dims: the length of that axis, and of `weight`, which starts as 1.
        eps: is added to the mean.

    >>> nn.RMSNorm(4)(mx.full((1, 4), 3.0)).shape
    (1, 4)
    """

    def __init__(self, dims: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = mx.ones((dims,))
        self.eps = eps

    def _extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, eps={self.eps}"

    def __call__(self, x: mx.array) -> mx.array:
        return mx.fast.rms_norm(x, self["weight"], self.eps)


class GroupNorm(Module):
    """Normalizes groups of channels of each instance, over the axes between too: (N, …, dims).

    Args:
        num_groups: how many groups the channels make.
        dims: how many channels there are.
        eps: is added to the variance.
        affine: whether there are a `weight` and a `bias` of (dims,), which start as 1 and 0.
        pytorch_compatible: whether neighbours make a group, as in PyTorch. Otherwise channels
            whose numbers differ by a multiple of `num_groups` do.

    Raises:
        ValueError: in the call, where `num_groups` does not divide `dims`.
    """

    def __init__(
        self,
        num_groups: int,
        dims: int,
        eps: float = 1e-5,
        affine: bool = True,
        pytorch_compatible: bool = False,
    ) -> None:
        super().__init__()
        if affine:
            self.bias = mx.zeros((dims,))
            self.weight = mx.ones((dims,))
        self.num_groups = num_groups
        self.dims = dims
        self.eps = eps
        self.pytorch_compatible = pytorch_compatible

    def _extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.dims}, eps={self.eps}, affine={'weight' in self},"
            f" pytorch_compatible={self.pytorch_compatible}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        channels, groups = x.shape[-1], self.num_groups
        if channels % groups != 0:
            raise ValueError(
                f"The number of features ({channels}) must be evenly divisible by the number of"
                f" groups ({groups})."
            )
        each = channels // groups
        parts = (groups, each) if self.pytorch_compatible else (each, groups)
        group_axis = 2 if self.pytorch_compatible else 3
        # (N, positions, …): a group's elements are brought together in the last axis.
        y = x.reshape(x.shape[0], -1, *parts)
        y = mx.moveaxis(y, group_axis, 1)
        inner = y.shape
        y = mx.fast.layer_norm(y.flatten(2), None, None, self.eps)
        y = mx.moveaxis(y.reshape(inner), 1, group_axis).reshape(x.shape)
        return self.weight * y + self.bias if "weight" in self else y


class BatchNorm(Module):
    """Normalizes each channel over the batch and the axes between: (N, C), (N, L, C) or
    (N, H, W, C).

    During training mean and variance are those of the input, and running ones follow them; after
    `eval()` the running ones are used.

    Args:
        num_features: how many channels there are.
        eps: is added to the variance.
        momentum: how far the running ones follow at each call.
        affine: whether there are a `weight` and a `bias` of (num_features,), which start as 1 and
            0.
        track_running_stats: whether there are a `running_mean` and a `running_var`, which start
            as 0 and 1. They are always frozen.

    Raises:
        ValueError: in the call, for an input with another number of dimensions.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = mx.ones((num_features,))
            self.bias = mx.zeros((num_features,))
        if track_running_stats:
            self.running_mean = mx.zeros((num_features,))
            self.running_var = mx.ones((num_features,))
            self.freeze(keys=["running_mean", "running_var"], recurse=False)

    def unfreeze(self, *args, **kwargs) -> Module:
        """As `Module.unfreeze`, but running statistics stay frozen."""
        super().unfreeze(*args, **kwargs)
        if self.track_running_stats:
            self.freeze(keys=["running_mean", "running_var"], recurse=False)
        return self

    def _extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum},"
            f" affine={'weight' in self}, track_running_stats={self.track_running_stats}"
        )

    def _follow(self, x: mx.array, mean: mx.array, variance: mx.array) -> None:
        """Moves the running statistics; the variance without the bias of a small sample."""
        kept, count = 1 - self.momentum, x.size // x.shape[-1]
        unbiased = variance * (count / max(count - 1, 1))
        self.running_mean = kept * self.running_mean + self.momentum * mean
        self.running_var = kept * self.running_var + self.momentum * unbiased

    def __call__(self, x: mx.array) -> mx.array:
        if not 2 <= x.ndim <= 4:
            raise ValueError(
                f"Expected input tensor to have 2, 3 or 4 dimensions, but got {x.ndim}"
            )
        if self.training or not self.track_running_stats:
            axes = tuple(range(x.ndim - 1))
            mean, variance = mx.mean(x, axis=axes), mx.var(x, axis=axes)
        else:
            mean, variance = self.running_mean, self.running_var
        if self.training and self.track_running_stats:
            self._follow(x, mean, variance)
        x = (x - mean) * mx.rsqrt(variance + self.eps)
        return self.weight * x + self.bias if "weight" in self else x
