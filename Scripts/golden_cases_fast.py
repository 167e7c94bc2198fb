"""Cases of Scripts/goldens for quantization and for the fused functions of MLXFast.

Codes and their scales must agree to the bit, because checkpoints are exchanged in them.
"""
import mlx.core as mx
import numpy as np

from golden_cases import array

AFFINE = [(group, bits) for group in (32, 64, 128) for bits in (2, 3, 4, 5, 6, 8)]
FLOATS = {"mxfp4": (32, 4), "mxfp8": (32, 8), "nvfp4": (16, 4)}
KINDS = ("float32", "float16", "bfloat16")


def quantize(i, a):
    extra = {"global_scale": i[1]} if len(i) > 1 else {}
    return list(mx.quantize(
        i[0], group_size=a["groupSize"], bits=a["bits"], mode=a["mode"], **extra))


def dequantize(i, a):
    biases = i[2] if a["mode"] == "affine" else None
    dtype = getattr(mx, a["dtype"]) if "dtype" in a else None
    return mx.dequantize(
        i[0], i[1], biases, group_size=a["groupSize"], bits=a["bits"], mode=a["mode"],
        dtype=dtype)


def quantized_mm(i, a):
    biases = i[3] if a["mode"] == "affine" else None
    return mx.quantized_matmul(
        i[0], i[1], i[2], biases, transpose=a["transpose"], group_size=a["groupSize"],
        bits=a["bits"], mode=a["mode"])


def gather_mm(i, a):
    affine = a["mode"] == "affine"
    return mx.gather_qmm(
        i[0], i[1], i[2], i[3] if affine else None, lhs_indices=i[-2], rhs_indices=i[-1],
        transpose=a["transpose"], group_size=a["groupSize"], bits=a["bits"], mode=a["mode"])


OPS = {
    "quantized": quantize, "dequantized": dequantize, "quantizedMM": quantized_mm,
    "gatherQuantizedMM": gather_mm, "toFP8": lambda i, a: mx.to_fp8(i[0]),
    "fromFP8": lambda i, a: mx.from_fp8(i[0], dtype=getattr(mx, a["dtype"])),
}


def rope(i, a):
    return mx.fast.rope(
        i[0], a["dimensions"], traditional=a["traditional"], base=a.get("base"),
        scale=a["scale"], offset=i[1] if "offset" not in a else a["offset"],
        freqs=i[-1] if a["hasFrequencies"] else None)


def attention(i, a):
    rest = list(i[3:])
    sinks = rest.pop() if a["hasSinks"] else None
    mask = "causal" if a["mode"] == "causal" else rest.pop() if rest else None
    return mx.fast.scaled_dot_product_attention(
        i[0], i[1], i[2], scale=a["scale"], mask=mask, sinks=sinks)


OPS.update({
    "RoPE": rope, "scaledDotProductAttention": attention,
    "rmsNorm": lambda i, a: mx.fast.rms_norm(i[0], i[1], a["eps"]),
    "layerNorm": lambda i, a: mx.fast.layer_norm(
        i[0], i[1] if a["mode"] != "bias" and len(i) > 1 else None,
        i[-1] if "bias" in a["mode"] else None, a["eps"]),
})


def draws(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def quantization_cases(book):
    rng = np.random.default_rng(280)
    for group, bits in AFFINE:
        args = {"groupSize": group, "bits": bits, "mode": "affine"}
        values = draws(rng, 5, 128)
        values[1] = 3
        values[2] = 0
        values[3] = abs(values[3])
        for kind in KINDS:
            w = array(values, kind)
            book.case("quantized", [w], **args)
            q = quantize([w], args)
            book.case("dequantized", q, **args)
            x = array(draws(rng, 3, 128), kind)
            book.case("quantizedMM", [x] + q, ulp=64, scaled=True, transpose=True, **args)
            y = array(draws(rng, 2, 5), kind)
            book.case("quantizedMM", [y] + q, ulp=64, scaled=True, transpose=False, **args)
        book.case("quantizedMM", [array(draws(rng, 20, 128))] + quantize([array(values)], args),
                  ulp=64, scaled=True, transpose=True, grad=[0, 2, 3], note="many", **args)
    for mode, (group, bits) in FLOATS.items():
        args = {"groupSize": group, "bits": bits, "mode": mode}
        values = np.concatenate([draws(rng, 4, 64), draws(rng, 4, 64) * 1e-3,
                                 draws(rng, 4, 64) * 300, np.zeros((1, 64), np.float32)])
        values[0, :8] = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5, 6]
        values[1, :8] = [-0.25, -0.75, -1.25, -1.75, -2.5, -3.5, -5, -6]
        for kind in KINDS:
            w = array(values, kind)
            book.case("quantized", [w], **args)
            q = quantize([w], args)
            book.case("dequantized", q, **args)
            book.case("dequantized", q, dtype=kind, **args)
            x = array(draws(rng, 3, 64), kind)
            book.case("quantizedMM", [x] + q, ulp=64, scaled=True, transpose=True, **args)
        book.case("quantizedMM", [array(draws(rng, 20, 64))] + q, ulp=64, scaled=True,
                  transpose=True, grad=[0], **args)
    values = array(draws(rng, 4, 64))
    book.case("quantized", [values, mx.array(3.0)], groupSize=16, bits=4, mode="nvfp4")
    gather_cases(book, rng)
    eight = [0.0, -0.0, 1, -2, 0.125, 448, 449, 500, 464, 465, 2.0**-9, 2.0**-10, 1.5 * 2.0**-10,
             2.0**-6, 0.0155, 17, 18, 19, -21.5, float("inf"), float("-inf"), float("nan")]
    for kind in KINDS:
        book.case("toFP8", [array(eight, kind)])
        # Not 0x7F and 0xFF: NaN there, 480 in mlx-swift and here.
        codes = [code for code in range(256) if code & 0x7F != 0x7F]
        book.case("fromFP8", [mx.array(codes, dtype=mx.uint8)], dtype=kind)


def gather_cases(book, rng):
    w = array(draws(rng, 4, 6, 64))
    for mode, (group, bits) in [("affine", (32, 4)), ("mxfp8", (32, 8))]:
        args = {"groupSize": group, "bits": bits, "mode": mode, "transpose": True}
        q = quantize([w], args)
        x = array(draws(rng, 3, 2, 64))
        left = mx.array([[0], [2]], dtype=mx.uint32)
        right = mx.array([3, 0, 3], dtype=mx.uint32)
        book.case("gatherQuantizedMM", [x] + q + [left, right], ulp=64, scaled=True, grad=[0],
                  **args)


def norm_cases(book):
    rng = np.random.default_rng(310)
    for kind in KINDS:
        bound = 8 if kind == "float32" else 3
        for shape in ((3, 5), (2, 3, 64), (200,)):
            x, w, b = (array(draws(rng, *s), kind) for s in (shape, shape[-1:], shape[-1:]))
            wanted = [0, 1] if kind == "float32" else []
            book.case("rmsNorm", [x, w], ulp=bound, scaled=True, eps=1e-5, grad=wanted)
            for mode, inputs in (("", [x]), ("weight", [x, w]), ("bias", [x, b]),
                                 ("weight bias", [x, w, b])):
                book.case("layerNorm", inputs, ulp=64 if wanted else bound, scaled=True, eps=1e-5,
                          mode=mode,
                          grad=list(range(len(inputs))) if wanted else [])
    book.case("rmsNorm", [array(draws(rng, 3, 8), "float16"), array(draws(rng, 8))], ulp=8,
              scaled=True, eps=1e-3)


def rope_cases(book):
    rng = np.random.default_rng(314)
    for kind in KINDS:
        x = array(draws(rng, 2, 3, 6, 16), kind)
        for traditional in (False, True):
            for dims in (16, 10):
                args = dict(dimensions=dims, traditional=traditional, scale=0.5, base=10000.0,
                            hasFrequencies=False)
                bound = 64 if kind == "float32" else 3
                book.case("RoPE", [x], ulp=bound, scaled=True, offset=7, **args,
                          grad=[0] if kind == "float32" else [])
                book.case("RoPE", [x, mx.array([3, 40])], ulp=bound, scaled=True, **args)
                del args["base"]
                freqs = mx.array(np.linspace(1, 20, dims // 2).astype(np.float32))
                args["hasFrequencies"] = True
                book.case("RoPE", [x, freqs], ulp=bound, scaled=True, offset=2, **args)


def attention_cases(book):
    rng = np.random.default_rng(315)
    shapes = [(2, 4, 4, 5, 7, 8, 8), (1, 6, 2, 9, 9, 16, 4), (1, 8, 2, 1, 33, 16, 16),
              (1, 2, 1, 130, 300, 8, 8)]
    for b, h, g, n, m, d, e in shapes:
        for kind in KINDS:
            large = n > 100
            if large and kind != "float32":
                continue
            q, k, v = (array(draws(rng, *s), kind)
                       for s in ((b, h, n, d), (b, g, m, d), (b, g, m, e)))
            bound = 64 if kind == "float32" else 4
            wanted = [0, 1, 2] if kind == "float32" and not large else []
            sinks = array(draws(rng, h), kind)
            common = dict(ulp=bound, scaled=True, scale=d**-0.5)
            for mode in ("none", "causal"):
                book.case("scaledDotProductAttention", [q, k, v], mode=mode, hasSinks=False,
                          grad=wanted, **common)
            if large:
                continue
            for mask in (rng.random((n, m)) < 0.6, rng.random((b, 1, n, m)) < 0.6,
                         draws(rng, n, m)):
                made = mx.array(mask) if mask.dtype == bool else array(mask, kind)
                book.case("scaledDotProductAttention", [q, k, v, made], mode="array",
                          hasSinks=False, grad=wanted, **common)
            book.case("scaledDotProductAttention", [q, k, v, sinks], mode="none", hasSinks=True,
                      grad=wanted, **common)
            book.case("scaledDotProductAttention", [q, k, v, sinks], mode="causal",
                      hasSinks=True, **common)


FAMILIES = (quantization_cases, norm_cases, rope_cases, attention_cases)
