"""`Optimizer`: steps of a tree of parameters along a tree of gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mlx.core as mx
from mlx.nn.layers.base import Module
from mlx.nn.utils import scaled
from mlx.utils import (
    tree_flatten,
    tree_map,
    tree_merge,
    tree_reduce,
    tree_unflatten,
)

#: A number, or a function from the number of steps so far to it.
Rate = float | Callable[[mx.array], mx.array]


def check(condition: bool, message: str) -> None:
    """Raises a ValueError unless an argument is as it should be."""
    if not condition:
        raise ValueError(message)


class Optimizer:
    """The base class of optimizers. A subclass says by `init_single` what it keeps for one
    parameter, and by `apply_single` what one step of it is.

    `state` is a tree: `step`, `learning_rate` and other scheduled numbers, and for each parameter
    a dict, at the parameter's place. It can be saved, and given to `mx.compile` as inputs and
    outputs.

    Args:
        schedulers: functions from the number of steps so far to a number, by the name that it has
            in `state`.
    """

    def __init__(self, schedulers: dict[str, Callable] | None = None) -> None:
        self._initialized = False
        self._state: dict[str, Any] = {"step": mx.array(0, mx.uint64)}
        self._schedulers: dict[str, Callable] = dict(schedulers or {})

    def update(self, model: Module, gradients: dict) -> None:
        """Makes a step and puts the new parameters into the model.

        Args:
            gradients: those of `nn.value_and_grad`.

        >>> model = nn.Linear(1, 1, bias=False)
        >>> model.weight = mx.array([[1.0]])
        >>> optim.SGD(0.1).update(model, {"weight": mx.array([[2.0]])})
        >>> round(model.weight.item(), 4)
        0.8
        """
        model.update(self.apply_gradients(gradients, model))

    def init(self, parameters: dict) -> None:
        """Makes the state of parameters that have none yet; the first step does it otherwise.

        >>> optimizer = optim.SGD(0.1, momentum=0.9)
        >>> optimizer.init(nn.Linear(2, 2).trainable_parameters())
        >>> list(optimizer.state)
        ['step', 'learning_rate', 'weight', 'bias']
        """

        def grown(parameter: Any, state: Any) -> Any:
            """The state with a dict for each parameter."""
            if isinstance(parameter, dict):
                state = state if isinstance(state, dict) else {}
                for key, below in parameter.items():
                    state[key] = grown(below, state.get(key))
                return state
            if isinstance(parameter, (list, tuple)):
                has = list(state) if isinstance(state, (list, tuple)) else []
                has += [None] * (len(parameter) - len(has))
                shorter = len(parameter)
                new = [grown(p, s) for p, s in zip(parameter, has)] + has[shorter:]
                return type(parameter)(new)
            state = {} if state is None else state
            if not state:
                self.init_single(parameter, state)
            return state

        grown(parameters, self._state)
        self._initialized = True

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """Puts into `state` what is kept for one parameter at first. For subclasses."""
        raise NotImplementedError

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The new parameter after a step; changes `state`. For subclasses."""
        raise NotImplementedError

    def apply_gradients(self, gradients: dict, parameters: dict) -> dict:
        """Makes a step.

        Args:
            gradients: a tree.
            parameters: a tree that has these places at least.

        Returns:
            the new parameters, at the gradients' places.
        """
        if not self._initialized:
            self.init(gradients)
        for name, schedule in self._schedulers.items():
            self.state[name] = schedule(self.step)
        self.state["step"] = self.step + 1
        return tree_map(self.apply_single, gradients, parameters, self.state)

    @property
    def state(self) -> dict:
        """What the optimizer keeps, as a tree. Setting it goes on from a saved one."""
        return self._state

    @state.setter
    def state(self, state: dict) -> None:
        self._initialized = False
        self._state = state

    @property
    def step(self) -> mx.array:
        """How many steps there were, a uint64 array ()."""
        return self.state["step"]

    @property
    def learning_rate(self) -> mx.array:
        """The learning rate, an array ()."""
        return self.state["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, learning_rate: float | mx.array) -> None:
        self.state["learning_rate"] = mx.array(learning_rate)

    def _maybe_schedule(self, name: str, value: Rate) -> None:
        """Puts a number into the state, and keeps its schedule if it has one."""
        if callable(value):
            self._schedulers[name] = value
            value = value(self.step)
        self.state[name] = mx.array(value)

    def _rate(self, gradient: mx.array) -> mx.array:
        """The learning rate in a gradient's dtype, so that half precision stays it."""
        return self.learning_rate.astype(gradient.dtype)


class MultiOptimizer(Optimizer):
    """Several optimizers, each for some parameters.

    Args:
        optimizers: the last one takes what no other does.
        filters: for each but the last: from a parameter's path and its gradient, whether it is
            this one's. The first that says yes has it.

    Raises:
        ValueError: where there is not one filter less than optimizers.

    >>> is_matrix = lambda path, gradient: gradient.ndim == 2
    >>> optimizer = optim.MultiOptimizer([optim.Muon(0.02), optim.AdamW(1e-3)], [is_matrix])
    """

    def __init__(self, optimizers: list[Optimizer], filters: list[Callable] = []) -> None:
        super().__init__()
        self._state = {}
        if len(filters) != len(optimizers) - 1:
            raise ValueError(
                f"Given {len(filters)} filters but {len(optimizers) - 1} needed."
            )
        self.optimizers = list(optimizers)
        self.filters = [*filters, lambda *_: True]

    def _parts(self, tree: dict) -> list[dict]:
        """The tree's leaves, by optimizer."""
        parts: list[list] = [[] for _ in self.optimizers]
        for path, leaf in tree_flatten(tree):
            whose = next(i for i, is_its in enumerate(self.filters) if is_its(path, leaf))
            parts[whose].append((path, leaf))
        return [tree_unflatten(part) if part else {} for part in parts]

    def init(self, parameters: dict) -> None:
        """Makes the states of all optimizers."""
        for optimizer, part in zip(self.optimizers, self._parts(parameters)):
            optimizer.init(part)
        self._initialized = True

    def apply_gradients(self, gradients: dict, parameters: dict) -> dict:
        """Makes a step of each optimizer; see `Optimizer.apply_gradients`."""
        result: dict = {}
        for optimizer, part in zip(self.optimizers, self._parts(gradients)):
            result = tree_merge(result, optimizer.apply_gradients(part, parameters))
        return result

    @property
    def state(self) -> dict:
        """The states of all optimizers, in the list `states`."""
        return {"states": [optimizer.state for optimizer in self.optimizers]}

    @state.setter
    def state(self, state: dict) -> None:
        states = state.get("states")
        if not isinstance(states, list) or len(states) != len(self.optimizers):
            raise ValueError("Invalid state provided")
        for optimizer, part in zip(self.optimizers, states):
            optimizer.state = part

    @property
    def step(self) -> mx.array:
        """How many steps there were."""
        return self.optimizers[0].step

    @property
    def learning_rate(self) -> mx.array:
        """The first one's learning rate; setting it sets all."""
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: float | mx.array) -> None:
        for optimizer in self.optimizers:
            optimizer.learning_rate = learning_rate


def clip_grad_norm(grads: Any, max_norm: float) -> tuple[Any, mx.array]:
    """Gradients scaled down so that their norm, taken over all of them, is at most `max_norm`.

    Args:
        grads: a tree.

    Returns:
        the tree, and the norm before, in float32.

    >>> clipped, norm = optim.clip_grad_norm({"w": mx.array([3.0, 4.0])}, max_norm=1.0)
    >>> norm.item()
    5.0
    """
    squares = tree_reduce(
        lambda total, x: total + x.astype(mx.float32).square().sum(), grads, mx.array(0.0)
    )
    norm = mx.sqrt(squares)
    factor = mx.minimum(max_norm / (norm + 1e-6), 1.0)
    return tree_map(lambda x: scaled(x, factor), grads), norm
