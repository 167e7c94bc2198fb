"""ONNX Runtime: graphs with constant weights, which it packs before the first call."""
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from measure import (BLOCK, CONVOLUTIONS, CUBE_FACTOR, GROUP, LONG, LSTM, TANH_FACTOR, WIDTH,
                     convolution_flops, startup, threads)

RANDOM = np.random.default_rng(0)
CONTRIBUTED = "com.microsoft"


def normal(*shape):
    return RANDOM.standard_normal(shape, dtype=np.float32)


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs.split(","), outputs.split(","), **attributes)


def session(nodes, feeds, weights=None, outputs=("y",), dtype=TensorProto.FLOAT):
    """A call that runs the graph on the feeds."""
    inputs = [helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in feeds.items()]
    results = [helper.make_tensor_value_info(name, dtype, None) for name in outputs]
    constants = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    model = helper.make_model(
        helper.make_graph(nodes, "row", inputs, results, constants), ir_version=10,
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid(CONTRIBUTED, 1)])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads(), 1
    options.log_severity_level = 3
    runner = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: runner.run(None, feeds)


def fill(rows):
    products(rows)
    elementwise(rows)
    transformers(rows)
    quantized(rows)
    others(rows)
    rows.processes["startup_process"] = startup(
        "import onnxruntime; print(onnxruntime.get_available_providers())")


def products(rows):
    def product(x, w, dtype=TensorProto.FLOAT):
        return session([node("MatMul", "x,w", "y")], {"x": x}, {"w": w}, dtype=dtype)

    for n in (64, 256, 512, 1024, 2048):
        rows.add(f"matmul_f32_{n}", "GFLOP/s", 2.0 * n**3, lambda n=n: session(
            [node("MatMul", "a,b", "y")], {"a": normal(n, n), "b": normal(n, n)}))
    for m in (1, 16, 32):
        rows.add(f"gemm_m{m}_4096", "GB/s", 4.0 * WIDTH * WIDTH,
                 lambda m=m: product(normal(m, WIDTH), normal(WIDTH, WIDTH)),
                 note="constant weights, packed before")
    rows.add("matmul_f16_1024", "GFLOP/s", 2.0 * 1024**3, lambda: product(
        normal(1024, 1024).astype(np.float16), normal(1024, 1024).astype(np.float16),
        TensorProto.FLOAT16))
    count = rows.cold_count(4 * WIDTH * WIDTH, 8)

    # One graph: sessions have thread pools of their own, which would spin against each other.
    def cold():
        return session([node("MatMul", f"x,w{i}", f"y{i}") for i in range(count)],
                       {"x": normal(1, WIDTH)},
                       {f"w{i}": normal(WIDTH, WIDTH) for i in range(count)},
                       outputs=[f"y{i}" for i in range(count)])
    # A model holds two gigabytes at most.
    if count * 4 * WIDTH * WIDTH < 2_000_000_000:
        rows.add("decode_cold_f32_m1", "us", 1, cold, turn=count)


def elementwise(rows):
    def gelu():
        nodes = [node("Mul", "x,x", "x2"), node("Mul", "x2,x", "x3"), node("Mul", "x3,c", "t1"),
                 node("Add", "x,t1", "t2"), node("Mul", "t2,f", "t3"), node("Tanh", "t3", "t4"),
                 node("Add", "t4,one", "t5"), node("Mul", "x,t5", "t6"),
                 node("Mul", "t6,half", "y")]
        constants = {"c": CUBE_FACTOR, "f": TANH_FACTOR, "one": 1, "half": 0.5}
        return session(nodes, {"x": normal(LONG)},
                       {name: np.array(v, np.float32) for name, v in constants.items()})

    def multiply_add():
        return session([node("Mul", "a,b", "t"), node("Add", "t,c", "y")],
                       {name: normal(LONG) for name in "abc"})

    def unary(kind, *shape, **attributes):
        return lambda: session([node(kind, "x", "y", **attributes)], {"x": normal(*shape)})

    def layer_norm():
        return session([node("LayerNormalization", "x,w,b", "y", axis=-1)],
                       {"x": normal(4096, 1024)}, {"w": normal(1024), "b": normal(1024)})

    rows.add("gelu_chain", "GB/s", 8.0 * LONG, gelu, "compiled")
    rows.add("muladd_16M", "GB/s", 16.0 * LONG, multiply_add, "compiled")
    rows.add("exp_16M", "GB/s", 8.0 * LONG, unary("Exp", LONG))
    rows.add("sum_16M", "GB/s", 4.0 * LONG, unary("ReduceSum", LONG, keepdims=0))
    rows.add("softmax_4096x4096", "GB/s", 8.0 * LONG, unary("Softmax", 4096, 4096, axis=-1))
    rows.add("layernorm_4096x1024", "GB/s", 8.0 * 4096 * 1024, layer_norm)
    rows.add("transpose_copy_4096", "GB/s", 8.0 * LONG,
             unary("Transpose", 4096, 4096, perm=[1, 0]))
    for n in (1, 16):
        def chain(n=n):
            nodes = [node("Add", f"x{i},one", f"x{i + 1}" if i < 999 else "y")
                     for i in range(1000)]
            return session(nodes, {"x0": np.zeros(n, np.float32)},
                           {"one": np.ones(1, np.float32)})
        rows.add(f"chain1000_{n}", "us/op", 1000, chain, "compiled")
    for name, (side, inputs, kernel, stride, padding) in CONVOLUTIONS.items():
        def convolution(side=side, inputs=inputs, kernel=kernel, stride=stride, padding=padding):
            return session(
                [node("Conv", "x,w", "y", strides=[stride] * 2, pads=[padding] * 4)],
                {"x": normal(8, inputs, side, side)}, {"w": normal(64, inputs, kernel, kernel)})
        flops = convolution_flops(side, inputs, kernel, stride, padding)
        rows.add(name, "GFLOP/s", flops, convolution)


def transformers(rows):
    def block():
        width = BLOCK["width"]
        weights = {"g1": np.ones(width, np.float32), "g2": np.ones(width, np.float32)}
        for name, before, after in (("qkv", 1, 3), ("o", 1, 1), ("f1", 1, 4), ("f2", 4, 1)):
            weights[name] = normal(before * width, after * width) * (before * width) ** -0.5
            weights[f"b_{name}"] = np.zeros(after * width, np.float32)
        for name in ("b1", "b2"):
            weights[name] = np.zeros(width, np.float32)
        nodes = [
            node("LayerNormalization", "x,g1,b1", "n1", axis=-1),
            node("Attention", "n1,qkv,b_qkv", "seen", domain=CONTRIBUTED,
                 num_heads=BLOCK["heads"], unidirectional=1),
            node("MatMul", "seen,o", "o1"), node("Add", "o1,b_o", "o2"),
            node("Add", "x,o2", "r1"),
            node("LayerNormalization", "r1,g2,b2", "n2", axis=-1),
            node("MatMul", "n2,f1", "h1"), node("Add", "h1,b_f1", "h2"),
            node("Gelu", "h2", "h3", approximate="tanh"),
            node("MatMul", "h3,f2", "h4"), node("Add", "h4,b_f2", "h5"),
            node("Add", "r1,h5", "y")]
        return session(nodes, {"x": normal(BLOCK["batch"], BLOCK["length"], width)}, weights)

    def attention():
        return session(
            [node("MultiHeadAttention", "q,k,v", "y", domain=CONTRIBUTED, num_heads=8,
                  unidirectional=1)], {name: normal(1, 1024, 512) for name in "qkv"})

    def lstm():
        batch, length, inputs, hidden = (LSTM[k] for k in ("batch", "length", "inputs", "hidden"))
        return session([node("LSTM", "x,w,r", "y", hidden_size=hidden)],
                       {"x": normal(length, batch, inputs)},
                       {"w": normal(1, 4 * hidden, inputs) * 0.05,
                        "r": normal(1, 4 * hidden, hidden) * 0.05})

    rows.add("block_infer", "tokens/s", BLOCK["batch"] * BLOCK["length"], block, "compiled")
    rows.add("sdpa_causal_1024", "ms", 1, attention, note="(batch, length, width)")
    rows.add("lstm_fwd", "ms", 1, lstm)


def quantized(rows):
    def integer_weights(count=1):
        return {f"w{i}": RANDOM.integers(-127, 127, (WIDTH, WIDTH)).astype(np.int8)
                for i in range(count)}

    def integers(m, count=1):
        nodes = [node("DynamicQuantizeLinear", "x", "q,scale,zero")]
        for i in range(count):
            nodes += [node("MatMulInteger", f"q,w{i},zero", f"i{i}"),
                      node("Cast", f"i{i}", f"f{i}", to=TensorProto.FLOAT),
                      node("Mul", f"f{i},scale", f"s{i}"), node("Mul", f"s{i},scales", f"y{i}")]
        weights = integer_weights(count)
        weights["scales"] = RANDOM.random(WIDTH, dtype=np.float32)
        return session(nodes, {"x": normal(m, WIDTH)}, weights,
                       outputs=[f"y{i}" for i in range(count)])

    def groups(m, bits, level, count=1):
        """Level 1 keeps activations in float32, level 4 rounds them to int8."""
        nodes, weights = [], {}
        for i in range(count):
            weights[f"w{i}"] = RANDOM.integers(
                0, 255, (WIDTH, WIDTH // GROUP, GROUP * bits // 8)).astype(np.uint8)
            weights[f"s{i}"] = RANDOM.random((WIDTH, WIDTH // GROUP), dtype=np.float32) * 0.01
            nodes.append(node(
                "MatMulNBits", f"x,w{i},s{i}", f"y{i}", domain=CONTRIBUTED, K=WIDTH, N=WIDTH,
                bits=bits, block_size=GROUP, accuracy_level=level))
        return session(nodes, {"x": normal(m, WIDTH)}, weights,
                       outputs=[f"y{i}" for i in range(count)])

    for m in (1, 32):
        rows.add(f"qmm_int8_int8act_m{m}", "us", 1, lambda m=m: integers(m), "MatMulInteger",
                 note="DynamicQuantizeLinear, MatMulInteger, a scale for each output")
        rows.add(f"qmm_int8_int8act_m{m}", "us", 1, lambda m=m: groups(m, 8, 4), "MatMulNBits",
                 note="accuracy level 4, group 64")
        rows.add(f"qmm_int4_int8act_m{m}", "us", 1, lambda m=m: groups(m, 4, 4),
                 note="MatMulNBits, accuracy level 4, group 64")
        rows.add(f"qmm_int4_m{m}", "us", 1, lambda m=m: groups(m, 4, 1),
                 note="MatMulNBits, accuracy level 1: float activations, group 64")
    count = rows.cold_count(WIDTH * WIDTH, 16)
    rows.add("decode_cold_int8_int8act_m1", "us", 1, lambda: integers(1, count), turn=count,
             note="MatMulInteger")
    many = rows.cold_count(WIDTH * WIDTH * (0.5 + 4 / GROUP), 16)
    for name, level in (("decode_cold_int4_int8act_m1", 4), ("decode_cold_int4_m1", 1)):
        rows.add(name, "us", 1, lambda level=level: groups(1, 4, level, many), turn=many,
                 note=f"MatMulNBits, accuracy level {level}, group 64")


def others(rows):
    rows.add("random_normal_16M", "M/s", LONG,
             lambda: session([helper.make_node("RandomNormal", [], ["y"], shape=[LONG])], {}))
    count = 4 * 1024 * 1024
    rows.add("sort_4M", "M/s", count, lambda: session(
        [node("TopK", "x,k", "y,i", axis=-1, largest=0, sorted=1)], {"x": normal(count)},
        {"k": np.array([count], np.int64)}), note="TopK of everything")
    rows.add("fft_1M_c64", "ms", 1, lambda: session(
        [helper.make_node("DFT", ["x", "", "axis"], ["y"])], {"x": normal(1, 1 << 20, 2)},
        {"axis": np.array(1, np.int64)}))
