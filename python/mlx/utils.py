"""Trees: values nested in dicts, lists and tuples, as parameters, gradients and states are.

A leaf is whatever is not one of these three, or what `is_leaf` calls one. The path of a leaf names
the keys that lead to it, with dots: the second weight of `{"layers": [{"w": a}, {"w": b}]}` is
`layers.1.w`.

    >>> from mlx.utils import tree_flatten, tree_map
    >>> tree_flatten({"a": [1, 2], "b": 3})
    [('a.0', 1), ('a.1', 2), ('b', 3)]
    >>> tree_map(lambda x: 10 * x, {"a": [1, 2], "b": 3})
    {'a': [10, 20], 'b': 30}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import Any

__all__ = [
    "tree_flatten",
    "tree_map",
    "tree_map_with_path",
    "tree_merge",
    "tree_reduce",
    "tree_unflatten",
]

#: What a list may have that its flat form does not mention. Names come from files, and one that
#: says `layers.999999999999.weight` must not take the machine's memory.
MAXIMUM_GAP = 1_000_000


def _branches(tree: Any, is_leaf: Callable | None) -> Iterable[tuple[Any, Any]] | None:
    """The keys and subtrees of a node, or None where it is a leaf."""
    if is_leaf is not None and is_leaf(tree):
        return None
    if isinstance(tree, dict):
        return tree.items()
    if isinstance(tree, (list, tuple)):
        return enumerate(tree)
    return None


def _rebuilt(like: Any, values: list[Any]) -> Any:
    """A node of the kind of `like` with other subtrees; a dict of any class becomes a dict."""
    if isinstance(like, dict):
        return dict(zip(like, values))
    if isinstance(like, tuple) and hasattr(like, "_fields"):
        return type(like)(*values)
    return type(like)(values)


def tree_map(fn: Callable, tree: Any, *rest: Any, is_leaf: Callable | None = None) -> Any:
    """A tree of the same shape, whose leaves are `fn(leaf, *others)`.

    Args:
        fn: takes a leaf of `tree`, and what stands at its place in each of `rest`.
        tree: says which places there are.
        rest: trees that have these places at least.
        is_leaf: says of a node that it is a leaf.

    Raises:
        KeyError, IndexError: where one of `rest` lacks a place.

    >>> tree_map(lambda x, y: x + y, {"a": [1, 2]}, {"a": [10, 20], "b": 0})
    {'a': [11, 22]}
    """
    branches = _branches(tree, is_leaf)
    if branches is None:
        return fn(tree, *rest)
    return _rebuilt(
        tree,
        [tree_map(fn, child, *(r[k] for r in rest), is_leaf=is_leaf) for k, child in branches],
    )


def tree_map_with_path(
    fn: Callable,
    tree: Any,
    *rest: Any,
    is_leaf: Callable | None = None,
    path: Any | None = None,
) -> Any:
    """As `tree_map`; `fn` takes the leaf's path first.

    Args:
        path: stands before all paths. A tree that is one leaf has this path.

    >>> tree_map_with_path(lambda path, x: path, {"a": [0, 0]}, path="model")
    {'a': ['model.a.0', 'model.a.1']}
    """
    branches = _branches(tree, is_leaf)
    if branches is None:
        return fn(path, tree, *rest)
    return _rebuilt(
        tree,
        [
            tree_map_with_path(
                fn,
                child,
                *(r[k] for r in rest),
                is_leaf=is_leaf,
                path=f"{path}.{k}" if path else str(k),
            )
            for k, child in branches
        ],
    )


def _leaves(
    tree: Any, prefix: str = "", is_leaf: Callable | None = None
) -> Iterator[tuple[str, Any]]:
    """Paths (with a dot before each key) and leaves."""
    branches = _branches(tree, is_leaf)
    if branches is None:
        yield prefix, tree
        return
    for key, child in branches:
        yield from _leaves(child, f"{prefix}.{key}", is_leaf)


def tree_flatten(
    tree: Any,
    prefix: str = "",
    is_leaf: Callable | None = None,
    destination: list[tuple[str, Any]] | dict[str, Any] | None = None,
) -> Any:
    """The leaves with their paths, as pairs in a list or as a dict. Empty nodes leave no trace.

    Args:
        prefix: stands before all paths; its first character, a dot, is dropped.
        is_leaf: says of a node that it is a leaf.
        destination: a list or dict that takes the leaves and is returned. Default: a new list.

    Raises:
        ValueError: where `destination` is something else.

    >>> tree_flatten({"a": {"b": 1}}, destination={})
    {'a.b': 1}
    """
    if destination is None:
        destination = []
    pairs = ((path[1:], leaf) for path, leaf in _leaves(tree, prefix, is_leaf))
    if isinstance(destination, list):
        destination.extend(pairs)
    elif isinstance(destination, dict):
        destination.update(pairs)
    else:
        raise ValueError("Destination should be either a list or a dictionary or None")
    return destination


def _is_index(key: str) -> bool:
    """Whether a key is a number as lists number their items; "01" is a name."""
    return key.isascii() and key.isdigit() and (key[0] != "0" or key == "0")


def tree_unflatten(tree: Iterable[tuple[str, Any]] | dict[str, Any]) -> Any:
    """The tree that has these leaves at these paths. Keys that all are numbers, written
    as such, make a list, in which places that no path mentions are empty dicts.

    Raises:
        ValueError: where a list would have more than a million such places.

    >>> tree_unflatten({"layers.0.w": 1, "layers.1.w": 2})
    {'layers': [{'w': 1}, {'w': 2}]}
    """
    pairs = list(tree.items() if isinstance(tree, dict) else tree)
    if len(pairs) == 1 and pairs[0][0] == "":
        return pairs[0][1]
    branches: dict[str, list[tuple[str, Any]]] = {}
    for path, leaf in pairs:
        key, _, below = path.partition(".")
        branches.setdefault(key, []).append((below, leaf))
    if not all(_is_index(key) for key in branches):
        return {key: tree_unflatten(below) for key, below in branches.items()}
    indices = {int(key): below for key, below in branches.items()}
    count = max(indices, default=-1) + 1
    if count - len(indices) > MAXIMUM_GAP:
        raise ValueError(
            f"A list of {len(indices)} items has one with the index {count - 1}, which leaves"
            f" more than {MAXIMUM_GAP} empty."
        )
    return [tree_unflatten(indices[i]) if i in indices else {} for i in range(count)]


def tree_reduce(
    fn: Callable,
    tree: Any,
    initializer: Any | None = None,
    is_leaf: Callable | None = None,
) -> Any:
    """All leaves folded into one value: `fn(fn(initializer, first), second)`, and so on.

    Args:
        initializer: where to start. Default: with the first leaf.

    Returns:
        the value; `initializer` where the tree has no leaves.

    >>> tree_reduce(lambda total, x: total + x, {"a": [1, 2, 3], "b": [4, 5]}, 0)
    15
    """
    leaves = (leaf for _, leaf in _leaves(tree, "", is_leaf))
    value = next(leaves, None) if initializer is None else initializer
    for leaf in leaves:
        value = fn(value, leaf)
    return value


def _is_empty(tree: Any) -> bool:
    return tree is None or (isinstance(tree, (dict, list, tuple)) and len(tree) == 0)


def tree_merge(tree_a: Any, tree_b: Any, merge_fn: Callable | None = None) -> Any:
    """One tree with the leaves of both. None and an empty node are a tree without leaves.

    Args:
        merge_fn: makes one leaf of two that stand at the same place.

    Raises:
        ValueError: where both have something at a place and `merge_fn` is not given.

    >>> tree_merge({"a": {"x": 1}}, {"a": {"y": 2}})
    {'a': {'x': 1, 'y': 2}}
    """
    empty_a, empty_b = _is_empty(tree_a), _is_empty(tree_b)
    if empty_a and empty_b:
        if tree_a is None or tree_b is None or type(tree_a) is type(tree_b):
            return tree_b if tree_a is None else tree_a
        raise ValueError(f"Cannot merge {type(tree_a).__name__} with {type(tree_b).__name__}")
    if empty_a or empty_b:
        return tree_b if empty_a else tree_a
    if isinstance(tree_a, dict) and isinstance(tree_b, dict):
        keys = list(tree_a) + [key for key in tree_b if key not in tree_a]
        return {key: tree_merge(tree_a.get(key), tree_b.get(key), merge_fn) for key in keys}
    for kind in (list, tuple):
        if isinstance(tree_a, kind) and isinstance(tree_b, kind):
            pairs = zip_longest(tree_a, tree_b)
            return _rebuilt(tree_a, [tree_merge(a, b, merge_fn) for a, b in pairs])
    if merge_fn is None:
        raise ValueError(
            "Trees contain elements at the same locations but no merge function was provided"
        )
    return merge_fn(tree_a, tree_b)
