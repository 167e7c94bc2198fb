"""Writes optimizers.json: parameters after each of three steps of MLX's optimizers.

Run with Python and the mlx package; the numbers here were made with version 0.32.4.
"""
import json
import os

import mlx.core as mx
import mlx.optimizers as opt

parameters = {
    "vector": mx.array([1.0, -2.0, 3.0]),
    "matrix": mx.array([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]]),
}
gradients = [
    {"vector": mx.array([0.5, -0.25, 2.0]),
     "matrix": mx.array([[0.1, -0.2], [0.3, 0.4], [-0.5, 1.0]])},
    {"vector": mx.array([-0.1, -0.5, 1.0]),
     "matrix": mx.array([[0.2, 0.2], [-0.3, 0.1], [0.5, 0.7]])},
    {"vector": mx.array([0.3, 0.0, -1.0]),
     "matrix": mx.array([[-0.4, 0.6], [0.0, -0.1], [0.2, -0.3]])},
]
optimizers = {
    "SGD": opt.SGD(0.1),
    "SGD momentum": opt.SGD(0.1, momentum=0.9, weight_decay=0.05),
    "SGD nesterov": opt.SGD(0.1, momentum=0.9, nesterov=True),
    "SGD dampening": opt.SGD(0.1, momentum=0.9, dampening=0.2),
    "RMSprop": opt.RMSprop(0.1),
    "AdaGrad": opt.Adagrad(0.1),
    "AdaDelta": opt.AdaDelta(0.1),
    "Adam": opt.Adam(0.1),
    "Adam corrected": opt.Adam(0.1, bias_correction=True),
    "AdamW": opt.AdamW(0.1, weight_decay=0.1),
    "AdamW corrected": opt.AdamW(0.1, bias_correction=True),
    "Adamax": opt.Adamax(0.1),
    "Lion": opt.Lion(0.1, betas=[0.9, 0.999], weight_decay=0.1),
    "Adafactor": opt.Adafactor(),
    "Adafactor mean": opt.Adafactor(beta_1=0.9, weight_decay=0.1, warmup_init=True),
    "Adafactor fixed": opt.Adafactor(
        learning_rate=0.05, relative_step=False, scale_parameter=False),
    "Muon": opt.Muon(0.1),
    "Muon plain": opt.Muon(0.1, momentum=0.8, weight_decay=0.0, nesterov=False),
}
result = {}
for name, optimizer in optimizers.items():
    current = dict(parameters)
    steps = []
    for gradient in gradients:
        current = optimizer.apply_gradients(gradient, current)
        steps.append({key: value.reshape(-1).tolist() for key, value in current.items()})
    result[name] = steps
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimizers.json")
with open(path, "w") as file:
    json.dump(result, file, indent=0, sort_keys=True)
    file.write("\n")
