"""Optimizers with running means of gradients and of their sizes: `Adam` and its kin."""

from __future__ import annotations

from collections.abc import Sequence

import mlx.core as mx
from mlx.optimizers.base import Optimizer, Rate, check


def _check_betas(name: str, betas: Sequence[float]) -> None:
    for number, beta in enumerate(betas, start=1):
        check(
            0 <= beta < 1,
            f"{name} beta{number} should be in [0, 1), {beta} was provided instead",
        )


class Adam(Optimizer):
    """Steps along a running mean of gradients, each element by its own size (arXiv 1412.6980):

        m' = β₁ m + (1 - β₁) g
        v' = β₂ v + (1 - β₂) g²
        w' = w - learning_rate m' / (√v' + eps)

    Args:
        learning_rate: a number, or a schedule.
        betas: β₁ and β₂.
        eps: is added to the root.
        bias_correction: whether m' and v' are divided by 1 - β₁ᵗ and 1 - β₂ᵗ at step t, which
            takes out that they start at zero.

    Raises:
        ValueError: for a negative `eps` or a β that is not in [0, 1).
    """

    def __init__(
        self,
        learning_rate: Rate,
        betas: list[float] = [0.9, 0.999],
        eps: float = 1e-8,
        bias_correction: bool = False,
    ) -> None:
        check(eps >= 0, f"Adam epsilon should be >=0, {eps} was provided instead")
        _check_betas("Adam", betas)
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.betas = betas
        self.eps = eps
        self.bias_correction = bias_correction

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """The running means m and v, zeros."""
        state["m"] = mx.zeros_like(parameter)
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """One step; see the class."""
        b1, b2 = self.betas
        rate = self._rate(gradient)
        m = state["m"] = b1 * state["m"] + (1 - b1) * gradient
        v = state["v"] = b2 * state["v"] + (1 - b2) * mx.square(gradient)
        if not self.bias_correction:
            return parameter - rate * m / (mx.sqrt(v) + self.eps)
        # In float32: in half precision 1 - β₂ᵗ is zero for a step or more.
        step = self.step.astype(mx.float32)
        first = (1 / (1 - b1**step)).astype(gradient.dtype)
        second = mx.rsqrt(1 - b2**step).astype(gradient.dtype)
        return parameter - (rate * first) * m / (mx.sqrt(v) * second + self.eps)


class AdamW(Adam):
    """`Adam`, with a decay of the weights beside it (arXiv 1711.05101): before each step they are
    multiplied by 1 - learning_rate · weight_decay.

    Args:
        weight_decay: how fast.
        others: those of `Adam`.
    """

    def __init__(
        self,
        learning_rate: Rate,
        betas: list[float] = [0.9, 0.999],
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        bias_correction: bool = False,
    ) -> None:
        super().__init__(learning_rate, betas, eps, bias_correction)
        self.weight_decay = weight_decay

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """One step; see the class."""
        kept = 1 - self._rate(gradient) * self.weight_decay
        return super().apply_single(gradient, parameter * kept, state)


class Adamax(Adam):
    """`Adam` with the largest size instead of a mean of sizes (arXiv 1412.6980):

        v' = max(β₂ v, |g|)
        w' = w - learning_rate m' / (v' + eps)

    The arguments are those of `Adam`.
    """

    def __init__(
        self, learning_rate: Rate, betas: list[float] = [0.9, 0.999], eps: float = 1e-8
    ) -> None:
        super().__init__(learning_rate, betas, eps)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """One step; see the class."""
        b1, b2 = self.betas
        m = state["m"] = b1 * state["m"] + (1 - b1) * gradient
        v = state["v"] = mx.maximum(b2 * state["v"], mx.abs(gradient))
        return parameter - self._rate(gradient) * m / (v + self.eps)


class Lion(Optimizer):
    """Steps along the signs of a running mean (arXiv 2302.06675), all of one size: take a learning
    rate 3 to 10 times smaller than for `AdamW`, and a decay as much larger.

        c  = β₁ m + (1 - β₁) g
        m' = β₂ m + (1 - β₂) g
        w' = w - learning_rate (sign(c) + weight_decay w)

    Args:
        learning_rate: a number, or a schedule.
        betas: β₁ and β₂.

    Raises:
        ValueError: for a β that is not in [0, 1).
    """

    def __init__(
        self,
        learning_rate: Rate,
        betas: list[float] = [0.9, 0.99],
        weight_decay: float = 0.0,
    ) -> None:
        _check_betas("Lion", betas)
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.betas = betas
        self.weight_decay = weight_decay

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """The running mean m, zeros."""
        state["m"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """One step; see the class."""
        b1, b2 = self.betas
        rate, m = self._rate(gradient), state["m"]
        along = b1 * m + (1 - b1) * gradient
        state["m"] = b2 * m + (1 - b2) * gradient
        if self.weight_decay > 0:
            parameter = (1 - rate * self.weight_decay) * parameter
        return parameter - rate * mx.sign(along)
