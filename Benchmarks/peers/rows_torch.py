"""PyTorch, eager and through torch.compile, which wants a C++ compiler."""
import os

import torch
import torch.nn as nn
import torch.nn.functional as F

from measure import (BLOCK, CONVOLUTIONS, CUBE_FACTOR, GPT, GROUP, LONG, LSTM, MLP_SIZES,
                     TANH_FACTOR, WIDTH, convolution_flops, in_turn, memory, startup, threads)


def ways():
    both = [("eager", lambda function: function)]
    if os.environ.get("PEER_COMPILE") != "no":
        both.append(("compiled", torch.compile))
    return both


def normal(*shape, dtype=torch.float32):
    return torch.randn(*shape).to(dtype)


def inference(call):
    """The call without bookkeeping for derivatives."""
    def go():
        with torch.inference_mode():
            return call()
    return go


def fill(rows):
    torch.set_num_threads(threads())
    torch.manual_seed(0)
    products(rows)
    elementwise(rows)
    dispatch(rows)
    training(rows)
    transformers(rows)
    quantized(rows)
    others(rows)
    rows.processes["startup_process"] = startup(
        "import torch; print((torch.ones(3) + 1).sum().item())")
    rows.processes["rss_100steps_2048"] = memory(
        "import torch",
        f"import torch\ntorch.set_num_threads({threads()})\n"
        "w = torch.randn(2048, 2048) * 0.02\nb = torch.ones(2048, 2048)\nx = b\n"
        "with torch.inference_mode():\n    for _ in range(100): x = (x @ w) * 0.5 + b\n")


def products(rows):
    for n in (64, 256, 512, 1024, 2048):
        def square(n=n):
            a, b = normal(n, n), normal(n, n)
            return inference(lambda: a @ b)
        rows.add(f"matmul_f32_{n}", "GFLOP/s", 2.0 * n**3, square)
    for m in (1, 16, 32):
        for suffix in ("", "_wT"):
            def few(m=m, suffix=suffix):
                x, w = normal(m, WIDTH), normal(WIDTH, WIDTH)
                return inference((lambda: F.linear(x, w)) if suffix else (lambda: x @ w))
            rows.add(f"gemm_m{m}_4096{suffix}", "GB/s", 4.0 * WIDTH * WIDTH, few)
    for dtype, text in ((torch.float16, "f16"), (torch.bfloat16, "bf16")):
        def half(dtype=dtype):
            a, b = normal(1024, 1024, dtype=dtype), normal(1024, 1024, dtype=dtype)
            return inference(lambda: a @ b)
        rows.add(f"matmul_{text}_1024", "GFLOP/s", 2.0 * 1024**3, half)
    for dtype, text, size in ((torch.float32, "f32", 4), (torch.float16, "f16", 2),
                              (torch.bfloat16, "bf16", 2)):
        if size == 2:
            def row(dtype=dtype):
                x, w = normal(1, WIDTH, dtype=dtype), normal(WIDTH, WIDTH, dtype=dtype)
                return inference(lambda: F.linear(x, w))
            rows.add(f"gemm_m1_4096_{text}_wT", "GB/s", 2.0 * WIDTH * WIDTH, row)
        count = rows.cold_count(size * WIDTH * WIDTH, 8)

        def cold(dtype=dtype, count=count):
            x = normal(1, WIDTH, dtype=dtype)
            weights = [normal(WIDTH, WIDTH, dtype=dtype) for _ in range(count)]
            return inference(in_turn([lambda w=w: F.linear(x, w) for w in weights]))
        rows.add(f"decode_cold_{text}_m1", "us", 1, cold, turn=count)


def elementwise(rows):
    def gelu(x):
        return 0.5 * x * (1 + torch.tanh(TANH_FACTOR * (x + CUBE_FACTOR * (x * x * x))))

    for way, wrap in ways():
        def make_gelu(wrap=wrap):
            x, function = normal(LONG), wrap(gelu)
            return lambda: function(x)

        def multiply_add(wrap=wrap):
            a, b, c = normal(LONG), normal(LONG), normal(LONG)
            function = wrap(lambda a, b, c: a * b + c)
            return lambda: function(a, b, c)
        rows.add("gelu_chain", "GB/s", 8.0 * LONG, make_gelu, way)
        rows.add("muladd_16M", "GB/s", 16.0 * LONG, multiply_add, way)

    def unary(function, *shape):
        def make():
            a = normal(*shape)
            return inference(lambda: function(a))
        return make

    def layer_norm():
        a, w, b = normal(4096, 1024), normal(1024), normal(1024)
        return inference(lambda: F.layer_norm(a, (1024,), w, b))

    rows.add("exp_16M", "GB/s", 8.0 * LONG, unary(torch.exp, LONG))
    rows.add("sum_16M", "GB/s", 4.0 * LONG, unary(torch.sum, LONG))
    rows.add("softmax_4096x4096", "GB/s", 8.0 * LONG,
             unary(lambda a: torch.softmax(a, -1), 4096, 4096))
    rows.add("layernorm_4096x1024", "GB/s", 8.0 * 4096 * 1024, layer_norm)
    rows.add("transpose_copy_4096", "GB/s", 8.0 * LONG,
             unary(lambda a: a.t().contiguous(), 4096, 4096))


def dispatch(rows):
    for n in (1, 16):
        def chain(n=n):
            start = torch.zeros(n)

            def call():
                x = start
                for _ in range(1000):
                    x = x + 1
                return x
            return inference(call)
        rows.add(f"chain1000_{n}", "us/op", 1000, chain)

    def independent():
        xs, y = [normal(64, 64) for _ in range(1000)], normal(64, 64)
        return inference(lambda: [x + y for x in xs])

    def derivative():
        # Compiling the unrolled derivative takes minutes, so it is run as it is.
        x = torch.tensor(0.5, requires_grad=True)

        def call():
            x.grad = None
            y = x
            for _ in range(25):
                y = torch.sin(y) * 1.01 + 0.1 * y
            y.backward()
        return call

    rows.add("indep1000_add_64x64", "us/op", 1000, independent)
    rows.add("autograd_100ops", "us", 1, derivative)
    for name, (side, inputs, kernel, stride, padding) in CONVOLUTIONS.items():
        def convolution(side=side, inputs=inputs, kernel=kernel, stride=stride, padding=padding):
            x, w = normal(8, inputs, side, side), normal(64, inputs, kernel, kernel)
            return inference(lambda: F.conv2d(x, w, stride=stride, padding=padding))
        flops = convolution_flops(side, inputs, kernel, stride, padding)
        rows.add(name, "GFLOP/s", flops, convolution)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.o = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.f1, self.f2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, length, width = x.shape
        parts = [part.view(batch, length, self.heads, -1).transpose(1, 2)
                 for part in self.qkv(self.ln1(x)).chunk(3, -1)]
        seen = F.scaled_dot_product_attention(*parts, is_causal=True)
        x = x + self.o(seen.transpose(1, 2).reshape(batch, length, width))
        return x + self.f2(F.gelu(self.f1(self.ln2(x)), approximate="tanh"))


class SmallGPT(nn.Module):
    def __init__(self):
        super().__init__()
        width = GPT["width"]
        self.te = nn.Embedding(GPT["vocabulary"], width)
        self.pe = nn.Embedding(GPT["length"], width)
        self.blocks = nn.ModuleList(Block(width, GPT["heads"]) for _ in range(GPT["layers"]))
        self.ln, self.head = nn.LayerNorm(width), nn.Linear(width, GPT["vocabulary"])

    def forward(self, tokens):
        x = self.te(tokens) + self.pe(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln(x))


def training_step(loss, optimizer):
    def call():
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()
    return call


def training(rows):
    for way, wrap in ways():
        def perceptron(wrap=wrap):
            count, *sizes = MLP_SIZES
            layers = []
            for before, after in zip(sizes, sizes[1:]):
                layers += [nn.Linear(before, after), nn.ReLU()]
            model = nn.Sequential(*layers[:-1])
            x, y = normal(count, sizes[0]), torch.randint(0, 10, (count,))
            loss = wrap(lambda x, y: F.cross_entropy(model(x), y))
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
            return training_step(lambda: loss(x, y), optimizer)
        rows.add("mlp_train", "steps/s", 1, perceptron, way)

        def gpt(wrap=wrap):
            model = SmallGPT()
            tokens = torch.randint(
                0, GPT["vocabulary"], (GPT["batch"], GPT["length"] + 1))
            x, y = tokens[:, :-1].contiguous(), tokens[:, 1:].reshape(-1)
            loss = wrap(lambda x, y: F.cross_entropy(model(x).flatten(0, 1), y))
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
            return training_step(lambda: loss(x, y), optimizer)
        rows.add("gpt_train", "tokens/s", GPT["batch"] * GPT["length"], gpt, way)


def transformers(rows):
    for way, wrap in ways():
        def block(wrap=wrap):
            layer = Block(BLOCK["width"], BLOCK["heads"]).eval()
            x = normal(BLOCK["batch"], BLOCK["length"], BLOCK["width"])
            function = wrap(layer)
            return inference(lambda: function(x))
        rows.add("block_infer", "tokens/s", BLOCK["batch"] * BLOCK["length"], block, way)

    def attention():
        q, k, v = (normal(1, 8, 1024, 64) for _ in range(3))
        return inference(lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True))

    def lstm():
        layer = nn.LSTM(LSTM["inputs"], LSTM["hidden"], batch_first=True)
        x = normal(LSTM["batch"], LSTM["length"], LSTM["inputs"])
        return inference(lambda: layer(x))
    rows.add("sdpa_causal_1024", "ms", 1, attention)
    rows.add("lstm_fwd", "ms", 1, lstm)


def quantized(rows):
    def dynamic(m):
        engines = torch.backends.quantized.supported_engines
        torch.backends.quantized.engine = "x86" if "x86" in engines else "fbgemm"
        w, x = normal(WIDTH, WIDTH) * 0.02, normal(m, WIDTH)
        codes = torch.quantize_per_channel(
            w, w.abs().amax(1) / 127, torch.zeros(WIDTH, dtype=torch.long), 0, torch.qint8)
        packed = torch.ops.quantized.linear_prepack(codes, None)
        return inference(lambda: torch.ops.quantized.linear_dynamic(
            x, packed, reduce_range=True))

    def bytes_alone(m):
        w = torch.randint(-127, 127, (WIDTH, WIDTH), dtype=torch.int8)
        scales, x = torch.rand(WIDTH), normal(m, WIDTH)
        return inference(lambda: torch._weight_int8pack_mm(x, w, scales))

    def fours_alone(m):
        w = torch.randint(0, 16, (WIDTH, WIDTH), dtype=torch.int32)
        packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(w, 1)
        scales, x = normal(WIDTH // GROUP, WIDTH, 2) * 0.01, normal(m, WIDTH)
        return inference(lambda: torch.ops.aten._weight_int4pack_mm_for_cpu(
            x, packed, GROUP, scales))

    for m in (1, 32):
        rows.add(f"qmm_int8_int8act_m{m}", "us", 1, lambda m=m: dynamic(m),
                 note="quantized.linear_dynamic, a scale for each output")
        rows.add(f"qmm_int8_m{m}", "us", 1, lambda m=m: bytes_alone(m),
                 note="_weight_int8pack_mm, a scale for each output")
        rows.add(f"qmm_int4_m{m}", "us", 1, lambda m=m: fours_alone(m),
                 note="_weight_int4pack_mm_for_cpu, group 64")
    count = rows.cold_count(WIDTH * WIDTH, 16)
    rows.add("decode_cold_int8_int8act_m1", "us", 1,
             lambda: in_turn([dynamic(1) for _ in range(count)]), turn=count,
             note="quantized.linear_dynamic")
    four_bytes = WIDTH * WIDTH * (0.5 + 8 / GROUP)
    many = rows.cold_count(four_bytes, 16)
    rows.add("decode_cold_int4_m1", "us", 1,
             lambda: in_turn([fours_alone(1) for _ in range(many)]), turn=many,
             note="_weight_int4pack_mm_for_cpu, group 64")


def others(rows):
    def sort():
        a = normal(4 * 1024 * 1024)
        return inference(lambda: torch.sort(a))

    def fourier():
        a = torch.randn(1 << 20, dtype=torch.complex64)
        return inference(lambda: torch.fft.fft(a))

    def svd():
        a = normal(512, 512)
        return inference(lambda: torch.linalg.svd(a))

    def cholesky():
        a = normal(1024, 1024)
        a = a @ a.T + 1024 * torch.eye(1024)
        return inference(lambda: torch.linalg.cholesky(a))

    def solve():
        a, b = normal(1024, 1024), normal(1024, 1)
        return inference(lambda: torch.linalg.solve(a, b))

    rows.add("random_normal_16M", "M/s", LONG, lambda: lambda: torch.randn(LONG))
    rows.add("sort_4M", "M/s", 4 * 1024 * 1024, sort, note="also gives indices")
    rows.add("fft_1M_c64", "ms", 1, fourier)
    rows.add("svd_512", "ms", 1, svd)
    rows.add("cholesky_1024", "ms", 1, cholesky)
    rows.add("solve_1024", "ms", 1, solve)
