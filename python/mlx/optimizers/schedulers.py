"""Schedules: functions from the number of steps so far to a learning rate.

    optimizer = optim.SGD(learning_rate=optim.step_decay(0.1, 0.5, step_size=100))
"""

from __future__ import annotations

import math
from collections.abc import Callable

import mlx.core as mx

__all__ = [
    "cosine_decay",
    "exponential_decay",
    "join_schedules",
    "linear_schedule",
    "step_decay",
]

Schedule = Callable[[int | mx.array], mx.array | float]


def exponential_decay(init: float, decay_rate: float) -> Schedule:
    """`init` times `decay_rate` at each step.

    >>> optim.exponential_decay(1.0, 0.5)(3)
    0.125
    """

    def schedule(step: int | mx.array) -> mx.array | float:
        return init * decay_rate**step

    return schedule


def step_decay(init: float, decay_rate: float, step_size: int) -> Schedule:
    """`init` times `decay_rate` after every `step_size` steps.

    >>> optim.step_decay(1.0, 0.5, 10)(25)
    0.25
    """

    def schedule(step: int | mx.array) -> mx.array | float:
        return init * decay_rate ** (step // step_size)

    return schedule


def cosine_decay(init: float, decay_steps: int, end: float = 0.0) -> Schedule:
    """From `init` to `end` along half a cosine, in `decay_steps` steps; `end` from there on.

    >>> optim.cosine_decay(1.0, 10, end=0.25)(20).item()
    0.25
    """

    def schedule(step: int | mx.array) -> mx.array:
        along = mx.minimum(step, decay_steps) * (math.pi / decay_steps)
        return end + 0.5 * (1.0 + mx.cos(along)) * (init - end)

    return schedule


def linear_schedule(init: float, end: float, steps: int) -> Schedule:
    """From `init` to `end` in `steps` equal steps; `end` from there on. For a warm-up, say.

    Raises:
        ValueError: where `steps` is not positive.

    >>> optim.linear_schedule(0.0, 1.0, 4)(1).item()
    0.25
    """
    if steps < 1:
        raise ValueError(f"steps must be greater than 0, but got {steps}.")

    def schedule(step: int | mx.array) -> mx.array:
        return mx.minimum(step, steps) * ((end - init) / steps) + init

    return schedule


def join_schedules(schedules: list[Schedule], boundaries: list[int]) -> Schedule:
    """One schedule after the other, each counting steps from where it begins.

    Args:
        boundaries: the steps at which the second and those after it begin.

    Raises:
        ValueError: where there is not one boundary less than schedules, or no schedule.

    >>> warm_up = optim.linear_schedule(0.0, 1.0, 10)
    >>> optim.join_schedules([warm_up, optim.cosine_decay(1.0, 100)], [10])(10).item()
    1.0
    """
    if not schedules:
        raise ValueError("Must provide at least 1 schedule to join.")
    if len(schedules) != len(boundaries) + 1:
        raise ValueError(
            f"Received {len(boundaries)} boundaries but expected {len(schedules) - 1}."
        )

    def schedule(step: int | mx.array) -> mx.array | float:
        value = schedules[0](step)
        for begin, following in zip(boundaries, schedules[1:]):
            value = mx.where(step < begin, value, following(step - begin))
        return value

    return schedule
