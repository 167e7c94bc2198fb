"""Python's side of Benchmarks/parity: the same functions by the same names as ParityCases.swift."""


def cases(mx):
    x = mx.random.uniform(0.05, 0.95, [1_000_000], key=mx.random.key(1))
    y = mx.random.uniform(0.05, 0.95, [1_000_000], key=mx.random.key(2))
    m, n = x.reshape(1000, 1000), y.reshape(1000, 1000)
    integers, conditions = (x * 1000).astype(mx.int32), x > 0.5
    indices = (y * 1000).astype(mx.int32)
    key = mx.random.key(3)
    mx.eval(x, y, m, n, integers, conditions, indices, key)
    yield from elementwise(mx, x, y, integers, indices, conditions)
    yield from reductions(mx, x, m, integers, conditions)
    yield from orders(mx, x, m, integers)
    yield from movement(mx, x, y, m, n)
    yield from indexing(mx, x, m, n, integers, indices)
    yield from products(mx, x, y, m, n)
    yield from convolutions(mx, x, y)
    yield from draws(mx, m, key)
    yield from transforms(mx, x, m)
    yield from matrices(mx, x, m)
    yield from networks(mx, x, y)


def elementwise(mx, x, y, integers, indices, conditions):
    for name in ("abs negative sign square sqrt rsqrt reciprocal exp expm1 log log2 log10 log1p"
                 " sigmoid erf erfinv sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh"
                 " arctanh floor ceil round isnan isinf logical_not nan_to_num").split():
        yield name, lambda f=getattr(mx, name): f(x)
    yield "arccosh", lambda: mx.arccosh(x + 1)
    for name in ("float16", "bfloat16", "int32", "bool"):
        dtype = mx.bool_ if name == "bool" else getattr(mx, name)
        yield f"astype {name}", lambda d=dtype: x.astype(d)
    yield "clip", lambda: mx.clip(x, 0.2, 0.8)
    for name in ("add subtract multiply divide floor_divide remainder power arctan2 logaddexp"
                 " maximum minimum equal less logical_and isclose").split():
        yield name, lambda f=getattr(mx, name): f(x, y)
    yield "where", lambda: mx.where(conditions, x, y)
    yield "add int32", lambda: integers + indices
    yield "bitwise_and int32", lambda: integers & indices
    yield "left_shift int32", lambda: integers << 2
    yield "a * b + c", lambda: x * y + x
    yield "gelu", lambda: x * (1 + mx.erf(x / 1.4142135)) / 2


def reductions(mx, x, m, integers, conditions):
    for name in ("sum prod max min mean var argmax argmin logsumexp softmax cumsum cumprod cummax"
                 " logcumsumexp median std").split():
        for axis in (0, 1):
            yield f"{name} axis {axis}", lambda f=getattr(mx, name), a=axis: f(m, axis=a)
    yield "sum all", lambda: mx.sum(x)
    yield "max all", lambda: mx.max(x)
    yield "all bool", lambda: mx.all(conditions)
    yield "any bool", lambda: mx.any(conditions)
    yield "sum int32", lambda: mx.sum(integers)
    yield "allclose", lambda: mx.allclose(x, x)
    yield "array_equal", lambda: mx.array_equal(x, x)


def orders(mx, x, m, integers):
    yield "sort all", lambda: mx.sort(x)
    yield "sort axis 1", lambda: mx.sort(m, axis=1)
    yield "sort axis 0", lambda: mx.sort(m, axis=0)
    yield "sort int32", lambda: mx.sort(integers)
    yield "argsort all", lambda: mx.argsort(x)
    yield "argsort axis 1", lambda: mx.argsort(m, axis=1)
    yield "partition all", lambda: mx.partition(x, 1000)
    yield "argpartition axis 1", lambda: mx.argpartition(m, 10, axis=1)
    yield "topk axis 1", lambda: mx.topk(m, 10, axis=1)


def movement(mx, x, y, m, n):
    yield "transpose copy", lambda: mx.contiguous(m.T)
    yield "concatenate 0", lambda: mx.concatenate([m, n], axis=0)
    yield "concatenate 1", lambda: mx.concatenate([m, n], axis=1)
    yield "stack", lambda: mx.stack([m, n], axis=1)
    yield "tile", lambda: mx.tile(m, [2, 2])
    yield "repeat", lambda: mx.repeat(m, 2, axis=1)
    yield "pad", lambda: mx.pad(m, 8)
    yield "roll", lambda: mx.roll(m, 3, axis=1)
    yield "tril", lambda: mx.tril(m)
    yield "triu", lambda: mx.triu(m)
    yield "diag", lambda: mx.diag(m)
    yield "strided slice", lambda: mx.contiguous(m[:, ::2])
    yield "flip", lambda: mx.contiguous(m[:, ::-1])
    yield "arange", lambda: mx.arange(1_000_000)
    yield "eye", lambda: mx.eye(1000)
    yield "linspace", lambda: mx.linspace(0, 1, 1_000_000)
    yield "zeros", lambda: mx.zeros([1_000_000])
    yield "full", lambda: mx.full([1_000_000], 2.0)
    yield "outer", lambda: mx.outer(x[:1000], y[:1000])


def indexing(mx, x, m, n, integers, indices):
    rows, columns = indices[:1000], indices.reshape(1000, 1000)
    mx.eval(rows, columns)
    yield "take", lambda: mx.take(x, integers)
    yield "take rows", lambda: mx.take(m, rows, axis=0)
    yield "take columns", lambda: mx.take(m, rows, axis=1)
    yield "take_along_axis", lambda: mx.take_along_axis(m, columns, axis=1)
    yield "put_along_axis", lambda: mx.put_along_axis(m, columns, n, axis=1)
    yield "scatter add rows", lambda: m.at[rows].add(n)
    yield "scatter add all", lambda: mx.zeros([1000]).at[integers].add(x)
    yield "scatter max rows", lambda: m.at[rows].maximum(n)


def products(mx, x, y, m, n):
    narrow, wide = x[:512_000].reshape(1000, 512), y[:512_000].reshape(512, 1000)
    batch, other = x[:960_000].reshape(60, 125, 128), y[:960_000].reshape(60, 128, 125)
    few, vector = x[:4000].reshape(4, 1000), x[:1000]
    half = m.astype(mx.float16), n.astype(mx.float16)
    brain = m.astype(mx.bfloat16), n.astype(mx.bfloat16)
    mx.eval(narrow, wide, batch, other, few, vector, half, brain)
    yield "matmul 1000", lambda: m @ n
    yield "matmul transposed", lambda: m @ n.T
    yield "matmul 1000x512x1000", lambda: narrow @ wide
    yield "matmul batched", lambda: batch @ other
    yield "matmul 4 rows", lambda: few @ m
    yield "matvec", lambda: m @ vector
    yield "matmul float16", lambda: half[0] @ half[1]
    yield "matmul bfloat16", lambda: brain[0] @ brain[1]
    yield "addmm", lambda: mx.addmm(m, m, n)
    yield "inner", lambda: mx.inner(m, n)
    yield "tensordot", lambda: mx.tensordot(m, n, 1)
    yield "einsum ij,jk->ik", lambda: mx.einsum("ij,jk->ik", m, n)
    yield "einsum ij,ij->i", lambda: mx.einsum("ij,ij->i", m, n)
    yield "hadamard", lambda: mx.hadamard_transform(x[:983_040].reshape(960, 1024))


def convolutions(mx, x, y):
    image, kernel = x[:802_816].reshape(4, 56, 56, 64), y[:36_864].reshape(64, 3, 3, 64)
    depthwise = y[:576].reshape(64, 3, 3, 1)
    signal, filters = x.reshape(10, 1000, 100), y[:50_000].reshape(100, 5, 100)
    volume = x[:524_288].reshape(2, 16, 16, 16, 64)
    cube = y[:110_592].reshape(64, 3, 3, 3, 64)
    mx.eval(image, kernel, depthwise, signal, filters, volume, cube)
    yield "conv2d 3x3", lambda: mx.conv2d(image, kernel, padding=1)
    yield "conv2d strided", lambda: mx.conv2d(image, kernel, stride=2, padding=1)
    yield "conv2d depthwise", lambda: mx.conv2d(image, depthwise, padding=1, groups=64)
    yield "conv1d", lambda: mx.conv1d(signal, filters, padding=2)
    yield "conv3d", lambda: mx.conv3d(volume, cube, padding=1)
    yield "conv_transpose2d", lambda: mx.conv_transpose2d(image, kernel, stride=2, padding=1)


def draws(mx, m, key):
    shape = [1_000_000]
    yield "random bits", lambda: mx.random.randint(0, 1 << 30, shape, dtype=mx.uint32, key=key)
    yield "uniform", lambda: mx.random.uniform(0, 1, shape, key=key)
    yield "normal", lambda: mx.random.normal(shape, key=key)
    yield "bernoulli", lambda: mx.random.bernoulli(0.3, shape, key=key)
    yield "gumbel", lambda: mx.random.gumbel(shape, key=key)
    yield "laplace", lambda: mx.random.laplace(shape, key=key)
    yield "categorical", lambda: mx.random.categorical(m, key=key)
    yield "truncated_normal", lambda: mx.random.truncated_normal(-2.0, 2.0, shape, key=key)
    yield "permutation", lambda: mx.random.permutation(1_000_000, key=key)


def transforms(mx, x, m):
    rows, power = x[:983_040].reshape(960, 1024), x[:524_288]
    mx.eval(rows, power)
    yield "fft rows 1024", lambda: mx.fft.fft(rows)
    yield "fft 10^6", lambda: mx.fft.fft(x)
    yield "fft 2^19", lambda: mx.fft.fft(power)
    yield "rfft rows 1024", lambda: mx.fft.rfft(rows)
    yield "irfft rows", lambda: mx.fft.irfft(rows[:, :513])
    yield "fft2 1000", lambda: mx.fft.fft2(m)


def matrices(mx, x, m):
    square = m[:512, :512] + 4 * mx.eye(512)
    positive = square @ square.T / 512 + mx.eye(512)
    small = x[:262_144].reshape(256, 32, 32) + 4 * mx.eye(32)
    mx.eval(square, positive, small)
    cpu = mx.cpu
    yield "inv 512", lambda: mx.linalg.inv(square, stream=cpu)
    yield "solve 512", lambda: mx.linalg.solve(square, positive, stream=cpu)
    yield "cholesky 512", lambda: mx.linalg.cholesky(positive, stream=cpu)
    yield "qr 512", lambda: mx.linalg.qr(square, stream=cpu)
    yield "svd 512", lambda: mx.linalg.svd(square, stream=cpu)
    yield "eigh 512", lambda: mx.linalg.eigh(positive, stream=cpu)
    yield "lu 512", lambda: mx.linalg.lu(square, stream=cpu)
    yield "inv 256x32", lambda: mx.linalg.inv(small, stream=cpu)
    yield "norm", lambda: mx.linalg.norm(m, ord=2, axis=1)


def networks(mx, x, y):
    rows, weight = x[:983_040].reshape(960, 1024), y[:1024]
    heads = x[:524_288].reshape(1, 8, 1024, 64)
    one, matrix = heads[:, :, :1], y[:983_040].reshape(960, 1024)
    q4 = mx.quantize(matrix, group_size=64, bits=4)
    q8 = mx.quantize(matrix, group_size=64, bits=8)
    row = rows[:1]
    mx.eval(rows, weight, heads, one, matrix, q4, q8, row)

    def product(a, q, bits):
        return mx.quantized_matmul(a, *q, group_size=64, bits=bits)

    def attention(queries):
        return mx.fast.scaled_dot_product_attention(queries, heads, heads, scale=0.125)

    yield "rms_norm", lambda: mx.fast.rms_norm(rows, weight, 1e-5)
    yield "layer_norm", lambda: mx.fast.layer_norm(rows, weight, weight, 1e-5)
    yield "rope", lambda: mx.fast.rope(
        heads, 64, traditional=False, base=10000.0, scale=1.0, offset=0)
    yield "attention 1024", lambda: attention(heads)
    yield "attention decode", lambda: attention(one)
    yield "quantize 4", lambda: mx.quantize(matrix, group_size=64, bits=4)
    yield "dequantize 4", lambda: mx.dequantize(*q4, group_size=64, bits=4)
    yield "quantized matvec 4", lambda: product(row, q4, 4)
    yield "quantized matvec 8", lambda: product(row, q8, 8)
    yield "quantized matmul 4", lambda: product(rows, q4, 4)
