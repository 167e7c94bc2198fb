"""Optimizers, and schedules for their learning rates.

    import mlx.nn as nn
    import mlx.optimizers as optim

    optimizer = optim.AdamW(learning_rate=optim.cosine_decay(1e-3, 1000))
    loss, gradients = step(x, y)          # of nn.value_and_grad
    optimizer.update(model, gradients)
    mx.eval(model.parameters(), optimizer.state)
"""

# Programs find these here in MLX too.
from mlx.nn import Module
from mlx.optimizers import optimizers, schedulers
from mlx.optimizers.adaptive import AdaDelta, Adafactor, Adagrad, RMSprop
from mlx.optimizers.base import MultiOptimizer, Optimizer, clip_grad_norm
from mlx.optimizers.moments import Adam, Adamax, AdamW, Lion
from mlx.optimizers.momentum import SGD, Muon
from mlx.optimizers.schedulers import (
    cosine_decay,
    exponential_decay,
    join_schedules,
    linear_schedule,
    step_decay,
)
from mlx.utils import tree_flatten, tree_map, tree_merge, tree_reduce, tree_unflatten
