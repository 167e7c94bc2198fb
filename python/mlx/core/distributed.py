"""`mlx.core.distributed`: groups of processes. There is no transport, so a group has one member.

Programs written for many processes run as the only one: sums over the group are what is summed.
"""

from __future__ import annotations

import mlx.core as mx

#: What type checkers take for true.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = [
    "Group",
    "all_gather",
    "all_max",
    "all_min",
    "all_sum",
    "init",
    "is_available",
    "recv",
    "recv_like",
    "send",
    "sum_scatter",
]

_BACKENDS = ("any", "mpi", "nccl", "jaccl", "ring")


class Group:
    """A group of processes. `init` makes one."""

    __slots__ = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Group:
        raise TypeError("mlx.core.distributed.Group: init() makes groups")

    def rank(self) -> int:
        """The number of this process in the group: 0."""
        return 0

    def size(self) -> int:
        """How many processes the group has: 1."""
        return 1

    def split(self, color: int, key: int = -1) -> Group:
        """Would part the group; one process cannot be parted.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("Cannot split the distributed group further.")


_ALONE = object.__new__(Group)


def is_available(backend: str = "any") -> bool:
    """Whether processes can be connected by a backend: none is built in."""
    return False


def init(
    strict: bool = False,
    backend: str = "any",
    *,
    all_gather_factory: Callable[[int, int], Callable[[bytes, int], bytes]] | None = None,
) -> Group:
    """The group of this process alone.

    Args:
        strict: whether it is an error that no others can be reached.
        backend: `any`, `mpi`, `nccl`, `jaccl` or `ring`.
        all_gather_factory: not used.

    Raises:
        RuntimeError: with `strict`.
        ValueError: for another backend.

    >>> mx.distributed.init().size()
    1
    """
    if backend not in _BACKENDS:
        raise ValueError(
            "[distributed] The only valid values for backend are 'any', 'mpi', 'nccl', 'jaccl'"
            f" and 'ring' but '{backend}' was provided."
        )
    if strict:
        raise RuntimeError(
            "[distributed] Couldn't initialize any backend"
            if backend == "any"
            else f"[distributed] Cannot initialize {backend}: it is not built in"
        )
    return _ALONE


def _check(group: Group | None) -> None:
    if group is not None and not isinstance(group, Group):
        raise TypeError(f"group is a {type(group).__name__}, not a distributed.Group")


def _itself(x: Any, group: Group | None, stream: Any) -> mx.array:
    _check(group)
    return x if isinstance(x, mx.array) else mx.array(x)


def all_sum(x: mx.array, *, group: Group | None = None, stream: Any = None) -> mx.array:
    """The sum of the members' arrays: `x`.

    >>> mx.distributed.all_sum(mx.array([1, 2])).tolist()
    [1, 2]
    """
    return _itself(x, group, stream)


def all_max(x: mx.array, *, group: Group | None = None, stream: Any = None) -> mx.array:
    """The largest of the members' elements, place by place: `x`."""
    return _itself(x, group, stream)


def all_min(x: mx.array, *, group: Group | None = None, stream: Any = None) -> mx.array:
    """The smallest of the members' elements, place by place: `x`."""
    return _itself(x, group, stream)


def all_gather(x: mx.array, *, group: Group | None = None, stream: Any = None) -> mx.array:
    """The members' arrays one after the other along the first axis: `x`."""
    return _itself(x, group, stream)


def sum_scatter(x: mx.array, *, group: Group | None = None, stream: Any = None) -> mx.array:
    """This member's part, along the first axis, of the sum of the members' arrays: `x`."""
    return _itself(x, group, stream)


def send(x: mx.array, dst: int, *, group: Group | None = None, stream: Any = None) -> mx.array:
    """Would send an array to another process.

    Raises:
        ValueError: always, as there is no other.
    """
    _check(group)
    raise ValueError("Cannot send to a singleton group")


def recv(
    shape: Sequence[int],
    dtype: mx.Dtype,
    src: int,
    *,
    group: Group | None = None,
    stream: Any = None,
) -> mx.array:
    """Would receive an array from another process.

    Raises:
        ValueError: always, as there is no other.
    """
    _check(group)
    raise ValueError("Cannot recv from a singleton group")


def recv_like(
    x: mx.array, src: int, *, group: Group | None = None, stream: Any = None
) -> mx.array:
    """Would receive an array of the shape and dtype of `x` from another process.

    Raises:
        ValueError: always, as there is no other.
    """
    _check(group)
    raise ValueError("Cannot recv from a singleton group")
