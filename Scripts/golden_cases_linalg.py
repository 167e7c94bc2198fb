"""Cases of Scripts/goldens for Fourier transforms, linear algebra and draws that need them.

Decompositions are compared where they are unique: by values, not by vectors, whose signs are free.
"""
import mlx.core as mx
import numpy as np

CPU = mx.cpu


def draw(shape, seed, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return mx.array(rng.standard_normal(shape).astype(dtype))


def complex_draw(shape, seed):
    return draw(shape, seed) + 1j * draw(shape, seed + 1000)


def fourier_cases(book):
    for n in (1, 2, 5, 8, 12, 31, 67, 100, 128, 1031):
        z, x = complex_draw((3, n), n), draw((3, n), n + 1)
        for op, value in (("fft", z), ("ifft", z), ("rfft", x), ("fft", x)):
            book.case(op, [value], ulp=16, scaled=True, axis=-1)
        book.case("irfft", [z], ulp=16, scaled=True, axis=-1, n=2 * n - 1)
    z, x = complex_draw((4, 6, 5), 7), draw((4, 6, 5), 8)
    for norm in ("backward", "ortho", "forward"):
        for axis in (0, 1, -1):
            for n in (3, 6, 9):
                for op, value in (("fft", z), ("ifft", z), ("rfft", x), ("irfft", z)):
                    book.case(op, [value], ulp=16, scaled=True, axis=axis, n=n, mode=norm)
    for op, value in (("fftn", z), ("ifftn", z), ("rfftn", x), ("irfftn", z)):
        for axes in ([0, 1, 2], [0, 2], [2, 0], [1]):
            book.case(op, [value], ulp=16, scaled=True, axes=axes)
            book.case(op, [value], ulp=16, scaled=True, axes=axes, shape=[4, 7, 3][:len(axes)])
    for op, value in (("rfft", x), ("fft", x)):
        book.case(op, [value], ulp=16, scaled=True, axis=1, n=8, grad=[0])
    for op in ("fftshift", "ifftshift"):
        for axes in ([0], [1, 2], [-1]):
            book.case(op, [x], axes=axes)
    for n in (1, 4, 7):
        for step in (1.0, 0.25):
            book.case("fftfreq", n=n, step=step, ulp=2)
            book.case("rfftfreq", n=n, step=step, ulp=2)


def linalg_cases(book):
    for dtype in (np.float32, np.float64):
        for shape in ((3, 3), (2, 4, 4), (1, 1)):
            n = shape[-1]
            a = draw(shape, n, dtype) + mx.array(np.eye(n, dtype=dtype) * 2 * n)
            b = draw(shape[:-1] + (2,), n + 9, dtype)
            s = mx.matmul(a, mx.swapaxes(a, -1, -2), stream=CPU)
            for op in ("inv", "triInv", "triInv upper", "pinv", "lu", "lu_factor", "det",
                       "slogdet", "svd values", "eigvalsh"):
                book.case(op, [s if op == "eigvalsh" else a], ulp=64, scaled=True)
            for op in ("cholesky", "cholesky upper", "eigvalsh", "eigvalsh upper"):
                book.case(op, [s], ulp=64, scaled=True)
            for op in ("choleskyInv", "choleskyInv upper"):
                book.case(op, [a], ulp=64, scaled=True)
            for op in ("solve", "solveTriangular", "solveTriangular upper"):
                book.case(op, [a, b], ulp=64, scaled=True)
                if len(shape) == 2:
                    book.case(op, [a, b[:, 0]], ulp=64, scaled=True, note="vector")
            book.case("qr", [a], ulp=64, scaled=True)
        for shape in ((5, 3), (3, 5), (2, 4, 2)):
            a = draw(shape, 50, dtype)
            for op in ("qr", "svd values", "pinv", "lu", "lu_factor"):
                book.case(op, [a], ulp=256, scaled=True)
    x = draw((3, 4), 60)
    for p in (1.0, 2.0, -1.0, -2.0, float("inf"), float("-inf")):
        book.case("norm", [x], ulp=64, mode=str(p), axes=[0, 1])
        book.case("norm", [x], ulp=64, mode=str(p), axes=[1, 0], keepDims=True)
    for p in (0.0, 0.5, 1.0, 2.0, 3.0, float("inf"), float("-inf")):
        for axis in (0, -1):
            book.case("norm", [x], ulp=32, mode=str(p), axes=[axis])
    for kind in ("fro", "nuc"):
        book.case("norm", [x], ulp=64, mode=kind, axes=[0, 1])
    for value in (x, mx.array([3, 4]), complex_draw((2, 2), 3)):
        book.case("norm", [value], ulp=32)
    book.case("norm", [x], ulp=32, grad=[0])
    for shapes in (((3,), (3,)), ((4, 3), (3,)), ((2, 2), (2, 2)), ((2, 3), (1, 2))):
        book.case("cross", [draw(s, 70 + i) for i, s in enumerate(shapes)], ulp=8, scaled=True)


def draw_cases(book):
    for seed in (0, 5):
        key = mx.random.key(seed)
        mean, covariance = mx.array([1.0, -2.0]), mx.array([[2.0, 0.5], [0.5, 1.0]])
        for shape in ([], [3], [2, 2]):
            book.case("multivariateNormal", [key, mean, covariance], ulp=32, scaled=True,
                      shape=shape)
        for name in ("normal", "gumbel", "laplace"):
            more = {} if name == "gumbel" else {"loc": 0.0, "scale": 1.0}
            book.case(name, [key], ulp=2, scaled=True, shape=[1000], dtype="float32",
                      note="many", **more)
        # A last bit of erf at the bounds is several in the tails.
        book.case("truncatedNormal", [key], ulp=2, scaled=True, low=-2.0, high=1.5, shape=[1000],
                  dtype="float32", note="many")
        book.case("uniform", [key], low=-3.0, high=5.0, shape=[1000], dtype="float32", note="many")
        book.case("randInt", [key], low=-70, high=1000, shape=[1000], dtype="int32", note="many")
        book.case("bernoulli", [key], p=0.3, shape=[1000], note="many")
        logits = draw((50, 9), 80)
        book.case("categorical", [key, logits], axis=-1, note="many")


def order(mode):
    return mode if mode in ("fro", "nuc") else float(mode)


def norm(i, a):
    if "mode" not in a:
        return mx.linalg.norm(i[0], stream=CPU)
    return mx.linalg.norm(i[0], ord=order(a["mode"]), axis=a["axes"],
                          keepdims=a.get("keepDims", False), stream=CPU)


def along(name):
    return lambda i, a: getattr(mx.fft, name)(
        i[0], n=a.get("n"), axis=a["axis"], norm=a.get("mode", "backward"))


def over(name):
    return lambda i, a: getattr(mx.fft, name)(i[0], s=a.get("shape"), axes=a["axes"])


def matrix(name, **more):
    return lambda i, a: getattr(mx.linalg, name)(*i, stream=CPU, **more)


OPS = {
    **{name: along(name) for name in ("fft", "ifft", "rfft", "irfft")},
    **{name: over(name) for name in ("fftn", "ifftn", "rfftn", "irfftn")},
    **{name: lambda i, a, f=getattr(mx.fft, name): f(i[0], axes=a["axes"])
       for name in ("fftshift", "ifftshift")},
    "fftfreq": lambda i, a: mx.fft.fftfreq(a["n"], a["step"]),
    "rfftfreq": lambda i, a: mx.fft.rfftfreq(a["n"], a["step"]),
    **{name: matrix(name) for name in (
        "inv", "pinv", "lu", "lu_factor", "det", "slogdet", "eigvalsh", "cholesky", "solve", "qr",
        "cross")},
    "triInv": matrix("tri_inv"), "triInv upper": matrix("tri_inv", upper=True),
    "choleskyInv": matrix("cholesky_inv"), "choleskyInv upper": matrix("cholesky_inv", upper=True),
    "cholesky upper": matrix("cholesky", upper=True),
    "eigvalsh upper": matrix("eigvalsh", UPLO="U"),
    "solveTriangular": matrix("solve_triangular"),
    "solveTriangular upper": matrix("solve_triangular", upper=True),
    "svd values": matrix("svd", compute_uv=False),
    "norm": norm,
    "multivariateNormal": lambda i, a: mx.random.multivariate_normal(
        i[1], i[2], a["shape"], key=i[0], stream=CPU),
}

FAMILIES = (fourier_cases, linalg_cases, draw_cases)
