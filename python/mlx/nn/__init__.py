"""Layers, losses and initialisers.

    import mlx.core as mx
    import mlx.nn as nn

    model = nn.Sequential(nn.Linear(2, 16), nn.relu, nn.Linear(16, 1))
    step = nn.value_and_grad(model, lambda x, y: nn.losses.mse_loss(model(x), y))
    loss, gradients = step(mx.zeros((8, 2)), mx.zeros((8, 1)))
"""

from mlx.nn import init, layers, losses, utils
from mlx.nn.layers import *
from mlx.nn.utils import average_gradients, value_and_grad
