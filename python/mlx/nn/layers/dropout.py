"""Dropout: elements, or whole channels, that are zero at random during training."""

from __future__ import annotations

import mlx.core as mx
from mlx.nn.layers.base import Module


class _Dropout(Module):
    """What the three have in common: how likely it is that something stays."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"The dropout probability {p} is not in [0, 1)")
        self._p_1 = 1 - p

    def _extra_repr(self) -> str:
        return f"p={1 - self._p_1}"

    def _dropped(self, x: mx.array, mask_shape: tuple[int, ...]) -> mx.array:
        mask = mx.random.bernoulli(self._p_1, mask_shape)
        return (mask * x) * (1 / self._p_1)

    @property
    def _is_idle(self) -> bool:
        return self._p_1 == 1 or not self.training


class Dropout(_Dropout):
    """Sets elements to zero at random during training, and scales the others by 1 / (1 - p), so
    that the mean stays.

    Args:
        p: how likely an element is to become zero.

    Raises:
        ValueError: where `p` is not in [0, 1).

    >>> nn.Dropout(0.2).eval()(mx.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def __call__(self, x: mx.array) -> mx.array:
        return x if self._is_idle else self._dropped(x, x.shape)


class _ChannelDropout(_Dropout):
    """Dropout of whole channels: an input of `_spatial` axes and one of channels, and one of
    batches or none."""

    _spatial: int

    def __call__(self, x: mx.array) -> mx.array:
        few = self._spatial + 1
        if x.ndim not in (few, few + 1):
            raise ValueError(
                f"Received input with {x.ndim} dimensions. Expected {few} or {few + 1} dimensions."
            )
        if self._is_idle:
            return x
        batch = x.shape[: x.ndim - few]
        return self._dropped(x, (*batch, *[1] * self._spatial, x.shape[-1]))


class Dropout2d(_ChannelDropout):
    """Sets whole channels of images to zero at random during training, and scales the others by
    1 / (1 - p). Neighbours in an image are alike, so that single zeros would tell little.

    Input and output: (N, H, W, C) or (H, W, C).

    Args:
        p: how likely a channel is to become zero.
    """

    _spatial = 2


class Dropout3d(_ChannelDropout):
    """As `Dropout2d`, for volumes: (N, D, H, W, C) or (D, H, W, C).

    Args:
        p: how likely a channel is to become zero.
    """

    _spatial = 3
