"""`finfo` and `iinfo`: the limits of dtypes."""

from __future__ import annotations

import mlx.core as mx

# name: bits of the type, of its exponent and of its fraction
_FLOATS = {
    "float16": (16, 5, 10),
    "bfloat16": (16, 8, 7),
    "float32": (32, 8, 23),
    "float64": (64, 11, 52),
}
_INTEGERS = {
    f"{sign}int{bits}": (sign == "", bits) for sign in ("u", "") for bits in (8, 16, 32, 64)
}


def _name(info: str, dtype: mx.Dtype) -> str:
    if not isinstance(dtype, mx.Dtype):
        raise TypeError(f"{info} takes a Dtype, not a {type(dtype).__name__}")
    return str(dtype).rpartition(".")[2]


class finfo:
    """The limits of a floating-point dtype; of complex64 those of its parts.

    Raises:
        ValueError: where the dtype is another.

    >>> mx.finfo(mx.float16).max
    65504.0
    >>> mx.finfo(mx.float32).eps
    1.1920928955078125e-07
    """

    __slots__ = ("_bits", "_dtype", "_exponent", "_fraction")

    def __init__(self, arg: mx.Dtype, /) -> None:
        name = _name("finfo", arg)
        if name == "complex64":
            name, arg = "float32", mx.float32
        if name not in _FLOATS:
            raise ValueError(f"[finfo] dtype {name} is not inexact.")
        self._dtype = arg
        self._bits, self._exponent, self._fraction = _FLOATS[name]

    @property
    def dtype(self) -> mx.Dtype:
        """The dtype."""
        return self._dtype

    @property
    def bits(self) -> int:
        """How many bits a number has."""
        return self._bits

    @property
    def eps(self) -> float:
        """The distance from 1 to the next number."""
        return 2.0**-self._fraction

    @property
    def max(self) -> float:
        """The largest number."""
        return (2 - self.eps) * 2.0 ** (2 ** (self._exponent - 1) - 1)

    @property
    def min(self) -> float:
        """The lowest number."""
        return -self.max

    @property
    def smallest_normal(self) -> float:
        """The smallest positive number of full precision."""
        return 2.0 ** (2 - 2 ** (self._exponent - 1))

    def __repr__(self) -> str:
        name = _name("finfo", self._dtype)
        return f"finfo(min={self.min:.6g}, max={self.max:.6g}, dtype={name})"


class iinfo:
    """The limits of an integer dtype.

    Raises:
        ValueError: where the dtype is another.

    >>> mx.iinfo(mx.int8).min, mx.iinfo(mx.int8).max
    (-128, 127)
    """

    __slots__ = ("_dtype", "_max", "_min")

    def __init__(self, arg: mx.Dtype, /) -> None:
        name = _name("iinfo", arg)
        if name not in _INTEGERS:
            raise ValueError(f"[iinfo] Only integer types supported but {name} was provided")
        is_signed, bits = _INTEGERS[name]
        self._dtype = arg
        self._min = -(2 ** (bits - 1)) if is_signed else 0
        self._max = 2 ** (bits - is_signed) - 1

    @property
    def dtype(self) -> mx.Dtype:
        """The dtype."""
        return self._dtype

    @property
    def min(self) -> int:
        """The lowest number."""
        return self._min

    @property
    def max(self) -> int:
        """The largest number."""
        return self._max

    def __repr__(self) -> str:
        name = _name("iinfo", self._dtype)
        return f"iinfo(min={self._min}, max={self._max}, dtype={name})"
