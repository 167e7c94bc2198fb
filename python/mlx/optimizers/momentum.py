"""Optimizers that follow a running mean of gradients: `SGD`, `Muon`."""

from __future__ import annotations

import mlx.core as mx
from mlx.optimizers.base import Optimizer, Rate, check


class SGD(Optimizer):
    """Steps along the gradient, or along a running sum of gradients:

        v' = momentum v + (1 - dampening) g
        w' = w - learning_rate v'            (with nesterov: g + momentum v')

    Args:
        learning_rate: a number, or a schedule.
        weight_decay: times w is added to g.

    Raises:
        ValueError: for `nesterov` without momentum or with dampening.

    >>> optim.SGD(0.1).apply_gradients({"w": mx.array(2.0)}, {"w": mx.array(1.0)})["w"]
    array(0.8, dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Rate,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        check(
            not nesterov or (momentum > 0 and dampening == 0),
            "Nesterov momentum requires a momentum and zero dampening.",
        )
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.dampening = dampening
        self.nesterov = nesterov

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """The running sum v, zeros."""
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """One step; see the class."""
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        if self.momentum <= 0:
            return parameter - self._rate(gradient) * gradient
        kept = self.momentum * state["v"]
        new = (1 - self.dampening) * gradient if self.dampening > 0 else gradient
        state["v"] = kept + new
        along = gradient + self.momentum * state["v"] if self.nesterov else state["v"]
        return parameter - self._rate(gradient) * along


def _orthogonalized(x: mx.array, steps: int) -> mx.array:
    """About the orthogonal factor of a matrix: a polynomial of odd powers, applied again and
    again, takes all its singular values near 1 (Newton and Schulz)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    is_tall = x.shape[-2] > x.shape[-1]
    if is_tall:
        x = x.T
    x = x / (mx.linalg.norm(x, keepdims=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * (square @ square)) @ x
    return x.T if is_tall else x


class Muon(Optimizer):
    """Steps of matrices along the orthogonal factor of a running mean of gradients, so that all
    directions are followed alike. For hidden layers; embeddings, last layers and vectors do
    better by another, see `MultiOptimizer`.

        v' = momentum v + (1 - momentum) g
        u  = (1 - momentum) g + momentum v' with nesterov, else v'
        w' = w - learning_rate √max(1, rows / columns) orthogonal(u)

    Parameters with more than two axes are matrices of their first axis and all others; those with
    fewer step along u.

    Args:
        learning_rate: a number, or a schedule.
        weight_decay: times w is added to g.
        ns_steps: how often the polynomial is applied that makes u orthogonal.
    """

    def __init__(
        self,
        learning_rate: Rate,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
        nesterov: bool = True,
        ns_steps: int = 5,
    ) -> None:
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.nesterov = nesterov
        self.ns_steps = ns_steps

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """The running mean v, zeros."""
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """One step; see the class."""
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        m = self.momentum
        state["v"] = m * state["v"] + (1 - m) * gradient
        along = (1 - m) * gradient + m * state["v"] if self.nesterov else state["v"]
        rate = self._rate(gradient)
        if along.ndim >= 2:
            shape = along.shape
            matrix = along.reshape(shape[0], -1)
            along = _orthogonalized(matrix, self.ns_steps).reshape(shape)
            rate = rate * max(1, matrix.shape[0] / matrix.shape[1]) ** 0.5
        return parameter - rate * along
