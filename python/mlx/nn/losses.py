"""Losses: how far predictions are from what they should be.

Each gives a loss for each element (or each vector along `axis`), and by `reduction` returns all of
them (`"none"`), their mean (`"mean"`) or their sum (`"sum"`).
"""

from __future__ import annotations

import math
from typing import Literal

import mlx.core as mx

__all__ = [
    "binary_cross_entropy",
    "cosine_similarity_loss",
    "cross_entropy",
    "gaussian_nll_loss",
    "hinge_loss",
    "huber_loss",
    "kl_div_loss",
    "l1_loss",
    "log_cosh_loss",
    "margin_ranking_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
    "triplet_loss",
]

Reduction = Literal["none", "mean", "sum"]
_REDUCTIONS = ("none", "mean", "sum")


def _reduced(loss: mx.array, reduction: str) -> mx.array:
    if reduction not in _REDUCTIONS:
        raise ValueError(f"Invalid reduction. Must be one of {_REDUCTIONS}.")
    if reduction == "none":
        return loss
    return mx.mean(loss) if reduction == "mean" else mx.sum(loss)


def _check_same(name: str, x: mx.array, other: str, y: mx.array) -> None:
    if x.shape != y.shape:
        raise ValueError(f"{name} shape {x.shape} does not match {other} shape {y.shape}.")


def _weighted(loss: mx.array, weights: mx.array | None) -> mx.array:
    if weights is None:
        return loss
    if weights.shape != loss.shape:
        raise ValueError(
            f"Weights with shape {weights.shape} is not the same as output loss with shape"
            f" {loss.shape}."
        )
    return loss * weights


def _picked(x: mx.array, indices: mx.array, axis: int) -> mx.array:
    """The element of each vector along `axis` that an index names."""
    return mx.take_along_axis(x, mx.expand_dims(indices, axis), axis).squeeze(axis)


def cross_entropy(
    logits: mx.array,
    targets: mx.array,
    weights: mx.array | None = None,
    axis: int = -1,
    label_smoothing: float = 0.0,
    reduction: Reduction = "none",
) -> mx.array:
    """-Σ p log softmax(logits) along `axis`.

    Args:
        logits: scores of the classes, which lie along `axis`.
        targets: the number of the right class, in the shape of `logits` without `axis`; or
            probabilities p of all classes, in the shape of `logits`.
        weights: multiplies the losses, in their shape.
        label_smoothing: the part of each target's probability that all classes share, in [0, 1).
        reduction: default `"none"`.

    Raises:
        ValueError: where shapes do not match or `label_smoothing` is not in its range.

    >>> nn.losses.cross_entropy(mx.array([[2.0, -1.0], [-1.0, 2.0]]), mx.array([0, 1]))
    array([0.0485873, 0.0485873], dtype=float32)
    """
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"Label smoothing must be in [0, 1), got {label_smoothing}.")
    are_probabilities = targets.ndim == logits.ndim
    expected = list(logits.shape)
    if not are_probabilities:
        del expected[axis]
    if tuple(expected) != tuple(targets.shape):
        raise ValueError(
            f"Targets shape {targets.shape} does not match logits shape {logits.shape}."
        )
    total = mx.logsumexp(logits, axis=axis)
    if are_probabilities:
        # Not total - Σ t x: targets may not sum to one.
        loss = mx.sum(targets * (mx.expand_dims(total, axis) - logits), axis=axis)
    else:
        loss = total - _picked(logits, targets, axis)
    if label_smoothing > 0:
        of_all = total - mx.mean(logits, axis=axis)
        loss = (1 - label_smoothing) * loss + label_smoothing * of_all
    return _reduced(_weighted(loss, weights), reduction)


def binary_cross_entropy(
    inputs: mx.array,
    targets: mx.array,
    weights: mx.array | None = None,
    with_logits: bool = True,
    reduction: Reduction = "mean",
) -> mx.array:
    """-(t log p + (1 - t) log(1 - p)), element by element.

    Args:
        inputs: scores, of which p is the sigmoid; or p itself without `with_logits`, where
            logarithms are cut off at -100.
        targets: t, 0 or 1 or between, in the shape of `inputs`.
        weights: multiplies the losses, in their shape.
        reduction: default `"mean"`.

    Raises:
        ValueError: where shapes do not match.

    >>> nn.losses.binary_cross_entropy(mx.array([0.0, 0.0]), mx.array([0, 1]))
    array(0.693147, dtype=float32)
    """
    _check_same("Inputs", inputs, "targets", targets)
    if with_logits:
        loss = mx.logaddexp(0.0, inputs) - inputs * targets
    else:
        log_p = mx.maximum(mx.log(inputs), -100.0)
        log_other = mx.maximum(mx.log(1 - inputs), -100.0)
        loss = -(targets * log_p + (1 - targets) * log_other)
    return _reduced(_weighted(loss, weights), reduction)


def l1_loss(
    predictions: mx.array, targets: mx.array, reduction: Reduction = "mean"
) -> mx.array:
    """|predictions - targets|, of the same shape.

    >>> nn.losses.l1_loss(mx.array([1.0, 4.0]), mx.array([0.0, 0.0])).item()
    2.5
    """
    _check_same("Predictions", predictions, "targets", targets)
    return _reduced(mx.abs(predictions - targets), reduction)


def mse_loss(
    predictions: mx.array, targets: mx.array, reduction: Reduction = "mean"
) -> mx.array:
    """(predictions - targets)², of the same shape.

    >>> nn.losses.mse_loss(mx.array([1.0, 3.0]), mx.array([0.0, 0.0])).item()
    5.0
    """
    _check_same("Predictions", predictions, "targets", targets)
    return _reduced(mx.square(predictions - targets), reduction)


def nll_loss(
    inputs: mx.array, targets: mx.array, axis: int = -1, reduction: Reduction = "none"
) -> mx.array:
    """-log p of the right class.

    Args:
        inputs: logarithms of the classes' probabilities, which lie along `axis`.
        targets: the number of the right class, in the shape of `inputs` without `axis`.
        reduction: default `"none"`.
    """
    return _reduced(-_picked(inputs, targets, axis), reduction)


def gaussian_nll_loss(
    inputs: mx.array,
    targets: mx.array,
    vars: mx.array,
    full: bool = False,
    eps: float = 1e-6,
    reduction: Reduction = "mean",
) -> mx.array:
    """(log v + (inputs - targets)² / v) / 2: -log of a normal distribution's density.

    Args:
        inputs: the predicted means.
        targets: what was drawn.
        vars: the predicted variances; v is them, at least `eps`. All three have one shape.
        full: whether log(2π) / 2 is added.
        reduction: default `"mean"`.

    Raises:
        ValueError: where shapes do not match.
    """
    _check_same("Inputs", inputs, "targets", targets)
    _check_same("Inputs", inputs, "vars", vars)
    v = mx.maximum(vars, eps)
    loss = 0.5 * (mx.log(v) + mx.square(targets - inputs) / v)
    return _reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


def kl_div_loss(
    inputs: mx.array, targets: mx.array, axis: int = -1, reduction: Reduction = "none"
) -> mx.array:
    """Σ exp(targets) (targets - inputs) along `axis`: the divergence of two distributions.

    Args:
        inputs: logarithms of predicted probabilities.
        targets: logarithms of the right ones.
        reduction: default `"none"`.
    """
    return _reduced(mx.sum(mx.exp(targets) * (targets - inputs), axis), reduction)


def smooth_l1_loss(
    predictions: mx.array,
    targets: mx.array,
    beta: float = 1.0,
    reduction: Reduction = "mean",
) -> mx.array:
    """d² / (2 beta) where d = |predictions - targets| is less than `beta`, else d - beta / 2. With
    `beta` 0 it is `l1_loss`.

    Raises:
        ValueError: where shapes do not match or `beta` is negative.
    """
    _check_same("Predictions", predictions, "targets", targets)
    if beta < 0:
        raise ValueError(f"Beta must not be negative, got {beta}.")
    d = predictions - targets
    if beta == 0:
        return _reduced(mx.abs(d), reduction)
    loss = mx.where(mx.abs(d) < beta, 0.5 * mx.square(d) / beta, mx.abs(d) - 0.5 * beta)
    return _reduced(loss, reduction)


def huber_loss(
    inputs: mx.array, targets: mx.array, delta: float = 1.0, reduction: Reduction = "none"
) -> mx.array:
    """d² / 2 where d = |inputs - targets| is `delta` or less, else delta (d - delta / 2)."""
    d = mx.abs(inputs - targets)
    near = mx.minimum(d, delta)
    return _reduced(0.5 * mx.square(near) + delta * (d - near), reduction)


def log_cosh_loss(
    inputs: mx.array, targets: mx.array, reduction: Reduction = "none"
) -> mx.array:
    """log cosh(inputs - targets): about d² / 2 for small differences d, |d| - log 2 for large."""
    d = inputs - targets
    return _reduced(mx.logaddexp(d, -d) - math.log(2), reduction)


def hinge_loss(inputs: mx.array, targets: mx.array, reduction: Reduction = "none") -> mx.array:
    """max(0, 1 - inputs · targets), where targets are -1 or 1."""
    return _reduced(mx.maximum(1 - inputs * targets, 0), reduction)


def margin_ranking_loss(
    inputs1: mx.array,
    inputs2: mx.array,
    targets: mx.array,
    margin: float = 0.0,
    reduction: Reduction = "none",
) -> mx.array:
    """max(0, margin - targets (inputs1 - inputs2)).

    Args:
        inputs1, inputs2: scores of two things.
        targets: 1 where the first one's should be higher, else -1. All three have one shape.
        margin: by how much.
        reduction: default `"none"`.

    Raises:
        ValueError: where shapes do not match.
    """
    if not inputs1.shape == inputs2.shape == targets.shape:
        raise ValueError(
            "The shapes of the arguments do not match. The provided shapes are"
            f" inputs1.shape={inputs1.shape}, inputs2.shape={inputs2.shape}, and"
            f" targets.shape={targets.shape}."
        )
    return _reduced(mx.maximum(0, margin - targets * (inputs1 - inputs2)), reduction)


def cosine_similarity_loss(
    x1: mx.array,
    x2: mx.array,
    axis: int = 1,
    eps: float = 1e-8,
    reduction: Reduction = "none",
) -> mx.array:
    """x1 · x2 / max(‖x1‖ ‖x2‖, eps) along `axis`: 1 where directions are the same.

    >>> nn.losses.cosine_similarity_loss(mx.array([[3.0, 4.0]]), mx.array([[6.0, 8.0]])).item()
    1.0
    """
    norms = mx.linalg.norm(x1, axis=axis) * mx.linalg.norm(x2, axis=axis)
    return _reduced(mx.sum(x1 * x2, axis=axis) / mx.maximum(norms, eps), reduction)


def _distance(x: mx.array, y: mx.array, axis: int, p: int, eps: float) -> mx.array:
    total = mx.sum(mx.power(mx.abs(x - y), p), axis=axis) + eps
    return mx.sqrt(total) if p == 2 else mx.power(total, 1 / p)


def triplet_loss(
    anchors: mx.array,
    positives: mx.array,
    negatives: mx.array,
    axis: int = -1,
    p: int = 2,
    margin: float = 1.0,
    eps: float = 1e-6,
    reduction: Reduction = "none",
) -> mx.array:
    """max(‖A - P‖ - ‖A - N‖ + margin, 0), with norms along `axis`.

    Args:
        anchors, positives, negatives: vectors, those like them and those unlike them.
        p: the norm's exponent: (Σ |x|^p + eps)^(1 / p).
        margin: how much further the unlike ones should be.
        reduction: default `"none"`.
    """
    near = _distance(anchors, positives, axis, p, eps)
    far = _distance(anchors, negatives, axis, p, eps)
    return _reduced(mx.maximum(near - far + margin, 0), reduction)
