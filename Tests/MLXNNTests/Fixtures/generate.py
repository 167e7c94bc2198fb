"""Writes layers.json: what MLX computes for activations, losses and layers.

Run with Python and the mlx package; the numbers here were made with version 0.32.4. Layers are
made right after seeding with 0, so the file also pins the order of the initial draws.
"""
import json
import os

import mlx.core as mx
import mlx.nn as nn


def entry(a):
    return {"shape": list(a.shape), "values": [float(v) for v in a.reshape(-1).tolist()]}


x = mx.array([-4.0, -3.0, -1.5, -0.7, -0.5, -0.2, 0.1, 0.4, 0.6, 1.0, 2.5, 3.5, 7.0, 20.0])
activations = {
    "sigmoid": mx.sigmoid, "relu": nn.relu, "leakyRelu": nn.leaky_relu, "elu": nn.elu,
    "relu6": nn.relu6, "reluSquared": nn.relu2, "softplus": nn.softplus,
    "softsign": nn.softsign, "softshrink": nn.softshrink, "celu": nn.celu, "silu": nn.silu,
    "logSigmoid": nn.log_sigmoid, "gelu": nn.gelu, "geluApproximate": nn.gelu_approx,
    "geluFastApproximate": nn.gelu_fast_approx, "glu": nn.glu, "selu": nn.selu,
    "mish": nn.mish, "hardSwish": nn.hardswish, "hardTanH": nn.hard_tanh,
    "hardShrink": nn.hard_shrink, "softmin": nn.softmin, "logSoftmax": nn.log_softmax,
    "prelu": lambda a: nn.prelu(a, mx.array([0.25])), "step": nn.step,
}

logits = mx.array([[2.0, -1.0, 0.5], [0.1, 0.2, -3.0]])
classes = mx.array([2, 0])
probabilities = mx.array([[0.2, 0.3, 0.5], [0.7, 0.1, 0.2]])
other = mx.array([[1.0, 0.5, 0.25], [-2.0, 3.0, -2.5]])
third = mx.array([[0.0, 1.5, -0.25], [0.5, 2.0, -1.0]])
signs = mx.array([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]])
labels = mx.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
L = nn.losses
losses = {
    "crossEntropy": L.cross_entropy(logits, classes),
    "crossEntropy smoothed": L.cross_entropy(logits, classes, label_smoothing=0.1),
    "crossEntropy probabilities": L.cross_entropy(logits, probabilities, reduction="sum"),
    "crossEntropy weighted": L.cross_entropy(
        logits, classes, weights=mx.array([0.5, 2.0]), reduction="mean"),
    "crossEntropy axis": L.cross_entropy(logits.T, classes, axis=0),
    "binaryCrossEntropy": L.binary_cross_entropy(logits, labels),
    "binaryCrossEntropy probabilities": L.binary_cross_entropy(
        probabilities, labels, with_logits=False, reduction="none"),
    "l1": L.l1_loss(logits, other),
    "mse": L.mse_loss(logits, other),
    "nll": L.nll_loss(logits, classes),
    "kl": L.kl_div_loss(nn.log_softmax(logits), mx.log(probabilities)),
    "smoothL1": L.smooth_l1_loss(logits, other, beta=0.8, reduction="none"),
    "triplet": L.triplet_loss(logits, other, third),
    "triplet 4": L.triplet_loss(logits, other, third, p=4),
    "hinge": L.hinge_loss(logits, signs),
    "huber": L.huber_loss(logits, other, delta=1.2),
    "logCosh": L.log_cosh_loss(logits, other),
    "cosine": L.cosine_similarity_loss(logits, other),
}


def made(make):
    mx.random.seed(0)
    return make()


sequence = mx.arange(2 * 7 * 4, dtype=mx.float32).reshape(2, 7, 4) / 10 - 2
image = mx.arange(2 * 6 * 5 * 4, dtype=mx.float32).reshape(2, 6, 5, 4) / 50 - 2
image = mx.sin(image * 3)
rows = mx.array([[1.0, -2.0, 3.0, 0.5], [0.0, 0.25, -1.0, 2.0]])


layers = {
    "linear": made(lambda: nn.Linear(4, 3))(rows),
    "bilinear": made(lambda: nn.Bilinear(4, 4, 3))(rows, rows + 1),
    "embedding": made(lambda: nn.Embedding(5, 3))(mx.array([[0, 4], [2, 2]])),
    "embedding as linear": made(lambda: nn.Embedding(5, 4)).as_linear(rows),
    "conv1d": made(lambda: nn.Conv1d(4, 3, 3, stride=2, padding=1))(sequence),
    "conv2d": made(lambda: nn.Conv2d(4, 3, (3, 2), stride=(1, 2), padding=1))(image),
    "conv2d groups": made(lambda: nn.Conv2d(4, 6, 3, groups=2, dilation=2))(image),
    "maxPool1d": nn.MaxPool1d(3, 2, 1)(sequence),
    "maxPool2d": nn.MaxPool2d(2, 2)(image),
    "maxPool2d padded": nn.MaxPool2d((3, 2), (2, 1), (1, 0))(image),
    "avgPool1d": nn.AvgPool1d(2, 1)(sequence),
    "avgPool2d": nn.AvgPool2d(3, 2, 1)(image),
    "layerNorm": nn.LayerNorm(4)(rows),
    "rmsNorm": nn.RMSNorm(4)(rows),
    "instanceNorm": nn.InstanceNorm(4)(image),
    "groupNorm": nn.GroupNorm(2, 4)(image),
    "groupNorm pytorch": nn.GroupNorm(2, 4, pytorch_compatible=True)(image),
    "batchNorm training": nn.BatchNorm(4)(image),
    "dropout": made(lambda: nn.Dropout(0.3))(rows),
    "dropout2d": made(lambda: nn.Dropout2d(0.5))(image),
}

result = {
    "activations": {name: entry(f(x)) for name, f in activations.items()},
    "losses": {name: entry(value) for name, value in losses.items()},
    "layers": {name: entry(value) for name, value in layers.items()},
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.json")
with open(path, "w") as file:
    json.dump(result, file, indent=0, sort_keys=True)
    file.write("\n")
