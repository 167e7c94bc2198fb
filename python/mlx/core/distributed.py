"""Distributed functions for a group of one: what is gathered is what is there."""


class Group:
    """A group of processes: this one."""

    def rank(self):
        """0."""
        return 0

    def size(self):
        """1."""
        return 1

    def split(self, color, key=-1):
        """A part of the group, which has one member."""
        raise RuntimeError("[distributed] Cannot split the singleton group")


_world = Group()


def init(strict=False, backend="any", *, all_gather_factory=None):
    """The group of one."""
    if strict:
        raise RuntimeError(f"[distributed] Couldn't initialize any backend ('{backend}')")
    return _world


def is_available(backend="any"):
    """False: there are no other processes."""
    return False


def _identity(name, doc):
    def function(x, *, group=None, stream=None):
        return x

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


all_sum = _identity("all_sum", "The sum over the group, x.")
all_max = _identity("all_max", "The largest over the group, x.")
all_min = _identity("all_min", "The smallest over the group, x.")
all_gather = _identity("all_gather", "The arrays of the group, x.")
sum_scatter = _identity("sum_scatter", "This process's part of the sum over the group, x.")


def _alone(operation):
    raise ValueError(f"[{operation}] the group has one member")


def send(x, dst, *, group=None, stream=None):
    """There is nobody to send to."""
    _alone("send")


def recv(shape, dtype, src, *, group=None, stream=None):
    """There is nobody to receive from."""
    _alone("recv")


def recv_like(x, src, *, group=None, stream=None):
    """There is nobody to receive from."""
    _alone("recv")
