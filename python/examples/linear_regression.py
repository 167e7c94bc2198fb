"""Finds the weights of a linear function from noisy values of it, by gradients alone.

    python3 python/examples/linear_regression.py [--steps 500] [--features 100]
"""

import argparse
import time

import mlx.core as mx


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--rate", type=float, default=0.2)
    arguments = parser.parse_args()

    mx.random.seed(0)
    right = mx.random.normal((arguments.features,))
    x = mx.random.normal((arguments.examples, arguments.features))
    y = x @ right + 0.01 * mx.random.normal((arguments.examples,))

    def loss(w: mx.array) -> mx.array:
        return 0.5 * mx.mean(mx.square(x @ w - y))

    gradient = mx.grad(loss)
    w = mx.zeros((arguments.features,))
    began = time.perf_counter()
    for _ in range(arguments.steps):
        w = w - arguments.rate * gradient(w)
        mx.eval(w)
    each = (time.perf_counter() - began) / arguments.steps

    error = mx.sqrt(mx.mean(mx.square(w - right))).item()
    print(f"loss {loss(w).item():.6f}, error of a weight {error:.4f}, {each * 1e6:.0f} µs a step")


if __name__ == "__main__":
    main()
