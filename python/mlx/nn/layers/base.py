"""`Module`: a model, or a part of one. It is a dict of what has parameters in it."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten, tree_unflatten

_CONTAINERS = (dict, list, tuple)
Filter = Callable[["Module", str, Any], bool]


def _is_floating(dtype: mx.Dtype) -> bool:
    return mx.issubdtype(dtype, mx.floating)


class Module(dict):
    """The base class of layers and models.

    Attributes that are arrays, modules, dicts, lists or tuples are the module's *state*, and its
    arrays, at whatever depth, are its *parameters*. Other attributes are plain attributes. A name
    that starts with an underscore is no parameter's.

    A parameter may be *frozen*: `nn.value_and_grad` gives no gradient for it.

    >>> import mlx.core as mx
    >>> import mlx.nn as nn
    >>> class Perceptron(nn.Module):
    ...     def __init__(self, inputs: int, hidden: int, outputs: int):
    ...         super().__init__()
    ...         self.first = nn.Linear(inputs, hidden)
    ...         self.second = nn.Linear(hidden, outputs)
    ...
    ...     def __call__(self, x):
    ...         return self.second(nn.relu(self.first(x)))
    >>> Perceptron(4, 8, 2)(mx.zeros((3, 4))).shape
    (3, 2)
    """

    __call__: Callable

    def __init__(self) -> None:
        self._no_grad: set[str] = set()
        self._training = True

    # State: a name is a key of the dict or a plain attribute, and never both.

    def __getattr__(self, key: str) -> Any:
        if key in self:
            return self[key]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {key!r}")

    def __setattr__(self, key: str, value: Any) -> None:
        if isinstance(value, mx.array) or isinstance(value, _CONTAINERS):
            self.__dict__.pop(key, None)
            self[key] = value
        else:
            super().__setattr__(key, value)
            self.pop(key, None)

    def __delattr__(self, key: str) -> None:
        if key in self:
            del self[key]
        else:
            super().__delattr__(key)

    @property
    def training(self) -> bool:
        """Whether the module is being trained; `Dropout`, say, does nothing where it is not."""
        return self._training

    @property
    def state(self) -> dict:
        """The module itself, as the dict of all that has arrays in it. Not a copy: for
        `mx.compile(step, inputs=model.state, outputs=model.state)`."""
        return self

    def _extra_repr(self) -> str:
        """What stands between the brackets of `repr`."""
        return ""

    def __repr__(self) -> str:
        children = tree_flatten(self.children(), is_leaf=self.is_module)
        lines = [textwrap.indent(f"({path}): {child!r}", "  ") for path, child in children]
        below = "\n" + "\n".join(lines) + "\n" if lines else ""
        return f"{type(self).__name__}({self._extra_repr()}{below})"

    # Files.

    def load_weights(
        self, file_or_weights: str | os.PathLike | list[tuple[str, mx.array]], strict: bool = True
    ) -> Module:
        """Takes parameters from a file or a list.

        Args:
            file_or_weights: path of an `.npz` or `.safetensors` file, or pairs of a parameter's
                path (`layers.0.weight`) and its array.
            strict: whether there must be an array for each parameter, in its shape, and none
                else. Otherwise arrays that fit nowhere are passed over.

        Returns:
            the module.

        Raises:
            ValueError: with `strict`, where names, types or shapes do not match; nothing is
                taken then.

        >>> nn.Linear(2, 1).load_weights([("weight", mx.ones((1, 2))), ("bias", mx.zeros(1))])
        Linear(input_dims=2, output_dims=1, bias=True)
        """
        weights = file_or_weights
        if isinstance(weights, (str, os.PathLike)):
            weights = mx.load(os.fspath(weights))
        pairs = list(weights.items() if isinstance(weights, dict) else weights)
        if strict:
            self._check_weights(dict(pairs))
        if pairs:
            self.update(tree_unflatten(pairs), strict=False)
        return self

    def _check_weights(self, new: dict[str, Any]) -> None:
        current = tree_flatten(self.parameters(), destination={})
        for names, says in (
            (new.keys() - current.keys(), "Received {} parameters not in model: \n{}."),
            (current.keys() - new.keys(), "Missing {} parameters: \n{}."),
        ):
            if names:
                raise ValueError(says.format(len(names), ",\n".join(sorted(names))))
        for name, old in current.items():
            value = new[name]
            if not isinstance(value, mx.array):
                raise ValueError(
                    f"Expected mx.array but received {type(value)} for parameter {name}"
                )
            if value.shape != old.shape:
                raise ValueError(
                    f"Expected shape {old.shape} but received shape {value.shape}"
                    f" for parameter {name}"
                )

    def save_weights(self, file: str | os.PathLike) -> None:
        """Writes all parameters to an `.npz` or `.safetensors` file, under their paths.

        Raises:
            ValueError: where the file's name has another ending.
        """
        name = os.fspath(file)
        parameters = tree_flatten(self.parameters(), destination={})
        if name.endswith(".npz"):
            mx.savez(name, **parameters)
        elif name.endswith(".safetensors"):
            mx.save_safetensors(name, parameters)
        else:
            raise ValueError(
                f"Unsupported file extension for {name}. Use '.npz' or '.safetensors'."
            )

    # What is in a module.

    @staticmethod
    def is_module(value: Any) -> bool:
        """Whether `value` is a module."""
        return isinstance(value, Module)

    @staticmethod
    def valid_child_filter(module: Module, key: str, value: Any) -> bool:
        """Whether there may be modules in `value`."""
        return isinstance(value, (dict, list))

    @staticmethod
    def valid_parameter_filter(module: Module, key: str, value: Any) -> bool:
        """Whether `value` is a parameter, or there may be some in it."""
        return isinstance(value, (dict, list, mx.array)) and not key.startswith("_")

    @staticmethod
    def trainable_parameter_filter(module: Module, key: str, value: Any) -> bool:
        """As `valid_parameter_filter`, without what is frozen."""
        return Module.valid_parameter_filter(module, key, value) and key not in module._no_grad

    def filter_and_map(
        self,
        filter_fn: Filter,
        map_fn: Callable | None = None,
        is_leaf_fn: Filter | None = None,
    ) -> dict:
        """The state, or a part of it, as plain dicts and lists.

        Args:
            filter_fn: from a module, a key in it and the value there: whether to keep the value.
                A value in a list or dict of the module has the key `list.index`, `dict.key`.
            map_fn: what to put in a leaf's place. Default: the leaf.
            is_leaf_fn: whether a value is a leaf. Default: it is no module, dict or list.
        """

        def kept(module: Module, key: str, value: Any) -> Any:
            if is_leaf_fn:
                is_leaf = is_leaf_fn(module, key, value)
            else:
                is_leaf = not isinstance(value, (dict, list))
            if is_leaf:
                return map_fn(value) if map_fn else value
            if isinstance(value, Module):
                return value.filter_and_map(filter_fn, map_fn, is_leaf_fn)
            below = enumerate(value) if isinstance(value, list) else value.items()
            parts = [
                (k, kept(module, f"{key}.{k}", v) if filter_fn(module, f"{key}.{k}", v) else {})
                for k, v in below
            ]
            return [part for _, part in parts] if isinstance(value, list) else dict(parts)

        return {k: kept(self, k, v) for k, v in self.items() if filter_fn(self, k, v)}

    def parameters(self) -> dict:
        """All parameters, as dicts and lists.

        >>> [name for name, _ in tree_flatten(nn.Linear(2, 3).parameters())]
        ['weight', 'bias']
        """
        return self.filter_and_map(self.valid_parameter_filter)

    def trainable_parameters(self) -> dict:
        """All parameters that are not frozen, as dicts and lists."""
        return self.filter_and_map(self.trainable_parameter_filter)

    def children(self) -> dict:
        """The modules directly in this one, as dicts and lists."""
        return self.filter_and_map(
            self.valid_child_filter, is_leaf_fn=lambda m, k, v: isinstance(v, Module)
        )

    def leaf_modules(self) -> dict:
        """The modules that have none in them, as dicts and lists."""

        def is_leaf(module: Module, key: str, value: Any) -> bool:
            return isinstance(value, Module) and not tree_flatten(
                value.children(), is_leaf=self.is_module
            )

        return self.filter_and_map(self.valid_child_filter, is_leaf_fn=is_leaf)

    def _walk(self) -> Iterator[tuple[str, Module]]:
        """This module and all below it with their paths, each before what is in it."""
        waiting: list[tuple[str, Module]] = [("", self)]
        while waiting:
            path, module = waiting.pop()
            prefix = f".{path}" if path else ""
            below = tree_flatten(module.children(), prefix=prefix, is_leaf=self.is_module)
            waiting.extend(below)
            yield path, module

    def modules(self) -> list[Module]:
        """This module and all below it."""
        return [module for _, module in self._walk()]

    def named_modules(self) -> list[tuple[str, Module]]:
        """This module and all below it, with their paths; its own is the empty string."""
        return list(self._walk())

    # Changing what is in a module.

    def update(self, parameters: dict, strict: bool = True) -> Module:
        """Puts arrays in the place of parameters.

        Args:
            parameters: some or all parameters, as `parameters()` has them.
            strict: whether each place must be there and take an array.

        Returns:
            the module.

        Raises:
            ValueError: with `strict`, where a place is not there or is given no array.
        """

        def refuse(message: str) -> None:
            if strict:
                raise ValueError(message)

        def put(target: Any, new: Any) -> None:
            if isinstance(new, dict) and isinstance(target, dict):
                places = [(k, k in target, f'Module does not have parameter named "{k}".')
                          for k in new]
            elif isinstance(new, list) and isinstance(target, list):
                end = len(target)
                places = [(i, i < end, f"List index {i} is out of bounds for destination of"
                           f" length {end}.") for i in range(len(new))]
            elif isinstance(new, dict) and new and isinstance(target, list):
                return refuse(f'Module does not have parameter named "{next(iter(new))}".')
            elif isinstance(new, (dict, list)) and not new:
                return None
            else:
                return refuse(f"Received invalid type: {type(new).__name__}.")
            for key, is_there, message in places:
                if not is_there:
                    refuse(message)
                elif isinstance(target[key], mx.array):
                    if not isinstance(new[key], mx.array):
                        refuse(f"Received invalid type: {type(new[key]).__name__}.")
                    target[key] = new[key]
                else:
                    put(target[key], new[key])
            return None

        put(self, parameters)
        return self

    def apply(
        self, map_fn: Callable[[mx.array], mx.array], filter_fn: Filter | None = None
    ) -> Module:
        """Puts `map_fn(array)` in the place of each parameter.

        Args:
            filter_fn: which arrays to change. Default: all parameters.

        >>> nn.Linear(2, 2).apply(lambda x: x.astype(mx.float16)).weight.dtype
        mlx.core.float16
        """
        return self.update(self.filter_and_map(filter_fn or self.valid_parameter_filter, map_fn))

    def update_modules(self, modules: dict, strict: bool = True) -> Module:
        """Puts modules in the place of others.

        Args:
            modules: some or all modules, as `children()` has them.
            strict: whether each place must be there and take a module.

        Raises:
            ValueError: with `strict`, where a place is not there or is given no module.
        """

        def put(target: Any, new: Any) -> None:
            if isinstance(new, dict):
                keys, has = list(new), target.__contains__
            elif isinstance(new, list) and isinstance(target, list):
                keys, has = list(range(len(new))), range(len(target)).__contains__
            else:
                if strict:
                    raise ValueError(f"Received invalid type: {type(new).__name__}.")
                return
            for key in keys:
                if not has(key):
                    if strict:
                        raise ValueError(f'Module does not have sub-module named "{key}".')
                elif isinstance(target[key], Module) and isinstance(new[key], Module):
                    target[key] = new[key]
                elif isinstance(target[key], (dict, list)):
                    put(target[key], new[key])
                elif strict and not (isinstance(new[key], (dict, list)) and not new[key]):
                    raise ValueError(f"Received invalid type: {type(new[key]).__name__}.")

        put(self, modules)
        return self

    def apply_to_modules(self, apply_fn: Callable[[str, Module], Any]) -> Module:
        """Calls `apply_fn(path, module)` for this module and all below it."""
        for path, module in self._walk():
            apply_fn(path, module)
        return self

    # Freezing, training.

    def _frozen_keys(
        self, keys: str | list[str] | None, recurse: bool, strict: bool
    ) -> Iterator[tuple[Module, list[str]]]:
        """Modules, with the keys of theirs that are meant."""
        modules = self.modules() if recurse else [self]
        wanted = None if keys is None else [keys] if isinstance(keys, str) else list(keys)
        for key in wanted or []:
            if strict and not any(key in module for module in modules):
                raise KeyError(f"Module doesn't contain member {key}.")

        def is_own(module: Module, key: str, value: Any) -> bool:
            return not isinstance(value, Module) and Module.valid_parameter_filter(
                module, key, value
            )

        for module in modules:
            if wanted is None:
                yield module, [k for k, _ in tree_flatten(module.filter_and_map(is_own))]
            else:
                yield module, wanted

    def freeze(
        self, *, recurse: bool = True, keys: str | list[str] | None = None, strict: bool = False
    ) -> Module:
        """Takes parameters out of the trainable ones.

        Args:
            recurse: whether those of the modules below are meant too.
            keys: the names of those that are meant: `freeze(keys="bias")`. Default: all.
            strict: whether it is an error that no module has a name of `keys`.

        Raises:
            KeyError: with `strict`.

        >>> model = nn.Linear(2, 2).freeze(keys="weight")
        >>> list(model.trainable_parameters())
        ['bias']
        """
        for module, names in self._frozen_keys(keys, recurse, strict):
            module._no_grad.update(names)
        return self

    def unfreeze(
        self, *, recurse: bool = True, keys: str | list[str] | None = None, strict: bool = False
    ) -> Module:
        """Puts parameters back among the trainable ones; the arguments are those of `freeze`.

        >>> model = nn.Linear(2, 2).freeze().unfreeze(keys="bias")
        >>> list(model.trainable_parameters())
        ['bias']
        """
        for module, names in self._frozen_keys(keys, recurse, strict):
            if module is not self and type(module).unfreeze is not Module.unfreeze:
                # The module has a word in this: some parameters stay frozen always.
                module.unfreeze(recurse=False, keys=names, strict=False)
            elif keys is None:
                module._no_grad.clear()
            else:
                module._no_grad.difference_update(names)
        return self

    def _set_training(self, mode: bool) -> None:
        """Takes the mode. A layer that is stored otherwise in each overrides it."""
        self._training = mode

    def train(self, mode: bool = True) -> Module:
        """Says that the module and all below it are being trained, or with False that they are
        not."""
        for module in self.modules():
            module._set_training(mode)
        return self

    def eval(self) -> Module:
        """The same as `train(False)`."""
        return self.train(False)

    def set_dtype(
        self, dtype: mx.Dtype, predicate: Callable[[mx.Dtype], bool] | None = _is_floating
    ) -> None:
        """Converts parameters.

        Args:
            predicate: which dtypes to convert. Default: floating-point ones; None: all.
        """
        self.apply(lambda x: x.astype(dtype) if predicate is None or predicate(x.dtype) else x)
