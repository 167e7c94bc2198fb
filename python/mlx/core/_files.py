"""Arrays in files. Nothing here unpickles anything."""

import os

from . import _engine as e
from ._engine import array

_formats = ("npy", "npz", "safetensors", "gguf")


def _path(file):
    """The name of a file, None for an open one."""
    if hasattr(file, "read") or hasattr(file, "write"):
        return None
    return os.fspath(file)


def _load(path, format):
    return e._load(path, format)


def _sniff(file):
    """The format of an open file by its name, or by its first bytes."""
    name = getattr(file, "name", "")
    ending = str(name).rpartition(".")[2]
    if ending in _formats:
        return ending
    place = file.tell()
    start = file.read(8)
    file.seek(place)
    if start[:6] == b"\x93NUMPY":
        return "npy"
    if start[:4] == b"PK\x03\x04":
        return "npz"
    return "gguf" if start[:4] == b"GGUF" else "safetensors"


def load(file, /, format=None, return_metadata=False, *, stream=None):
    """The arrays of a .npy, .npz, .safetensors or .gguf file: an array or a dictionary.

    Arrays are read when they are computed. With `return_metadata` safetensors and gguf files give
    their metadata too.
    """
    path = _path(file)
    kind = format or (path.rpartition(".")[2] if path is not None else _sniff(file))
    if kind not in _formats:
        raise ValueError(f"[load] Unknown file format {kind}")
    if return_metadata and kind in ("npy", "npz"):
        raise ValueError(f"[load] metadata not supported for format {kind}")
    if path is None:
        arrays, metadata = _load_open(file, kind)
    else:
        arrays, metadata = _load(path, kind)
    if kind == "npy":
        return arrays[""]
    return (arrays, metadata) if return_metadata else arrays


def _load_open(file, kind):
    """Through a file of its own, because arrays are read by name and position."""
    import tempfile

    handle, path = tempfile.mkstemp(suffix="." + kind)
    try:
        with os.fdopen(handle, "wb") as copy:
            copy.write(file.read())
        arrays, metadata = _load(path, kind)
        e.eval(arrays)
        return arrays, metadata
    finally:
        os.unlink(path)


def _save(file, kind, arrays, metadata=None, ending=None):
    ending = ending or kind
    metadata = metadata or {}
    path = _path(file)
    if path is not None:
        if not path.endswith("." + ending):
            path += "." + ending
        e._save(path, kind, arrays, metadata)
        return
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "arrays." + ending)
        e._save(path, kind, arrays, metadata)
        with open(path, "rb") as copy:
            file.write(copy.read())


def save(file, arr):
    """Writes an array to a .npy file."""
    _save(file, "npy", {"": arr if isinstance(arr, array) else array(arr)})


def _named(args, kwargs):
    arrays = dict(kwargs)
    for number, value in enumerate(args):
        name = f"arr_{number}"
        if name in arrays:
            raise ValueError(f"[savez] the name {name} is taken")
        arrays[name] = value
    return arrays


def savez(file, *args, **kwargs):
    """Writes arrays to a .npz file, by name or as arr_0, arr_1 and so on."""
    _save(file, "npz", _named(args, kwargs))


def savez_compressed(file, *args, **kwargs):
    """Writes arrays to a compressed .npz file."""
    _save(file, "npz+", _named(args, kwargs), ending="npz")


def save_safetensors(file, arrays, metadata=None):
    """Writes a dictionary of arrays to a .safetensors file."""
    _save(file, "safetensors", arrays, metadata)


def save_gguf(file, arrays, metadata=None):
    """Writes a dictionary of arrays to a .gguf file."""
    _save(file, "gguf", arrays, metadata)
