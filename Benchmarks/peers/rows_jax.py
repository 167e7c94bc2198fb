"""JAX: as it is, and through jit, which is how it is used."""
import itertools

import jax
import jax.numpy as jnp

from measure import (BLOCK, CONVOLUTIONS, CUBE_FACTOR, GPT, LONG, LSTM, MLP_SIZES, TANH_FACTOR,
                     WIDTH, convolution_flops, in_turn, memory, startup)

WAYS = (("eager", lambda function: function), ("compiled", jax.jit))
KEYS = (jax.random.fold_in(jax.random.PRNGKey(0), n) for n in itertools.count())


def normal(*shape, dtype=jnp.float32):
    return jax.random.normal(next(KEYS), shape, jnp.float32).astype(dtype).block_until_ready()


def call(function, *arguments):
    return lambda: jax.block_until_ready(function(*arguments))


def fill(rows):
    products(rows)
    elementwise(rows)
    dispatch(rows)
    training(rows)
    transformers(rows)
    others(rows)
    rows.processes["startup_process"] = startup(
        "import jax.numpy as jnp; print(float((jnp.ones(3) + 1).sum()))")
    rows.processes["rss_100steps_2048"] = memory(
        "import jax, jax.numpy as jnp; jnp.ones(1).block_until_ready()",
        "import jax, jax.numpy as jnp\n"
        "w = jax.random.normal(jax.random.PRNGKey(0), (2048, 2048)) * 0.02\n"
        "b = jnp.ones((2048, 2048))\nx = b\n"
        "for _ in range(100): x = (x @ w) * 0.5 + b\nx.block_until_ready()\n")


def products(rows):
    product, transposed = jax.jit(jnp.matmul), jax.jit(lambda x, w: x @ w.T)
    for n in (64, 256, 512, 1024, 2048):
        rows.add(f"matmul_f32_{n}", "GFLOP/s", 2.0 * n**3,
                 lambda n=n: call(product, normal(n, n), normal(n, n)))
    for m in (1, 16, 32):
        for suffix, function in (("", product), ("_wT", transposed)):
            rows.add(f"gemm_m{m}_4096{suffix}", "GB/s", 4.0 * WIDTH * WIDTH,
                     lambda m=m, function=function: call(
                         function, normal(m, WIDTH), normal(WIDTH, WIDTH)))
    for dtype, text in ((jnp.float16, "f16"), (jnp.bfloat16, "bf16")):
        rows.add(f"matmul_{text}_1024", "GFLOP/s", 2.0 * 1024**3,
                 lambda dtype=dtype: call(product, normal(1024, 1024, dtype=dtype),
                                          normal(1024, 1024, dtype=dtype)))
    count = rows.cold_count(4 * WIDTH * WIDTH, 8)

    def cold():
        x = normal(1, WIDTH)
        return in_turn([call(product, x, normal(WIDTH, WIDTH)) for _ in range(count)])
    rows.add("decode_cold_f32_m1", "us", 1, cold, turn=count, note="weights (inputs, outputs)")


    def integers(m):
        shapes = (m, WIDTH), (WIDTH, WIDTH)
        x, w = (jax.random.randint(next(KEYS), shape, -127, 127, jnp.int8) for shape in shapes)
        return call(jax.jit(lambda x, w: jax.lax.dot_general(
            x, w, (((1,), (1,)), ((), ())), preferred_element_type=jnp.int32)), x, w)
    for m in (1, 32):
        rows.add(f"qmm_int8_int8act_m{m}", "us", 1, lambda m=m: integers(m),
                 note="int8 by int8 to int32, no scales")


def layer_norm(x, w, b):
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred * centred).mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + 1e-5) * w + b


def elementwise(rows):
    def gelu(x):
        return 0.5 * x * (1 + jnp.tanh(TANH_FACTOR * (x + CUBE_FACTOR * (x * x * x))))

    for way, wrap in WAYS:
        rows.add("gelu_chain", "GB/s", 8.0 * LONG,
                 lambda wrap=wrap: call(wrap(gelu), normal(LONG)), way)
        rows.add("muladd_16M", "GB/s", 16.0 * LONG,
                 lambda wrap=wrap: call(wrap(lambda a, b, c: a * b + c), normal(LONG),
                                        normal(LONG), normal(LONG)), way)
    rows.add("exp_16M", "GB/s", 8.0 * LONG, lambda: call(jax.jit(jnp.exp), normal(LONG)))
    rows.add("sum_16M", "GB/s", 4.0 * LONG, lambda: call(jax.jit(jnp.sum), normal(LONG)))
    rows.add("softmax_4096x4096", "GB/s", 8.0 * LONG,
             lambda: call(jax.jit(lambda a: jax.nn.softmax(a, -1)), normal(4096, 4096)))
    rows.add("layernorm_4096x1024", "GB/s", 8.0 * 4096 * 1024,
             lambda: call(jax.jit(layer_norm), normal(4096, 1024), normal(1024), normal(1024)))
    rows.add("transpose_copy_4096", "GB/s", 8.0 * LONG,
             lambda: call(jax.jit(jnp.transpose), normal(4096, 4096)))


def dispatch(rows):
    def chain(x):
        for _ in range(1000):
            x = x + 1
        return x

    def scalar(x):
        y = x
        for _ in range(25):
            y = jnp.sin(y) * 1.01 + 0.1 * y
        return y

    # Compiled, a chain is folded into one addition: only the eager one does the work.
    for n in (1, 16):
        rows.add(f"chain1000_{n}", "us/op", 1000,
                 lambda n=n: call(chain, jnp.zeros(n)), "eager")
    for way, wrap in WAYS:
        rows.add("indep1000_add_64x64", "us/op", 1000,
                 lambda wrap=wrap: call(wrap(lambda xs, y: [x + y for x in xs]),
                                        [normal(64, 64) for _ in range(1000)],
                                        normal(64, 64)), way)
        rows.add("autograd_100ops", "us", 1,
                 lambda wrap=wrap: call(wrap(jax.grad(scalar)), jnp.float32(0.5)), way)
    for name, (side, inputs, kernel, stride, padding) in CONVOLUTIONS.items():
        def convolution(side=side, inputs=inputs, kernel=kernel, stride=stride, padding=padding):
            function = jax.jit(lambda x, w: jax.lax.conv_general_dilated(
                x, w, (stride, stride), [(padding, padding)] * 2,
                dimension_numbers=("NHWC", "HWIO", "NHWC")))
            return call(function, normal(8, side, side, inputs),
                        normal(kernel, kernel, inputs, 64))
        flops = convolution_flops(side, inputs, kernel, stride, padding)
        rows.add(name, "GFLOP/s", flops, convolution)


def linear(before, after):
    return {"w": normal(before, after) * before**-0.5, "b": jnp.zeros(after)}


def norm(width):
    return {"w": jnp.ones(width), "b": jnp.zeros(width)}


def block_parameters(width):
    return {"ln1": norm(width), "ln2": norm(width), "qkv": linear(width, 3 * width),
            "o": linear(width, width), "f1": linear(width, 4 * width),
            "f2": linear(4 * width, width)}


def apply(layer, x):
    return x @ layer["w"] + layer["b"]


def block(p, x, heads):
    batch, length, width = x.shape
    parts = [part.reshape(batch, length, heads, -1)
             for part in jnp.split(apply(p["qkv"], layer_norm(x, **p["ln1"])), 3, -1)]
    seen = jax.nn.dot_product_attention(*parts, is_causal=True)
    x = x + apply(p["o"], seen.reshape(batch, length, width))
    hidden = jax.nn.gelu(apply(p["f1"], layer_norm(x, **p["ln2"])), approximate=True)
    return x + apply(p["f2"], hidden)


def cross_entropy(logits, labels):
    logs = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(logs, labels[..., None], -1).mean()


def repeated(step, state, *arguments):
    """A call that carries on from the state that the last one left."""
    def go():
        nonlocal state
        state, loss = step(state, *arguments)
        jax.block_until_ready((state, loss))
    return go


def training(rows):
    def perceptron_loss(layers, x, y):
        for layer in layers[:-1]:
            x = jax.nn.relu(apply(layer, x))
        return cross_entropy(apply(layers[-1], x), y)

    def descend(layers, x, y):
        loss, gradients = jax.value_and_grad(perceptron_loss)(layers, x, y)
        return jax.tree.map(lambda p, g: p - 0.01 * g, layers, gradients), loss

    for way in ("eager", "compiled"):
        def perceptron(way=way):
            count, *sizes = MLP_SIZES
            layers = [linear(before, after) for before, after in zip(sizes, sizes[1:])]
            x = normal(count, sizes[0])
            y = jax.random.randint(next(KEYS), (count,), 0, 10)
            step = jax.jit(descend, donate_argnums=0) if way == "compiled" else descend
            return repeated(step, layers, x, y)
        rows.add("mlp_train", "steps/s", 1, perceptron, way)

    def gpt_loss(p, x, y):
        hidden = p["te"][x] + p["pe"][None]
        for layer in p["blocks"]:
            hidden = block(layer, hidden, GPT["heads"])
        return cross_entropy(apply(p["head"], layer_norm(hidden, **p["ln"])), y)

    def adam(state, x, y):
        p, m, v = state
        loss, gradients = jax.value_and_grad(gpt_loss)(p, x, y)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
        p = jax.tree.map(lambda p, m, v: p - 1e-4 * m / (jnp.sqrt(v) + 1e-8), p, m, v)
        return (p, m, v), loss

    def gpt():
        width, vocabulary = GPT["width"], GPT["vocabulary"]
        p = {"te": normal(vocabulary, width) * 0.02, "pe": normal(GPT["length"], width) * 0.02,
             "blocks": [block_parameters(width) for _ in range(GPT["layers"])],
             "ln": norm(width), "head": linear(width, vocabulary)}
        state = (p, jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p))
        tokens = jax.random.randint(
            next(KEYS), (GPT["batch"], GPT["length"] + 1), 0, vocabulary)
        return repeated(jax.jit(adam, donate_argnums=0), state, tokens[:, :-1], tokens[:, 1:])
    rows.add("gpt_train", "tokens/s", GPT["batch"] * GPT["length"], gpt, "compiled")


def transformers(rows):
    for way, wrap in WAYS:
        rows.add("block_infer", "tokens/s", BLOCK["batch"] * BLOCK["length"],
                 lambda wrap=wrap: call(
                     wrap(lambda p, x: block(p, x, BLOCK["heads"])),
                     block_parameters(BLOCK["width"]),
                     normal(BLOCK["batch"], BLOCK["length"], BLOCK["width"])), way)

    def attention():
        q, k, v = (normal(1, 1024, 8, 64) for _ in range(3))
        return call(jax.jit(
            lambda q, k, v: jax.nn.dot_product_attention(q, k, v, is_causal=True)), q, k, v)

    def lstm():
        batch, length, inputs, hidden = (LSTM[k] for k in ("batch", "length", "inputs", "hidden"))

        def run(x, wx, wh, b):
            def step(carried, projected):
                state, cell = carried
                i, f, g, o = jnp.split(projected + state @ wh, 4, -1)
                cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
                state = jax.nn.sigmoid(o) * jnp.tanh(cell)
                return (state, cell), state
            zeros = jnp.zeros((batch, hidden))
            return jax.lax.scan(step, (zeros, zeros), (x @ wx + b).swapaxes(0, 1))[1]
        return call(jax.jit(run), normal(batch, length, inputs),
                    normal(inputs, 4 * hidden) * 0.05, normal(hidden, 4 * hidden) * 0.05,
                    jnp.zeros(4 * hidden))
    rows.add("sdpa_causal_1024", "ms", 1, attention)
    rows.add("lstm_fwd", "ms", 1, lstm)


def others(rows):
    def spread():
        a = normal(1024, 1024)
        return a @ a.T + 1024 * jnp.eye(1024)

    draw = jax.jit(lambda key: jax.random.normal(key, (LONG,)))
    rows.add("random_normal_16M", "M/s", LONG, lambda: call(draw, next(KEYS)))
    rows.add("sort_4M", "M/s", 4 * 1024 * 1024,
             lambda: call(jax.jit(jnp.sort), normal(4 * 1024 * 1024)))
    rows.add("fft_1M_c64", "ms", 1,
             lambda: call(jax.jit(jnp.fft.fft), normal(1 << 20) + 1j * normal(1 << 20)))
    rows.add("svd_512", "ms", 1, lambda: call(jax.jit(jnp.linalg.svd), normal(512, 512)))
    rows.add("cholesky_1024", "ms", 1, lambda: call(jax.jit(jnp.linalg.cholesky), spread()))
    rows.add("solve_1024", "ms", 1,
             lambda: call(jax.jit(jnp.linalg.solve), normal(1024, 1024), normal(1024, 1)))
