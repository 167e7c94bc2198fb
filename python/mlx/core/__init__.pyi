"""Types of `mlx.core`. What a function computes is told with it; `help(mx.softmax)` says more."""

from collections.abc import Callable, Sequence
from os import PathLike
from types import ModuleType
from typing import IO, Any, Literal, TypeVar, overload

from . import cuda, distributed, fast, fft, linalg, metal, random

R = TypeVar("R")
Scalar = bool | int | float | complex
StreamOrDevice = Stream | ThreadLocalStream | Device | DeviceType | None

__version__: str


class ArrayAt:
    def add(self, value: Scalar | array) -> array: ...
    def divide(self, value: Scalar | array) -> array: ...
    def maximum(self, value: Scalar | array) -> array: ...
    def minimum(self, value: Scalar | array) -> array: ...
    def multiply(self, value: Scalar | array) -> array: ...
    def subtract(self, value: Scalar | array) -> array: ...

class ArrayIterator:
    ...

class ArrayLike:
    def __init__(self, arg: object, /) -> None: ...

class Device:
    """A device: the CPU."""

    def __init__(self, type: DeviceType, index: int = 0) -> None: ...
    @property
    def type(self) -> DeviceType: ...

class DeviceType:
    cpu: DeviceType
    gpu: DeviceType

class Dtype:
    """The type of an array's elements: `mx.float32`, say."""

    @property
    def size(self) -> int: ...

class DtypeCategory:
    complexfloating: DtypeCategory
    floating: DtypeCategory
    generic: DtypeCategory
    inexact: DtypeCategory
    integer: DtypeCategory
    number: DtypeCategory
    signedinteger: DtypeCategory
    unsignedinteger: DtypeCategory

class ArrayNamespaceInfo:
    def capabilities(self) -> dict[str, Any]: ...
    def default_device(self) -> Device: ...
    def default_dtypes(self, *, device: Device | DeviceType | None = None) -> dict[str, Dtype]: ...
    def devices(self) -> tuple[Device, ...]: ...
    def dtypes(
        self,
        *,
        device: Device | DeviceType | None = None,
        kind: str | tuple[str, ...] | None = None,
    ) -> dict[str, Dtype]: ...

def __array_namespace_info__() -> ArrayNamespaceInfo: ...

class FunctionExporter:
    def close(self) -> None: ...

class PrintOptions:
    def __init__(self, precision: int = -1) -> None: ...
    @property
    def precision(self) -> int: ...

class Stream:
    """A queue of work of a device."""

    @property
    def device(self) -> Device: ...

class StreamContext:
    def __init__(self, s: Stream | ThreadLocalStream | Device | DeviceType) -> None: ...

class ThreadLocalStream:
    @property
    def device(self) -> Device: ...

class array:
    """An array: shape, dtype and elements, which are computed when they are asked for."""

    @property
    def T(self) -> array:
        """The array with its axes reversed."""
    def __abs__(self) -> array: ...
    def __add__(self, other: Scalar | array) -> array: ...
    def __and__(self, other: Scalar | array) -> array: ...
    def __array__(self, dtype: object | None = None, copy: object | None = None) -> Any: ...
    def __array_namespace__(self, api_version: str | None = None) -> ModuleType: ...
    def __bool__(self) -> bool: ...
    def __bytes__(self) -> bytes: ...
    def __complex__(self) -> complex: ...
    def __copy__(self) -> array: ...
    def __deepcopy__(self, memo: dict) -> array: ...
    def __dlpack__(
        self,
        *,
        stream: object | None = None,
        max_version: object | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any: ...
    def __dlpack_device__(self) -> tuple: ...
    def __eq__(self, other: Scalar | array) -> array | bool: ...  # type: ignore[override]
    def __float__(self) -> float: ...
    def __floordiv__(self, other: Scalar | array) -> array: ...
    def __ge__(self, other: Scalar | array) -> array: ...
    def __getitem__(self, arg: object | None, /) -> array: ...
    def __getstate__(self) -> tuple: ...
    def __gt__(self, other: Scalar | array) -> array: ...
    def __iadd__(self, other: Scalar | array) -> array: ...
    def __iand__(self, other: Scalar | array) -> array: ...
    def __ifloordiv__(self, other: Scalar | array) -> array: ...
    def __ilshift__(self, other: Scalar | array) -> array: ...
    def __imatmul__(self, other: array) -> array: ...
    def __imod__(self, other: Scalar | array) -> array: ...
    def __imul__(self, other: Scalar | array) -> array: ...
    def __index__(self) -> int: ...
    def __init__(
        self,
        val: Scalar | list | tuple | array | Any,
        dtype: Dtype | None = None,
    ) -> None: ...
    def __int__(self) -> int: ...
    def __invert__(self) -> array: ...
    def __ior__(self, other: Scalar | array) -> array: ...
    def __ipow__(self, other: Scalar | array) -> array: ...
    def __irshift__(self, other: Scalar | array) -> array: ...
    def __isub__(self, other: Scalar | array) -> array: ...
    def __iter__(self) -> ArrayIterator: ...
    def __itruediv__(self, other: Scalar | array) -> array: ...
    def __ixor__(self, other: Scalar | array) -> array: ...
    def __le__(self, other: Scalar | array) -> array: ...
    def __len__(self) -> int: ...
    def __lshift__(self, other: Scalar | array) -> array: ...
    def __lt__(self, other: Scalar | array) -> array: ...
    def __matmul__(self, other: array) -> array: ...
    def __mod__(self, other: Scalar | array) -> array: ...
    def __mul__(self, other: Scalar | array) -> array: ...
    def __ne__(self, other: Scalar | array) -> array | bool: ...  # type: ignore[override]
    def __neg__(self) -> array: ...
    def __or__(self, other: Scalar | array) -> array: ...
    def __pos__(self) -> array: ...
    def __pow__(self, other: Scalar | array) -> array: ...
    def __radd__(self, other: Scalar | array) -> array: ...
    def __repr__(self) -> str: ...
    def __rfloordiv__(self, other: Scalar | array) -> array: ...
    def __rmod__(self, other: Scalar | array) -> array: ...
    def __rmul__(self, other: Scalar | array) -> array: ...
    def __rpow__(self, other: Scalar | array) -> array: ...
    def __rshift__(self, other: Scalar | array) -> array: ...
    def __rsub__(self, other: Scalar | array) -> array: ...
    def __rtruediv__(self, other: Scalar | array) -> array: ...
    def __setitem__(self, arg0: object | None, arg1: Scalar | array, /) -> None: ...
    def __setstate__(self, arg: tuple, /) -> None: ...
    def __sub__(self, other: Scalar | array) -> array: ...
    def __truediv__(self, other: Scalar | array) -> array: ...
    def __xor__(self, other: Scalar | array) -> array: ...
    def abs(self, *, stream: StreamOrDevice = None) -> array:
        """The absolute value of each element; of complex ones the length."""
    def all(
        self,
        axis: int | Sequence[int] | None = None,
        keepdims: bool = False,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """Whether all elements along `axis` are true; over all axes by default."""
    def any(
        self,
        axis: int | Sequence[int] | None = None,
        keepdims: bool = False,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """Whether some element along `axis` is true; over all axes by default."""
    def argmax(
        self,
        axis: int | None = None,
        keepdims: bool = False,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """The index of the largest element along `axis`, uint32; of the flat array by default."""
    def argmin(
        self,
        axis: int | None = None,
        keepdims: bool = False,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """The index of the smallest element along `axis`, uint32; of the flat array by default."""
    def astype(self, dtype: Dtype, stream: StreamOrDevice = None) -> array:
        """The elements as another dtype."""
    @property
    def at(self) -> ArrayAt:
        """Updates that add up where indices repeat: `a.at[i].add(1)`."""
    def conj(self, *, stream: StreamOrDevice = None) -> array: ...
    def cos(self, *, stream: StreamOrDevice = None) -> array:
        """The cosine of each element."""
    def cummax(
        self,
        axis: int | None = None,
        *,
        reverse: bool = False,
        inclusive: bool = True,
        stream: StreamOrDevice = None,
    ) -> array: ...
    def cummin(
        self,
        axis: int | None = None,
        *,
        reverse: bool = False,
        inclusive: bool = True,
        stream: StreamOrDevice = None,
    ) -> array: ...
    def cumprod(
        self,
        axis: int | None = None,
        *,
        reverse: bool = False,
        inclusive: bool = True,
        stream: StreamOrDevice = None,
    ) -> array: ...
    def cumsum(
        self,
        axis: int | None = None,
        *,
        reverse: bool = False,
        inclusive: bool = True,
        stream: StreamOrDevice = None,
    ) -> array:
        """Sums of all elements up to each one along `axis`; of the flat array by default."""
    def diag(self, k: int = 0, *, stream: StreamOrDevice = None) -> array:
        """A matrix with these elements on a diagonal, or the diagonal of a matrix."""
    def diagonal(
        self,
        offset: int = 0,
        axis1: int = 0,
        axis2: int = 1,
        stream: StreamOrDevice = None,
    ) -> array:
        """The diagonal of two axes, which becomes the last axis."""
    @property
    def device(self) -> Device:
        """Where the array is: the CPU. Beyond MLX."""
    @property
    def dtype(self) -> Dtype:
        """The type of the elements."""
    def exp(self, *, stream: StreamOrDevice = None) -> array:
        """e to the power of each element."""
    def flatten(
        self,
        start_axis: int = 0,
        end_axis: int = -1,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """Axes from `start_axis` to `end_axis` made one."""
    @property
    def imag(self) -> array: ...
    def item(self) -> Scalar:
        """The element of an array of size 1, as a Python number. Computes it."""
    @property
    def itemsize(self) -> int:
        """How many bytes an element takes."""
    def log(self, *, stream: StreamOrDevice = None) -> array:
        """The natural logarithm of each element."""
    def log10(self, *, stream: StreamOrDevice = None) -> array: ...
    def log1p(self, *, stream: StreamOrDevice = None) -> array:
        """log(1 + x), exact near zero."""
    def log2(self, *, stream: StreamOrDevice = None) -> array: ...
    def logcumsumexp(
        self,
        axis: int | None = None,
        *,
        reverse: bool = False,
        inclusive: bool = True,
        stream: StreamOrDevice = None,
    ) -> array: ...
    def logsumexp(
        self,
        axis: int | Sequence[int] | None = None,
        keepdims: bool = False,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """log Σ exp(a) along `axis`, without overflow."""
    @property
    def mT(self) -> array: ...
    def max(
        self,
        axis: int | Sequence[int] | None = None,
        keepdims: bool = False,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """The largest element along `axis`; of all by default."""
    def mean(
        self,
        axis: int | Sequence[int] | None = None,
        keepdims: bool = False,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """The mean along `axis`; of all by default."""
    def min(
        self,
        axis: int | Sequence[int] | None = None,
        keepdims: bool = False,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """The smallest element along `axis`; of all by default."""
    def moveaxis(
        self,
        source: int,
        destination: int,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """The axis `source` put at `destination`."""
    @property
    def nbytes(self) -> int:
        """How many bytes the elements take."""
    @property
    def ndim(self) -> int:
        """How many axes there are."""
    def prod(
        self,
        axis: int | Sequence[int] | None = None,
        keepdims: bool = False,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """The product along `axis`; of all by default."""
    @property
    def real(self) -> array: ...
    def reciprocal(self, *, stream: StreamOrDevice = None) -> array:
        """1 / a."""
    def reshape(self, *shape, stream: StreamOrDevice = None) -> array:
        """The elements in another shape; one length may be -1."""
    def round(self, decimals: int = 0, *, stream: StreamOrDevice = None) -> array:
        """Elements rounded to so many decimals, halves to the even one."""
    def rsqrt(self, *, stream: StreamOrDevice = None) -> array:
        """1 / √a."""
    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes, a tuple."""
    def sin(self, *, stream: StreamOrDevice = None) -> array:
        """The sine of each element."""
    @property
    def size(self) -> int:
        """How many elements there are."""
    def split(
        self,
        indices_or_sections: int | tuple[int, ...],
        axis: int = 0,
        *,
        stream: StreamOrDevice = None,
    ) -> list[array]:
        """Parts along `axis`: so many equal ones, or cut at these indices."""
    def sqrt(self, *, stream: StreamOrDevice = None) -> array:
        """The square root."""
    def square(self, *, stream: StreamOrDevice = None) -> array:
        """a²."""
    def squeeze(
        self,
        axis: int | Sequence[int] | None = None,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """An array without axes of length 1."""
    def std(
        self,
        axis: int | Sequence[int] | None = None,
        keepdims: bool = False,
        ddof: int = 0,
        *,
        correction: int | None = None,
        stream: StreamOrDevice = None,
    ) -> array:
        """The standard deviation along `axis`, with the divisor count - ddof."""
    def sum(
        self,
        axis: int | Sequence[int] | None = None,
        keepdims: bool = False,
        *,
        stream: StreamOrDevice = None,
    ) -> array:
        """The sum along `axis`; of all by default."""
    def swapaxes(self, axis1: int, axis2: int, *, stream: StreamOrDevice = None) -> array:
        """Two axes exchanged."""
    def tolist(self) -> list_or_scalar:
        """The elements in nested lists of Python numbers. Computes them."""
    def transpose(self, *axes, stream: StreamOrDevice = None) -> array:
        """Axes in another order; reversed by default."""
    def var(
        self,
        axis: int | Sequence[int] | None = None,
        keepdims: bool = False,
        ddof: int = 0,
        *,
        correction: int | None = None,
        stream: StreamOrDevice = None,
    ) -> array:
        """The variance along `axis`, with the divisor count - ddof."""
    def view(self, dtype: Dtype, *, stream: StreamOrDevice = None) -> array:
        """The same bytes as another dtype."""

class custom_function:
    """A function with derivatives of its own: `@f.vjp`, `@f.jvp`, `@f.vmap`."""

    def __init__(self, f: Callable) -> None: ...
    def jvp(self, f: Callable) -> Any: ...
    def vjp(self, f: Callable) -> Any: ...
    def vmap(self, f: Callable) -> Any: ...

class finfo:
    """The limits of a floating-point dtype."""

    def __init__(self, arg: Dtype, /) -> None: ...
    @property
    def bits(self) -> int: ...
    @property
    def dtype(self) -> Dtype: ...
    @property
    def eps(self) -> float: ...
    @property
    def max(self) -> float: ...
    @property
    def min(self) -> float: ...
    @property
    def smallest_normal(self) -> float: ...

class iinfo:
    """The limits of an integer dtype."""

    def __init__(self, arg: Dtype, /) -> None: ...
    @property
    def dtype(self) -> Dtype: ...
    @property
    def max(self) -> int: ...
    @property
    def min(self) -> int: ...

def abs(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """The absolute value of each element; of complex ones the length."""
def acos(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def acosh(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def add(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array:
    """a + b, element by element; shapes broadcast."""
def addmm(
    c: array,
    a: array,
    b: array,
    /,
    alpha: float = 1.0,
    beta: float = 1.0,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """beta c + alpha (a @ b), in one step."""
def all(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Whether all elements along `axis` are true; over all axes by default."""
def allclose(
    a: array,
    b: array,
    /,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    *,
    equal_nan: bool = False,
    stream: StreamOrDevice = None,
) -> array:
    """Whether |a - b| ≤ atol + rtol |b| everywhere, as an array ()."""
def any(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Whether some element along `axis` is true; over all axes by default."""
@overload
def arange(
    start: int | float,
    stop: None | int | float,
    step: None | int | float = None,
    dtype: Dtype | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Numbers from `start` up to `stop`, without it, in steps: (ceil((stop - start) / step),)."""
@overload
def arange(
    stop: int | float,
    step: None | int | float = None,
    dtype: Dtype | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Numbers from 0 up to `stop`, without it, in steps: (ceil(stop / step),)."""
def arccos(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def arccosh(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def arcsin(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def arcsinh(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def arctan(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def arctan2(a: Scalar | array, b: Scalar | array, /, *, stream: StreamOrDevice = None) -> array: ...
def arctanh(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def argmax(
    a: array,
    /,
    axis: None | int = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """The index of the largest element along `axis`, uint32; of the flat array by default."""
def argmin(
    a: array,
    /,
    axis: None | int = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """The index of the smallest element along `axis`, uint32; of the flat array by default."""
def argpartition(
    a: array,
    /,
    kth: int,
    axis: None | int = -1,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Indices that put the `kth` smallest element at its place, smaller ones before it."""
def argsort(a: array, /, axis: None | int = -1, *, stream: StreamOrDevice = None) -> array:
    """Indices that sort along `axis`; None sorts the flat array."""
def array_equal(
    a: Scalar | array,
    b: Scalar | array,
    equal_nan: bool = False,
    stream: StreamOrDevice = None,
) -> array:
    """Whether shapes and all elements are the same, as an array ()."""
def as_strided(
    a: array,
    /,
    shape: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
    offset: int = 0,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """A view of an array's memory with other shape, strides and offset, in elements."""
def asarray(
    a: Scalar | array | Sequence | Any,
    dtype: Dtype | None = None,
    *,
    copy: bool | None = None,
) -> array: ...
def asin(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def asinh(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def astype(a: array, dtype: Dtype, /, *, stream: StreamOrDevice = None) -> array: ...
def async_eval(*args: Any) -> None:
    """Starts to compute arrays, in any trees, and returns at once."""
def atan(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def atan2(a: Scalar | array, b: Scalar | array, /, *, stream: StreamOrDevice = None) -> array: ...
def atanh(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def atleast_1d(*arys: array, stream: StreamOrDevice = None) -> array | list[array]: ...
def atleast_2d(*arys: array, stream: StreamOrDevice = None) -> array | list[array]: ...
def atleast_3d(*arys: array, stream: StreamOrDevice = None) -> array | list[array]: ...
def bartlett(M: int, *, stream: StreamOrDevice = None) -> array: ...
def bitwise_and(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array: ...
def bitwise_invert(a: Scalar | array, stream: StreamOrDevice = None) -> array: ...
def bitwise_left_shift(
    a: Scalar | array,
    b: Scalar | array,
    stream: StreamOrDevice = None,
) -> array: ...
def bitwise_or(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array: ...
def bitwise_right_shift(
    a: Scalar | array,
    b: Scalar | array,
    stream: StreamOrDevice = None,
) -> array: ...
def bitwise_xor(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array: ...
def blackman(M: int, *, stream: StreamOrDevice = None) -> array: ...
def block_masked_mm(
    a: array,
    b: array,
    /,
    block_size: int = 64,
    mask_out: array | None = None,
    mask_lhs: array | None = None,
    mask_rhs: array | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def broadcast_arrays(*arrays: array, stream: StreamOrDevice = None) -> tuple[array, ...]:
    """Arrays stretched to the shape that they have in common."""
def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int]: ...
def broadcast_to(
    a: Scalar | array,
    /,
    shape: Sequence[int],
    *,
    stream: StreamOrDevice = None,
) -> array:
    """An array stretched to a shape, without a copy."""
def can_cast(from_: array | Dtype, to: Dtype) -> bool: ...
def ceil(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """The next whole number above each element."""
def checkpoint(fun: Callable[..., R]) -> Callable[..., R]:
    """A function that does the same and keeps only its arguments for its derivative."""
def clear_cache() -> None:
    """Gives memory that is kept for later arrays back to the system."""
def clear_streams() -> None: ...
def clip(
    a: array,
    /,
    a_min: Scalar | array | None,
    a_max: Scalar | array | None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Elements cut off at `a_min` and `a_max`; None leaves a side open."""
def compile(
    fun: Callable[..., R],
    inputs: object | None = None,
    outputs: object | None = None,
    shapeless: bool = False,
) -> Callable[..., R]:
    """A function that is traced once for each set of shapes and dtypes, and replayed after."""
def concat(
    arrays: list[array],
    axis: int | None = 0,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def concatenate(
    arrays: list[array],
    axis: int | None = 0,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Arrays one after the other along `axis`."""
def conj(a: array, *, stream: StreamOrDevice = None) -> array: ...
def conjugate(a: array, *, stream: StreamOrDevice = None) -> array: ...
def contiguous(
    a: array,
    /,
    allow_col_major: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def conv1d(
    input: array,
    weight: array,
    /,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Convolution (N, L, C) with filters (outputs, K, C / groups)."""
def conv2d(
    input: array,
    weight: array,
    /,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Convolution (N, H, W, C) with filters (outputs, h, w, C / groups)."""
def conv3d(
    input: array,
    weight: array,
    /,
    stride: int | tuple[int, int, int] = 1,
    padding: int | tuple[int, int, int] = 0,
    dilation: int | tuple[int, int, int] = 1,
    groups: int = 1,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Convolution (N, D, H, W, C) with filters (outputs, d, h, w, C)."""
def conv_general(
    input: array,
    weight: array,
    /,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | tuple[Sequence[int], Sequence[int]] = 0,
    kernel_dilation: int | Sequence[int] = 1,
    input_dilation: int | Sequence[int] = 1,
    groups: int = 1,
    flip: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def conv_transpose1d(
    input: array,
    weight: array,
    /,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    output_padding: int = 0,
    groups: int = 1,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def conv_transpose2d(
    input: array,
    weight: array,
    /,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    output_padding: int | tuple[int, int] = 0,
    groups: int = 1,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def conv_transpose3d(
    input: array,
    weight: array,
    /,
    stride: int | tuple[int, int, int] = 1,
    padding: int | tuple[int, int, int] = 0,
    dilation: int | tuple[int, int, int] = 1,
    output_padding: int | tuple[int, int, int] = 0,
    groups: int = 1,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def convolve(
    a: array,
    v: array,
    /,
    mode: str = "full",
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def cos(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """The cosine of each element."""
def cosh(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def count_nonzero(
    a: array,
    /,
    *,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    stream: StreamOrDevice = None,
) -> array: ...
def cummax(
    a: array,
    /,
    axis: int | None = None,
    *,
    reverse: bool = False,
    inclusive: bool = True,
    stream: StreamOrDevice = None,
) -> array: ...
def cummin(
    a: array,
    /,
    axis: int | None = None,
    *,
    reverse: bool = False,
    inclusive: bool = True,
    stream: StreamOrDevice = None,
) -> array: ...
def cumprod(
    a: array,
    /,
    axis: int | None = None,
    *,
    reverse: bool = False,
    inclusive: bool = True,
    dtype: Dtype | None = None,
    stream: StreamOrDevice = None,
) -> array: ...
def cumsum(
    a: array,
    /,
    axis: int | None = None,
    *,
    reverse: bool = False,
    inclusive: bool = True,
    dtype: Dtype | None = None,
    stream: StreamOrDevice = None,
) -> array:
    """Sums of all elements up to each one along `axis`; of the flat array by default."""
def cumulative_prod(
    a: array,
    /,
    axis: int | None = None,
    *,
    reverse: bool = False,
    inclusive: bool = True,
    dtype: Dtype | None = None,
    stream: StreamOrDevice = None,
) -> array: ...
def cumulative_sum(
    a: array,
    /,
    axis: int | None = None,
    *,
    reverse: bool = False,
    inclusive: bool = True,
    dtype: Dtype | None = None,
    stream: StreamOrDevice = None,
) -> array: ...
def default_device() -> Device:
    """The device of operations that name none."""
def default_stream(device: Device | DeviceType) -> Stream: ...
def degrees(a: Scalar | array, /, *, stream: StreamOrDevice = None) -> array: ...
def depends(inputs: array | Sequence[array], dependencies: array | Sequence[array]) -> Any: ...
def dequantize(
    w: array,
    /,
    scales: array,
    biases: array | None = None,
    group_size: int | None = None,
    bits: int | None = None,
    mode: str = 'affine',
    global_scale: array | None = None,
    dtype: Dtype | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Numbers from the codes, scales and offsets of `quantize`."""
def device_count(device_type: DeviceType) -> int: ...
def device_info(d: None | Device | DeviceType = None) -> dict[str, str | int]: ...
def diag(a: array, /, k: int = 0, *, stream: StreamOrDevice = None) -> array:
    """A matrix with these elements on a diagonal, or the diagonal of a matrix."""
def diagonal(
    a: array,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    stream: StreamOrDevice = None,
) -> array:
    """The diagonal of two axes, which becomes the last axis."""
def diff(a: array, /, n: int = 1, axis: int = -1, *, stream: StreamOrDevice = None) -> array: ...
def disable_compile() -> None:
    """Makes `compile` return functions as they are."""
def divide(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array:
    """a / b, element by element; integers become floating-point numbers."""
def divmod(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array: ...
def einsum(subscripts: str, *operands: Any, stream: StreamOrDevice = None) -> array:
    """Sums of products that letters of axes name: `einsum("ij,jk->ik", a, b)`."""
def einsum_path(subscripts: str, *operands: Any) -> Any:
    """In what order `einsum` takes operands, and what that saves."""
def empty(
    shape: int | Sequence[int],
    dtype: Dtype | None = ...,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def empty_like(
    a: array,
    /,
    dtype: Dtype | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def enable_compile() -> None: ...
def equal(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array:
    """Whether elements are the same."""
def erf(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """The error function of each element."""
def erfinv(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def eval(*args: Any) -> None:
    """Computes arrays, in any trees, and returns when they are there."""
def exp(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """e to the power of each element."""
def expand_dims(
    a: array,
    /,
    axis: int | Sequence[int],
    *,
    stream: StreamOrDevice = None,
) -> array:
    """An array with axes of length 1 put in."""
def expm1(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """exp(x) - 1, exact near zero."""
def export_function(
    file_or_callback: str | Callable,
    fun: Callable,
    *args: Any,
    shapeless: bool = False,
    metadata: str | None = None,
    **kwargs: Any,
) -> None: ...
def export_to_dot(file: object, *args: Any, **kwargs: Any) -> None: ...
def exporter(
    file: str,
    fun: Callable,
    *,
    shapeless: bool = False,
    metadata: str | None = None,
) -> FunctionExporter: ...
def eye(
    n: int,
    m: int | None = None,
    k: int = 0,
    dtype: Dtype | None = ...,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """A matrix (n, m) with ones on the diagonal `k`."""
def flatten(
    a: array,
    /,
    start_axis: int = 0,
    end_axis: int = -1,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Axes from `start_axis` to `end_axis` made one."""
def flip(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def floor(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """The next whole number below each element."""
def floor_divide(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array:
    """a / b, rounded down."""
def from_dlpack(x: Any, /, *, copy: bool | None = None) -> array: ...
def from_fp8(x: array, dtype: Dtype = bfloat16, *, stream: StreamOrDevice = None) -> array: ...
def full(
    shape: int | Sequence[int],
    vals: Scalar | array,
    dtype: Dtype | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """An array of a shape filled with a value, which may broadcast to it."""
def full_like(
    a: array,
    vals: Scalar | array,
    dtype: Dtype | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def gather_mm(
    a: array,
    b: array,
    /,
    lhs_indices: array | None = None,
    rhs_indices: array | None = None,
    *,
    sorted_indices: bool = False,
    stream: StreamOrDevice = None,
) -> array:
    """Products of matrices that are chosen from two stacks by indices."""
def gather_qmm(
    x: array,
    w: array,
    /,
    scales: array,
    biases: array | None = None,
    lhs_indices: array | None = None,
    rhs_indices: array | None = None,
    transpose: bool = True,
    group_size: int | None = None,
    bits: int | None = None,
    mode: str = 'affine',
    global_scale: array | None = None,
    *,
    sorted_indices: bool = False,
    stream: StreamOrDevice = None,
) -> array:
    """As `gather_mm`, with a stack of quantized matrices."""
def gather_qqmm(
    x: array,
    w: array,
    /,
    scales: array | None = None,
    lhs_indices: array | None = None,
    rhs_indices: array | None = None,
    group_size: int | None = None,
    bits: int | None = None,
    mode: str = 'nvfp4',
    global_scale_x: array | None = None,
    global_scale_w: array | None = None,
    *,
    sorted_indices: bool = False,
    stream: StreamOrDevice = None,
) -> array: ...
def get_active_memory() -> int:
    """Bytes that arrays hold now."""
def get_array_buffer_size(*args: Any) -> int: ...
def get_cache_memory() -> int:
    """Bytes that are kept for later arrays."""
def get_memory_limit() -> int: ...
def get_peak_memory() -> int:
    """The most bytes that arrays have held since `reset_peak_memory`."""
def get_printoptions() -> PrintOptions: ...
def grad(
    fun: Callable[..., R],
    argnums: int | Sequence[int] | None = None,
    argnames: str | Sequence[str] = [],
) -> Callable[..., Any]:
    """A function that returns the gradient of `fun`, which returns a scalar, by some arguments."""
def greater(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array:
    """Whether a > b, element by element."""
def greater_equal(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array: ...
def hadamard_transform(
    a: array,
    scale: float | None = None,
    stream: StreamOrDevice = None,
) -> array:
    """The Walsh-Hadamard transform along the last axis, whose length is m 2^k."""
def hamming(M: int, *, stream: StreamOrDevice = None) -> array: ...
def hanning(M: int, *, stream: StreamOrDevice = None) -> array: ...
def identity(n: int, dtype: Dtype | None = ..., *, stream: StreamOrDevice = None) -> array:
    """The identity matrix (n, n)."""
def imag(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def import_function(
    file: str,
    return_metadata: bool = False,
) -> Callable | tuple[Callable, str]: ...
def inner(a: array, b: array, /, *, stream: StreamOrDevice = None) -> array:
    """Sums of products along the last axes."""
def is_available(device: Device | DeviceType) -> bool: ...
def isclose(
    a: array,
    b: array,
    /,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    *,
    equal_nan: bool = False,
    stream: StreamOrDevice = None,
) -> array:
    """Whether |a - b| ≤ atol + rtol |b|, element by element."""
def isdtype(dtype: Dtype, kind: Dtype | str | tuple[Dtype | str, ...]) -> bool: ...
def isfinite(a: array, stream: StreamOrDevice = None) -> array: ...
def isinf(a: array, stream: StreamOrDevice = None) -> array: ...
def isnan(a: array, stream: StreamOrDevice = None) -> array:
    """Whether elements are not a number."""
def isneginf(a: array, stream: StreamOrDevice = None) -> array: ...
def isposinf(a: array, stream: StreamOrDevice = None) -> array: ...
def issubdtype(arg1: Dtype | DtypeCategory, arg2: Dtype | DtypeCategory) -> bool: ...
def jvp(
    fun: Callable,
    primals: list[array],
    tangents: list[array],
) -> tuple[list[array], list[array]]:
    """Outputs of `fun` and their derivatives along tangents."""
def kron(a: array, b: array, *, stream: StreamOrDevice = None) -> array: ...
def left_shift(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array: ...
def less(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array:
    """Whether a < b, element by element."""
def less_equal(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array: ...
def linspace(
    start: Scalar,
    stop: Scalar,
    num: int | None = 50,
    endpoint: bool = True,
    dtype: Dtype | None = ...,
    stream: StreamOrDevice = None,
) -> array:
    """`num` numbers from `start` to `stop`, evenly."""
def load(
    file: IO[bytes] | str | PathLike[str],
    /,
    format: str | None = None,
    return_metadata: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array | dict[str, array] | tuple[dict[str, array], dict[str, Any]]:
    """The arrays of a `.npy`, `.npz`, `.safetensors` or `.gguf` file."""
def log(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """The natural logarithm of each element."""
def log10(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def log1p(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """log(1 + x), exact near zero."""
def log2(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def logaddexp(
    a: Scalar | array,
    b: Scalar | array,
    /,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """log(exp(a) + exp(b)), without overflow."""
def logcumsumexp(
    a: array,
    /,
    axis: int | None = None,
    *,
    reverse: bool = False,
    inclusive: bool = True,
    stream: StreamOrDevice = None,
) -> array: ...
def logical_and(a: array, b: array, /, *, stream: StreamOrDevice = None) -> array:
    """Whether both are true."""
def logical_not(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """Whether an element is false."""
def logical_or(a: array, b: array, /, *, stream: StreamOrDevice = None) -> array:
    """Whether one is true."""
def logical_xor(
    a: Scalar | array,
    b: Scalar | array,
    /,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def logsumexp(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """log Σ exp(a) along `axis`, without overflow."""
def matmul(a: array, b: array, /, *, stream: StreamOrDevice = None) -> array:
    """The product of matrices (…, n, k) and (…, k, m), or of vectors."""
def matrix_norm(
    a: array,
    /,
    ord: None | int | float | str = None,
    axis: None | int | list[int] = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def matrix_transpose(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def max(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """The largest element along `axis`; of all by default."""
def maximum(a: Scalar | array, b: Scalar | array, /, *, stream: StreamOrDevice = None) -> array:
    """The larger of two, element by element."""
def mean(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """The mean along `axis`; of all by default."""
def median(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def meshgrid(
    *arrays: array,
    sparse: bool | None = False,
    indexing: str | None = 'xy',
    stream: StreamOrDevice = None,
) -> tuple[array, ...]:
    """Coordinates of a grid, an array for each axis."""
def min(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """The smallest element along `axis`; of all by default."""
def minimum(a: Scalar | array, b: Scalar | array, /, *, stream: StreamOrDevice = None) -> array:
    """The smaller of two, element by element."""
def minmax(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> tuple[array, array]: ...
def moveaxis(
    a: array,
    /,
    source: int,
    destination: int,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """The axis `source` put at `destination`."""
def multiply(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array:
    """a · b, element by element."""
def nan_to_num(
    a: Scalar | array,
    nan: float = 0,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Numbers in the place of nan and infinities."""
def negative(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """-a."""
def new_stream(device: Device | DeviceType) -> Stream:
    """Another queue of work of a device."""
def new_thread_local_stream(device: Device | DeviceType) -> ThreadLocalStream: ...
def new_thread_unsafe_stream(device: Device | DeviceType) -> Stream: ...
def not_equal(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array: ...
def ones(
    shape: int | Sequence[int],
    dtype: Dtype | None = ...,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """An array of a shape filled with ones."""
def ones_like(
    a: array,
    /,
    dtype: Dtype | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Ones in the shape of an array."""
def outer(a: array, b: array, /, *, stream: StreamOrDevice = None) -> array:
    """All products of two arrays' elements: (size of a, size of b)."""
def pad(
    a: array,
    pad_width: int | tuple[int] | tuple[int, int] | list[tuple[int, int]],
    mode: Literal['constant', 'edge', 'reflect', 'symmetric'] = 'constant',
    constant_values: Scalar | array = 0,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """An array with more elements before and after, along each axis."""
def partition(
    a: array,
    /,
    kth: int,
    axis: None | int = -1,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """The `kth` smallest element at its place, smaller ones before it."""
def permute_dims(
    a: array,
    /,
    axes: Sequence[int] | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def positive(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def pow(a: Scalar | array, b: Scalar | array, /, *, stream: StreamOrDevice = None) -> array: ...
def power(a: Scalar | array, b: Scalar | array, /, *, stream: StreamOrDevice = None) -> array:
    """a to the power of b."""
def printoptions(precision: int = -1) -> Any: ...
def prod(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """The product along `axis`; of all by default."""
def put_along_axis(
    a: array,
    /,
    indices: array,
    values: array,
    axis: int | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def qqmm(
    x: array,
    w: array,
    scales: array | None = None,
    group_size: int | None = None,
    bits: int | None = None,
    mode: str = 'nvfp4',
    global_scale_x: array | None = None,
    global_scale_w: array | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def quantize(
    w: array,
    /,
    group_size: int | None = None,
    bits: int | None = None,
    mode: str = 'affine',
    *,
    global_scale: array | None = None,
    stream: StreamOrDevice = None,
) -> tuple[array, array, array]:
    """Codes, scales and offsets of groups along the last axis, a few bits an element."""
def quantized_matmul(
    x: array,
    w: array,
    /,
    scales: array,
    biases: array | None = None,
    transpose: bool = True,
    group_size: int | None = None,
    bits: int | None = None,
    mode: str = 'affine',
    *,
    stream: StreamOrDevice = None,
) -> array:
    """x times a quantized matrix, which is never decoded as a whole."""
def radians(a: Scalar | array, /, *, stream: StreamOrDevice = None) -> array: ...
def real(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def reciprocal(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """1 / a."""
def remainder(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array:
    """What is left of a after whole multiples of b, with the sign of b."""
def repeat(
    array: array,
    repeats: int,
    axis: int | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Each element `repeats` times along `axis`."""
def reset_peak_memory() -> None: ...
def reshape(a: array, /, shape: Sequence[int], *, stream: StreamOrDevice = None) -> array:
    """The elements in another shape; one length may be -1."""
def result_type(*arrays_and_dtypes: array | Dtype) -> Dtype:
    """The dtype that these have in common."""
def right_shift(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array: ...
def roll(
    a: array,
    shift: int | tuple[int],
    axis: None | int | tuple[int] = None,
    /,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Elements moved along axes; what leaves at one end enters at the other."""
def round(a: array, /, decimals: int = 0, stream: StreamOrDevice = None) -> array:
    """Elements rounded to so many decimals, halves to the even one."""
def rsqrt(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """1 / √a."""
def save(file: IO[bytes] | str | PathLike[str], arr: array) -> None:
    """Writes an array to a `.npy` file."""
def save_gguf(
    file: IO[bytes] | str | PathLike[str],
    arrays: dict[str, array],
    metadata: dict[str, array | str | list[str]],
) -> None: ...
def save_safetensors(
    file: IO[bytes] | str | PathLike[str],
    arrays: dict[str, array],
    metadata: dict[str, str] | None = None,
) -> None:
    """Writes named arrays to a `.safetensors` file."""
def savez(file: IO[bytes] | str | PathLike[str], *args: Any, **kwargs: Any) -> None:
    """Writes arrays to an `.npz` file, under the names of the arguments."""
def savez_compressed(file: IO[bytes] | str | PathLike[str], *args: Any, **kwargs: Any) -> None: ...
def searchsorted(
    sorted_sequence: array,
    values: array,
    /,
    side: str = 'left',
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def segmented_mm(
    a: array,
    b: array,
    /,
    segments: array,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def set_cache_limit(limit: int) -> int: ...
def set_default_device(device: Device | DeviceType) -> None:
    """Chooses the device of operations that name none."""
def set_default_stream(stream: Stream) -> None: ...
def set_memory_limit(limit: int) -> int:
    """Limits the bytes that arrays hold; returns the limit before."""
def set_printoptions(precision: int = -1) -> None: ...
def set_wired_limit(limit: int) -> int: ...
def sigmoid(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """1 / (1 + exp(-a))."""
def sign(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """-1, 0 or 1."""
def sin(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """The sine of each element."""
def sinh(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def slice(
    a: array,
    start_indices: array,
    axes: Sequence[int],
    slice_size: Sequence[int],
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def slice_update(
    a: array,
    update: array,
    start_indices: array,
    axes: Sequence[int],
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def softmax(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    *,
    precise: bool = False,
    stream: StreamOrDevice = None,
) -> array:
    """exp(a) divided by its sum along `axis`."""
def sort(a: array, /, axis: None | int = -1, *, stream: StreamOrDevice = None) -> array:
    """The elements in order along `axis`; None sorts the flat array."""
def split(
    a: array,
    /,
    indices_or_sections: int | Sequence[int],
    axis: int = 0,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Parts along `axis`: so many equal ones, or cut at these indices."""
def sqrt(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """The square root."""
def square(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """a²."""
def squeeze(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """An array without axes of length 1."""
def stack(arrays: list[array], axis: int | None = 0, *, stream: StreamOrDevice = None) -> array:
    """Arrays side by side along a new axis."""
def std(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    ddof: int = 0,
    *,
    correction: int | None = None,
    stream: StreamOrDevice = None,
) -> array:
    """The standard deviation along `axis`, with the divisor count - ddof."""
def stop_gradient(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """The array, through which no gradient goes."""
def stream(s: Stream | ThreadLocalStream | Device | DeviceType) -> StreamContext:
    """A context in which operations use a stream or device: `with mx.stream(mx.cpu): …`."""
def subtract(a: Scalar | array, b: Scalar | array, stream: StreamOrDevice = None) -> array:
    """a - b, element by element."""
def sum(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """The sum along `axis`; of all by default."""
def swapaxes(a: array, /, axis1: int, axis2: int, *, stream: StreamOrDevice = None) -> array:
    """Two axes exchanged."""
def synchronize(stream: StreamOrDevice = None) -> None:
    """Waits until a stream's work is done, and raises what failed in the background."""
def take(
    a: array,
    /,
    indices: int | array,
    axis: int | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Elements, or slices along `axis`, by their indices."""
def take_along_axis(
    a: array,
    /,
    indices: array,
    axis: int | None = -1,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """For each vector along `axis` the elements that its indices name."""
def tan(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def tanh(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """The hyperbolic tangent."""
def tensordot(
    a: array,
    b: array,
    /,
    axes: int | list[Sequence[int]] = 2,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Sums of products over some axes of both."""
def tile(a: array, reps: int | Sequence[int], /, *, stream: StreamOrDevice = None) -> array:
    """An array repeated along its axes."""
def to_fp8(x: array, *, stream: StreamOrDevice = None) -> array: ...
def topk(a: array, /, k: int, axis: None | int = -1, *, stream: StreamOrDevice = None) -> array:
    """The `k` largest elements along `axis`, in no order."""
def trace(
    a: array,
    /,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: Dtype | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array: ...
def transpose(
    a: array,
    /,
    axes: Sequence[int] | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Axes in another order; reversed by default."""
def tri(
    n: int,
    m: int | None = None,
    k: int = 0,
    dtype: Dtype | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Ones on and below a diagonal."""
def tril(x: array, k: int = 0, *, stream: StreamOrDevice = None) -> array:
    """The elements on and below a diagonal, zeros above."""
def triu(x: array, k: int = 0, *, stream: StreamOrDevice = None) -> array:
    """The elements on and above a diagonal, zeros below."""
def trunc(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
def unflatten(
    a: array,
    /,
    axis: int,
    shape: Sequence[int],
    *,
    stream: StreamOrDevice = None,
) -> array:
    """One axis made several."""
def unique(
    a: array,
    /,
    size: int,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    fill_value: Scalar | array | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array | tuple[array, ...]: ...
def unstack(x: array, /, *, axis: int = 0, stream: StreamOrDevice = None) -> tuple[array, ...]: ...
def value_and_grad(
    fun: Callable[..., R],
    argnums: int | Sequence[int] | None = None,
    argnames: str | Sequence[str] = [],
) -> Callable[..., tuple[R, Any]]:
    """A function that returns what `fun` does and the gradient of its first output."""
def var(
    a: array,
    /,
    axis: None | int | Sequence[int] = None,
    keepdims: bool = False,
    ddof: int = 0,
    *,
    correction: int | None = None,
    stream: StreamOrDevice = None,
) -> array:
    """The variance along `axis`, with the divisor count - ddof."""
def vecdot(a: array, b: array, /, *, axis: int = -1, stream: StreamOrDevice = None) -> array: ...
def view(a: Scalar | array, dtype: Dtype, stream: StreamOrDevice = None) -> array:
    """The same bytes as another dtype."""
def vjp(
    fun: Callable,
    primals: list[array],
    cotangents: list[array],
) -> tuple[list[array], list[array]]:
    """Outputs of `fun` and the gradients of cotangents by its arguments."""
def vmap(fun: Callable[..., R], in_axes: object = 0, out_axes: object = 0) -> Callable[..., R]:
    """A function that maps `fun` over an axis of its arguments."""
def where(
    condition: Scalar | array,
    x: Scalar | array,
    y: Scalar | array,
    /,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """x where the condition is true, else y; all broadcast."""
def zeros(
    shape: int | Sequence[int],
    dtype: Dtype | None = ...,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """An array of a shape filled with zeros."""
def zeros_like(
    a: array,
    /,
    dtype: Dtype | None = None,
    *,
    stream: StreamOrDevice = None,
) -> array:
    """Zeros in the shape of an array."""
bfloat16: Dtype
bool_: Dtype
complex64: Dtype
complexfloating: DtypeCategory
cpu: DeviceType
e: float
euler_gamma: float
float16: Dtype
float32: Dtype
float64: Dtype
floating: DtypeCategory
generic: DtypeCategory
gpu: DeviceType
inexact: DtypeCategory
inf: float
int16: Dtype
int32: Dtype
int64: Dtype
int8: Dtype
integer: DtypeCategory
nan: float
newaxis: None
number: DtypeCategory
pi: float
signedinteger: DtypeCategory
uint16: Dtype
uint32: Dtype
uint64: Dtype
uint8: Dtype
unsignedinteger: DtypeCategory

# Beyond MLX.

async def evaluate_async(*args: Any) -> None:
    """Computes arrays, in any trees, while the event loop goes on."""
def explain(*args: Any) -> str:
    """Where and how arrays would be computed, as text."""
def trace_evaluation(path: str | PathLike[str]) -> Any:
    """A context that writes what is evaluated in it to a file that browsers show."""
