"""Layers whose parameters are shared out among a group of processes.

A group of this package has one member (`mx.distributed`), which holds everything: what is shared
out is the whole, sums over the group are what is summed. Programs written for more run unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mlx.core as mx
from mlx.nn.layers.base import Module
from mlx.nn.layers.linear import Linear
from mlx.nn.layers.quantized import QuantizedLinear, parameters_of_mode, store_quantized
from mlx.utils import tree_flatten, tree_map_with_path, tree_unflatten

Segments = int | list
#: From a parameter's path and the parameter: None, the axis to cut, or axis and segments.
Sharding = Callable[[str, mx.array], Any]


@lru_cache
def sum_gradients(group: mx.distributed.Group) -> Callable[[mx.array], mx.array]:
    """The identity, whose derivative is summed over the group."""
    if group.size() == 1:
        return lambda x: x

    @mx.custom_function
    def identity(x: mx.array) -> mx.array:
        return x

    @identity.vjp
    def backward(x: mx.array, cotangent: mx.array, _: mx.array) -> mx.array:
        return mx.distributed.all_sum(cotangent, group=group)

    return identity


def _own_part(weight: mx.array, axis: int, segments: Segments, group) -> mx.array:
    """What this member holds of an array: a part of each segment along the axis."""
    count, rank = group.size(), group.rank()
    if count == 1:
        return weight
    if isinstance(segments, int):
        parts = mx.split(weight, segments, axis=axis)
    else:
        length = weight.shape[axis]
        places = [int(s * length) if isinstance(s, float) else s for s in segments]
        parts = mx.split(weight, places, axis=axis)
    return mx.contiguous(
        mx.concatenate([mx.split(part, count, axis=axis)[rank] for part in parts], axis=axis)
    )


def _sharding(kind: str, segments: Segments) -> Sharding:
    """How a linear layer is cut: by outputs, or by inputs, where the bias stays whole."""

    def by_outputs(path: str, weight: mx.array) -> Any:
        return (max(weight.ndim - 2, 0) if not path.endswith("bias") else -1), segments

    def by_inputs(path: str, weight: mx.array) -> Any:
        return None if path.endswith("bias") else (-1, segments)

    if kind not in ("all-to-sharded", "sharded-to-all"):
        raise ValueError(
            f"Sharding type sharding={kind!r} not supported, choose one of 'all-to-sharded' or"
            " 'sharded-to-all'"
        )
    return by_outputs if kind == "all-to-sharded" else by_inputs


def _sharded(parameters: dict, sharding: Sharding, group) -> dict:
    def part(path: str, weight: Any) -> Any:
        how = sharding(path, weight) if isinstance(weight, mx.array) else None
        if how is None:
            return weight
        axis, segments = how if isinstance(how, tuple) else (how, 1)
        return _own_part(weight, axis, segments, group)

    return tree_map_with_path(part, parameters)


def shard_inplace(
    module: Module,
    sharding: str | Sharding,
    *,
    segments: Segments = 1,
    group: mx.distributed.Group | None = None,
) -> None:
    """Leaves a module what this member of the group holds of its parameters.

    Args:
        sharding: `"all-to-sharded"` cuts outputs, `"sharded-to-all"` inputs; or a function from
            a parameter's path and the parameter to the axis to cut, axis and segments, or None.
        segments: how many matrices lie side by side in a weight (3 for queries, keys and values
            in one), or where they are cut.
        group: default: the global one.

    Raises:
        ValueError: for another string.
    """
    group = group or mx.distributed.init()
    if isinstance(sharding, str):
        sharding = _sharding(sharding, segments)
    module.update(_sharded(module.parameters(), sharding, group))


def shard_linear(
    module: Module,
    sharding: str,
    *,
    segments: Segments = 1,
    group: mx.distributed.Group | None = None,
) -> Module:
    """A layer with this member's part of a linear layer, which sums over the group what has to be
    summed. The arguments are those of `shard_inplace`.

    Raises:
        ValueError: where `sharding` is neither of its strings.
    """
    _sharding(sharding, segments)
    is_quantized = isinstance(module, QuantizedLinear)
    if sharding == "all-to-sharded":
        kind = QuantizedAllToShardedLinear if is_quantized else AllToShardedLinear
    else:
        kind = QuantizedShardedToAllLinear if is_quantized else ShardedToAllLinear
    make = kind.from_quantized_linear if is_quantized else kind.from_linear
    return make(module, segments=segments, group=group)


def _check_division(what: str, length: int, group) -> int:
    count = group.size()
    if length % count != 0:
        raise ValueError(f"The {what} of size {length} cannot be sharded across {count} devices.")
    return length // count


class _Sharded(Module):
    """What the four layers share."""

    _by_outputs: bool

    def _own_dims(self, input_dims: int, output_dims: int, group) -> tuple[int, int]:
        self.group = group or mx.distributed.init()
        if self._by_outputs:
            return input_dims, _check_division("output", output_dims, self.group)
        return _check_division("input", input_dims, self.group), output_dims

    @classmethod
    def _from(cls, layer: Module, segments: Segments, group) -> Any:
        made = cls.__new__(cls)
        Module.__init__(made)
        made.group = group or mx.distributed.init()
        for name in ("group_size", "bits", "mode"):
            if hasattr(layer, name):
                setattr(made, name, getattr(layer, name))
        kind = "all-to-sharded" if cls._by_outputs else "sharded-to-all"
        parts = _sharded(layer.parameters(), _sharding(kind, segments), made.group)
        for name, value in parts.items():
            setattr(made, name, value)
        return made

    def _product(self, x: mx.array) -> mx.array:
        return x @ self["weight"].T

    def __call__(self, x: mx.array) -> mx.array:
        if self._by_outputs:
            y = self._product(sum_gradients(self.group)(x))
        else:
            y = mx.distributed.all_sum(self._product(x), group=self.group)
        return y + self["bias"] if "bias" in self else y


class _ShardedLinear(_Sharded):
    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group: mx.distributed.Group | None = None,
    ) -> None:
        super().__init__()
        bound = math.sqrt(1.0 / input_dims)
        inputs, outputs = self._own_dims(input_dims, output_dims, group)
        self.weight = mx.random.uniform(low=-bound, high=bound, shape=(outputs, inputs))
        if bias:
            self.bias = mx.random.uniform(low=-bound, high=bound, shape=(outputs,))

    def _extra_repr(self) -> str:
        outputs, inputs = self.weight.shape
        count = self.group.size()
        outputs, inputs = (outputs * count, inputs) if self._by_outputs else (
            outputs, inputs * count)
        return f"input_dims={inputs}, output_dims={outputs}, bias={'bias' in self}"

    @classmethod
    def from_linear(
        cls,
        linear_layer: Module,
        *,
        segments: Segments = 1,
        group: mx.distributed.Group | None = None,
    ) -> Any:
        """The layer with this member's part of a `Linear`."""
        return cls._from(linear_layer, segments, group)


class AllToShardedLinear(_ShardedLinear):
    """A `Linear` of which each member computes some outputs: from (…, input_dims) to (…,
    output_dims / members).

    Args:
        bias: whether there is a bias.
        group: who shares it. Default: the global group.

    Raises:
        ValueError: where the outputs cannot be shared out evenly.
    """

    _by_outputs = True


class ShardedToAllLinear(_ShardedLinear):
    """A `Linear` of which each member has some inputs, and all have the sum: from (…, input_dims /
    members) to (…, output_dims). The arguments are those of `AllToShardedLinear`."""

    _by_outputs = False


class _QuantizedShardedLinear(_Sharded):
    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group_size: int = 64,
        bits: int = 4,
        mode: str = "affine",
        group: mx.distributed.Group | None = None,
    ) -> None:
        super().__init__()
        self.group_size, self.bits = parameters_of_mode(mode, group_size, bits)
        self.mode = mode
        bound = math.sqrt(1.0 / input_dims)
        inputs, outputs = self._own_dims(input_dims, output_dims, group)
        store_quantized(
            self, mx.random.uniform(low=-bound, high=bound, shape=(outputs, inputs))
        )
        if bias:
            self.bias = mx.zeros((outputs,))
        self.freeze()

    def unfreeze(self, *args, **kwargs) -> Module:
        """Leaves its own parameters frozen."""
        super().unfreeze(*args, **kwargs)
        return self.freeze(recurse=False)

    def _extra_repr(self) -> str:
        outputs, words = self.weight.shape
        inputs, count = words * 32 // self.bits, self.group.size()
        outputs, inputs = (outputs * count, inputs) if self._by_outputs else (
            outputs, inputs * count)
        return (
            f"input_dims={inputs}, output_dims={outputs}, bias={'bias' in self},"
            f" group_size={self.group_size}, bits={self.bits}, mode={self.mode}"
        )

    def _product(self, x: mx.array) -> mx.array:
        return QuantizedLinear._product(self, x)

    @classmethod
    def from_quantized_linear(
        cls,
        quantized_linear_layer: Module,
        *,
        segments: Segments = 1,
        group: mx.distributed.Group | None = None,
    ) -> Any:
        """The layer with this member's part of a `QuantizedLinear`."""
        return cls._from(quantized_linear_layer, segments, group).freeze()


class QuantizedAllToShardedLinear(_QuantizedShardedLinear):
    """An `AllToShardedLinear` with quantized weights, which are always frozen.

    Args:
        group_size, bits, mode: those of `mx.quantize`.
    """

    _by_outputs = True


class QuantizedShardedToAllLinear(_QuantizedShardedLinear):
    """A `ShardedToAllLinear` with quantized weights, which are always frozen.

    Args:
        group_size, bits, mode: those of `mx.quantize`.
    """

    _by_outputs = False


class FullyShardedModule(Module):
    """A module of which each member of a group holds a part of each parameter, cut along the first
    axis, and which is put together for a call.

    Args:
        module: whose parameters are shared out.
        group: who shares them. Default: the global group.
        compute_dtype: the dtype of the parameters in a call. Default: their own.

    Raises:
        ValueError: where a first axis cannot be cut evenly.
    """

    def __init__(
        self,
        module: Module,
        group: mx.distributed.Group | None = None,
        compute_dtype: mx.Dtype | None = None,
    ) -> None:
        super().__init__()
        group = group or mx.distributed.init()
        self.module = module
        paths = []
        for path, parameter in tree_flatten(module.parameters()):
            _check_division(f"parameter {path}", parameter.shape[0] if parameter.ndim else 1, group)
            paths.append(path)
        self._paths = tuple(paths)
        self._compute_dtype = compute_dtype
        self._whole = _gather(group)
        shard_inplace(module, lambda path, weight: 0, group=group)

    def _extra_repr(self) -> str:
        return f"num_sharded_params={len(self._paths)}"

    def _with_whole_parameters(self, call: Callable[[], Any]) -> Any:
        own = self.module.parameters()
        whole = []
        for path, parameter in tree_flatten(own):
            if path in self._paths:
                parameter = self._whole(parameter)
                if self._compute_dtype is not None:
                    parameter = parameter.astype(self._compute_dtype)
            whole.append((path, parameter))
        try:
            self.module.update(tree_unflatten(whole))
            return call()
        finally:
            self.module.update(own)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._with_whole_parameters(lambda: self.module(*args, **kwargs))

    def as_linear(self, *args: Any, **kwargs: Any) -> Any:
        """The same method of the module, an `Embedding`."""
        return self._with_whole_parameters(lambda: self.module.as_linear(*args, **kwargs))


def _gather(group: mx.distributed.Group) -> Callable[[mx.array], mx.array]:
    """From a part to the whole; derivatives go from the whole to a part, as a mean."""
    count = group.size()
    if count == 1:
        return lambda x: x

    @mx.custom_function
    def gather(x: mx.array) -> mx.array:
        return mx.distributed.all_gather(x, group=group)

    @gather.vjp
    def backward(x: mx.array, cotangent: mx.array, _: mx.array) -> mx.array:
        return mx.distributed.sum_scatter(cotangent, group=group) / count

    return gather


def fully_shard(
    module: Module,
    *,
    group: mx.distributed.Group | None = None,
    compute_dtype: mx.Dtype | None = None,
) -> Module:
    """A `FullyShardedModule` around a module, or the module itself where the group has one member,
    who has nobody to share with."""
    group = group or mx.distributed.init()
    if group.size() == 1:
        return module
    return FullyShardedModule(module, group, compute_dtype)
