"""The cases of Scripts/goldens, family by family: what is called, with what, to which bound.

A family takes the book and enters its cases. Values are fixed or from seeded generators.
"""
import mlx.core as mx
import numpy as np

CODES = {
    "bool": "BOOL", "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64",
    "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64", "float16": "F16",
    "float32": "F32", "float64": "F64", "bfloat16": "BF16", "complex64": "C64",
}
DTYPES = {name: getattr(mx, "bool_" if name == "bool" else name) for name in CODES}
FLOATS = ["float32", "float16", "bfloat16", "float64"]


WIDE = [-80.0, -20.0, -10.0, -3.7, -2.5, -1.5, -1.0, -0.5, -1e-3, -0.0, 0.0, 1e-3, 0.3, 0.5, 0.9,
        1.0, 1.5, 2.5, 3.7, 10.0, 40.0, 70.0, float("inf"), float("-inf"), float("nan")]
SMOOTH = [-2.3, -1.1, -0.7, -0.2, 0.1, 0.4, 0.8, 1.3, 2.6]


def array(values, dtype="float32", shape=None):
    made = mx.array(np.array(values), dtype=DTYPES[dtype])
    return made if shape is None else made.reshape(shape)


def unary_cases(book):
    exact = set(
        "abs sign negative square floor ceil conjugate isNaN isInf isFinite isPosInf isNegInf"
        " sqrt logicalNot".split()
    )
    names = [n for n in (
        "abs sign negative square sqrt rsqrt reciprocal exp expm1 log log2 log10 log1p sin cos"
        " tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid erf erfInverse floor ceil"
        " isNaN isInf isFinite isPosInf isNegInf logicalNot degrees radians").split()]
    domain = {
        "acosh": [1.1, 1.5, 2.0, 7.0],
        "erfInverse": [-0.9, -0.3, 0.2, 0.7],
        **{n: [-0.9, -0.3, 0.2, 0.7] for n in ("asin", "acos", "atanh")},
        **{n: [0.2, 0.7, 1.5, 9.0] for n in ("sqrt", "rsqrt", "log", "log2", "log10", "log1p")},
    }
    differentiable = set(names) - set(
        "isNaN isInf isFinite isPosInf isNegInf logicalNot".split())
    for name in names:
        for dtype in FLOATS:
            book.case(name, [array(WIDE, dtype)],
                      ulp=0 if name in exact else 16 if name == "exp" else 4,
                      scaled=name == "erf")
        if name in differentiable:
            book.case(name, [array(domain.get(name, SMOOTH))], ulp=0 if name in exact else 4,
                      scaled=name == "erf", grad=[0], note="smooth")
        for dtype in ("int32", "uint8", "bool"):
            if name == "negative" and dtype == "bool":
                continue
            book.case(name, [array([0, 1, 1, 0] if dtype == "bool" else [0, 1, 2, 100], dtype)],
                      ulp=0 if name in exact else 4)
    for name in ("floor", "ceil", "abs", "sign", "negative", "square"):
        book.case(name, [array([-100, -1, 0, 127, -128], "int8")])
    for dtype in ("int32", "uint8", "bool"):
        book.case("bitwiseInvert", [array([0, 1, 1, 0], dtype)])
    for dtype in FLOATS:
        book.case("exp", [array([88.5], dtype)], ulp=4, note="overflow")
        book.case("exp", [array([-100.0, -88.0, -87.5], dtype)], ulp=4, note="underflow")
    z = mx.array([1 + 2j, -0.5 + 0.25j, 3 - 4j, 0j, -1j])
    for name in ("abs", "negative", "square", "conjugate", "exp", "sin", "cos", "sign"):
        book.case(name, [z], ulp=8, scaled=True)
    values = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.675, 1234.5678]
    for decimals in (0, 1, 2, -2):
        for dtype in ("float32", "float16", "int32"):
            book.case("round", [array(values, dtype)], decimals=decimals)
    book.case("nanToNum", [array(WIDE)])
    for name in ("abs", "sign", "floor", "ceil", "square"):
        book.case(name, [array([0.0, 1.0, -1.0])], grad=[0], note="kink")


def cast_cases(book):
    safe = {"bool": [0, 1, 1, 0, 1]}
    for source in CODES:
        for target in CODES:
            unsigned = source[0] == "u"
            values = safe.get(source, [0, 1, 2, 44, 100] if unsigned else [-3, 0, 1, 2, 100])
            if target[0] == "u" and source in (
                "float16",
                "float32",
                "float64",
                "bfloat16",
                "complex64",
            ):
                values = [0, 1, 2.9, 44.5, 100]
            elif source in ("float16", "float32", "float64", "bfloat16", "complex64"):
                values = [-2.7, -0.5, 0.25, 2.9, 100]
            book.case("asType", [array(values, source)], dtype=target)
    book.case("asType", [array([300, -1, 70000, -200], "int32")], dtype="uint8", note="wraps")
    book.case("asType", [array([300, -1, 70000, -200], "int32")], dtype="int16", note="wraps")
    book.case(
        "asType", [array([float("nan"), 1e-30, -0.0, float("inf")])], dtype="bool", note="truth"
    )
    book.case(
        "asType", [array([1e5, 65504, 65519.9, 65520, 1e-8, 6e-8])], dtype="float16", note="range"
    )
    book.case("asType", [array([1.00390625, 1.01171875, 3.3e38])], dtype="bfloat16", note="ties")


def binary_cases(book):
    base = {"bool": [1, 0, 1, 1], "u": [3, 5, 2, 7], "other": [-3, 5, 2, -7]}
    pick = lambda d, swap: array(
        base["bool" if d == "bool" else "u" if d[0] == "u" else "other"][::-1 if swap else 1], d)
    for a in CODES:
        for b in CODES:
            book.case("multiply", [pick(a, False), pick(b, True)])
    some = ["bool", "uint8", "int8", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
    arithmetic = "add subtract divide maximum minimum floorDivide remainder".split()
    comparison = "equal notEqual less lessEqual greater greaterEqual logicalAnd logicalOr".split()
    for name in arithmetic + comparison:
        for d in some:
            if d == "bool" and name in ("floorDivide", "remainder"):
                continue
            book.case(name, [pick(d, False), pick(d, True)])
        for scalar in (2, -3, 2.5, True):
            for d in (
                "bool",
                "int8",
                "int32",
                "float16",
                "bfloat16",
                "float32",
                "float64",
                "complex64",
            ):
                refuses = d == "complex64" and name in (
                    "floorDivide", "remainder", "maximum", "minimum")
                if refuses or (
                    d == "bool" and scalar is True and name in ("floorDivide", "remainder")
                ):
                    continue
                book.case(name, [pick(d, False), scalar])
    special = array([1.0, -1.0, 0.0, -0.0, float("inf"), float("-inf"), float("nan")])
    grid = [mx.repeat(special, 7), mx.tile(special, 7)]
    for name in arithmetic + comparison:
        book.case(name, grid, note="special")
    for name in ("logAddExp", "atan2", "pow"):
        book.case(name, grid, ulp=4, note="special")
        for d in ("float32", "float16", "bfloat16", "float64"):
            book.case(name, [array([0.3, 1.5, 2.0, 7.0], d), array([-1.5, 0.5, 3.0, 2.0], d)],
                      ulp=8, grad=[0, 1] if d == "float32" else ())
    book.case("divmod", [array([-7, 7, -7, 7], "int32"), array([2, -2, -2, 2], "int32")])
    book.case("divmod", [array([-7.5, 7.5, -7.5]), array([2.0, -2.0, -2.0])])
    integer_cases(book)
    for name in arithmetic:
        if name != "floorDivide":
            book.case(name, [array([1.5, -2.0, 3.0, 0.5]), array([1.5, 1.0, -2.0, 0.5])],
                      ulp=0, grad=[0, 1], note="ties")


def integer_cases(book):
    for d in ("int32", "uint8", "int64"):
        a, b = array([1, 6, 12, 100], d), array([3, 1, 2, 4], d)
        for name in ("bitwiseAnd", "bitwiseOr", "bitwiseXOr", "leftShift", "rightShift", "pow"):
            book.case(name, [a, b])
    book.case("rightShift", [array([-8, -1, 7], "int32"), 1])
    book.case("leftShift", [array([1, 0], "bool"), array([1, 1], "bool")])
    book.case("pow", [array([2, 0, -3, 10], "int32"), array([-1, 0, 3, 11], "int32")], note="wraps")
    for d in ("int8", "int32", "int64", "uint8"):
        book.case("floorDivide", [array([7, 0, 5], d), array([0, 0, 2], d)], note="by zero")
        book.case("remainder", [array([7, 0, 5], d), array([0, 0, 2], d)], note="by zero")
    book.case("add", [array([100, 100], "int8"), array([100, -100], "int8")], note="wraps")
    book.case("subtract", [array([0, 5], "uint8"), array([1, 5], "uint8")], note="wraps")
    book.case("add", [mx.zeros((2, 0)), mx.zeros((1, 1))], note="empty")
    for shapes in (
        ((2, 3), (3,)),
        ((2, 1), (1, 4)),
        ((), (2, 2)),
        ((3, 1, 2), (4, 1)),
        ((0, 3), (1, 3)),
    ):
        a, b = [mx.arange(int(np.prod(s)), dtype=mx.float32).reshape(s) for s in shapes]
        book.case("add", [a, b], grad=[0, 1] if a.size else (), note="broadcast")


def select_cases(book):
    condition = array([1, 0, 1, 0], "bool")
    a, b = array([1.0, 2.0, 3.0, 4.0]), array([5, 6, 7, 8], "int32")
    book.case("which", [condition, a, b])
    book.case("which", [condition, a, a * 2], grad=[1, 2])
    book.case("which", [condition, b, 2])
    book.case("which", [condition, b.astype(mx.float16), 2.5])
    book.case("which", [array([2, 0, -1, 0], "int32"), a, 0.0])
    book.case("which", [condition.reshape(4, 1), a, 1])
    for d in ("float32", "float16", "int32", "bool"):
        book.case("clip", [array([-2, 0, 1, 3], d)], min=0, max=1)
    book.case("clip", [array([-2, 0, 0.5, 1, 3, float("nan")])], min=0.0, max=1.0, grad=[0])
    x = array([1.0, 1.00001, 2.0, float("inf"), float("-inf"), float("nan")])
    y = array([1.0, 1.0, 2.1, float("inf"), float("inf"), float("nan")])
    for equal_nan in (False, True):
        book.case("isClose", [x, y], equalNaN=equal_nan)
        book.case("arrayEqual", [x, x], equalNaN=equal_nan)
    book.case("arrayEqual", [x, x[:3]], equalNaN=False)


def reduction_cases(book):
    rng = np.random.RandomState(1)
    for d in CODES:
        values = rng.randint(0, 2 if d == "bool" else 5, (3, 4))
        x = array(values if d[0] in "bu" and d != "bfloat16" else values - 2, d)
        for name in ("sum", "product", "max", "min", "mean", "all", "any"):
            if d == "complex64" and name in ("max", "min", "product"):
                continue
            for axes, keep in ((None, False), ([0], False), ([1], True), ([0, 1], False)):
                book.case(name, [x], ulp=2, axes=axes, keepDims=keep)
        if d != "complex64":
            for name in ("argMax", "argMin"):
                for axis, keep in ((None, False), (0, False), (1, True)):
                    book.case(name, [x], axis=axis, keepDims=keep)
            is_inexact = "float" in d
            for axes in ([0], [-1], None):
                note = "" if is_inexact or axes == [-1] else "of integers"
                book.case("softmax", [x], ulp=4, axes=axes, note=note)
                note = "" if is_inexact or d[0] == "i" or axes == [-1] else "of unsigned"
                book.case(
                    "logSumExp", [x], ulp=4, scaled=True, axes=axes, keepDims=False, note=note
                )
        for name in ("variance", "std"):
            book.case(name, [x], ulp=8, scaled=True, axes=[1], keepDims=False, ddof=0)
            book.case(name, [x], ulp=8, scaled=True, axes=None, keepDims=True, ddof=1)
    reduction_edges(book, rng)


def reduction_edges(book, rng):
    nan = float("nan")
    for name in ("max", "min"):
        book.case(name, [array([[1, nan, 3], [4, 5, 6]])], axes=[1], keepDims=False)
        book.case(
            name, [array([[1, 3, 3], [0, 0, 0]])], axes=[1], keepDims=False, grad=[0], note="ties"
        )
    for name in ("argMax", "argMin"):
        book.case(name, [array([[1, nan, 3], [4, 5, 4]])], axis=1, keepDims=False, note="nan")
        book.case(name, [array([[1, 3, 3], [0, 0, 0]])], axis=1, keepDims=False, note="ties")
    for name in ("sum", "product", "mean", "all", "any"):
        book.case(name, [mx.zeros((2, 0))], axes=[1], keepDims=False, note="empty")
        book.case(name, [mx.zeros((0, 2))], axes=[1], keepDims=False, note="no rows")
    for name in ("sum", "product", "max", "min"):
        book.case(name, [array([[1, 2], [3, 4]])], axes=[], keepDims=False, note="no axes")
    book.case(
        "sum", [mx.full((1000,), 10000000, dtype=mx.int32)], axes=None, keepDims=False, note="wraps"
    )
    x = array(rng.randn(4, 5))
    for name in ("sum", "mean", "max", "min", "logSumExp"):
        book.case(name, [x], ulp=8, scaled=True, axes=[0], keepDims=False, grad=[0], note="smooth")
    for name in ("variance", "std"):
        book.case(name, [x], ulp=8, axes=[1], keepDims=False, ddof=0, grad=[0], note="smooth")
    book.case(
        "product",
        [array([[1, 2, 3], [0, 4, 5], [0, 0, 6]])],
        axes=[1],
        keepDims=False,
        grad=[0],
        note="zeros",
    )
    book.case("softmax", [x], ulp=16, axes=[-1], grad=[0], note="smooth")
    book.case("softmax", [x], ulp=16, axes=[0], grad=[0], note="smooth")
    inf = float("inf")
    book.case(
        "softmax", [array([[-inf, -inf], [0, -inf], [1e4, -1e4]])], ulp=4, axes=[-1], note="inf"
    )
    book.case(
        "logSumExp", [array([[-inf, -inf], [0, inf], [1e4, -1e4]])], ulp=4, axes=[1], keepDims=False
    )
    book.case("softmax", [x.astype(mx.float16)], ulp=4, axes=[-1], precise=True)
    big = array(rng.randn(37, 131))
    for dtype in ("float16", "bfloat16"):
        book.case("mean", [mx.full((4096,), 100.0, dtype=DTYPES[dtype])], axes=None, keepDims=False,
                  note="long")
    for axes in ([0], [1], None):
        for name in ("sum", "mean", "variance", "max"):
            extra = {"ddof": 0} if name == "variance" else {}
            book.case(
                name, [big], ulp=64, scaled=True, axes=axes, keepDims=False, note="big", **extra
            )


def shape_cases(book):
    x = mx.arange(24, dtype=mx.float32).reshape(2, 3, 4)
    v = mx.arange(6, dtype=mx.int32)
    for shape in ([4, 6], [-1], [2, -1, 2], [24, 1], [2, 3, 4]):
        book.case("reshaped", [x], shape=shape, grad=[0])
    book.case("reshaped", [mx.array(3.0)], shape=[1, 1])
    book.case("reshaped", [mx.zeros((0, 4))], shape=[2, 0])
    for axes in ([2, 1, 0], [1, 0, 2], [-1, 0, 1]):
        book.case("transposed", [x], axes=axes, grad=[0])
    book.case("swappedAxes", [x], axes=[0, -1])
    book.case("movedAxis", [x], axes=[0, 2])
    book.case("movedAxis", [x], axes=[-1, 0], grad=[0])
    book.case("broadcast", [v], shape=[2, 6])
    book.case("broadcast", [array([[1.0], [2.0]])], shape=[3, 2, 4], grad=[0])
    book.case("broadcast", [mx.zeros((1, 3))], shape=[0, 3])
    for axis in (0, 1, -1):
        book.case("concatenated", [x, x * 2], axis=axis, grad=[0, 1])
        book.case("stacked", [x, x + 1], axis=axis, grad=[1])
    book.case("concatenated", [v, mx.array([1.5], dtype=mx.float16)], axis=0)
    book.case("concatenated", [v, mx.zeros((0,), dtype=mx.int32)], axis=0)
    for widths in ([[1, 2], [0, 1], [0, 0]], [[2, 2], [1, 1], [3, 0]]):
        book.case("padded", [x], widths=widths, mode="constant", grad=[0])
        book.case("padded", [x], widths=widths, mode="edge")
        book.case("padded", [x, mx.array(7.5)], widths=widths, mode="constant")
    book.case("padded", [v, mx.array(2.7)], widths=[[1, 1]], mode="constant")
    book.case("expandedDimensions", [x], axes=[0, -1], grad=[0])
    book.case("expandedDimensions", [v], axes=[1])
    book.case("squeezed", [x.reshape(1, 2, 1, 12)], axes=[0, 2], grad=[0])
    book.case("squeezed", [x.reshape(1, 2, 12, 1)], axes=[-1])
    book.case("split", [x], parts=2, axis=-1, grad=[0])
    book.case("splitIndices", [x], indices=[1, 3], axis=2)
    book.case("splitIndices", [v], indices=[0, 2, 2, 9], axis=0)
    for axis in (0, 1, -1):
        book.case("repeated", [x], count=3, axis=axis, grad=[0])
    book.case("repeated", [v], count=0, axis=0)
    for repetitions in ([2], [2, 1, 2], [2, 1, 1, 1]):
        book.case("tiled", [x], repetitions=repetitions)
    book.case("tiled", [array([[1.0, 2.0]])], repetitions=[3, 2], grad=[0])
    book.case("flattened", [x], start=1, end=2, grad=[0])
    book.case("flattened", [mx.array(1.0)], start=0, end=-1)
    book.case("unflatten", [x], axis=2, shape=[2, -1])
    for shape in ((), (3,), (2, 3)):
        y = mx.zeros(shape)
        book.case("atLeast2D", [y])
        book.case("atLeast3D", [y])


def index_cases(book):
    x = mx.arange(60, dtype=mx.float32).reshape(3, 4, 5)
    i, j = mx.array([2, 0, -1]), mx.array([[1], [3]], dtype=mx.int32)
    u = mx.array([0, 2], dtype=mx.uint32)
    full = slice(None)
    indices = [
        [1],
        [-1],
        [0, 2],
        [0, 2, 4],
        [slice(1, 3)],
        [full, slice(None, None, 2)],
        [slice(None, None, -1)],
        [slice(10, None)],
        [slice(-2, -1)],
        [full, full, slice(4, 0, -2)],
        [Ellipsis, 0],
        [0, Ellipsis],
        [None],
        [full, None, 1],
        [Ellipsis, None],
        [slice(0, 2), 1, slice(1, None)],
        [i],
        [full, j],
        [i, i],
        [u, full, u],
        [full, u, u],
        [u, 1],
        [1, full, u],
        [Ellipsis, u],
        [u, None, u],
        [slice(0, 2), u, slice(None, None, 2)],
        [j - 1, slice(1, 3), mx.array([0, 4, 1])],
        [None, u, slice(1, 4)],
        [mx.array(1)],
        [i, slice(None, None, -1), 2],
        [mx.zeros((0,), dtype=mx.int32)],
    ]
    for index in indices:
        book.case("read", [x], index=index, grad=[0])
        target = x[tuple(index)]
        values = -1 - mx.arange(target.size, dtype=mx.float32).reshape(target.shape)
        repeats = any(isinstance(p, mx.array) and p is i for p in index)
        if target.size and not repeats:
            book.case("assign", [x, values], index=index, grad=[0, 1])
            book.case("assign", [x, mx.array(7.5)], index=index)
        for name in ("add", "multiply", "maximum", "minimum"):
            if target.size:
                book.case(f"at {name}", [x, values], index=index,
                          # MLX mixes up the axes of an extra axis before an index array.
                          grad=() if name == "multiply" or index[0] is None else [0, 1], ulp=2)
    v = array([1.0, 2.0, 3.0])
    twice = mx.array([0, 0, 2])
    for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum"):
        book.case(
            f"at {name}", [v, array([2.0, 4.0, 8.0])], index=[twice], ulp=2, note="duplicates"
        )
        (
            book.case(f"at {name}", [v.astype(mx.int32), mx.array(3)], index=[slice(1, None)])
            if name != "divide"
            else None
        )
    book.case("assign", [array([1, 2, 3], "int32"), mx.array(2.7)], index=[1], note="casts")
    book.case(
        "assign", [array([1, 2, 3]), mx.array([[[9.0]]])], index=[slice(0, 2)], note="leading ones"
    )
    take_cases(book, x)


def take_cases(book, x):
    v = mx.arange(6, dtype=mx.int32) * 10
    for axis in (0, 1, -1):
        book.case("take", [x, mx.array([[0, 1], [2, 0]])], axis=axis, grad=[0])
    book.case("take", [v, mx.array([5, -1, 0])], axis=None)
    book.case("take", [x, mx.array(1)], axis=1)
    m = mx.arange(12, dtype=mx.float32).reshape(3, 4)
    k = mx.array([[0, 3], [1, -1], [2, 2]])
    book.case("takeAlong", [m, k], axis=1, grad=[0])
    book.case("takeAlong", [m, mx.array([[2, 1, 0, 1]])], axis=0, grad=[0])
    book.case("takeAlong", [m, mx.array([1, 5, 11, 0])], axis=None)
    distinct = mx.array([[0, 3], [1, 2], [3, 0]])
    book.case("putAlong", [m, distinct, -mx.ones((3, 2))], axis=1, grad=[0, 2])
    book.case("putAlong", [m, distinct, mx.array(5)], axis=1)


def linear_cases(book):
    rng = np.random.RandomState(2)
    shapes = [((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 5)),
              ((2, 1, 3, 4), (3, 4, 2)), ((1, 7), (7, 1)), ((17, 33), (33, 9)), ((0, 3), (3, 2)),
              ((2, 0), (0, 3))]
    for a, b in shapes:
        x, y = array(rng.randn(*a)), array(rng.randn(*b))
        book.case("matmul", [x, y], ulp=16, scaled=True, grad=[0, 1] if x.size else ())
    a, b = rng.randn(5, 6), rng.randn(6, 3)
    for p, q in (("float16", "float16"), ("bfloat16", "bfloat16"), ("float64", "float64"),
                 ("float16", "float32"), ("bfloat16", "float16"), ("complex64", "float32")):
        book.case("matmul", [array(a, p), array(b, q)], ulp=16, scaled=True)
    for c in ((5, 3), (3,), ()):
        book.case(
            "addMM",
            [array(rng.randn(*c)), array(a), array(b)],
            ulp=16,
            scaled=True,
            alpha=0.5,
            beta=2.0,
            grad=[0, 1, 2],
        )
    book.case(
        "addMM",
        [array(rng.randn(3), "float16"), array(a), array(b)],
        ulp=16,
        scaled=True,
        alpha=1.0,
        beta=1.0,
    )
    for n, h, w, c, o, k, stride, padding, dilation, groups in (
        (1, 5, 5, 1, 1, (3, 3), (1, 1), (0, 0), (1, 1), 1),
        (2, 6, 7, 3, 4, (3, 2), (2, 1), (1, 0), (1, 1), 1),
        (1, 9, 9, 2, 3, (3, 3), (1, 2), (2, 2), (2, 2), 1),
        (2, 5, 6, 4, 6, (2, 3), (1, 1), (1, 1), (1, 1), 2),
        (1, 6, 6, 4, 4, (3, 3), (2, 2), (1, 1), (1, 1), 4),
        (1, 4, 4, 8, 5, (1, 1), (1, 1), (0, 0), (1, 1), 1),
        (1, 4, 4, 2, 2, (4, 4), (3, 3), (0, 0), (1, 1), 1),
        (1, 7, 5, 16, 17, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    ):
        x, y = array(rng.randn(n, h, w, c)), array(rng.randn(o, *k, c // groups))
        book.case(
            "conv2d",
            [x, y],
            ulp=32,
            scaled=True,
            grad=[0, 1],
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
        )
    book.case(
        "conv2d",
        [x.astype(mx.float16), y.astype(mx.float16)],
        ulp=8,
        scaled=True,
        stride=(1, 1),
        padding=(1, 1),
        dilation=(1, 1),
        groups=1,
    )


def source_cases(book):
    for start, stop, step, d in (
        (0, 5, 1, "int32"), (5, 0, -2, "int32"), (0, 5, 2, "float32"), (1.5, 4.0, 0.5, "float32"),
        (0, 2, 0.5, "int32"), (5, 0, 1, "int32"), (0.0, 1.0, 0.1, "float32"), (0, 4, 1, "float16"),
        (0, 4, 1, "bfloat16"), (0, 4, 1, "float64"), (0, 300, 50, "uint8"), (0, 4, 1, "int64"),
    ):
        book.case("arange", start=start, stop=stop, step=step, dtype=d, ulp=4)
    for start, stop, count in (
        (0, 1, 5),
        (1, 10, 4),
        (-1, 1, 3),
        (0, 1, 1),
        (0, 1, 0),
        (0, 7, 50),
        (3, -3, 7),
    ):
        book.case("linspace", start=start, stop=stop, count=count, ulp=2)
    for value in (mx.array(3), mx.array(2.5), mx.array(True), mx.array([1, 2, 3])):
        book.case("full", [value], shape=[2, 3])
    for n, m, k in ((3, 3, 0), (3, 4, 1), (4, 2, -1), (2, 3, 5), (0, 3, 0)):
        for d in ("float32", "int32", "bool"):
            book.case("eye", n=n, m=m, k=k, dtype=d)
            book.case("tri", n=n, m=m, k=k, dtype=d)


def random_cases(book):
    for seed in (0, 1, 42, 2**32 + 7, 2**64 - 1):
        key = mx.random.key(seed)
        for count in (2, 3, 7):
            book.case("keys", [key], count=count)
    for seed in (0, 1):
        key = mx.random.key(seed)
        for shape in ([], [1], [5], [3, 4], [0], [7, 11]):
            for d in ("float32", "float16", "bfloat16"):
                book.case("uniform", [key], low=0.0, high=1.0, shape=shape, dtype=d)
                book.case("normal", [key], ulp=4, loc=0.0, scale=1.0, shape=shape, dtype=d)
            book.case("uniform", [key], low=-2.0, high=3.0, shape=shape, dtype="float32")
            book.case(
                "normal",
                [key],
                ulp=4,
                scaled=True,
                loc=1.0,
                scale=0.5,
                shape=shape,
                dtype="float32",
            )
            book.case("gumbel", [key], ulp=8, scaled=True, shape=shape, dtype="float32")
            book.case("laplace", [key], ulp=8, loc=0.0, scale=1.0, shape=shape, dtype="float32")
            book.case(
                "laplace",
                [key],
                ulp=8,
                scaled=True,
                loc=1.0,
                scale=2.0,
                shape=shape,
                dtype="float32",
            )
            book.case("truncatedNormal", [key], ulp=2, scaled=True, low=-1.0, high=1.0, shape=shape,
                      dtype="float32")
            for p in (0.0, 0.25, 0.5, 1.0):
                book.case("bernoulli", [key], p=p, shape=shape)
            for low, high, d in (
                (0, 10, "int32"),
                (-5, 5, "int32"),
                (0, 100, "uint8"),
                (0, 1000000, "int64"),
            ):
                book.case("randInt", [key], low=low, high=high, shape=shape, dtype=d)
        logits = array([[0.0, 1.0, 2.0], [3.0, -1.0, 0.5]])
        for axis in (-1, 0):
            book.case("categorical", [key, logits], axis=axis)
        book.case("categorical samples", [key, logits], count=5)
        book.case("categorical samples", [key, logits[0]], count=5, note="one distribution")


def printing_cases(book):
    for value in (
        mx.array([[1, 2], [3, 4]]),
        mx.array(1.0),
        mx.array([1.5, 1e10, -0.001, 123456789.0, 1e-7]),
        mx.arange(10),
        mx.arange(100, dtype=mx.float32).reshape(10, 10),
        mx.array([True, False]),
        mx.zeros((0,)),
        mx.zeros((2, 0)),
        mx.array([float("inf"), float("-inf"), float("nan"), -0.0]),
        mx.zeros((2, 2, 2)),
        mx.array([1.1, 2.25], dtype=mx.float16),
        mx.array([1.1, 2.25], dtype=mx.bfloat16),
        mx.array([1 + 2j, -0.5 - 1j, 0j]),
        mx.array(7, dtype=mx.uint8),
        mx.array([200, 3], dtype=mx.uint8),
        mx.array([-5, 5], dtype=mx.int8),
        mx.arange(7),
        mx.arange(6),
        mx.zeros((7, 1, 2), dtype=mx.int64),
        mx.array([0.1, 1 / 3], dtype=mx.float64),
        mx.array(True),
        mx.array(np.array([2**63], np.uint64)),
        mx.array([100000.0, 1000000.0, 999999.5, 0.0001, 0.00001]),
    ):
        book.case("description", [value])


FAMILIES = (
    unary_cases, cast_cases, binary_cases, select_cases, reduction_cases, shape_cases,
    index_cases, linear_cases, source_cases, random_cases, printing_cases)
