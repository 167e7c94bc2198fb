"""Writes gradients.json: outputs and gradients of layers and losses as MLX computes them.

Run with Python and the mlx package; the numbers here were made with version 0.32.4 on the CPU.
Layers are made right after seeding with 0, so the file also pins the order of the initial draws.
The loss is the sum of the output times evenly spaced numbers from 0.5 to 2; "dx" is its gradient
by the input, "d KEY" that by the parameter KEY.
"""
import json
import os

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten

mx.set_default_device(mx.cpu)


def entry(a):
    return {"shape": list(a.shape), "values": [float(v) for v in a.reshape(-1).tolist()]}


def ramp(shape):
    size = int(np.prod(shape))
    return mx.array(np.linspace(0.5, 2, size).astype(np.float32).reshape(shape))


def wave(*shape):
    size = int(np.prod(shape))
    return mx.array((1.5 * np.sin(0.7 * np.arange(size) + 0.3)).astype(np.float32).reshape(shape))


result = {}


def outputs(y):
    return list(y) if isinstance(y, (tuple, list)) else [y]


def case(name, make, *inputs, call=None, train=True):
    mx.random.seed(0)
    model = make()
    if isinstance(model, nn.Module):
        model.train(train)
    call = call or (lambda m, *xs: m(*xs))
    found = [mx.array(y) for y in outputs(call(model, *inputs))]
    entries = {"out" if i == 0 else f"out{i}": entry(y) for i, y in enumerate(found)}
    trainable = model.trainable_parameters() if isinstance(model, nn.Module) else {}
    floats = [i for i, x in enumerate(inputs) if mx.issubdtype(x.dtype, mx.floating)]

    def loss(parameters, *chosen):
        values = list(inputs)
        for place, value in zip(floats, chosen):
            values[place] = value
        if isinstance(model, nn.Module):
            model.update(parameters)
        ys = outputs(call(model, *values))
        return sum((y * ramp(y.shape)).sum() for y in ys)

    chosen = [inputs[i] for i in floats]
    places = tuple(range(len(chosen) + 1)) if trainable else tuple(range(1, len(chosen) + 1))
    if places:
        grads = mx.grad(loss, places)(trainable, *chosen)
        grads = list(grads) if isinstance(grads, (tuple, list)) else [grads]
        if trainable:
            for key, value in tree_flatten(grads.pop(0)):
                entries[f"d {key}"] = entry(value)
        for index, value in zip(floats, grads):
            entries["dx" if index == 0 else f"dx{index}"] = entry(value)
    result[name] = entries


line, plane, volume = wave(2, 5, 4), wave(2, 5, 4, 4), wave(1, 3, 4, 4, 2)
rows = wave(3, 4)

# Layers that stood before, with their gradients.
case("linear", lambda: nn.Linear(4, 3), rows)
case("bilinear", lambda: nn.Bilinear(4, 4, 3), rows, rows + 1)
case("embedding", lambda: nn.Embedding(5, 3), mx.array([[0, 4], [2, 2]]))
case("conv1d", lambda: nn.Conv1d(4, 3, 3, stride=2, padding=1), line)
case("conv2d", lambda: nn.Conv2d(4, 3, (3, 2), stride=(1, 2), padding=1), plane)
case("conv3d", lambda: nn.Conv3d(2, 3, (2, 3, 2), stride=(1, 2, 1), padding=1), volume)
case("convTransposed1d", lambda: nn.ConvTranspose1d(4, 3, 3, stride=2, padding=1), line)
case("convTransposed2d", lambda: nn.ConvTranspose2d(
    4, 3, (3, 2), stride=(2, 1), padding=(1, 0), output_padding=(1, 0)), plane)
case("convTransposed3d", lambda: nn.ConvTranspose3d(2, 3, 2, stride=2), volume)
case("maxPool1d", lambda: nn.MaxPool1d(3, 2, 1), line)
case("avgPool1d", lambda: nn.AvgPool1d(3, 2, 1), line)
case("maxPool2d", lambda: nn.MaxPool2d(2, 2), plane)
case("avgPool2d", lambda: nn.AvgPool2d(3, 2, 1), plane)
case("maxPool3d", lambda: nn.MaxPool3d((2, 3, 2), (1, 2, 2), (1, 1, 0)), volume)
case("avgPool3d", lambda: nn.AvgPool3d((2, 3, 2), (1, 2, 2), (1, 1, 0)), volume)
case("layerNorm", lambda: nn.LayerNorm(4), rows)
case("rmsNorm", lambda: nn.RMSNorm(4), rows)
case("instanceNorm", lambda: nn.InstanceNorm(4, affine=True), plane)
case("groupNorm", lambda: nn.GroupNorm(2, 4), plane)
case("groupNorm pytorch", lambda: nn.GroupNorm(2, 4, pytorch_compatible=True), plane)
case("batchNorm", lambda: nn.BatchNorm(4), plane)
case("batchNorm inference", lambda: nn.BatchNorm(4), plane, train=False)
case("dropout inference", lambda: nn.Dropout(0.3), rows, train=False)
case("prelu", lambda: nn.PReLU(), rows)

# Positions.
case("rope", lambda: nn.RoPE(4), line)
case("rope traditional", lambda: nn.RoPE(2, traditional=True, base=100, scale=0.5), line,
     call=lambda m, x: m(x, offset=3))
case("sinusoidal", lambda: nn.SinusoidalPositionalEncoding(6), mx.array([0.0, 1.0, 7.5]))
case("sinusoidal turns", lambda: nn.SinusoidalPositionalEncoding(
    4, min_freq=0.01, max_freq=2, scale=0.5, cos_first=True, full_turns=True), rows)
case("alibi", lambda: nn.ALiBi(), wave(1, 4, 3, 3))
case("alibi six heads", lambda: nn.ALiBi(), wave(2, 6, 3, 5), wave(3, 5),
     call=lambda m, x, mask: m(x, offset=2, mask=mask))

# Recurrence.
for name, make in (("rnn", nn.RNN), ("gru", nn.GRU), ("lstm", nn.LSTM)):
    case(name, lambda: make(4, 3), line)
    case(f"{name} unbiased", lambda: make(4, 3, bias=False), line[0])
    case(f"{name} state", lambda: make(4, 3), line, wave(2, 3))
case("rnn relu", lambda: nn.RNN(4, 3, nonlinearity=nn.relu), line)
case("lstm cell", lambda: nn.LSTM(4, 3), line, wave(2, 3), wave(2, 3) + 0.5)

# Attention.
sequence, other = wave(2, 5, 8), wave(2, 3, 8) * 0.5
causal = nn.MultiHeadAttention.create_additive_causal_mask(5)
allowed = mx.array(np.tril(np.ones((5, 5), dtype=bool)))
case("attention", lambda: nn.MultiHeadAttention(8, 2), sequence,
     call=lambda m, x: m(x, x, x))
case("attention causal", lambda: nn.MultiHeadAttention(8, 4, bias=True), sequence,
     call=lambda m, x: m(x, x, x, causal))
case("attention bool", lambda: nn.MultiHeadAttention(8, 4), sequence,
     call=lambda m, x: m(x, x, x, allowed))
case("attention sizes", lambda: nn.MultiHeadAttention(
    4, 2, query_input_dims=8, key_input_dims=6, value_input_dims=5, value_dims=6,
    value_output_dims=3), sequence, wave(2, 3, 6), wave(2, 3, 5))
for first in (True, False):
    kind = "first" if first else "last"
    case(f"encoder layer {kind}", lambda: nn.TransformerEncoderLayer(
        8, 2, mlp_dims=6, norm_first=first), sequence, call=lambda m, x: m(x, causal))
    case(f"decoder layer {kind}", lambda: nn.TransformerDecoderLayer(
        8, 2, mlp_dims=6, norm_first=first), sequence, other,
        call=lambda m, x, y: m(x, y, causal, None))
    case(f"transformer {kind}", lambda: nn.Transformer(
        8, 2, 1, 1, mlp_dims=6, activation=nn.gelu, norm_first=first), other, sequence,
        call=lambda m, x, y: m(x, y, None, causal, None))

# Other sizes.
for mode in ("linear", "cubic"):
    for aligned in (False, True):
        corners = " aligned" if aligned else ""
        case(f"upsample {mode}{corners}", lambda: nn.Upsample(
            (2.0, 1.5), mode=mode, align_corners=aligned), plane)
        case(f"downsample {mode}{corners}", lambda: nn.Upsample(
            (0.6, 0.5), mode=mode, align_corners=aligned), plane)
    case(f"downsample {mode} antialias", lambda: nn.Upsample(
        (0.6, 0.5), mode=mode, antialias=True), plane)
    case(f"upsample {mode} antialias", lambda: nn.Upsample(
        (1.5, 2.0), mode=mode, antialias=True), plane)
case("upsample nearest", lambda: nn.Upsample(2.0), plane)
case("upsample nearest fraction", lambda: nn.Upsample((1.7, 0.5)), plane)
case("upsample line", lambda: nn.Upsample(2.5, mode="linear"), line)
case("upsample volume", lambda: nn.Upsample(2.0, mode="linear"), volume[:, :2, :2, :2])

# Quantized layers; the wheel has no gradients of them by the weight.
wide = wave(3, 64)
for mode, group, bits in (
    ("affine", 32, 4), ("affine", 64, 8), ("mxfp4", 32, 4), ("mxfp8", 32, 8), ("nvfp4", 16, 4)
):
    case(f"quantized linear {mode} {bits}", lambda: nn.QuantizedLinear.from_linear(
        nn.Linear(64, 32), group, bits, mode=mode).freeze(), wide)
    case(f"quantized embedding {mode} {bits}", lambda: nn.QuantizedEmbedding.from_embedding(
        nn.Embedding(6, 64), group, bits, mode=mode), mx.array([[0, 5], [3, 3]]),
        call=lambda m, x: m(x).astype(mx.float32))
    case(f"quantized as linear {mode} {bits}", lambda: nn.QuantizedEmbedding.from_embedding(
        nn.Embedding(6, 64), group, bits, mode=mode), wide, call=lambda m, x: m.as_linear(x))

# Losses, with their gradients.
L = nn.losses
logits, targets = wave(3, 4), mx.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1],
                                        [0.25, 0.25, 0.25, 0.25]])
classes = mx.array([2, 0, 3])
labels = mx.array([[1.0, 0, 1, 0], [0, 1, 0, 0], [1, 1, 0, 1]])
signs = labels * 2 - 1
second, third = wave(3, 4) * 0.6 + 0.2, mx.cos(wave(3, 4) * 2)
variances = mx.abs(wave(3, 4)) + 0.1
losses = {
    "crossEntropy": (lambda x: L.cross_entropy(x, classes, reduction="mean"), [logits]),
    "crossEntropy probabilities": (
        lambda x: L.cross_entropy(x, targets, label_smoothing=0.2), [logits]),
    "binaryCrossEntropy": (lambda x: L.binary_cross_entropy(x, labels), [logits]),
    "binaryCrossEntropy probabilities": (
        lambda x: L.binary_cross_entropy(x, labels, with_logits=False), [targets]),
    "l1": (L.l1_loss, [logits, second]),
    "mse": (L.mse_loss, [logits, second]),
    "nll": (lambda x: L.nll_loss(x, classes), [logits]),
    "kl": (lambda x, t: L.kl_div_loss(x, t), [logits, second]),
    "smoothL1": (lambda x, t: L.smooth_l1_loss(x, t, beta=0.5), [logits, second]),
    "triplet": (lambda x, y, z: L.triplet_loss(x, y, z), [logits, second, third]),
    "hinge": (lambda x: L.hinge_loss(x, signs), [logits]),
    "huber": (lambda x, t: L.huber_loss(x, t, delta=0.4), [logits, second]),
    "logCosh": (L.log_cosh_loss, [logits, second]),
    "cosine": (lambda x, y: L.cosine_similarity_loss(x, y), [logits, second]),
    "gaussianNLL": (L.gaussian_nll_loss, [logits, second, variances]),
    "gaussianNLL full": (
        lambda x, t, v: L.gaussian_nll_loss(x, t, v, full=True, eps=0.5, reduction="none"),
        [logits, second, variances]),
    "marginRanking": (lambda x, y: L.margin_ranking_loss(x, y, signs), [logits, second]),
    "marginRanking margin": (
        lambda x, y: L.margin_ranking_loss(x, y, signs, margin=0.3, reduction="sum"),
        [logits, second]),
}
for name, (f, inputs) in losses.items():
    case(name, lambda: f, *inputs)

# Activations.
points = mx.array([-4, -3, -1.5, -0.7, -0.45, -0.2, 0.1, 0.4, 0.6, 1.1, 2.5, 3.5, 7, 20.0])
activations = {
    "sigmoid": nn.sigmoid, "relu": nn.relu, "leakyRelu": nn.leaky_relu, "elu": nn.elu,
    "relu6": nn.relu6, "reluSquared": nn.relu2, "softplus": nn.softplus,
    "softsign": nn.softsign, "softshrink": nn.softshrink, "celu": nn.celu, "silu": nn.silu,
    "logSigmoid": nn.log_sigmoid, "gelu": nn.gelu, "geluApproximate": nn.gelu_approx,
    "geluFastApproximate": nn.gelu_fast_approx, "glu": nn.glu, "selu": nn.selu,
    "mish": nn.mish, "hardSwish": nn.hardswish, "hardTanH": nn.hard_tanh,
    "hardShrink": nn.hard_shrink, "softmin": nn.softmin, "logSoftmax": nn.log_softmax,
    "softmax": nn.softmax, "tanh": nn.tanh,
}
for name, f in activations.items():
    case(name, lambda: f, points)

# Initial values.
I = nn.init
shape = mx.zeros((4, 3))
window = mx.zeros((4, 2, 3))
for name, f in {
    "init constant": lambda: I.constant(0.5)(shape), "init normal": lambda: I.normal(1, 2)(shape),
    "init uniform": lambda: I.uniform(-1, 2)(shape),
    "init identity": lambda: I.identity()(mx.zeros((3, 3))),
    "init glorotNormal": lambda: I.glorot_normal()(window, gain=2.0),
    "init glorotUniform": lambda: I.glorot_uniform()(window),
    "init heNormal": lambda: I.he_normal()(window),
    "init heNormal fanOut": lambda: I.he_normal()(window, mode="fan_out", gain=0.5),
    "init heUniform": lambda: I.he_uniform()(window),
    "init sparse": lambda: I.sparse(0.5)(shape),
    "init orthogonal": lambda: I.orthogonal(2.0)(shape),
}.items():
    mx.random.seed(0)
    result[name] = {"out": entry(f())}

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gradients.json")
with open(path, "w") as file:
    file.write("{\n")
    lines = []
    for name, entries in sorted(result.items()):
        text = json.dumps(
            {k: {"shape": e["shape"], "values": [float(f"{v:.8g}") for v in e["values"]]}
             for k, e in entries.items()}, sort_keys=True, separators=(",", ":"))
        lines.append(f"{json.dumps(name)}: {text}")
    file.write(",\n".join(lines) + "\n}\n")
print(len(result), "cases,", os.path.getsize(path), "bytes")
