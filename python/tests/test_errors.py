"""What goes wrong is said at the call, in MLX's words and by the exception that MLX raises."""

import mlx.core as mx
import numpy as np
import pytest

A = mx.arange(24).reshape(4, 6)


@pytest.mark.parametrize("call, kind, text", [
    (lambda: mx.split(A, 0), ValueError,
     "[split] num_splits must be positive and non-zero but got 0."),
    (lambda: mx.split(A, 5), ValueError,
     "[split] Array split does not result in sub arrays with equal size: attempting 5 splits "
     "along axis 0 for shape (4,6)."),
    (lambda: mx.split(A, 2, axis=3), IndexError,
     "[split] Axis 3 is out of bounds for array with 2 dimensions."),
    (lambda: mx.sum(A, axis=3), IndexError, "Invalid axis 3 for array with 2 dimensions."),
    (lambda: A.max(axis=(0, -4)), IndexError, "Invalid axis -4 for array with 2 dimensions."),
    (lambda: mx.mean(A, axis=2), IndexError,
     "[mean] axis 2 is out of bounds for array with 2 dimensions."),
    (lambda: mx.var(A, axis=2), IndexError,
     "[mean] axis 2 is out of bounds for array with 2 dimensions."),
    (lambda: mx.sum(A, axis=(0, -2)), ValueError, "Duplicate axes detected in reduction."),
    (lambda: mx.softmax(A, axis=2), IndexError, "Invalid axis 2 for array with 2 dimensions."),
    (lambda: mx.pad(A, -1), ValueError,
     "Invalid low padding size (-1) passed to pad for axis 0. Padding sizes must be non-negative"),
    (lambda: mx.pad(A, [(0, 0)] * 3), ValueError,
     "Invalid number of padding sizes passed to pad with axes of size 2"),
    (lambda: mx.pad(A, 1, mode="wrap"), ValueError,
     "Invalid padding mode (wrap) passed to pad"),
    (lambda: A[0, 0, 0], ValueError, "Too many indices for array with 2 dimensions."),
    (lambda: A[..., ...], ValueError, "An index can only have a single ellipsis (...)"),
    (lambda: A + "x", ValueError, "Cannot perform addition on an mlx.core.array and str"),
    (lambda: [1] // A, ValueError, "Cannot perform floor division on an mlx.core.array and list"),
    (lambda: A < (1,), ValueError, "Cannot perform less than on an mlx.core.array and tuple"),
    (lambda: mx.array(1.0) & 1, ValueError, "Floating point types not allowed with bitwise and."),
    (lambda: mx.array(1) << 1.5, ValueError, "Floating point types not allowed with left shift."),
    (lambda: mx.exp("x"), ValueError, "Invalid type str received in array initialization."),
    (lambda: mx.add(A, [1]), ValueError, "Invalid type list received in array initialization."),
    (lambda: mx.array(), TypeError, ""),
    (lambda: iter(mx.array(1)), TypeError, "iter() 0-dimensional array."),
    (lambda: mx.arange(3, dtype=mx.bool_), ValueError, "bool not supported for arange."),
    (lambda: mx.arange(), TypeError, ""),
    (lambda: mx.broadcast_shapes((2,), (3,)), ValueError,
     "[broadcast_shapes] Shapes (2) and (3) cannot be broadcast."),
    (lambda: mx.add(1, 2, stream=mx.gpu), ValueError,
     "[default_stream] Cannot get gpu stream without gpu backend."),
    (lambda: mx.add(1, 2, stream="cpu"), TypeError, ""),
    (lambda: mx.compile(3), TypeError, ""),
])
def test_errors(call, kind, text):
    with pytest.raises(kind) as raised:
        call()
    assert text in str(raised.value)


def in_place(operation, x, other):
    def call():
        getattr(x, f"__i{operation}__")(other)

    return call


@pytest.mark.parametrize("operation, x, other, text", [
    ("mul", mx.array([1]), "x", "Cannot perform inplace multiplication on an mlx.core.array"),
    ("truediv", mx.array([1]), 2, "In place division cannot cast to non-floating point type."),
    ("truediv", mx.array([1]), [2], "Cannot perform inplace division on an mlx.core.array"),
    ("and", mx.array([1]), 2.5, "Floating point types not allowed with bitwise and."),
])
def test_operators_in_place(operation, x, other, text):
    before = x.tolist()
    with pytest.raises(ValueError, match=text):
        in_place(operation, x, other)()
    assert x.tolist() == before and x.dtype == mx.int32


def test_division_in_place_of_floats():
    x = mx.array([2.0])
    same = x
    same /= 2
    assert x.item() == 1.0


def test_truths_are_masks_where_values_are_assigned():
    for mask, expected in ((True, [7, 7]), (False, [0, 0])):
        x = mx.zeros(2)
        x[mask] = 7
        assert x.tolist() == expected
    with pytest.raises(ValueError):
        A[True]


def test_arrays_are_lists_of_their_elements():
    x = mx.array([[1, 2], [3, 4]])
    assert mx.concatenate(x).tolist() == [1, 2, 3, 4]
    assert mx.stack(x, axis=1).tolist() == [[1, 3], [2, 4]]
    with pytest.raises(TypeError):
        mx.stack(mx.array(1))
    with pytest.raises(TypeError):
        mx.stack("ab")


def test_integers_beyond_32_bits():
    assert mx.arange(2**31, 2**31 + 2).dtype == mx.int64
    assert mx.arange(stop=3).tolist() == [0, 1, 2]
    assert mx.random.randint(10, -10, (3,)).tolist() == [10, 10, 10]
    assert mx.random.randint(5, 5, (2,), mx.int64).dtype == mx.int64


def test_formats_of_buffers():
    formats = {mx.int64: "q", mx.uint64: "Q", mx.int32: "i", mx.float32: "f"}
    for dtype, format in formats.items():
        view = memoryview(mx.zeros((2, 3), dtype))
        assert view.format == format
        assert np.asarray(view).dtype.itemsize == dtype.size


def test_digits_behind_the_point():
    with mx.printoptions(precision=3):
        assert str(mx.array([1 / 3, 1e8])) == "array([0.333, 100000000.000], dtype=float32)"
        assert "inf" in str(mx.array([float("inf")]))
    assert str(mx.array([1 / 3])) == "array([0.333333], dtype=float32)"


def test_several_shifts_along_one_axis():
    x = mx.arange(5)
    assert mx.roll(x, (1, 2), axis=0).tolist() == np.roll(np.arange(5), 3).tolist()


def test_products_of_codes_of_chosen_matrices():
    x = mx.random.normal((3, 2, 64), key=mx.random.key(0))
    w = mx.random.normal((4, 32, 64), key=mx.random.key(1))
    left, right = mx.array([2, 0]), mx.array([1, 3])
    found = mx.gather_qqmm(x, w, lhs_indices=left, rhs_indices=right, mode="mxfp8")
    codes, scales = mx.quantize(w, mode="mxfp8")
    packed = mx.gather_qqmm(
        x, codes, scales, lhs_indices=left, rhs_indices=right, mode="mxfp8")
    for number in range(2):
        single = mx.qqmm(x[left[number]], w[right[number]], mode="mxfp8")
        assert mx.allclose(found[number], single, 1e-4, 1e-4)
        assert mx.allclose(packed[number], single, 1e-4, 1e-4)
    with pytest.raises(ValueError):
        mx.gather_qqmm(x, w, mode="affine")
    with pytest.raises(ValueError):
        mx.gather_qqmm(x[0, 0], w, mode="nvfp4")


def test_elements_in_the_opposite_order():
    assert [x.item() for x in reversed(mx.arange(3))] == [2, 1, 0]
    assert [x.tolist() for x in reversed(mx.array([[1, 2], [3, 4]]))] == [[3, 4], [1, 2]]
    assert list(reversed(mx.zeros((0, 2)))) == []
    with pytest.raises(TypeError):
        reversed(mx.array(1))


class Lent:
    """Memory that another library shares through DLPack alone."""

    def __init__(self, values):
        self._values = values

    def __dlpack__(self, **names):
        return self._values.__dlpack__(**names)

    def __dlpack_device__(self):
        return self._values.__dlpack_device__()


def test_doubles_of_other_libraries_become_float32():
    lent = Lent(np.array([1.5, 2.5]))
    assert mx.array(lent).dtype == mx.float32 and mx.array(lent).tolist() == [1.5, 2.5]
    assert mx.array(lent, mx.float64).dtype == mx.float64
    # Memory that is taken over as it is keeps its dtype.
    assert mx.from_dlpack(lent).dtype == mx.float64


def test_what_is_no_dtype():
    for call in (lambda: mx.issubdtype(mx.float32, "x"), lambda: mx.result_type(mx.int8, 2.5)):
        with pytest.raises(ValueError):
            call()


@pytest.mark.parametrize("call", [
    lambda: mx.sum(A, None, mx.int32),
    lambda: A.max(keepdims=1),
    lambda: mx.var(A, None, 1),
    lambda: mx.argmax(A, 0, None),
    lambda: mx.cumsum(A, reverse=mx.array(True)),
    lambda: mx.softmax(A, precise="yes"),
    lambda: mx.allclose(A, A, equal_nan=0),
    lambda: mx.linspace(0, 1, 5, mx.int64),
    lambda: mx.linalg.cholesky(mx.eye(2), "upper"),
    lambda: mx.fast.rope(mx.zeros((1, 2, 4)), 4, traditional=1, base=1e4, scale=1.0, offset=0),
])
def test_truths_are_true_or_false(call):
    """A dtype, a ddof or a word where a truth belongs was meant for another parameter."""
    with pytest.raises(TypeError) as raised:
        call()
    assert "_linspace" not in str(raised.value)


@pytest.mark.parametrize("call, expected", [
    (lambda: mx.arange(3), [0, 1, 2]),
    (lambda: mx.arange(stop=3), [0, 1, 2]),
    (lambda: mx.arange(3, None), [0, 1, 2]),
    (lambda: mx.arange(3, None, 2), [0, 2]),
    (lambda: mx.arange(3, step=2), [0, 2]),
    (lambda: mx.arange(stop=1, step=0.5), [0, 0.5]),
    (lambda: mx.arange(-2, step=-1), [0, -1]),
    (lambda: mx.arange(1, 3), [1, 2]),
    (lambda: mx.arange(1, stop=3), [1, 2]),
    (lambda: mx.arange(start=1, stop=3), [1, 2]),
    (lambda: mx.arange(start=1, stop=5, step=3, dtype=mx.float32), [1, 4]),
    (lambda: mx.arange(0, 3, 1, mx.int8), [0, 1, 2]),
])
def test_bounds_of_a_range(call, expected):
    assert call().tolist() == expected


@pytest.mark.parametrize("call", [
    lambda: mx.arange(start=1),
    lambda: mx.arange(start=1, step=2),
    lambda: mx.arange(step=2),
    lambda: mx.arange(None, 3),
    lambda: mx.arange("3"),
    lambda: mx.arange(0, 1, 1, None, 5),
    lambda: mx.arange(3, end=4),
])
def test_a_range_without_its_bounds(call):
    with pytest.raises(TypeError, match="arange"):
        call()


def coded(mode):
    """A row of numbers, and the codes of a matrix with their scales."""
    x = mx.random.normal((1, 64), key=mx.random.key(0))
    return x, mx.quantize(mx.random.normal((32, 64), key=mx.random.key(1)), mode=mode)


def products(mode):
    first = mx.array([0])

    def gathered(x, w, *scales):
        return mx.gather_qmm(x, w[None], *[s[None] for s in scales], rhs_indices=first, mode=mode)

    return [lambda *a: mx.quantized_matmul(*a, mode=mode), gathered]


@pytest.mark.parametrize("mode", ["affine", "mxfp4", "mxfp8", "nvfp4"])
@pytest.mark.parametrize("product", [0, 1])
def test_codes_have_no_gradient(mode, product):
    """Nor have scales that are codes themselves. Zeros would pass for a gradient."""
    x, codes = coded(mode)
    function = products(mode)[product]
    for number in [1] if mode == "affine" else [1, 2]:
        with pytest.raises((ValueError, RuntimeError), match="no gradient"):
            mx.eval(mx.grad(lambda *a: function(*a).sum(), argnums=number)(x, *codes))
    by_rows = mx.grad(lambda *a: function(*a).sum())(x, *codes)
    expected = mx.dequantize(*codes, mode=mode).astype(mx.float32).sum(axis=0)
    assert mx.allclose(by_rows[0], expected, 1e-3, 1e-3)
    if mode == "affine":
        by_scales = mx.grad(lambda *a: function(*a).sum(), argnums=(2, 3))(x, *codes)
        assert all(mx.any(part != 0) for part in by_scales)


@pytest.mark.parametrize("mode", ["mxfp4", "mxfp8", "nvfp4"])
def test_codes_have_no_tangents(mode):
    x, codes = coded(mode)
    for number in (0, 1):
        def function(part):
            parts = [part if index == number else codes[index] for index in (0, 1)]
            return mx.quantized_matmul(x, *parts, mode=mode)

        with pytest.raises((ValueError, RuntimeError)):
            mx.eval(mx.jvp(function, [codes[number]], [codes[number]]))


@pytest.mark.parametrize("mode", ["mxfp8", "nvfp4"])
def test_codes_are_constants_where_both_sides_are_rounded(mode):
    x, codes = coded(mode)
    by_scales = mx.grad(lambda s: mx.qqmm(x, codes[0], s, mode=mode).sum())(codes[1])
    assert not mx.any(by_scales).item()


@pytest.mark.parametrize("dtype, wider", [
    (mx.float16, mx.float32), (mx.bfloat16, mx.float32), (mx.float16, mx.bfloat16),
    (mx.float32, mx.complex64),
])
def test_masks_and_sinks_that_are_wider_than_the_result(dtype, wider):
    x = mx.ones((1, 2, 3, 8), dtype)
    for extra in ({"sinks": mx.zeros(2, wider)}, {"mask": mx.zeros((3, 3), wider)}):
        with pytest.raises(ValueError, match="must promote to output type"):
            mx.fast.scaled_dot_product_attention(x, x, x, scale=1.0, **extra)
    for narrow in (dtype, mx.int32):
        y = mx.fast.scaled_dot_product_attention(x, x, x, scale=1.0, sinks=mx.zeros(2, narrow))
        assert y.dtype == dtype and y.shape == x.shape
