"""Gradients by a model's parameters, recomputation, means over a group."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map, tree_reduce, tree_unflatten

if TYPE_CHECKING:
    from mlx.nn.layers.base import Module


def value_and_grad(model: Module, fn: Callable) -> Callable:
    """A function that returns what `fn` does, and its gradients by the trainable parameters of
    `model`.

    While `fn` runs, the model's arrays stand for variables of the trace. Afterwards they have
    their values again, also where `fn` raises; what else `fn` has put into the model stays.

    Args:
        model: whose trainable parameters are meant, as they are when the function is called.
        fn: returns a scalar array, or a tuple that begins with one.

    Returns:
        a function of `fn`'s arguments that returns a pair of its result and the gradients, in
        dicts and lists like `model.trainable_parameters()`.

    >>> model = nn.Linear(2, 1)
    >>> step = nn.value_and_grad(model, lambda x: model(x).sum())
    >>> loss, gradients = step(mx.ones((3, 2)))
    >>> gradients["bias"].item()
    3.0
    """

    @wraps(fn)
    def value_and_gradients(*args: Any, **kwargs: Any) -> tuple[Any, dict]:
        values = model.trainable_parameters()
        before = tree_flatten(values, destination={})
        variables: list[tuple[str, mx.array]] = []

        def with_variables(parameters: dict, *args: Any, **kwargs: Any) -> Any:
            variables[:] = tree_flatten(parameters)
            model.update(parameters)
            return fn(*args, **kwargs)

        try:
            return mx.value_and_grad(with_variables)(values, *args, **kwargs)
        finally:
            _put_back(model, before, variables)

    return value_and_gradients


def _put_back(
    model: Module, before: dict[str, mx.array], variables: list[tuple[str, mx.array]]
) -> None:
    """Gives parameters that still are variables of a trace their values."""
    current = tree_flatten(model.parameters(), destination={})
    stale = [(name, before[name]) for name, x in variables if current.get(name) is x]
    if stale:
        model.update(tree_unflatten(stale), strict=False)


def checkpoint(module: Module, fn: Callable | None = None) -> Callable:
    """A function that does what `fn` does and keeps nothing for its derivative but its arguments
    and the module's parameters: the rest is computed again. Less memory, more time.

    Args:
        module: whose trainable parameters `fn` uses.
        fn: default: the module.

    >>> layer = nn.Linear(4, 4)
    >>> nn.utils.checkpoint(layer)(mx.zeros((2, 4))).shape
    (2, 4)
    """
    call = module.__call__ if fn is None else fn

    def with_parameters(parameters: dict, *args: Any, **kwargs: Any) -> Any:
        before = tree_flatten(module.trainable_parameters(), destination={})
        module.update(parameters)
        try:
            return call(*args, **kwargs)
        finally:
            _put_back(module, before, tree_flatten(parameters))

    recomputed = mx.checkpoint(with_parameters)

    @wraps(call)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        return recomputed(module.trainable_parameters(), *args, **kwargs)

    return checkpointed


def average_gradients(
    gradients: Any,
    group: mx.distributed.Group | None = None,
    all_reduce_size: int = 32 * 1024**2,
    communication_stream: mx.Stream | None = None,
) -> Any:
    """The mean of gradients over the members of a group.

    Args:
        gradients: a tree, the same at every member.
        group: default: the global one.
        all_reduce_size: how many bytes MLX sends at a time. A group of this package has one
            member, and sends nothing.
        communication_stream: where sums are computed.
    """
    group = group or mx.distributed.init()
    count = group.size()
    if count == 1:
        return gradients

    def mean(x: mx.array) -> mx.array:
        return mx.distributed.all_sum(x, group=group, stream=communication_stream) / count

    return tree_map(mean, gradients)


def clip_grad_norm_sharded(
    gradients: Any, max_norm: float, group: mx.distributed.Group | None = None
) -> tuple[Any, mx.array]:
    """As `mlx.optimizers.clip_grad_norm`, for gradients of which each member of a group holds a
    part: the norm is that of the whole.

    Returns:
        the member's gradients, scaled where the norm was more than `max_norm`, and the norm.
    """
    group = group or mx.distributed.init()
    squares = tree_reduce(
        lambda total, x: total + x.astype(mx.float32).square().sum(), gradients, mx.array(0.0)
    )
    norm = mx.sqrt(mx.distributed.all_sum(squares, group=group))
    factor = mx.minimum(max_norm / (norm + 1e-6), 1.0)
    return tree_map(lambda x: scaled(x, factor), gradients), norm


def scaled(x: mx.array, factor: mx.array) -> mx.array:
    """`x` times a number, in the dtype of `x` where that can hold it."""
    return x * (factor.astype(x.dtype) if mx.issubdtype(x.dtype, mx.inexact) else factor)
