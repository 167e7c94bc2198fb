"""Learns to read handwritten digits: 1,797 images of 8 by 8, with a small convolution network.

    python3 python/examples/digits.py [--epochs 12] [--save digits.safetensors]

The digits are those that come with the package in Swift: Sources/MLXData/Resources/digits.npz.
"""

import argparse
import pathlib
from functools import partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

DATA = pathlib.Path(__file__).resolve().parents[2] / "Sources/MLXData/Resources/digits.npz"


class Reader(nn.Module):
    """From images (N, 8, 8, 1) to scores of the digits (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.second = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(0.2)
        self.out = nn.Linear(2 * 2 * 32, 10)

    def __call__(self, x: mx.array) -> mx.array:
        x = self.pool(nn.relu(self.first(x)))
        x = self.pool(nn.relu(self.second(x)))
        return self.out(self.dropout(x.flatten(1)))


def right(model: Reader, x: mx.array, y: mx.array) -> float:
    """The part of images that the model reads as they are."""
    model.eval()
    part = mx.mean(mx.argmax(model(x), axis=1) == y).item()
    model.train()
    return part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--save", help="an .npz or .safetensors file for the weights")
    arguments = parser.parse_args()

    mx.random.seed(0)
    data = mx.load(str(DATA))
    order = mx.random.permutation(data["labels"].shape[0])
    x = (data["images"].astype(mx.float32) / 16)[order][..., None]
    y = data["labels"].astype(mx.int32)[order]
    x, y, x_test, y_test = x[:1437], y[:1437], x[1437:], y[1437:]

    model = Reader()
    count = x.shape[0] // arguments.batch
    optimizer = optim.AdamW(optim.cosine_decay(3e-3, arguments.epochs * count))

    def loss(x: mx.array, y: mx.array) -> mx.array:
        return nn.losses.cross_entropy(model(x), y, reduction="mean")

    gradients = nn.value_and_grad(model, loss)
    optimizer.init(model.trainable_parameters())
    state = [model.state, optimizer.state, mx.random.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def step(x: mx.array, y: mx.array) -> mx.array:
        value, by_parameters = gradients(x, y)
        optimizer.update(model, by_parameters)
        return value

    for epoch in range(1, arguments.epochs + 1):
        order, total = mx.random.permutation(x.shape[0]), 0.0
        for i in range(count):
            batch = order[i * arguments.batch : (i + 1) * arguments.batch]
            value = step(x[batch], y[batch])
            mx.eval(value, state)
            total += value.item()
        print(f"epoch {epoch}: loss {total / count:.4f}, right {right(model, x_test, y_test):.3f}")
    if arguments.save:
        model.save_weights(arguments.save)
        print("wrote", arguments.save)


if __name__ == "__main__":
    main()
