"""Writes blocks.gguf, with a tensor of every type of blocks that is decoded and metadata that is nested,
and blocks.safetensors: its tensors as ggml's reference in Python decodes them, in float16.

Run by hand when it changes, with numpy, PyPI's gguf and MLX's wheel: `python3 make_gguf_blocks.py`.
"""
import pathlib

import gguf
import mlx.core as mx
import numpy as np
from gguf import GGMLQuantizationType as Kind
from gguf.quants import dequantize

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(11)

# Where the half-precision scales of a block lie.
HALVES = {
    Kind.Q5_0: [0], Kind.Q5_1: [0, 2], Kind.Q2_K: [80, 82], Kind.Q3_K: [108], Kind.Q4_K: [0, 2],
    Kind.Q5_K: [0, 2], Kind.Q6_K: [208], Kind.IQ4_NL: [0], Kind.IQ4_XS: [0],
}
ROWS, WIDTH = 3, 512

writer = gguf.GGUFWriter(here / "blocks.gguf", "none")
writer.add_array("a.nested", [[1, 2], [3]])
writer.add_float32("a.rate", 0.5)
decoded = {}
for kind, halves in HALVES.items():
    length, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (ROWS * WIDTH // length, size), dtype=np.uint8)
    for place in halves:
        scales = (rng.standard_normal(len(blocks)) * 0.01).astype(np.float16)
        blocks[:, place:place + 2] = scales.view(np.uint8).reshape(-1, 2)
    data = blocks.reshape(ROWS, -1)
    name = f"{kind.name.lower()}.weight"
    writer.add_tensor(name, data, raw_dtype=kind)
    decoded[name] = mx.array(dequantize(data, kind).astype(np.float16))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
mx.save_safetensors(str(here / "blocks.safetensors"), decoded)
