"""All optimizers under the name of the module that MLX has them in."""

from mlx.optimizers.adaptive import AdaDelta, Adafactor, Adagrad, RMSprop
from mlx.optimizers.base import MultiOptimizer, Optimizer, clip_grad_norm
from mlx.optimizers.moments import Adam, Adamax, AdamW, Lion
from mlx.optimizers.momentum import SGD, Muon

__all__ = [
    "AdaDelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "MultiOptimizer",
    "Muon",
    "Optimizer",
    "RMSprop",
    "SGD",
    "clip_grad_norm",
]
