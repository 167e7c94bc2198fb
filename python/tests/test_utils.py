"""Trees: what `mlx.utils` makes of dicts, lists and tuples."""

from collections import namedtuple

import mlx.utils as utils
import pytest
from mlx.utils import (
    tree_flatten,
    tree_map,
    tree_map_with_path,
    tree_merge,
    tree_reduce,
    tree_unflatten,
)

Pair = namedtuple("Pair", "x y")


@pytest.mark.parametrize(
    "tree, arguments, want",
    [
        ([[[0]]], {"prefix": ".hello"}, [("hello.0.0.0", 0)]),
        ({"a": {"b": 1}, "c": (1, [2])}, {"destination": {}}, {"a.b": 1, "c.0": 1, "c.1.0": 2}),
        (5, {}, [("", 5)]),
        (5, {"prefix": ".p"}, [("p", 5)]),
        ({"a": [], "b": {}}, {}, []),
        (Pair(1, 2), {}, [("0", 1), ("1", 2)]),
        ({"a": [1, 2]}, {"is_leaf": lambda x: isinstance(x, list)}, [("a", [1, 2])]),
        ({"a": None, 1: 2}, {}, [("a", None), ("1", 2)]),
        ({"a": 1}, {"destination": [("z", 0)]}, [("z", 0), ("a", 1)]),
    ],
)
def test_flatten(tree, arguments, want):
    assert tree_flatten(tree, **arguments) == want


def test_flatten_refuses_other_destinations():
    with pytest.raises(ValueError, match="list or a dictionary"):
        tree_flatten({"a": 1}, destination=(1,))


@pytest.mark.parametrize(
    "pairs, want",
    [
        ([("hello.world", 42)], {"hello": {"world": 42}}),
        ([("0", 1), ("1", 2)], [1, 2]),
        ([("0", 1), ("3", 2)], [1, {}, {}, 2]),
        ([("1", 1), ("0", 2)], [2, 1]),
        ([("", 7)], 7),
        ([], []),
        ({"a.0.b": 1, "a.1.b": 2, "c": 3}, {"a": [{"b": 1}, {"b": 2}], "c": 3}),
        ([("0.a", 1), ("b", 2)], {"0": {"a": 1}, "b": 2}),
        ([("a", 2), ("a.b", 1)], {"a": {"": 2, "b": 1}}),
        ([(str(i), i) for i in range(12)], list(range(12))),
        ([("-1", 1), ("0", 2)], {"-1": 1, "0": 2}),
        ([("²", 1)], {"²": 1}),
        (((k, v) for k, v in [("a", 1)]), {"a": 1}),
    ],
)
def test_unflatten(pairs, want):
    assert tree_unflatten(pairs) == want


def test_unflatten_does_not_take_all_memory_for_one_name():
    with pytest.raises(ValueError, match="empty"):
        tree_unflatten([("layers.999999999999.weight", 1)])


def test_map():
    assert tree_map(lambda x: x + 1, {"a": [1, (2, 3)], "b": Pair(1, 2)}) == {
        "a": [2, (3, 4)], "b": Pair(2, 3)}
    assert tree_map(lambda x, y: x + y, {"a": [1, 2]}, {"a": [10, 20, 30], "b": 3}) == {
        "a": [11, 22]}
    assert tree_map(lambda x, y: (x, y), {"a": 1}, {"a": [1, 2]}) == {"a": (1, [1, 2])}
    assert tree_map(lambda x: x, {"a": [], "b": {}, "c": ()}) == {"a": [], "b": {}, "c": ()}
    assert tree_map(len, {"a": [1, 2]}, is_leaf=lambda x: isinstance(x, list)) == {"a": 2}
    with pytest.raises(IndexError):
        tree_map(lambda x, y: x, [1, 2], [1])
    with pytest.raises(KeyError):
        tree_map(lambda x, y: x, {"a": 1}, {"b": 1})


def test_map_with_path():
    path = lambda p, *_: p  # noqa: E731
    assert tree_map_with_path(path, {"a": [1, (2, 3)], "b": Pair(1, 2)}) == {
        "a": ["a.0", ("a.1.0", "a.1.1")], "b": Pair("b.0", "b.1")}
    assert tree_map_with_path(path, {"a": [1]}, path="root") == {"a": ["root.a.0"]}
    assert tree_map_with_path(path, 3) is None
    assert tree_map_with_path(lambda *a: a, [1], [2]) == [("0", 1, 2)]
    assert tree_map_with_path(path, {1: 2}) == {1: "1"}
    assert tree_map_with_path(lambda *a: a, {"a": [1]}, is_leaf=lambda x: isinstance(x, list)) == {
        "a": ("a", [1])}


def test_reduce():
    add = lambda a, x: a + x  # noqa: E731
    assert tree_reduce(add, {"a": [1, 2, 3], "b": (4, 5)}, 0) == 15
    assert tree_reduce(add, {"a": ["1", "2"], "b": ("4",)}) == "124"
    assert tree_reduce(add, {}) is None
    assert tree_reduce(add, {}, 0) == 0
    assert tree_reduce(add, 5) == 5
    assert tree_reduce(lambda a, x: None, [1, 2, 3]) is None


@pytest.mark.parametrize(
    "a, b, want",
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ([1, {}], [{}, 2], [1, 2]),
        ([1], [{}, 2, 3], [1, 2, 3]),
        ({"a": None}, {"a": 2}, {"a": 2}),
        ((1, []), ({}, 2), (1, 2)),
        ({}, 5, 5),
        ({"a": {}}, {"a": {}}, {"a": {}}),
    ],
)
def test_merge(a, b, want):
    assert tree_merge(a, b) == want


def test_merge_of_two_leaves_needs_a_function():
    assert tree_merge({"a": 1}, {"a": 2}, lambda x, y: x + y) == {"a": 3}
    for a, b in (({"a": 1}, {"a": 2}), ([1], (2,)), ({"a": [1]}, {"a": {"b": 2}})):
        with pytest.raises(ValueError, match="same locations"):
            tree_merge(a, b)
    with pytest.raises(ValueError, match="Cannot merge list with dict"):
        tree_merge([], {})


def test_public_names():
    assert set(utils.__all__) == {
        "tree_flatten", "tree_map", "tree_map_with_path", "tree_merge", "tree_reduce",
        "tree_unflatten"}


@pytest.mark.parametrize("keys", [["01", "1", "2"], ["00"], ["0", "01"], ["0", "a"], ["-1", "0"]])
def test_what_is_no_index_is_a_name(keys):
    assert tree_unflatten([(key, key) for key in keys]) == {key: key for key in keys}
    assert tree_unflatten([(f"x.{key}", key) for key in keys]) == {"x": {key: key for key in keys}}
