"""Writes edges.json: activations and losses where they are hard to compute.

Run with Python and PyTorch; the numbers here were made with version 2.15. Inputs are numbers of a
dtype (kinks, ties, large, largest and smallest ones); values and gradients are what PyTorch makes of
them in float64, where none of them is near a limit. At kinks that is PyTorch's convention.
Functions that PyTorch lacks or defines otherwise are written out as the library documents them.
"""
import json
import os

import torch
import torch.nn.functional as F

DTYPES = {
    "float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32,
    "float64": torch.float64,
}
KINKS = [
    0.0, 1e-3, -1e-3, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0, -6.0, 12.0, -12.0, 20.0, -20.0, 89.0,
    -89.0, 110.0, -110.0, 1e4, -1e4,
]


def largest(name):
    # In float64 the largest number of float32: beyond, PyTorch overflows too.
    return torch.finfo(torch.float32 if name == "float64" else DTYPES[name]).max


def numbers(values, name):
    """The values rounded to the dtype."""
    return torch.tensor(values, dtype=torch.float64).to(DTYPES[name]).to(torch.float64)


def flat(x):
    return [float(v) if abs(v) < float("inf") else str(float(v)) for v in x.reshape(-1).tolist()]


def case(function, name, *inputs):
    """Inputs, values and the gradients of their sum."""
    xs = [x.clone().requires_grad_() for x in inputs]
    y = function(*xs)
    grads = torch.autograd.grad(y.sum(), xs, allow_unused=True)
    grads = [torch.zeros_like(x) if g is None else g for x, g in zip(xs, grads)]
    assert not y.isnan().any() and not any(g.isnan().any() for g in grads), (function, name)
    return {
        "dtype": name, "shapes": [list(x.shape) for x in inputs],
        "inputs": [flat(x) for x in inputs], "shape": list(y.shape), "values": flat(y),
        "gradients": [flat(g) for g in grads],
    }


# The sides of a glu are one row each.
ACTIVATIONS = {
    "sigmoid": torch.sigmoid, "relu": F.relu, "leakyRelu": F.leaky_relu, "elu": F.elu,
    "elu 0.5": lambda x: F.elu(x, 0.5), "relu6": F.relu6,
    "softplus": F.softplus, "softsign": F.softsign, "softshrink": F.softshrink, "celu": F.celu,
    "celu 0.5": lambda x: F.celu(x, 0.5), "silu": F.silu, "logSigmoid": F.logsigmoid,
    "gelu": lambda x: x * torch.special.ndtr(x),
    "geluApproximate": lambda x: torch.where(
        x.abs() > 100, F.relu(x), F.gelu(x.clamp(-100, 100), approximate="tanh")),
    "geluFastApproximate": lambda x: x * torch.sigmoid(1.702 * x),
    "selu": lambda x: F.elu(x, 1.67326) * 1.0507, "mish": F.mish, "hardSwish": F.hardswish,
    "hardTanH": F.hardtanh, "hardShrink": F.hardshrink, "tanh": torch.tanh,
    "prelu": lambda x: F.prelu(x, torch.tensor([0.25], dtype=torch.float64)),
}
ROWS = {
    "logSoftmax": lambda x: F.log_softmax(x, -1), "softmax": lambda x: F.softmax(x, -1),
    "softmin": lambda x: F.softmin(x, -1), "glu": lambda x: F.glu(x, -1),
    # PyTorch's own gradient, e^(x - y), is off for large numbers.
    "logSumExp": lambda x: x.amax(-1).detach() + torch.logsumexp(
        x - x.amax(-1, keepdim=True).detach(), -1),
}


def rows(name):
    top = largest(name)
    return numbers(
        [
            [0, 0, 0, 0], [1e4, 1e4, 0, -1e4], [-1e4, -1e4, -1e4, -1e4], [top, top, 0, 1],
            [-top / 4, 0, 1, -1], [89, 88, -89, 12],
        ], name)


def activations():
    result = {}
    for key, function in ACTIVATIONS.items():
        result[key] = [
            case(function, name, numbers(KINKS + [largest(name), -largest(name)], name))
            for name in DTYPES
        ]
    for key, function in ROWS.items():
        result[key] = [case(function, name, rows(name)) for name in DTYPES]
    return result


def pairs(name):
    """Predictions and targets: ties, kinks of beta and delta 1, large and largest numbers."""
    top = largest(name)
    x = [0, 1, -1, 0.5, 2, -3, 100, 1e4, -1e4, top, -top / 2, top]
    y = [0, 0, 0, 0.5, 1, -3, -100, 0, 1, 0, 0, top]
    return numbers(x, name), numbers(y, name)


def probabilities(name):
    p = numbers([0, 0, 1, 1, 0.5, 0.25, 1e-3, 0.75], name)
    t = numbers([0, 1, 1, 0, 0.5, 1, 0, 0.25], name)
    return p, t


class Binary(torch.autograd.Function):
    """PyTorch's gradient, (p - t) / max(p (1 - p), least), with a least divisor of our own for
    float16, which cannot hold 10**12."""

    @staticmethod
    def forward(context, p, t, least):
        context.save_for_backward(p, t)
        context.least = least
        return F.binary_cross_entropy(p, t, reduction="none")

    @staticmethod
    def backward(context, g):
        p, t = context.saved_tensors
        slope = torch.clamp(torch.log1p(-p), min=-100) - torch.clamp(torch.log(p), min=-100)
        return g * (p - t) / torch.clamp(p * (1 - p), min=context.least), g * slope, None


def cross_entropy(smoothing=0.0):
    classes = torch.tensor([0, 1, 3, 2, 0, 1])
    return lambda x: F.cross_entropy(
        x, classes[:len(x)], reduction="none", label_smoothing=smoothing)


def cosine(a, b):
    # The lengths of largest numbers are taken where their squares are finite.
    def norm(x):
        size = x.detach().abs().amax(1, keepdim=True).clamp(min=1)
        return torch.linalg.vector_norm(x / size, dim=1), size[:, 0]

    (u, s), (v, t) = norm(a), norm(b)
    dot = ((a / s[:, None]) * (b / t[:, None])).sum(1)
    return dot / torch.clamp(u * v, min=1e-8 / s / t)


def triplet(p):
    def distance(a, b):
        return (((a - b).abs() ** p).sum(-1) + 1e-6) ** (1 / p)
    return lambda a, b, c: F.relu(distance(a, b) - distance(a, c) + 1)


def losses():
    result = {}

    def put(key, function, make):
        result[key] = [case(function, name, *make(name)) for name in DTYPES]

    put("l1", lambda x, y: F.l1_loss(x, y, reduction="none"), pairs)
    put("mse", lambda x, y: F.mse_loss(x, y, reduction="none"), pairs)
    for beta in (0.0, 1.0, 2.0):
        put(
            f"smoothL1 {beta:g}",
            lambda x, y: F.smooth_l1_loss(x, y, reduction="none", beta=beta), pairs)
    put("huber", lambda x, y: F.huber_loss(x, y, reduction="none"), pairs)
    put(
        "logCosh", lambda x, y: torch.logaddexp(x - y, y - x) - torch.tensor(2.0).double().log(),
        pairs)
    signs = torch.tensor([1.0, -1.0] * 6, dtype=torch.float64)
    put("hinge", lambda x: F.relu(1 - x * signs), lambda name: (pairs(name)[0],))
    put("marginRanking",
        lambda x, y: F.margin_ranking_loss(x, y, torch.ones_like(x), reduction="none"), pairs)
    put("binaryCrossEntropy",
        lambda x: F.binary_cross_entropy_with_logits(
            x, (torch.arange(12) % 2).double(), reduction="none"),
        lambda name: (pairs(name)[0],))
    result["probabilities"] = [
        case(
            lambda p, t: Binary.apply(p, t, 1 / 65504 if name == "float16" else 1e-12), name,
            *probabilities(name))
        for name in DTYPES
    ]
    put("crossEntropy", cross_entropy(), lambda name: (rows(name),))
    put("crossEntropy 0.1", cross_entropy(0.1), lambda name: (rows(name)[:3],))
    put("crossEntropy one", lambda x: -(F.log_softmax(x, -1)[:, 0]), lambda name: (rows(name),))
    put("cosine", cosine, lambda name: (
        numbers(
            [[1, 2, 3], [1e4, -1e4, 1e4], [largest(name), 1, 0], [1e-3, 0, 0], [3, 4, 0]], name),
        numbers([[3, 2, 1], [1e4, 1e4, 1e4], [1, 1, 1], [2, 0, 1], [-3, -4, 0]], name)))
    for p in (1, 2, 3):
        put(f"triplet {p}", triplet(p), lambda name: (
            numbers([[0, 0, 0], [1, 2, 3], [1e4, 0, 1], [100, 200, 300]], name),
            numbers([[0, 0, 0], [1, 2, 2], [-1e4, 0, 1], [101, 200, 300]], name),
            numbers([[3, 0, 0], [1, 2, 3], [1e4, 3, 1], [-100, 200, 300]], name)))
    return result


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "edges.json"), "w") as file:
        json.dump({"activations": activations(), "losses": losses()}, file)
        file.write("\n")
