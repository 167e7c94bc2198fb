"""einsum, finfo and iinfo, distributed: against NumPy, and what MLX says."""

import core_parts
import math
import os
import subprocess
import sys
import mlx.core as mx
import numpy as np
import pytest

einsum = core_parts.load("_einsum")
limits = core_parts.load("_limits")
distributed = core_parts.load("distributed")


def numbers(*shape):
    return np.sin(np.arange(math.prod(shape), dtype=np.float32) * 1.7 + 0.3).reshape(shape)


CASES = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ij", (2, 3)),
    ("ji", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij->ij", (2, 2, 3)),
    ("iii->i", (3, 3, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("i,j", (2,), (3,)),
    ("i,i->", (3,), (3,)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("...j,jk->...k", (2, 2, 3), (3, 4)),
    ("...", (2, 3)),
    ("i...->...", (2, 3)),
    ("a...a->...", (2, 3, 2)),
    ("...ij->...ji", (2, 2, 3)),
    ("...i,...i", (2, 1, 3), (4, 3)),
    ("...ij,...jk->...ik", (5, 1, 2, 3), (4, 3, 2)),
    ("i...,i...->i", (2, 1, 3), (2, 3)),
    ("...i->i", (2, 1, 3)),
    ("ij...", (2, 1, 3)),
    ("...i,jk", (2, 3), (2, 3)),
    ("ij,kj", (2, 3), (2, 3)),
    ("ij,kk->ij", (2, 3), (3, 3)),
    ("i,->i", (3,), ()),
    (",", (), ()),
    ("", ()),
    ("->", ()),
    (" i j , j k -> i k ", (2, 3), (3, 4)),
    ("iJ->Ji", (2, 3)),
    ("ij,jk->...ik", (2, 3), (3, 4)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
    ("abc,cd,def,fb->ae", (2, 3, 4), (4, 5), (5, 6, 2), (2, 3)),
    ("ab,cd,ef->abcdef", (2, 2), (2, 3), (2, 2)),
    ("ea,fb,abcd,gc,hd->efgh", (3, 3), (3, 3), (3, 3, 3, 3), (3, 3), (3, 3)),
    ("ij,jk->ik", (2, 0), (0, 4)),
    ("ab,b,bc,c,cd->d", (2, 3), (3,), (3, 4), (4,), (4, 2)),
    ("abc->cab", (2, 3, 4)),
    ("aab,bcc->ac", (2, 2, 3), (3, 4, 4)),
]


@pytest.mark.parametrize("text, shapes", [(text, shapes) for text, *shapes in CASES])
def test_einsum(text, shapes):
    operands = [numbers(*shape) for shape in shapes]
    left, arrow, right = text.partition("->")
    if "..." in left and arrow and "..." not in right:
        # NumPy does not sum over axes of an ellipsis that the result lacks.
        want = np.einsum(f"{left}->...{right}", *operands)
        want = want.sum(axis=tuple(range(want.ndim - len(right))))
    elif "..." not in left:
        want = np.einsum(text.replace("...", ""), *operands)
    else:
        want = np.einsum(text, *operands)
    got = np.array(einsum.einsum(text, *map(mx.array, operands)))
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("text, shapes", [
    (text, shapes) for text, *shapes in CASES
    if "..." not in text and 0 not in [n for s in shapes for n in s] and len(shapes) > 2
    and text != "ab,cd,ef->abcdef"])
def test_path_is_the_greedy_one(text, shapes):
    operands = [numbers(*shape) for shape in shapes]
    path, report = einsum.einsum_path(text, *map(mx.array, operands))
    assert path == np.einsum_path(text, *operands, optimize="greedy")[0][1:]
    assert report.startswith("  Complete contraction:  ")


def test_what_a_path_saves():
    a, b, c = (mx.array(numbers(*s)) for s in ((2, 3), (3, 4), (4, 5)))
    path, report = einsum.einsum_path("ij,jk,kl->il", a, b, c)
    assert path == [(1, 2), (0, 1)]
    assert report == (
        "  Complete contraction:  ij,jk,kl->il\n"
        "         Naive scaling:  4\n"
        "     Optimized scaling:  3\n"
        "      Naive FLOP count:  360\n"
        "  Optimized FLOP count:  180\n")


def test_einsum_of_integers_and_of_axes_of_length_one():
    x = mx.array([[1, 2], [3, 4]])
    y = einsum.einsum("ij,jk->ik", x, x)
    assert y.tolist() == [[7, 10], [15, 22]] and y.dtype == mx.int32
    assert einsum.einsum("ij,jk->ik", mx.ones((2, 3)), mx.ones((1, 2))).tolist() == [[3, 3]] * 2
    assert einsum.einsum("ij,jk->ik", x, mx.ones((1, 2), mx.int32)).tolist() == [[3, 3], [7, 7]]
    assert einsum.einsum("ij,j->i", [[1.0, 2.0]], np.array([1.0, 1.0], np.float32)).item() == 3
    assert einsum.einsum("i,i->", mx.ones(2), mx.ones(2), stream=mx.cpu).item() == 2


@pytest.mark.parametrize("text, shapes, says", [
    ("ij,jk->ik", [(2, 3)], "Number of operands, 1"),
    ("ij", [(2, 3), (2, 3)], "Number of operands, 2"),
    ("ijk", [(2, 3)], "Invalid number of subscripts 3 for input 0 with 2 dimensions"),
    ("ij", [(2, 3, 4)], "Invalid number of subscripts 2"),
    ("ij->ik", [(2, 3)], "in no input"),
    ("ij->ii", [(2, 3)], "Repeat indices"),
    ("i-j", [(2, 3)], "must be letters, but got '-'"),
    ("i1->i", [(2, 3)], "must be letters, but got '1'"),
    ("i..j", [(2, 3)], "must be letters, but got '.'"),
    ("......", [(2, 3)], "must be letters, but got '.'"),
    ("ij->i->j", [(2, 3)], "must be letters"),
    ("iĳ", [(2, 3)], "must be letters"),
    ("ij,jk->ik", [(2, 3), (2, 2)], "Cannot broadcast dimension 0 of input 1"),
    ("ii", [(2, 3)], "do not have the same size"),
    ("ij", [], "At least one operand"),
])
def test_einsum_errors(text, shapes, says):
    for function in (einsum.einsum, einsum.einsum_path):
        with pytest.raises(ValueError, match=says):
            function(text, *(mx.ones(shape) for shape in shapes))


def test_einsum_has_a_gradient():
    x = mx.array(numbers(2, 3))
    by = mx.grad(lambda x: einsum.einsum("ij,kj->", x, x))(x)
    np.testing.assert_allclose(np.array(by), np.tile(2 * numbers(2, 3).sum(0), (2, 1)), rtol=1e-4)


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_finfo(name):
    want, got = np.finfo(name), limits.finfo(getattr(mx, name))
    assert (got.min, got.max, got.eps, got.smallest_normal, got.bits) == (
        float(want.min), float(want.max), float(want.eps), float(want.smallest_normal), want.bits)
    assert got.dtype == getattr(mx, name)


def test_finfo_of_other_types():
    b = limits.finfo(mx.bfloat16)
    assert (b.max, b.eps, b.bits) == (3.3895313892515355e38, 0.0078125, 16)
    assert repr(b) == "finfo(min=-3.38953e+38, max=3.38953e+38, dtype=bfloat16)"
    assert limits.finfo(mx.complex64).dtype == mx.float32
    for dtype in (mx.int32, mx.bool_, mx.uint8):
        with pytest.raises(ValueError, match="not inexact"):
            limits.finfo(dtype)
    for info in (limits.finfo, limits.iinfo):
        with pytest.raises(TypeError):
            info("float32")
    with pytest.raises(AttributeError):
        b.max = 3


@pytest.mark.parametrize("name", [f"{s}int{b}" for s in ("", "u") for b in (8, 16, 32, 64)])
def test_iinfo(name):
    got = limits.iinfo(getattr(mx, name))
    assert (got.min, got.max) == (int(np.iinfo(name).min), int(np.iinfo(name).max))
    assert repr(got) == f"iinfo(min={got.min}, max={got.max}, dtype={name})"


def test_iinfo_refuses_others():
    for dtype in (mx.float32, mx.bool_, mx.complex64):
        with pytest.raises(ValueError, match="Only integer"):
            limits.iinfo(dtype)


def test_a_group_of_one():
    group = distributed.init()
    assert (group.rank(), group.size()) == (0, 1) and not distributed.is_available()
    x = mx.array([1.0, 2.0])
    for name in ("all_sum", "all_gather", "all_max", "all_min", "sum_scatter"):
        function = getattr(distributed, name)
        assert function(x, group=group).tolist() == [1, 2]
        assert function(3, stream=mx.cpu).item() == 3
        with pytest.raises(TypeError):
            function(x, group=3)
    for call in (lambda: distributed.send(x, 0), lambda: distributed.recv((2,), mx.float32, 0),
                 lambda: distributed.recv_like(x, 0), lambda: distributed.init(backend="other")):
        with pytest.raises(ValueError):
            call()
    for call in (lambda: group.split(0), lambda: distributed.init(strict=True),
                 lambda: distributed.init(True, "mpi")):
        with pytest.raises(RuntimeError):
            call()
    with pytest.raises(TypeError):
        distributed.Group()


def test_other_distributions_may_add_to_the_package(tmp_path):
    """In a process of its own, where nothing of `mlx` is imported yet."""
    (tmp_path / "mlx" / "elsewhere").mkdir(parents=True)
    (tmp_path / "mlx" / "elsewhere" / "__init__.py").write_text("answer = 42\n")
    program = (
        "import sys, mlx.core, mlx.elsewhere; print(mlx.elsewhere.answer, "
        "[n for n in ('typing', 'dataclasses', 'tempfile', 'numpy') if n in sys.modules])")
    paths = [*sys.path, str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
    # What the package imports is short, too.
    assert done.stdout.split() == ["42", "[]"], done.stderr


@pytest.mark.parametrize("value", [0.1, math.pi, 1e300, 1e-300])
def test_numbers_that_float32_has_not(value):
    assert mx.full((2,), value, mx.float64).tolist() == [value] * 2
    assert mx.full_like(mx.zeros(2, mx.float64), value).tolist() == [value] * 2
    assert mx.full((1,), value).dtype is mx.float32


@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("num", [0, 1, 2, 7])
def test_linspace_in_double_precision(num, endpoint):
    x = mx.linspace(0.1, math.pi, num, endpoint=endpoint, dtype=mx.float64)
    want = np.linspace(0.1, math.pi, num, endpoint=endpoint)
    assert x.dtype is mx.float64 and np.allclose(x.tolist(), want, rtol=1e-15, atol=0)
    assert mx.linspace(0.1, math.pi, num, endpoint=endpoint).dtype is mx.float32


def test_the_namespace_says_what_it_has():
    info = mx.__array_namespace_info__()
    assert info.default_device() == mx.default_device() and mx.cpu in info.devices()
    assert info.default_dtypes()["real floating"] is mx.float32
    assert info.dtypes(kind="real floating") == {"float32": mx.float32, "float64": mx.float64}
    assert info.dtypes(kind=("bool", "complex floating"), device=mx.Device(mx.cpu)) == {
        "bool": mx.bool_, "complex64": mx.complex64}
    every = info.dtypes()
    assert every == {**info.dtypes(kind="numeric"), "bool": mx.bool_}
    assert all(getattr(mx, "bool_" if name == "bool" else name) is every[name] for name in every)
    assert isinstance(info.capabilities()["max dimensions"], int)
    for kind in ("real", 5, ("bool", "real")):
        with pytest.raises(ValueError):
            info.dtypes(kind=kind)
    with pytest.raises(TypeError):
        info.dtypes(device="cpu")
