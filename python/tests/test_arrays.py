"""What arrays are to Python: copies, pickles, buffers, DLPack, hashing, in-place updates."""

import copy
import gc
import pickle
import weakref

import mlx.core as mx
import numpy as np
import pytest

DTYPES = [
    mx.bool_, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64,
    mx.float16, mx.bfloat16, mx.float32, mx.float64, mx.complex64,
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_pickles_and_copies_are_equal(dtype):
    x = mx.arange(6).reshape(2, 3).astype(dtype)
    for y in (pickle.loads(pickle.dumps(x)), copy.copy(x), copy.deepcopy(x)):
        assert y.dtype is dtype and y.shape == (2, 3)
        assert y.tolist() == x.tolist()
    assert pickle.loads(pickle.dumps(dtype)) is dtype
    assert copy.deepcopy(dtype) is dtype


def test_copies_do_not_follow_updates():
    x = mx.array([1, 2, 3])
    y = copy.copy(x)
    x[0] = 7
    assert y.tolist() == [1, 2, 3] and x.tolist() == [7, 2, 3]


def test_updates_in_place_are_seen_by_every_holder():
    x = mx.array([1.0, 2.0])
    y = x
    x += 1
    x *= 2
    x -= 1
    x /= 2
    assert y is x and y.tolist() == [1.5, 2.5]


@pytest.mark.parametrize("end", [0, 5, 20])
def test_pickles_cut_short_are_errors(end):
    state = pickle.dumps(mx.arange(10))
    with pytest.raises(Exception):
        pickle.loads(state[: len(state) - 10 - end])


@pytest.mark.parametrize(
    "state",
    [(), (b"", (), 99), (b"1", (2,), 10), (b"", (-1,), 1), (b"12", (1 << 62, 4), 1), "text"])
def test_states_that_make_no_array_are_errors(state):
    x = mx.array([1, 2])
    with pytest.raises((ValueError, TypeError)):
        x.__setstate__(state)
    assert x.tolist() == [1, 2]


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d is not mx.bfloat16], ids=str)
def test_numpy_and_back(dtype):
    x = mx.arange(12).reshape(3, 4).astype(dtype)
    y = np.array(x)
    assert str(y.dtype) == str(dtype).rpartition(".")[2] and y.shape == (3, 4)
    assert y.tolist() == x.tolist()
    assert mx.array(y, dtype).tolist() == x.tolist()
    assert mx.array(y.T, dtype).tolist() == x.T.tolist()
    assert np.array(x.T).tolist() == x.T.tolist()


def test_bfloat16_has_no_numpy():
    with pytest.raises(ValueError):
        np.array(mx.array([1.0], mx.bfloat16))


def test_numpy_reads_in_place():
    x = mx.arange(1000)
    y = np.asarray(x)
    assert y.__array_interface__["data"] == np.asarray(x).__array_interface__["data"]
    del x
    gc.collect()
    assert y.sum() == 499500


def test_memoryviews_keep_the_array():
    view = memoryview(mx.array([1, 2, 3], mx.int16))
    gc.collect()
    assert view.format == "h" and view.shape == (3,) and view.tolist() == [1, 2, 3]


def test_dlpack_both_ways_without_copies():
    source = np.arange(6, dtype=np.float32).reshape(2, 3)
    x = mx.from_dlpack(source)
    assert np.asarray(x).__array_interface__["data"][0] == source.__array_interface__["data"][0]
    back = np.from_dlpack(x)
    assert back.tolist() == source.tolist()
    assert mx.from_dlpack(source.T).tolist() == source.T.tolist()


def test_dlpack_capsules_are_used_once():
    capsule = mx.array([1, 2]).__dlpack__()
    assert mx.from_dlpack(capsule).tolist() == [1, 2]
    with pytest.raises(ValueError):
        mx.from_dlpack(capsule)


def test_dlpack_memory_is_given_back():
    source = np.arange(4.0)
    reference = weakref.ref(source)
    x = mx.from_dlpack(source)
    assert x.dtype is mx.float64
    del source, x
    mx.eval(mx.zeros(1))
    gc.collect()
    for _ in range(100):
        pass
    assert reference() is None


def test_arrays_are_hashed_by_identity_and_weakly_referenced():
    x = mx.array([1, 2])
    assert {x: 1}[x] == 1
    reference = weakref.ref(x)
    del x
    assert reference() is None


def test_iteration_and_containment():
    assert [x.item() for x in mx.array([1, 2, 3])] == [1, 2, 3]
    assert [x.tolist() for x in mx.ones((2, 1))] == [[1.0], [1.0]]
    assert any(bool(x == 5) for x in [mx.array(5)])


def test_numbers_that_do_not_fit_are_errors():
    x = mx.array([1])
    for bad in (10**20, -(10**30)):
        with pytest.raises(ValueError):
            x + bad
        with pytest.raises(ValueError):
            mx.array(bad)
    assert mx.array(2**63, dtype=mx.uint64).item() == 2**63


def test_lists_that_change_meanwhile_do_not_crash():
    class Evil(float):
        pass

    with pytest.raises(ValueError):
        mx.array([[1, 2], [3, [4]]])
    with pytest.raises(ValueError):
        mx.array([1, "x"])
    deep = []
    for _ in range(10000):
        deep = [deep]
    with pytest.raises((ValueError, RecursionError)):
        mx.array(deep)
    with pytest.raises(RecursionError):
        mx.eval(deep)
    assert mx.array([Evil(2)]).item() == 2


def test_indices_out_of_range_are_errors():
    x = mx.arange(6).reshape(2, 3)
    for index in (2, -3, (0, 3), (0, 0, 0), 10**30):
        with pytest.raises(IndexError):
            x[index]
    with pytest.raises(ValueError):
        x[mx.array([True, False])]
    with pytest.raises(ValueError):
        x[::0]
    assert x[10:].shape == (0, 3)


def test_assignment():
    x = mx.zeros((2, 3))
    x[0] = 1
    x[:, 1] = mx.array([5, 6])
    x[1, mx.array([0, 2])] = 7
    assert x.tolist() == [[1, 5, 1], [7, 6, 7]]
    x[x > 5] = 0
    assert x.tolist() == [[1, 5, 1], [0, 0, 0]]
    i = mx.array([1, 2])
    i[0] = 2.7
    assert i.dtype is mx.int32 and i.tolist() == [2, 2]
    with pytest.raises(ValueError):
        x[0] = mx.ones((5,))
    with pytest.raises(TypeError):
        del x[0]


def test_numpy_operands():
    x = mx.array([1.0, 2.0])
    assert (x + np.array([1.0, 2.0], np.float32)).tolist() == [2, 4]
    assert mx.add(x, np.float32(1)).tolist() == [2, 3]
    # NumPy's numbers have dtypes: the result has room for both.
    assert (mx.array([1]) + np.float32(1.5)).item() == 2.5


def test_print_options():
    x = mx.array([1.123456789])
    with mx.printoptions(precision=3):
        assert repr(x) == "array([1.123], dtype=float32)"
    assert repr(x) == "array([1.12346], dtype=float32)"


def test_formats_are_strings():
    with pytest.raises(TypeError):
        mx.array(1.5).__format__(mx.array(1))
    assert format(mx.array([1]), "") == "array([1], dtype=int32)"


class Shared:
    """Memory that is shared through DLPack alone."""

    def __init__(self, values):
        self._values = values
        self.__dlpack__ = values.__dlpack__
        self.__dlpack_device__ = values.__dlpack_device__


@pytest.mark.parametrize("layout", ["rows", "columns", "every other", "backwards"])
def test_dlpack_copies_when_it_is_told_to(layout):
    source = np.arange(12, dtype=np.float32).reshape(3, 4)
    view = {"rows": source, "columns": source.T, "every other": source[:, ::2],
            "backwards": source[::-1]}[layout]
    before = view.tolist()
    copies = [mx.from_dlpack(view, copy=True), mx.array(Shared(view))]
    if layout == "rows":
        shared = mx.from_dlpack(view, copy=False)
    else:
        with pytest.raises(ValueError):
            mx.from_dlpack(view, copy=False)
    source += 100
    assert [x.tolist() for x in copies] == [before, before]
    if layout == "rows":
        assert shared.tolist() == view.tolist()


def test_dlpack_of_complex_doubles():
    source = np.array([[1 + 2j, 3 - 4j], [0.5j, 7]])
    for view in (source, source.T):
        x = mx.from_dlpack(view)
        assert x.dtype is mx.complex64 and x.tolist() == view.tolist()
        with pytest.raises(ValueError):
            mx.from_dlpack(view, copy=False)


def test_asarray_makes_no_copy_when_it_must_not():
    x = mx.array([1, 2])
    assert mx.asarray(x, copy=True).tolist() == [1, 2]
    for value, dtype in ((x, mx.float32), ([1, 2], None), (1.5, None)):
        with pytest.raises(ValueError):
            mx.asarray(value, dtype=dtype, copy=False)


class Foreign16(np.ndarray):
    """As arrays with the bfloat16 of the package ml_dtypes are: no buffer can name it."""

    bits = np.array([0x3FC0, 0xC020], np.uint16)

    @property
    def dtype(self):
        return type("Type", (), {"name": "bfloat16"})

    def view(self, dtype):
        assert dtype == "uint16"
        return self.bits


def test_numpy_arrays_of_a_foreign_bfloat16():
    source = np.zeros(2, "datetime64[s]").view(Foreign16)
    for x in (mx.array(source), mx.asarray(source)):
        assert x.dtype is mx.bfloat16 and x.tolist() == [1.5, -2.5]
    assert mx.array(source, mx.float32).dtype is mx.float32
    assert (mx.array([1.0, 1.0]) + source).tolist() == [2.5, -1.5]
    # What has another name is an error as ever.
    with pytest.raises((ValueError, BufferError)):
        mx.array(np.zeros(2, "datetime64[s]"))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("axis, length", [(0, 5), (1, 8), (1, 1), (-1, 33)])
def test_logarithms_of_running_sums_of_complex_numbers(axis, length, reverse):
    shape = (length, 3) if axis == 0 else (3, length)
    rng = np.random.default_rng(length)
    x = (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)
    along = np.flip(x, axis) if reverse else x
    expected = np.cumsum(np.exp(along), axis)
    expected = np.flip(expected, axis) if reverse else expected
    # Without overflow: the exponentials of these are not numbers of float32.
    found = mx.logcumsumexp(mx.array(x + 200), axis=axis, reverse=reverse) - 200
    assert np.allclose(np.exp(np.array(found)), expected, rtol=1e-3, atol=1e-3)
    others = np.array(mx.logcumsumexp(mx.array(x), axis=axis, reverse=reverse, inclusive=False))
    ends = np.take(others, -1 if reverse else 0, axis)
    assert np.all(ends.real == -np.inf) and np.all(ends.imag == 0)
    assert np.isinf(others).sum() == 3


def test_derivatives_of_logarithms_of_running_sums_of_complex_numbers():
    x = mx.array([0.5 + 1j, -0.3 + 0.2j, 0.1 - 1j])

    def direct(x):
        return mx.log(mx.cumsum(mx.exp(x)))

    weights = [mx.array([1 + 0j, 2j, 1 - 1j])]
    found = mx.vjp(mx.logcumsumexp, [x], weights)[1][0]
    expected = mx.vjp(direct, [x], weights)[1][0]
    assert np.allclose(np.array(found), np.array(expected), atol=1e-5)
