"""Python's MLX on the CPU; its wheel gets the system's OpenBLAS through LD_PRELOAD."""
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers

from measure import (BLOCK, CONVOLUTIONS, CUBE_FACTOR, GPT, GROUP, LONG, LSTM, MLP_SIZES,
                     TANH_FACTOR, WIDTH, convolution_flops, in_turn, memory, startup)

WAYS = (("eager", lambda function: function), ("compiled", mx.compile))


def normal(*shape, dtype=mx.float32):
    x = mx.random.normal(shape).astype(dtype)
    mx.eval(x)
    return x


def fill(rows):
    mx.set_default_device(mx.cpu)
    mx.random.seed(0)
    products(rows)
    elementwise(rows)
    dispatch(rows)
    training(rows)
    transformers(rows)
    quantized(rows)
    others(rows)
    rows.processes["startup_process"] = startup(
        "import mlx.core as mx; print((mx.ones(3) + 1).sum().item())")
    rows.processes["rss_100steps_2048"] = memory(
        "import mlx.core",
        "import mlx.core as mx\nmx.set_default_device(mx.cpu)\n"
        "w = mx.random.normal((2048, 2048)) * 0.02\nb = mx.ones((2048, 2048))\nx = b\n"
        "for _ in range(100):\n    x = (x @ w) * 0.5 + b\n    mx.eval(x)\n")


def products(rows):
    for n in (64, 256, 512, 1024, 2048):
        def square(n=n):
            a, b = normal(n, n), normal(n, n)
            return lambda: mx.eval(a @ b)
        rows.add(f"matmul_f32_{n}", "GFLOP/s", 2.0 * n**3, square)
    for m in (1, 16, 32):
        for suffix in ("", "_wT"):
            def few(m=m, suffix=suffix):
                x, w = normal(m, WIDTH), normal(WIDTH, WIDTH)
                return lambda: mx.eval(x @ (w.T if suffix else w))
            rows.add(f"gemm_m{m}_4096{suffix}", "GB/s", 4.0 * WIDTH * WIDTH, few)
    for dtype, text in ((mx.float16, "f16"), (mx.bfloat16, "bf16")):
        def half(dtype=dtype):
            a, b = normal(1024, 1024, dtype=dtype), normal(1024, 1024, dtype=dtype)
            return lambda: mx.eval(a @ b)
        rows.add(f"matmul_{text}_1024", "GFLOP/s", 2.0 * 1024**3, half)
    for dtype, text, size in ((mx.float32, "f32", 4), (mx.float16, "f16", 2),
                              (mx.bfloat16, "bf16", 2)):
        count = rows.cold_count(size * WIDTH * WIDTH, 8)

        def cold(dtype=dtype, count=count):
            x = normal(1, WIDTH, dtype=dtype)
            weights = [normal(WIDTH, WIDTH, dtype=dtype) for _ in range(count)]
            return in_turn([lambda w=w: mx.eval(x @ w.T) for w in weights])
        rows.add(f"decode_cold_{text}_m1", "us", 1, cold, turn=count)


def elementwise(rows):
    def gelu(x):
        return 0.5 * x * (1 + mx.tanh(TANH_FACTOR * (x + CUBE_FACTOR * (x * x * x))))

    for way, wrap in WAYS:
        def make_gelu(wrap=wrap):
            x, function = normal(LONG), wrap(gelu)
            return lambda: mx.eval(function(x))

        def multiply_add(wrap=wrap):
            a, b, c = normal(LONG), normal(LONG), normal(LONG)
            function = wrap(lambda a, b, c: a * b + c)
            return lambda: mx.eval(function(a, b, c))
        rows.add("gelu_chain", "GB/s", 8.0 * LONG, make_gelu, way)
        rows.add("muladd_16M", "GB/s", 16.0 * LONG, multiply_add, way)

    def unary(function, *shape):
        def make():
            a = normal(*shape)
            return lambda: mx.eval(function(a))
        return make

    def layer_norm():
        a, w, b = normal(4096, 1024), normal(1024), normal(1024)
        return lambda: mx.eval(mx.fast.layer_norm(a, w, b, 1e-5))

    rows.add("exp_16M", "GB/s", 8.0 * LONG, unary(mx.exp, LONG))
    rows.add("sum_16M", "GB/s", 4.0 * LONG, unary(mx.sum, LONG))
    rows.add("softmax_4096x4096", "GB/s", 8.0 * LONG,
             unary(lambda a: mx.softmax(a, axis=-1), 4096, 4096))
    rows.add("layernorm_4096x1024", "GB/s", 8.0 * 4096 * 1024, layer_norm)
    rows.add("transpose_copy_4096", "GB/s", 8.0 * LONG,
             unary(lambda a: mx.contiguous(a.T), 4096, 4096))


def dispatch(rows):
    def chain(x):
        for _ in range(1000):
            x = x + 1
        return x

    def scalar(x):
        y = x
        for _ in range(25):
            y = mx.sin(y) * 1.01 + 0.1 * y
        return y

    def independent():
        xs, y = [normal(64, 64) for _ in range(1000)], normal(64, 64)
        return lambda: mx.eval([x + y for x in xs])

    for way, wrap in WAYS:
        for n in (1, 16):
            def make_chain(n=n, wrap=wrap):
                x, function = mx.zeros(n), wrap(chain)
                mx.eval(x)
                return lambda: mx.eval(function(x))
            rows.add(f"chain1000_{n}", "us/op", 1000, make_chain, way)

        def derivative(wrap=wrap):
            function, x = wrap(mx.grad(scalar)), mx.array(0.5)
            return lambda: mx.eval(function(x))
        rows.add("autograd_100ops", "us", 1, derivative, way)
    rows.add("indep1000_add_64x64", "us/op", 1000, independent)
    for name, (side, inputs, kernel, stride, padding) in CONVOLUTIONS.items():
        def convolution(side=side, inputs=inputs, kernel=kernel, stride=stride, padding=padding):
            x, w = normal(8, side, side, inputs), normal(64, kernel, kernel, inputs)
            return lambda: mx.eval(mx.conv2d(x, w, stride=stride, padding=padding))
        flops = convolution_flops(side, inputs, kernel, stride, padding)
        rows.add(name, "GFLOP/s", flops, convolution)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.o = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.f1, self.f2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def __call__(self, x):
        batch, length, width = x.shape
        parts = [part.reshape(batch, length, self.heads, -1).transpose(0, 2, 1, 3)
                 for part in mx.split(self.qkv(self.ln1(x)), 3, axis=-1)]
        seen = mx.fast.scaled_dot_product_attention(
            *parts, scale=(width // self.heads) ** -0.5, mask="causal")
        x = x + self.o(seen.transpose(0, 2, 1, 3).reshape(batch, length, width))
        return x + self.f2(nn.gelu_approx(self.f1(self.ln2(x))))


class SmallGPT(nn.Module):
    def __init__(self):
        super().__init__()
        width = GPT["width"]
        self.te = nn.Embedding(GPT["vocabulary"], width)
        self.pe = nn.Embedding(GPT["length"], width)
        self.blocks = [Block(width, GPT["heads"]) for _ in range(GPT["layers"])]
        self.ln, self.head = nn.LayerNorm(width), nn.Linear(width, GPT["vocabulary"])

    def __call__(self, tokens):
        x = self.te(tokens) + self.pe(mx.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln(x))


def training_step(model, optimizer, way, x, y):
    """A call that trains once; the state of a compiled step is named."""
    value_and_grad = nn.value_and_grad(
        model, lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean"))

    def step(x, y):
        loss, gradients = value_and_grad(x, y)
        optimizer.update(model, gradients)
        return loss

    optimizer.init(model.trainable_parameters())
    state = [model.state, optimizer.state]
    if way == "compiled":
        step = mx.compile(step, inputs=state, outputs=state)
    return lambda: mx.eval(step(x, y), state)


def training(rows):
    for way in ("eager", "compiled"):
        def perceptron(way=way):
            count, *sizes = MLP_SIZES
            layers = []
            for before, after in zip(sizes, sizes[1:]):
                layers += [nn.Linear(before, after), nn.ReLU()]
            model = nn.Sequential(*layers[:-1])
            x, y = normal(count, sizes[0]), mx.random.randint(0, 10, (count,))
            mx.eval(model.parameters(), y)
            return training_step(model, optimizers.SGD(learning_rate=0.01), way, x, y)
        rows.add("mlp_train", "steps/s", 1, perceptron, way)

        def gpt(way=way):
            tokens = mx.random.randint(
                0, GPT["vocabulary"], (GPT["batch"], GPT["length"] + 1))
            model = SmallGPT()
            mx.eval(model.parameters(), tokens)
            return training_step(model, optimizers.Adam(learning_rate=1e-4), way,
                                 tokens[:, :-1], tokens[:, 1:])
        rows.add("gpt_train", "tokens/s", GPT["batch"] * GPT["length"], gpt, way)


def transformers(rows):
    for way, wrap in WAYS:
        def block(wrap=wrap):
            layer = Block(BLOCK["width"], BLOCK["heads"])
            x = normal(BLOCK["batch"], BLOCK["length"], BLOCK["width"])
            mx.eval(layer.parameters())
            function = wrap(layer)
            return lambda: mx.eval(function(x))
        rows.add("block_infer", "tokens/s", BLOCK["batch"] * BLOCK["length"], block, way)

    def attention():
        q, k, v = (normal(1, 8, 1024, 64) for _ in range(3))
        return lambda: mx.eval(mx.fast.scaled_dot_product_attention(
            q, k, v, scale=0.125, mask="causal"))

    def lstm():
        layer = nn.LSTM(LSTM["inputs"], LSTM["hidden"])
        x = normal(LSTM["batch"], LSTM["length"], LSTM["inputs"])
        mx.eval(layer.parameters())
        return lambda: mx.eval(layer(x))
    rows.add("sdpa_causal_1024", "ms", 1, attention)
    rows.add("lstm_fwd", "ms", 1, lstm)


def quantized(rows):
    def product(x, codes, bits):
        mx.eval(mx.quantized_matmul(
            x, *codes, transpose=True, group_size=GROUP, bits=bits))

    def weights(bits):
        codes = mx.quantize(normal(WIDTH, WIDTH), group_size=GROUP, bits=bits)
        mx.eval(codes)
        return codes

    note = "affine, float activations, group 64"
    for bits in (8, 4):
        for m in (1, 32):
            def warm(bits=bits, m=m):
                x, codes = normal(m, WIDTH), weights(bits)
                return lambda: product(x, codes, bits)
            rows.add(f"qmm_int{bits}_m{m}", "us", 1, warm, note=note)
        count = rows.cold_count(WIDTH * WIDTH * (bits / 8 + 8 / GROUP), 16)

        def cold(bits=bits, count=count):
            x, many = normal(1, WIDTH), [weights(bits) for _ in range(count)]
            return in_turn([lambda codes=codes: product(x, codes, bits) for codes in many])
        rows.add(f"decode_cold_int{bits}_m1", "us", 1, cold, turn=count, note=note)


def others(rows):
    def sort():
        a = normal(4 * 1024 * 1024)
        return lambda: mx.eval(mx.sort(a))

    def fourier():
        a = normal(1 << 20) + 1j * normal(1 << 20)
        mx.eval(a)
        return lambda: mx.eval(mx.fft.fft(a))

    def svd():
        a = normal(512, 512)
        return lambda: mx.eval(mx.linalg.svd(a))

    def cholesky():
        a = normal(1024, 1024)
        a = a @ a.T + 1024 * mx.eye(1024)
        mx.eval(a)
        return lambda: mx.eval(mx.linalg.cholesky(a))

    def solve():
        a, b = normal(1024, 1024), normal(1024, 1)
        return lambda: mx.eval(mx.linalg.solve(a, b))

    rows.add("random_normal_16M", "M/s", LONG,
             lambda: lambda: mx.eval(mx.random.normal((LONG,))))
    rows.add("sort_4M", "M/s", 4 * 1024 * 1024, sort)
    rows.add("fft_1M_c64", "ms", 1, fourier)
    rows.add("svd_512", "ms", 1, svd)
    rows.add("cholesky_1024", "ms", 1, cholesky)
    rows.add("solve_1024", "ms", 1, solve)
