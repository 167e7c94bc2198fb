"""Writes all.gguf, with every plain type, the three quantized ones and every type of metadata, and
gguf.safetensors: its arrays as MLX loads them.

Run by hand when it changes, with numpy and MLX's wheel: `python3 make_gguf.py`.
"""
import pathlib
import struct
import tempfile

import mlx.core as mx
import numpy as np

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(7)


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def half(count):
    return rng.standard_normal(count).astype(np.float16).tobytes()


def blocks(count, kind):
    parts = []
    for _ in range(count):
        parts.append(half(2 if kind == 3 else 1))
        parts.append(rng.integers(0, 256, 32 if kind == 8 else 16, dtype=np.uint8).tobytes())
    return b"".join(parts)


METADATA = [
    ("general.alignment", 4, struct.pack("<I", 64)),
    ("a.u8", 0, b"\x07"), ("a.i8", 1, b"\xf9"), ("a.u16", 2, struct.pack("<H", 700)),
    ("a.i16", 3, struct.pack("<h", -700)), ("a.i32", 5, struct.pack("<i", -70000)),
    ("a.f32", 6, struct.pack("<f", 1.5)), ("a.bool", 7, b"\x01"), ("a.text", 8, text("text \u00e9")),
    ("a.u64", 10, struct.pack("<Q", 1 << 40)), ("a.i64", 11, struct.pack("<q", -(1 << 40))),
    ("a.f64", 12, struct.pack("<d", 0.5)), ("a.list", 9, struct.pack("<IQ3i", 5, 3, 1, 2, 3)),
    ("a.names", 9, struct.pack("<IQ", 8, 2) + text("x") + text("")),
]
TENSORS = [
    ("f32", [2, 3], 0, rng.standard_normal(6).astype(np.float32).tobytes()),
    ("f16", [4], 1, half(4)), ("i8", [3], 24, b"\x01\xff\x80"),
    ("i16", [2], 25, struct.pack("<2h", -3, 300)),
    ("i32", [1, 2], 26, struct.pack("<2i", -3, 1 << 20)),
    ("q40.weight", [2, 64], 2, blocks(4, 2)), ("q41.weight", [1, 32], 3, blocks(1, 3)),
    ("q80.weight", [2, 32], 8, blocks(2, 8)),
]


def file(metadata, alignment):
    head = struct.pack("<IIQQ", 0x46554747, 3, len(TENSORS), len(metadata))
    body = b""
    for key, kind, data in metadata:
        head += text(key) + struct.pack("<I", kind) + data
    for name, dims, kind, data in TENSORS:
        head += text(name) + struct.pack("<I", len(dims))
        head += b"".join(struct.pack("<Q", dim) for dim in reversed(dims))
        head += struct.pack("<IQ", kind, len(body))
        body += data + b"\0" * (-len(data) % alignment)
    return head + b"\0" * (-len(head) % alignment) + body


(here / "all.gguf").write_bytes(file(METADATA, 64))
with tempfile.NamedTemporaryFile(suffix=".gguf") as plain:
    plain.write(file([], 32))
    plain.flush()
    mx.save_safetensors(str(here / "gguf.safetensors"), mx.load(plain.name))
