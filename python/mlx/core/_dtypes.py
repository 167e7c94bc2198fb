"""Categories of dtypes and their limits."""

import enum

from . import _engine
from ._engine import Dtype, array

_integers = {
    "uint8": (8, False), "uint16": (16, False), "uint32": (32, False), "uint64": (64, False),
    "int8": (8, True), "int16": (16, True), "int32": (32, True), "int64": (64, True),
}


class DtypeCategory(enum.Enum):
    """Kinds of dtypes, for `issubdtype`."""

    complexfloating = 0
    floating = 1
    inexact = 2
    signedinteger = 3
    unsignedinteger = 4
    integer = 5
    number = 6
    generic = 7

    def __repr__(self):
        return f"DtypeCategory.{self.name}"


_above = {
    "complexfloating": "inexact", "floating": "inexact", "inexact": "number",
    "signedinteger": "integer", "unsignedinteger": "integer", "integer": "number",
    "number": "generic", "generic": None,
}


def _name(dtype):
    return repr(dtype).rpartition(".")[2]


def _category(dtype):
    name = _name(dtype)
    if name in _integers:
        return "signedinteger" if _integers[name][1] else "unsignedinteger"
    if name == "complex64":
        return "complexfloating"
    return "generic" if name == "bool" else "floating"


def issubdtype(arg1, arg2):
    """Whether a dtype or category is the other, or below it."""
    for arg in (arg1, arg2):
        if not isinstance(arg, (Dtype, DtypeCategory)):
            raise ValueError(
                f"[issubdtype] expected a Dtype or a DtypeCategory, not {type(arg).__name__}")
    if isinstance(arg2, Dtype):
        return arg1 is arg2
    kind = arg1.name if isinstance(arg1, DtypeCategory) else _category(arg1)
    while kind is not None:
        if kind == arg2.name:
            return True
        kind = _above[kind]
    return False


def _dtype_of(value):
    if isinstance(value, array):
        return value.dtype
    if isinstance(value, Dtype):
        return value
    raise ValueError(
        f"[result_type] Inputs must be arrays or dtypes, not {type(value).__name__}.")


def result_type(*arrays_and_dtypes):
    """The dtype of a result of all."""
    if not arrays_and_dtypes:
        raise ValueError("[result_type] at least one array or dtype is needed")
    result = _dtype_of(arrays_and_dtypes[0])
    for value in arrays_and_dtypes[1:]:
        result = _engine._promote(result, _dtype_of(value))
    return result


def can_cast(from_, to):
    """Whether a dtype is promoted to the other, or is it."""
    return _engine._promote(_dtype_of(from_), to) is to


_kinds = {
    "bool": lambda d: d is _engine.bool_,
    "signed integer": lambda d: _category(d) == "signedinteger",
    "unsigned integer": lambda d: _category(d) == "unsignedinteger",
    "integral": lambda d: _name(d) in _integers,
    "real floating": lambda d: _category(d) == "floating",
    "complex floating": lambda d: _category(d) == "complexfloating",
    "numeric": lambda d: d is not _engine.bool_,
}


def isdtype(dtype, kind):
    """Whether a dtype is of a kind, as the array API has them."""
    if isinstance(kind, tuple):
        for one in kind:
            if isdtype(dtype, one):
                return True
        return False
    if isinstance(kind, Dtype):
        return dtype is kind
    if kind not in _kinds:
        raise ValueError(f"[isdtype] unknown kind {kind!r}")
    return _kinds[kind](dtype)


class PrintOptions:
    """How arrays are printed."""

    def __init__(self, precision=-1):
        self._precision = precision

    @property
    def precision(self):
        """How many significant digits are printed; -1 is the default, six."""
        return self._precision


def get_printoptions():
    """How arrays are printed now."""
    return PrintOptions(_engine._get_precision())


def set_printoptions(precision=-1):
    """Sets how many significant digits are printed; -1 is the default, six."""
    _engine._set_precision(precision)


class _PrintOptionsContext:
    def __init__(self, precision):
        self._precision = precision

    def __enter__(self):
        self._before = _engine._get_precision()
        _engine._set_precision(self._precision)
        return get_printoptions()

    def __exit__(self, *error):
        _engine._set_precision(self._before)


def printoptions(precision=-1):
    """A context with print options of its own."""
    return _PrintOptionsContext(precision)


class ArrayLike:
    """Holds any object that an array can be made of."""

    def __init__(self, arg):
        if not hasattr(arg, "__mlx_array__"):
            raise TypeError("the object has no __mlx_array__")
        self._arg = arg

    def __mlx_array__(self):
        return self._arg.__mlx_array__()
