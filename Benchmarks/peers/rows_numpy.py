"""NumPy."""
import numpy as np

from measure import (CUBE_FACTOR, LONG, TANH_FACTOR, WIDTH, in_turn, memory, startup)


def fill(rows):
    random = np.random.default_rng(0)

    def normal(*shape):
        return random.standard_normal(shape, dtype=np.float32)

    products(rows, normal)
    elementwise(rows, normal)
    others(rows, normal, random)
    rows.processes["startup_process"] = startup(
        "import numpy as np; print((np.ones(3) + 1).sum())")
    rows.processes["rss_100steps_2048"] = memory(
        "import numpy",
        "import numpy as np\n"
        "w = np.random.default_rng(0).standard_normal((2048, 2048), dtype=np.float32) * 0.02\n"
        "b = np.ones((2048, 2048), np.float32)\nx = b\n"
        "for _ in range(100): x = (x @ w) * np.float32(0.5) + b\n")


def products(rows, normal):
    for n in (64, 256, 512, 1024, 2048):
        def square(n=n):
            a, b = normal(n, n), normal(n, n)
            return lambda: a @ b
        rows.add(f"matmul_f32_{n}", "GFLOP/s", 2.0 * n**3, square)
    for m in (1, 16, 32):
        for suffix in ("", "_wT"):
            def few(m=m, suffix=suffix):
                x, w = normal(m, WIDTH), normal(WIDTH, WIDTH)
                return (lambda: x @ w.T) if suffix else (lambda: x @ w)
            rows.add(f"gemm_m{m}_4096{suffix}", "GB/s", 4.0 * WIDTH * WIDTH, few)
    count = rows.cold_count(4 * WIDTH * WIDTH, 8)

    def cold():
        x = normal(1, WIDTH)
        weights = [normal(WIDTH, WIDTH) for _ in range(count)]
        return in_turn([lambda w=w: x @ w.T for w in weights])
    rows.add("decode_cold_f32_m1", "us", 1, cold, turn=count)


def elementwise(rows, normal):
    def gelu():
        x = normal(LONG)
        half, factor, cube = (np.float32(v) for v in (0.5, TANH_FACTOR, CUBE_FACTOR))
        return lambda: half * x * (1 + np.tanh(factor * (x + cube * (x * x * x))))

    def multiply_add():
        a, b, c = normal(LONG), normal(LONG), normal(LONG)
        return lambda: a * b + c

    def exponential():
        a = normal(LONG)
        return lambda: np.exp(a)

    def total():
        a = normal(LONG)
        return lambda: a.sum()

    def softmax():
        a = normal(4096, 4096)

        def call():
            e = np.exp(a - a.max(axis=-1, keepdims=True))
            e /= e.sum(axis=-1, keepdims=True)
            return e
        return call

    def layer_norm():
        a, w, b = normal(4096, 1024), normal(1024), normal(1024)

        def call():
            centred = a - a.mean(axis=-1, keepdims=True)
            variance = np.mean(centred * centred, axis=-1, keepdims=True)
            return centred / np.sqrt(variance + 1e-5) * w + b
        return call

    def transpose():
        a = normal(4096, 4096)
        return lambda: np.ascontiguousarray(a.T)

    rows.add("gelu_chain", "GB/s", 8.0 * LONG, gelu)
    rows.add("muladd_16M", "GB/s", 16.0 * LONG, multiply_add)
    rows.add("exp_16M", "GB/s", 8.0 * LONG, exponential)
    rows.add("sum_16M", "GB/s", 4.0 * LONG, total)
    rows.add("softmax_4096x4096", "GB/s", 8.0 * LONG, softmax)
    rows.add("layernorm_4096x1024", "GB/s", 8.0 * 4096 * 1024, layer_norm)
    rows.add("transpose_copy_4096", "GB/s", 8.0 * LONG, transpose)


def others(rows, normal, random):
    for n in (1, 16):
        def chain(n=n):
            start = np.zeros(n, np.float32)

            def call():
                x = start
                for _ in range(1000):
                    x = x + 1
                return x
            return call
        rows.add(f"chain1000_{n}", "us/op", 1000, chain)

    def independent():
        xs, y = [normal(64, 64) for _ in range(1000)], normal(64, 64)
        return lambda: [x + y for x in xs]

    def sort():
        a = normal(4 * 1024 * 1024)
        return lambda: np.sort(a)

    def fourier():
        a = (normal(1 << 20) + 1j * normal(1 << 20)).astype(np.complex64)
        return lambda: np.fft.fft(a)

    def svd():
        a = normal(512, 512)
        return lambda: np.linalg.svd(a)

    def cholesky():
        a = normal(1024, 1024)
        a = a @ a.T + 1024 * np.eye(1024, dtype=np.float32)
        return lambda: np.linalg.cholesky(a)

    def solve():
        a, b = normal(1024, 1024), normal(1024, 1)
        return lambda: np.linalg.solve(a, b)

    rows.add("indep1000_add_64x64", "us/op", 1000, independent)
    rows.add("random_normal_16M", "M/s", LONG,
             lambda: lambda: random.standard_normal(LONG, dtype=np.float32))
    rows.add("sort_4M", "M/s", 4 * 1024 * 1024, sort)
    rows.add("fft_1M_c64", "ms", 1, fourier)
    rows.add("svd_512", "ms", 1, svd)
    rows.add("cholesky_1024", "ms", 1, cholesky)
    rows.add("solve_1024", "ms", 1, solve)
