"""Trains a small transformer to write a text letter by letter, and lets it write.

    python3 python/examples/character_gpt.py [--text FILE] [--steps 300] [--write 200]

The default text is this project's documentation: Sources/MLXData/Resources/documentation.npz.
"""

import argparse
import pathlib
import time

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_reduce

DATA = pathlib.Path(__file__).resolve().parents[2] / "Sources/MLXData/Resources/documentation.npz"


class GPT(nn.Module):
    """From letters (N, L) to scores of the next ones (N, L, letters)."""

    def __init__(self, letters: int, length: int, layers: int, dims: int, heads: int) -> None:
        super().__init__()
        self.letter = nn.Embedding(letters, dims)
        self.place = nn.Embedding(length, dims)
        self.encoder = nn.TransformerEncoder(layers, dims, heads, activation=nn.gelu)

    def __call__(self, x: mx.array) -> mx.array:
        length = x.shape[1]
        mask = nn.MultiHeadAttention.create_additive_causal_mask(length)
        y = self.letter(x) + self.place(mx.arange(length))
        return self.letter.as_linear(self.encoder(y, mask))


def read(path: str | None) -> bytes:
    """The text as bytes."""
    if path is not None:
        return pathlib.Path(path).read_bytes()
    return bytes(mx.load(str(DATA))["text"].tolist())


def write(model: GPT, start: list[int], count: int, length: int) -> list[int]:
    """`start`, and letters drawn one after the other by what the model says of them."""
    written = list(start)
    for _ in range(count):
        scores = model(mx.array([written[-length:]]))[0, -1]
        written.append(mx.random.categorical(scores / 0.8).item())
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", help="a file; default: the documentation of this project")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--dims", type=int, default=96)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--write", type=int, default=200, help="how many letters to write")
    arguments = parser.parse_args()

    mx.random.seed(0)
    text = read(arguments.text)
    letters = sorted(set(text))
    number = {letter: i for i, letter in enumerate(letters)}
    data = mx.array([number[letter] for letter in text])
    model = GPT(
        len(letters), arguments.length, arguments.layers, arguments.dims, arguments.heads
    )
    size = tree_reduce(lambda total, x: total + x.size, model.parameters(), 0)
    print(f"{len(text)} letters of {len(letters)} kinds, {size} parameters")

    warm_up = optim.linear_schedule(0, 3e-3, max(1, arguments.steps // 20))
    decay = optim.cosine_decay(3e-3, arguments.steps, 1e-4)
    optimizer = optim.AdamW(
        optim.join_schedules([warm_up, decay], [max(1, arguments.steps // 20)])
    )
    step = nn.value_and_grad(
        model,
        lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean"),
    )
    began = time.perf_counter()
    for i in range(1, arguments.steps + 1):
        starts = mx.random.randint(0, len(text) - arguments.length - 1, (arguments.batch, 1))
        places = starts + mx.arange(arguments.length)
        loss, gradients = step(data[places], data[places + 1])
        gradients, _ = optim.clip_grad_norm(gradients, 1.0)
        optimizer.update(model, gradients)
        mx.eval(loss, model.parameters(), optimizer.state)
        if i % 20 == 0 or i == arguments.steps:
            speed = i * arguments.batch * arguments.length / (time.perf_counter() - began)
            print(f"step {i}: loss {loss.item():.3f}, {speed:.0f} letters a second")

    start = [number.get(letter, 0) for letter in b"The "]
    written = write(model, start, arguments.write, arguments.length)
    print(bytes(letters[i] for i in written).decode(errors="replace"))


if __name__ == "__main__":
    main()
