"""`Sequential`: layers one after the other."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
from mlx.nn.layers.base import Module


class Sequential(Module):
    """Calls its parts in order, each with the result of the one before.

    Args:
        modules: modules, or functions without parameters. They are the list `layers`.

    >>> nn.Sequential(nn.Linear(4, 8), nn.relu, nn.Linear(8, 2))(mx.zeros((3, 4))).shape
    (3, 2)
    """

    def __init__(self, *modules: Callable) -> None:
        super().__init__()
        self.layers = list(modules)

    def __call__(self, x: mx.array) -> mx.array:
        for layer in self.layers:
            x = layer(x)
        return x
