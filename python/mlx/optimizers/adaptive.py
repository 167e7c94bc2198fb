"""Optimizers that divide gradients by their usual size: `RMSprop`, `Adagrad`, `AdaDelta`,
`Adafactor`."""

from __future__ import annotations

import mlx.core as mx
from mlx.optimizers.base import Optimizer, Rate, check


class RMSprop(Optimizer):
    """Divides gradients by the root of a running mean of their squares:

        v' = alpha v + (1 - alpha) g²
        w' = w - learning_rate g / (√v' + eps)

    Args:
        learning_rate: a number, or a schedule.

    Raises:
        ValueError: for a negative `alpha` or `eps`.
    """

    def __init__(self, learning_rate: Rate, alpha: float = 0.99, eps: float = 1e-8) -> None:
        check(alpha >= 0, f"RMSprop alpha should be >=0, {alpha} was provided instead")
        check(eps >= 0, f"RMSprop epsilon should be >0, {eps} was provided instead")
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.alpha = alpha
        self.eps = eps

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """The running mean v, zeros."""
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """One step; see the class."""
        v = state["v"] = self.alpha * state["v"] + (1 - self.alpha) * mx.square(gradient)
        return parameter - self._rate(gradient) * gradient / (mx.sqrt(v) + self.eps)


class Adagrad(Optimizer):
    """Divides gradients by the root of the sum of their squares so far:

        v' = v + g²
        w' = w - learning_rate g / (√v' + eps)

    Args:
        learning_rate: a number, or a schedule.

    Raises:
        ValueError: for a negative `eps`.
    """

    def __init__(self, learning_rate: Rate, eps: float = 1e-8) -> None:
        check(eps >= 0, f"Adagrad epsilon should be >0, {eps} was provided instead")
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.eps = eps

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """The sum v, zeros."""
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """One step; see the class."""
        v = state["v"] = state["v"] + mx.square(gradient)
        return parameter - self._rate(gradient) * gradient / (mx.sqrt(v) + self.eps)


class AdaDelta(Optimizer):
    """Steps as large as the usual step, times a gradient over its usual size (arXiv 1212.5701):

        v' = rho v + (1 - rho) g²
        d  = √(u + eps) / √(v' + eps) g
        u' = rho u + (1 - rho) d²
        w' = w - learning_rate d

    Args:
        learning_rate: a number, or a schedule.

    Raises:
        ValueError: for a negative `rho` or `eps`.
    """

    def __init__(self, learning_rate: Rate, rho: float = 0.9, eps: float = 1e-6) -> None:
        check(rho >= 0, f"AdaDelta rho should be >=0, {rho} was provided instead")
        check(eps >= 0, f"AdaDelta epsilon should be >0, {eps} was provided instead")
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.rho = rho
        self.eps = eps

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """The running means v and u, zeros."""
        state["v"] = mx.zeros_like(parameter)
        state["u"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """One step; see the class."""
        u, new = state["u"], 1 - self.rho
        v = state["v"] = self.rho * state["v"] + new * mx.square(gradient)
        d = mx.sqrt(u + self.eps) / mx.sqrt(v + self.eps) * gradient
        state["u"] = self.rho * u + new * mx.square(d)
        return parameter - self._rate(gradient) * d


def _rms(x: mx.array) -> mx.array:
    return mx.sqrt(mx.mean(mx.square(x)))


class Adafactor(Optimizer):
    """Divides gradients by their usual size, of which for a matrix only the means of rows and of
    columns are kept (arXiv 1804.04235).

    Args:
        learning_rate: a number, or a schedule; not used with `relative_step`.
        eps: is added to squares; and the least size of a parameter that steps are relative to.
        clip_threshold: the largest root mean square of a step, before the learning rate.
        decay_rate: at step t the running means keep the part 1 - t^decay_rate.
        beta_1: keeps that part of a running mean of steps, if given.
        weight_decay: times the learning rate and w is taken off w.
        scale_parameter: whether the learning rate is multiplied by the root mean square of w.
        relative_step: whether the learning rate is min(0.01, 1 / √t).
        warmup_init: whether with it 10⁻⁶ t stands in the place of 0.01.
    """

    def __init__(
        self,
        learning_rate: Rate | None = None,
        eps: tuple[float, float] = (1e-30, 1e-3),
        clip_threshold: float = 1.0,
        decay_rate: float = -0.8,
        beta_1: float | None = None,
        weight_decay: float = 0.0,
        scale_parameter: bool = True,
        relative_step: bool = True,
        warmup_init: bool = False,
    ) -> None:
        super().__init__()
        if learning_rate is not None:
            self._maybe_schedule("learning_rate", learning_rate)
        self.eps = eps
        self.clip_threshold = clip_threshold
        self.decay_rate = decay_rate
        self.beta_1 = beta_1
        self.weight_decay = weight_decay
        self.scale_parameter = scale_parameter
        self.relative_step = relative_step
        self.warmup_init = warmup_init

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """The means of squares, of rows and columns where there are any, and that of steps."""
        if parameter.ndim >= 2:
            rows, columns = parameter.shape[:-1], parameter.shape[:-2] + parameter.shape[-1:]
            state["exp_avg_sq_row"] = mx.zeros(rows, dtype=parameter.dtype)
            state["exp_avg_sq_col"] = mx.zeros(columns, dtype=parameter.dtype)
        else:
            state["exp_avg_sq"] = mx.zeros_like(parameter)
        if self.beta_1 is not None:
            state["exp_avg"] = mx.zeros_like(parameter)

    def _size(self, step: mx.array, parameter: mx.array) -> mx.array:
        """The learning rate of this parameter's step."""
        if self.relative_step:
            most = 1e-6 * step if self.warmup_init else 1e-2
            rate = mx.minimum(most, mx.rsqrt(step))
        else:
            rate = self.learning_rate
        if self.scale_parameter:
            rate = rate * mx.maximum(self.eps[1], _rms(parameter))
        return rate.astype(parameter.dtype)

    def _divided(self, gradient: mx.array, state: dict, kept: mx.array) -> mx.array:
        """The gradient over its usual size; moves the means of squares."""
        squares = mx.square(gradient) + self.eps[0]
        if gradient.ndim < 2:
            v = state["exp_avg_sq"] = kept * state["exp_avg_sq"] + (1 - kept) * squares
            return mx.rsqrt(v) * gradient
        for name, axis in (("exp_avg_sq_row", -1), ("exp_avg_sq_col", -2)):
            state[name] = kept * state[name] + (1 - kept) * mx.mean(squares, axis=axis)
        rows, columns = state["exp_avg_sq_row"], state["exp_avg_sq_col"]
        by_row = mx.rsqrt(rows / mx.mean(rows, axis=-1, keepdims=True))
        by_column = mx.rsqrt(columns)
        return mx.expand_dims(by_row, -1) * mx.expand_dims(by_column, -2) * gradient

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """One step; see the class."""
        step = self.step.astype(mx.float32)
        kept = (1 - step**self.decay_rate).astype(gradient.dtype)
        size = self._size(step, parameter)
        along = self._divided(gradient, state, kept)
        along = along / mx.maximum(1.0, _rms(along) / self.clip_threshold)
        along = size * along
        if self.beta_1 is not None:
            along = self.beta_1 * state["exp_avg"] + (1 - self.beta_1) * along
            state["exp_avg"] = along
        if self.weight_decay != 0:
            parameter = parameter - self.weight_decay * size * parameter
        return parameter - along
