"""The cases of Scripts/goldens about sorting, running folds, layouts, products and convolutions.

OPERATIONS says what a name means in Python. Where MLX leaves an order open (partition, top), both
sides sort before they compare.
"""
import mlx.core as mx
import numpy as np

from golden_cases import CODES, DTYPES, FLOATS, array

NAN, INF = float("nan"), float("inf")


def partitioned(i, a):
    k, n = a["kth"], i[0].shape[-1]
    k = k + n if k < 0 else k
    p = mx.partition(i[0], a["kth"], axis=-1)
    return mx.concatenate(
        [mx.sort(p[..., :k]), p[..., k:k + 1], mx.sort(p[..., k + 1:])], axis=-1)


def masked(i, a):
    result = mx.array(i[0])
    result[i[1]] = i[2]
    return result


def scan(name):
    def call(i, a):
        f = getattr(mx, name)
        return f(i[0], axis=a["axis"], reverse=a["reverse"], inclusive=a["inclusive"])
    return call


def conv_general(i, a):
    low, high = zip(*a["widths"])
    return mx.conv_general(
        *i, stride=a["stride"], padding=(list(low), list(high)), kernel_dilation=a["dilation"],
        input_dilation=a["inputDilation"], groups=a["groups"], flip=a["flip"])


def conv_transposed(i, a):
    f = getattr(mx, f"conv_transpose{len(i[0].shape) - 2}d")
    one = lambda v: v[0] if len(v) == 1 else tuple(v)
    return f(*i, one(a["stride"]), one(a["padding"]), one(a["dilation"]),
             one(a["outputPadding"]), a["groups"])


OPERATIONS = {
    "sorted": lambda i, a: mx.sort(i[0], axis=a["axis"]),
    "argSort": lambda i, a: mx.argsort(i[0], axis=a["axis"]),
    "partitioned": partitioned,
    "top": lambda i, a: mx.sort(mx.topk(i[0], a["k"], axis=a["axis"]), axis=a["axis"]),
    "median": lambda i, a: mx.median(i[0], axis=a["axes"], keepdims=a["keepDims"]),
    "searchSorted": lambda i, a: mx.searchsorted(*i, side=a["mode"]),
    "uniqueAll": lambda i, a: mx.unique(i[0], a["count"], True, True, True),
    "countNonzero": lambda i, a: mx.count_nonzero(i[0], axis=a["axes"], keepdims=a["keepDims"]),
    "diff": lambda i, a: mx.diff(i[0], n=a["n"], axis=a["axis"]),
    "trunc": lambda i, a: mx.trunc(i[0]),
    "flip": lambda i, a: mx.flip(i[0], axis=a["axes"]),
    "unstack": lambda i, a: mx.unstack(i[0], axis=a["axis"]),
    **{n: scan(n) for n in ("cumsum", "cumprod", "cummax", "cummin")},
    "logCumsumExp": scan("logcumsumexp"),
    "view": lambda i, a: mx.view(i[0], DTYPES[a["dtype"]]),
    "asStrided": lambda i, a: mx.as_strided(i[0], a["shape"], a["indices"], a["k"]),
    "slice": lambda i, a: mx.slice(i[0], i[1], a["axes"], a["shape"]),
    "sliceUpdate": lambda i, a: mx.slice_update(i[0], i[2], i[1], a["axes"]),
    "masked": masked,
    "einsum": lambda i, a: mx.einsum(a["subscripts"], *i),
    "inner": lambda i, a: mx.inner(*i),
    "outer": lambda i, a: mx.outer(*i),
    "kron": lambda i, a: mx.kron(*i),
    "vecdot": lambda i, a: mx.vecdot(*i, axis=a["axis"]),
    "gatherMM": lambda i, a: mx.gather_mm(i[0], i[1], i[2], i[3]),
    "segmentedMM": lambda i, a: mx.segmented_mm(*i),
    "blockMaskedMM": lambda i, a: mx.block_masked_mm(i[0], i[1], a["count"], i[2], i[3], i[4]),
    "hadamardTransform": lambda i, a: mx.hadamard_transform(i[0], scale=a.get("scale")),
    "convGeneral": conv_general,
    "convTransposed": conv_transposed,
    "permutation": lambda i, a: mx.random.permutation(a["n"], key=i[0]),
    "permutation of": lambda i, a: mx.random.permutation(i[1], axis=a["axis"], key=i[0]),
}

MIXED = [3.5, -1.0, NAN, 2.0, -INF, 0.0, 2.0, INF, -0.0, -1.0, 7.25, 0.0]


def numbers(dtype):
    if dtype == "bool":
        return [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1]
    if dtype[0] == "u":
        return [5, 200, 0, 7, 7, 3, 100, 0, 9, 1, 255, 2]
    return [5, -100, 0, 7, 7, -3, 100, 0, -9, 1, 127, -128]


def sort_cases(book):
    for dtype in CODES:
        if dtype == "complex64":
            continue
        x = array(numbers(dtype), dtype, (3, 4))
        for axis in (0, 1, -1, None):
            book.case("sorted", [x], axis=axis)
            book.case("argSort", [x], axis=axis)
        for kth in (0, 2, -1):
            book.case("partitioned", [x], kth=kth)
        for k in (1, 3, 4):
            book.case("top", [x], k=k, axis=-1)
        book.case("searchSorted", [mx.sort(x[0]), x], mode="left")
        book.case("searchSorted", [mx.sort(x[0]), x], mode="right")
        book.case("uniqueAll", [x], count=6)
        book.case("uniqueAll", [x], count=15)
        book.case("countNonzero", [x], axes=None, keepDims=False)
        book.case("countNonzero", [x], axes=[1], keepDims=True)
        if dtype != "bool":
            book.case("median", [x], axes=None, keepDims=False)
            book.case("median", [x], axes=[0], keepDims=True)
    for dtype in FLOATS:
        x = array(MIXED, dtype)
        book.case("sorted", [x], axis=0, note="special")
        book.case("argSort", [x], axis=0, note="special")
        book.case("median", [x], axes=[0], keepDims=False, note="special")
    z = mx.array([1 + 2j, -1 + 5j, 1 - 2j, 0j, 1 + 2j, -1 - 5j])
    book.case("sorted", [z], axis=0)
    book.case("argSort", [z], axis=0)
    rng = np.random.default_rng(3)
    for size in (33, 300, 3000):
        x = mx.array(rng.standard_normal(size).astype(np.float32))
        y = mx.array(rng.integers(0, 50, size).astype(np.int32))
        for v in (x, y):
            book.case("sorted", [v], axis=0, note="long")
            book.case("argSort", [v], axis=0, note="long")
    x = mx.array(rng.standard_normal((4, 9)).astype(np.float32))
    book.case("sorted", [x], axis=1, grad=[0], note="smooth")
    book.case("sorted", [x], axis=0, grad=[0], note="smooth")
    book.case("median", [x], axes=[1], keepDims=False, grad=[0], note="smooth")
    for kth in (2, 5):
        book.case("top", [x], k=kth, axis=-1, grad=[0], note="smooth")


def scan_cases(book):
    names = ("cumsum", "cumprod", "cummax", "cummin", "logCumsumExp")
    for name in names:
        for dtype in CODES:
            if dtype == "complex64" and name not in ("cumsum", "cumprod"):
                continue
            small = [1, 0, 1, 1] * 3 if dtype == "bool" else numbers(dtype)
            if name in ("cumprod", "logCumsumExp") and dtype not in ("bool",):
                small = [1, 2, 1, 3, 2, 1, 1, 2, 4, 1, 3, 1]
            x = array(small, dtype, (3, 4))
            for axis in (0, 1, None):
                for reverse in (False, True):
                    for inclusive in (True, False):
                        book.case(name, [x], ulp=4 if name == "logCumsumExp" else 2,
                                  axis=axis, reverse=reverse, inclusive=inclusive)
        for values in ([0.5, -1.0, 3.0, NAN, 2.0], [1.0, INF, 2.0, -INF, 3.0],
                       [-INF, -INF, 1.0, 2.0, 90.0]):
            if name == "cumprod":
                continue
            book.case(name, [array(values)], ulp=4, axis=0, reverse=False, inclusive=True,
                      note="special")
        x = array([0.3, 1.2, 0.9, 2.0, 1.7, 0.4], shape=(2, 3))
        if name in ("cumsum", "cumprod", "logCumsumExp"):
            for axis in (0, 1):
                for reverse in (False, True):
                    book.case(name, [x], ulp=8, scaled=True, axis=axis, reverse=reverse,
                              inclusive=True, grad=[0], note="smooth")


def layout_cases(book):
    x = mx.arange(12).reshape(3, 4)
    for n in (0, 1, 2, 5):
        for axis in (0, -1):
            book.case("diff", [x * x], n=n, axis=axis)
    book.case("diff", [array([1, 0, 0, 1], "bool")], n=1, axis=0)
    book.case("diff", [array([0.5, 2.0, 7.0])], n=1, axis=0, grad=[0])
    for dtype in FLOATS + ["int32"]:
        book.case("trunc", [array([-2.7, -0.5, 0.0, 0.5, 2.7, 100], dtype)])
    for axes in (None, [0], [1], [-1, 0]):
        book.case("flip", [x], axes=axes)
    for axis in (0, 1):
        book.case("unstack", [x], axis=axis)
    source = array([[1.0, -2.5, 3.25, 0.0], [7.0, 8.0, -0.0, 1e-3]])
    for dtype in ("uint8", "int16", "float16", "int32", "uint32", "int64", "float64"):
        book.case("view", [source], dtype=dtype)
    book.case("view", [array(range(8), "uint8")], dtype="int16")
    book.case("view", [array(range(16), "int16").reshape(2, 8)[:, ::2]], dtype="int32")
    book.case("asStrided", [x], shape=[4, 3], indices=[2, 1], k=1)
    book.case("asStrided", [source], shape=[3, 3], indices=[1, 2], k=0, grad=[0])
    book.case("asStrided", [mx.arange(9)], shape=[3, 3], indices=[-3, -1], k=8)
    start = array([1, 2], "int32")
    book.case("slice", [x, start], axes=[0, 1], shape=[2, 2])
    book.case("slice", [x, array([1], "uint32")], axes=[1], shape=[3, 2])
    book.case("sliceUpdate", [x, start, array([[50, 60]], "int32")], axes=[0, 1])
    book.case("sliceUpdate", [source, array([1], "int32"), array([[9.0], [8.0]])],
              axes=[1])
    mask = array([[1, 0, 1, 1], [0, 0, 1, 0]], "bool")
    book.case("masked", [source, mask, mx.array(5.0)])
    book.case("masked", [source, mask, array([10, 20, 30, 40], "float32")])
    book.case("masked", [source, array([1, 0], "bool"), array([1, 2, 3, 4], "float32")])
    book.case("masked", [source, array([1, 1], "bool"), mx.arange(8).reshape(2, 4)])
    for mode in ("reflect", "symmetric", "edge"):
        for widths in ([[1, 2], [0, 1]], [[2, 0], [3, 3]], [[5, 7], [9, 4]]):
            book.case("padded", [x], widths=widths, mode=mode)
        book.case("padded", [source], widths=[[1, 1], [2, 3]], mode=mode, grad=[0])
    for seed in (0, 1):
        key = mx.random.key(seed)
        for n in (1, 5, 100):
            book.case("permutation", [key], n=n)
        for axis in (0, 1):
            book.case("permutation of", [key, x], axis=axis)


def product_cases(book):
    rng = np.random.default_rng(11)
    draw = lambda *s: mx.array(rng.standard_normal(s).astype(np.float32))
    for text, shapes in {
        "ij,jk->ik": [(3, 4), (4, 5)], "ij,jk": [(3, 4), (4, 5)], "ij->ji": [(3, 4)],
        "ii->i": [(4, 4)], "ii": [(4, 4)], "ij->": [(3, 4)], "ij->j": [(3, 4)],
        "i,j->ij": [(3,), (4,)], "i,i->": [(5,), (5,)], "bij,bjk->bik": [(2, 3, 4), (2, 4, 5)],
        "...ij,...jk->...ik": [(2, 3, 4), (2, 4, 5)], "...i->...": [(2, 3, 4)],
        "i...,i...->...": [(3, 2), (3, 2)], "ijk,jil->kl": [(2, 3, 4), (3, 2, 5)],
        "ij,jk,kl->il": [(2, 3), (3, 4), (4, 5)], "ab,bc,cd,de->ae": [
            (2, 6), (6, 3), (3, 5), (5, 4)],
        "bhqd,bhkd->bhqk": [(2, 3, 4, 5), (2, 3, 6, 5)], "ij,ij->ij": [(3, 4), (3, 4)],
        "ij,ik,il->jkl": [(3, 2), (3, 4), (3, 5)], "iij->j": [(3, 3, 2)], "ba": [(3, 4)],
        "ij,j->": [(3, 4), (4,)], "ij,kj->ik": [(3, 1), (2, 4)],
    }.items():
        operands = [draw(*s) for s in shapes]
        book.case("einsum", operands, ulp=16, scaled=True, subscripts=text,
                  grad=range(len(operands)) if text != "ij,kj->ik" else (), note=text)
    a, b = draw(3, 4), draw(5, 4)
    book.case("inner", [a, b], ulp=8, scaled=True, grad=[0, 1])
    book.case("outer", [a, b], ulp=2, grad=[0, 1])
    book.case("kron", [a, b], ulp=2, grad=[0, 1])
    book.case("vecdot", [a, draw(3, 4)], ulp=8, scaled=True, axis=-1, grad=[0, 1])
    book.case("vecdot", [a, draw(3, 4)], ulp=8, scaled=True, axis=0)
    z = mx.array([1 + 2j, 3 - 1j])
    book.case("vecdot", [z, z * 2j], ulp=8, scaled=True, axis=0)
    x, w = draw(6, 2, 4), draw(3, 4, 5)
    left, right = array([0, 5, 2, 2], "uint32"), array([1, 1, 0, 2], "uint32")
    book.case("gatherMM", [x, w, left, right], ulp=16, scaled=True, grad=[0, 1])
    book.case("gatherMM", [x, w, left.reshape(2, 2), right.reshape(2, 2)], ulp=16, scaled=True)
    book.case("gatherMM", [draw(6, 1, 4), w, mx.arange(6, dtype=mx.uint32),
                           array([0, 0, 1, 1, 1, 2], "uint32")], ulp=16, scaled=True)
    segments = array([[0, 2], [2, 2], [1, 7]], "uint32")
    book.case("segmentedMM", [draw(3, 7), draw(7, 4), segments], ulp=16, scaled=True)
    big, other = draw(70, 100), draw(100, 40)
    out, lhs, rhs = (array(v, "bool") for v in (
        [[1, 0], [0, 1], [1, 1]], [[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 1]],
        [[1, 0], [1, 1], [0, 1], [1, 1]]))
    book.case("blockMaskedMM", [big, other, out, lhs, rhs], ulp=64, scaled=True, count=32)
    weights = [v.astype(mx.float32) * 0.5 for v in (out, lhs, rhs)]
    book.case("blockMaskedMM", [big, other, *weights], ulp=64, scaled=True, count=32)
    for n in (1, 2, 8, 64, 12, 24, 20, 80, 28, 112):
        for dtype in ("float32", "float16"):
            x = array(rng.standard_normal((2, n)), dtype)
            book.case("hadamardTransform", [x], ulp=16, scaled=True,
                      grad=[0] if n in (8, 20) and dtype == "float32" else ())
    book.case("hadamardTransform", [draw(2, 16)], ulp=16, scaled=True, scale=1.0)
    book.case("hadamardTransform", [mx.arange(8)], ulp=16, scaled=True)


def convolution_cases(book):
    rng = np.random.default_rng(13)
    draw = lambda *s: mx.array(rng.standard_normal(s).astype(np.float32))
    general = [
        ((2, 9, 4), (6, 3, 2), [2], [[1, 0]], [2], [1], 2, False),
        ((1, 5, 2), (3, 2, 2), [1], [[2, 2]], [1], [3], 1, True),
        ((1, 6, 5, 4), (6, 3, 2, 2), [2, 1], [[1, 2], [0, 1]], [1, 2], [1, 1], 2, True),
        ((2, 4, 4, 3), (2, 3, 3, 3), [1, 1], [[2, 2], [2, 2]], [1, 1], [2, 2], 1, True),
        ((1, 6, 6, 2), (2, 2, 2, 2), [1, 1], [[-1, 0], [0, -2]], [1, 1], [1, 1], 1, False),
        ((2, 5, 6, 4, 3), (4, 3, 3, 3, 3), [1] * 3, [[0, 0]] * 3, [1] * 3, [1] * 3, 1, False),
        ((1, 5, 4, 6, 2), (3, 2, 3, 2, 2), [2, 1, 2], [[1, 0], [1, 1], [0, 2]], [2, 1, 1],
         [1] * 3, 1, True),
        ((1, 3, 3, 3, 2), (2, 2, 3, 2, 2), [1, 1, 1], [[1, 2]] * 3, [1] * 3, [2, 2, 3], 1,
         False),
    ]
    for x, w, stride, widths, dilation, spread, groups, flip in general:
        book.case("convGeneral", [draw(*x), draw(*w)], ulp=64, scaled=True, stride=stride,
                  widths=widths, dilation=dilation, inputDilation=spread, groups=groups,
                  flip=flip, grad=[0, 1], note=f"{len(stride)} axes")
    transposed = [
        ((2, 5, 4), (3, 3, 4), [2], [1], [1], [1], 1),
        ((1, 5, 4), (6, 3, 2), [2], [0], [2], [0], 2),
        ((1, 4, 3, 2), (3, 3, 2, 2), [2, 3], [1, 0], [1, 2], [1, 2], 1),
        ((1, 3, 4, 3, 2), (3, 3, 2, 3, 2), [2, 1, 3], [1, 0, 1], [1, 2, 1], [1, 0, 2], 1),
    ]
    for x, w, stride, padding, dilation, more, groups in transposed:
        book.case("convTransposed", [draw(*x), draw(*w)], ulp=64, scaled=True, stride=stride,
                  padding=padding, dilation=dilation, outputPadding=more, groups=groups,
                  grad=[0, 1], note=f"{len(stride)} axes")


FAMILIES = (sort_cases, scan_cases, layout_cases, product_cases, convolution_cases)
