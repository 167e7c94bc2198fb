"""Writes the fixtures beside this file with NumPy, ml_dtypes and safetensors.

Run by hand when a fixture is added: `python3 make_fixtures.py`. The tests read what is committed.
"""
import pathlib

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

here = pathlib.Path(__file__).parent

DTYPES = {
    "bool": "?", "uint8": "u1", "uint16": "<u2", "uint32": "<u4", "uint64": "<u8",
    "int8": "i1", "int16": "<i2", "int32": "<i4", "int64": "<i8", "float16": "<f2",
    "float32": "<f4", "float64": "<f8", "complex64": "<c8",
}

base = np.arange(6).reshape(2, 3)
arrays = {name: base.astype(code) for name, code in DTYPES.items()}
np.savez(here / "all.npz", **arrays)
np.savez_compressed(here / "compressed.npz", zeros=np.zeros((100, 100), "<f4"), **arrays)
np.savez(here / "none.npz")
np.savez(here / "positional.npz", np.float32(7), np.zeros((0, 3), "<i4"))

for version in (1, 2, 3):
    with open(here / f"v{version}.npy", "wb") as file:
        np.lib.format.write_array(file, arrays["float32"], version=(version, 0))
np.save(here / "big.npy", base.astype(">i4"))
np.save(here / "big_complex.npy", (base + 1j).astype(">c8"))
np.save(here / "fortran.npy", np.asfortranarray(arrays["float32"]))
np.save(here / "scalar.npy", np.float64(2.5))
np.save(here / "bfloat16.npy", base.astype(ml_dtypes.bfloat16))
np.save(here / "object.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
np.save(here / "structured.npy", np.zeros(2, dtype=[("a", "<i4"), ("b", "<f4")]))
np.save(here / "text.npy", np.array(["a", "bc"]))

tensors = {name: array for name, array in arrays.items() if name != "complex64"}
tensors["bfloat16"] = base.astype(ml_dtypes.bfloat16)
tensors["eight"] = base.astype(ml_dtypes.float8_e4m3fn)
save_file(tensors, here / "all.safetensors", metadata={"format": "np", "note": "\u00e9 \"q\""})
