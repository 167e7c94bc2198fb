"""Functions whose arguments need more than a row of the extension's table."""

from . import _engine as e
from ._engine import array


def _shape(shape):
    return (shape,) if isinstance(shape, int) else tuple(shape)


def _from_start(start, stop, step=None, dtype=None):
    return start, stop, step, dtype


def _from_zero(stop, step=None, dtype=None):
    return 0, stop, step, dtype


# What Python says of arguments that do not fit is said of the function that was called.
_from_start.__qualname__ = _from_zero.__qualname__ = "arange"


def arange(*bounds, stream=None, **named):
    """Numbers from start to stop, which is excluded, in steps.

    The arguments are `start, stop, step=None, dtype=None`, or from 0 `stop, step=None,
    dtype=None`. Without a dtype they are float32 if a bound or the step is a float, else int32,
    or int64 where they go beyond.

    >>> mx.arange(3)
    array([0, 1, 2], dtype=int32)
    """
    has_start = len(bounds) > 1 or "start" in named or (bounds and "stop" in named)
    start, stop, step, dtype = (_from_start if has_start else _from_zero)(*bounds, **named)
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    for bound in (start, stop, step):
        if isinstance(bound, str) or not hasattr(bound, "__float__"):
            raise TypeError(f"arange(): a bound or a step is a number, not {type(bound)!r}")
    if dtype is None:
        if any(isinstance(x, float) for x in (start, stop, step)):
            dtype = e.float32
        else:
            is_wide = any(not -(2**31) <= x < 2**31 for x in (start, stop, step))
            dtype = e.int64 if is_wide else e.int32
    elif dtype == e.bool_:
        raise ValueError("bool not supported for arange.")
    return e._arange(start, stop, step, dtype)


def linspace(start, stop, num=50, endpoint=True, dtype=e.float32, stream=None):
    """`num` numbers at equal distances from start to stop."""
    return e._linspace(start, stop, 50 if num is None else num, endpoint, dtype or e.float32)


def _value(vals, dtype):
    # A number goes into the dtype at once: on the way through float32 it would lose digits.
    return vals if dtype is None or isinstance(vals, array) else array(vals, dtype)


def full(shape, vals, dtype=None, *, stream=None):
    """An array of the shape, filled with a number or with a broadcast array."""
    return e._full(_shape(shape), _value(vals, dtype), dtype)


def full_like(a, vals, dtype=None, *, stream=None):
    """An array of the shape and dtype of a, filled with a number or a broadcast array."""
    dtype = dtype or a.dtype
    return e._full_like(a, _value(vals, dtype), dtype)


def zeros_like(a, /, dtype=None, *, stream=None):
    """0 in the shape and dtype of a."""
    return e._full_like(a, False, dtype or a.dtype)


def ones_like(a, /, dtype=None, *, stream=None):
    """1 in the shape and dtype of a."""
    return e._full_like(a, True, dtype or a.dtype)


def identity(n, dtype=e.float32, *, stream=None):
    """The identity matrix."""
    return e.eye(n, dtype=dtype)


def clip(a, /, a_min, a_max, *, stream=None):
    """a, but not below a_min and not above a_max; None is no bound."""
    if a_min is None and a_max is None:
        raise ValueError("[clip] At least one of a_min and a_max must not be None")
    a = a if isinstance(a, array) else array(a)
    if a_min is not None:
        a = e.maximum(a, a_min)
    return a if a_max is None else e.minimum(a, a_max)


def take(a, /, indices, axis=None, *, stream=None):
    """The elements at indices along an axis, or of the flat array."""
    return e._take(a, indices, axis)


def positive(a, /, *, stream=None):
    """a itself."""
    return a if isinstance(a, array) else array(a)


def logical_xor(a, b, /, *, stream=None):
    """Whether exactly one of a and b is not 0, broadcast."""
    return e.not_equal(e.logical_not(a), e.logical_not(b))


def divmod(a, b, stream=None):
    """a // b and a % b, broadcast."""
    return [e.floor_divide(a, b), e.remainder(a, b)]


def matrix_transpose(a, /, *, stream=None):
    """a with its last two axes exchanged."""
    if a.ndim < 2:
        raise ValueError(
            "[matrix_transpose] Input array must have at least 2 dimensions.")
    return e.swapaxes(a, -1, -2)


def trace(a, /, offset=0, axis1=0, axis2=1, dtype=None, *, stream=None):
    """The sum of a diagonal."""
    return e._trace(a, offset, axis1, axis2, dtype)


def _each(function, arrays):
    results = [function(x) for x in arrays]
    return results[0] if len(results) == 1 else results


def atleast_1d(*arys, stream=None):
    """With one axis at least."""
    return _each(e._atleast_1d, arys)


def atleast_2d(*arys, stream=None):
    """With two axes at least."""
    return _each(e._atleast_2d, arys)


def atleast_3d(*arys, stream=None):
    """With three axes at least."""
    return _each(e._atleast_3d, arys)


def _shape_text(shape):
    return "(" + ",".join(str(dim) for dim in shape) + ")"


def broadcast_shapes(*shapes):
    """The shape that all are broadcast to."""
    if not shapes:
        raise ValueError("[broadcast_shapes] Must provide at least one shape.")
    result = []
    for shape in shapes:
        shape = list(shape)
        longer, shorter = (shape, result) if len(shape) > len(result) else (result, shape)
        longer = list(longer)
        for axis in range(1, len(shorter) + 1):
            if longer[-axis] == 1:
                longer[-axis] = shorter[-axis]
            elif shorter[-axis] not in (1, longer[-axis]):
                raise ValueError(
                    f"[broadcast_shapes] Shapes {_shape_text(result)} and {_shape_text(shape)} "
                    "cannot be broadcast.")
        result = longer
    return tuple(result)


def _pad_pairs(pad_width, ndim):
    """(before, after) for each axis."""
    if isinstance(pad_width, int):
        return [(pad_width, pad_width)] * ndim
    if isinstance(pad_width, (str, bytes)) or not hasattr(pad_width, "__iter__"):
        raise TypeError(f"pad(): a width is an integer or a sequence, not {pad_width!r}")
    widths = list(pad_width)
    if widths and all(isinstance(width, int) for width in widths):
        if len(widths) > 2:
            raise TypeError("pad(): expected one width, two, or a pair for each axis")
        return [(widths[0], widths[-1])] * ndim
    pairs = [(width, width) if isinstance(width, int) else tuple(width) for width in widths]
    if any(len(pair) not in (1, 2) for pair in pairs):
        raise TypeError("pad(): expected a pair of widths for each axis")
    pairs = [(pair[0], pair[-1]) for pair in pairs]
    return pairs * ndim if len(pairs) == 1 else pairs


def pad(a, pad_width, mode="constant", constant_values=0, *, stream=None):
    """a with a border: one width, (before, after), or a pair for each axis.

    The border is `constant_values` (mode "constant"), the nearest element ("edge"), or the
    array as in a mirror, with ("symmetric") or without ("reflect") what is at the edge.
    """
    a = a if isinstance(a, array) else array(a)
    pairs = _pad_pairs(pad_width, a.ndim)
    if len(pairs) != a.ndim:
        raise ValueError(
            f"Invalid number of padding sizes passed to pad with axes of size {a.ndim}")
    for axis, pair in enumerate(pairs):
        for width, side in zip(pair, ("low", "high")):
            if width < 0:
                raise ValueError(
                    f"Invalid {side} padding size ({width}) passed to pad for axis {axis}. "
                    "Padding sizes must be non-negative")
    if mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError(f"Invalid padding mode ({mode}) passed to pad")
    value = constant_values
    if not isinstance(value, array):
        value = array(value, a.dtype)
    return e._pad(a, [width for pair in pairs for width in pair], mode, value)


def tensordot(a, b, /, axes=2, *, stream=None):
    """Sums of products over axes: the last of a and first of b, or given ones."""
    if isinstance(axes, int):
        return e._tensordot(a, b, axes, None)
    first, second = axes
    return e._tensordot(a, b, _shape(first), _shape(second))


def _spatial(value, count):
    """A number for each spatial axis; one alone is for all of them."""
    numbers = [value] if isinstance(value, int) else list(value)
    return numbers * count if len(numbers) == 1 else numbers


def conv_general(
    input, weight, /, stride=1, padding=0, kernel_dilation=1, input_dilation=1, groups=1,
    flip=False, *, stream=None,
):
    """The convolution of (n, ..., c) with (o, ..., c / groups) over one to three axes.

    The padding is a number, one for each axis, or (before, after) of these.
    """
    count = input.ndim - 2
    if isinstance(padding, (tuple, list)) and len(padding) == 2 and not isinstance(padding[0], int):
        low, high = (_spatial(side, count) for side in padding)
    else:
        low = high = _spatial(padding, count)
    return e._conv(
        input, weight, _spatial(stride, count), low, high, _spatial(kernel_dilation, count),
        _spatial(input_dilation, count), groups, flip)


def _convolution(axes):
    def convolution(input, weight, /, stride=1, padding=0, dilation=1, groups=1, *, stream=None):
        if input.ndim != axes + 2:
            raise ValueError(f"[conv] Invalid input array with {input.ndim} dimensions")
        return conv_general(input, weight, stride, padding, dilation, 1, groups)

    convolution.__name__ = convolution.__qualname__ = f"conv{axes}d"
    convolution.__doc__ = f"The convolution over {axes} axes; see conv_general."
    return convolution


conv1d, conv2d, conv3d = _convolution(1), _convolution(2), _convolution(3)


def unique(
    a, /, size, return_index=False, return_inverse=False, return_counts=False, fill_value=None, *,
    stream=None,
):
    """The distinct elements in order, `size` of them, filled up with fill_value."""
    values, indices, inverse, counts = e._unique(a, size, fill_value)
    wanted = [values]
    wanted += [indices] * return_index + [inverse] * return_inverse + [counts] * return_counts
    return wanted[0] if len(wanted) == 1 else tuple(wanted)


def depends(inputs, dependencies):
    """The inputs, which are computed after the dependencies."""
    is_one = isinstance(inputs, array)
    if isinstance(dependencies, array):
        dependencies = [dependencies]
    results = e._depends([inputs] if is_one else list(inputs), list(dependencies))
    return results[0] if is_one else results


def get_array_buffer_size(*args):
    """The bytes that the arrays of trees take."""
    return sum(x.nbytes for x in e._arrays(args))


def set_memory_limit(limit):
    """Sets how many bytes arrays may take; gives the limit before."""
    return e._set_memory(3, limit)


def set_cache_limit(limit):
    """Sets how many bytes are kept for later; gives the limit before."""
    return e._set_memory(4, limit)


_wired = 0


def set_wired_limit(limit):
    """Nothing is wired here: remembers the limit and gives the one before."""
    global _wired
    old, _wired = _wired, int(limit)
    return old


def get_active_memory():
    """The bytes of arrays that are in use."""
    return e._memory(0)


def get_cache_memory():
    """The bytes that are kept for later."""
    return e._memory(1)


def get_peak_memory():
    """The most bytes of arrays that were in use at once."""
    return e._memory(2)


def get_memory_limit():
    """How many bytes arrays may take."""
    return e._memory(3)


def reset_peak_memory():
    """Begins to look for the peak anew."""
    e._set_memory(2, 0)


def export_to_dot(file, *args, **kwargs):
    """Writes the graph behind arrays for Graphviz; named arguments have names in the drawing."""
    names = [""] * len(args) + list(kwargs)
    text = e._draw(list(args) + list(kwargs.values()), names)
    if hasattr(file, "write"):
        file.write(text)
    elif isinstance(file, int):
        raise TypeError("export_to_dot(): the file is a path or has a method 'write'")
    else:
        with open(file, "w", encoding="utf-8") as target:
            target.write(text)


async def evaluate_async(*args):
    """Computes the arrays of trees without blocking the event loop: `await` it."""
    import asyncio

    await asyncio.get_running_loop().run_in_executor(None, lambda: e.eval(*args))


class _Tracing:
    def __init__(self, path):
        self._path = path

    def __enter__(self):
        e._trace_to(None)

    def __exit__(self, *error):
        e._trace_to(self._path)


def trace_evaluation(path):
    """`with trace_evaluation(path):` writes what is evaluated to a file that browsers show."""
    return _Tracing(str(path))
