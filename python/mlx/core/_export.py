"""Functions in files, which hold operations and constants and no code."""

import os

from . import _engine as e
from ._engine import array


def _labelled(args, kwargs, operation):
    """The arrays of a call and their labels: arrays by position and by name, or one list or tuple
    of arrays, one dictionary, or one of each."""
    if args and isinstance(args[-1], dict) and not kwargs and len(args) <= 2:
        args, kwargs = args[:-1], args[-1]
        if args and not isinstance(args[0], (list, tuple)):
            args = (None,)
    if len(args) == 1 and isinstance(args[0], (list, tuple)):
        args = args[0]
    names = [""] * len(args) + sorted(kwargs)
    arrays = list(args) + [kwargs[name] for name in sorted(kwargs)]
    if not all(isinstance(x, array) for x in arrays):
        raise ValueError(
            f"[{operation}] Inputs can either be a variable number of positional and keyword "
            "arrays or a single tuple and/or dictionary of arrays.")
    return arrays, names


def _outputs(result):
    """The arrays that a function in a file returns."""
    arrays = [result] if isinstance(result, array) else result
    if not isinstance(arrays, (list, tuple)) or not all(isinstance(x, array) for x in arrays):
        raise ValueError(
            "[export_function] Outputs can be either a single array, a tuple, or a list of arrays.")
    return arrays


class FunctionExporter:
    """Writes a function to a file, recorded once for each call; see `exporter`."""

    def __init__(self, file, fun, shapeless, metadata=None):
        if metadata is not None and not isinstance(metadata, str):
            raise TypeError(
                f"export_function(): metadata is a text, not {type(metadata).__name__}")
        if "\0" in (metadata or ""):
            raise ValueError("[export_function] The metadata has a null character.")
        self._file, self._fun, self._shapeless = file, fun, shapeless
        self._metadata = metadata or ""
        self._recorded = e._exporter_make()

    def __enter__(self):
        return self

    def __exit__(self, kind, *error):
        if kind is None:
            self.close()
        self._recorded = None

    def close(self):
        """Writes the file; the function cannot be recorded any more."""
        if self._recorded is not None:
            e._exporter_write(self._recorded, self._file, self._metadata)
            self._recorded = None

    def __call__(self, *args, **kwargs):
        if self._recorded is None:
            raise RuntimeError(
                "[export_function] Attempting to write after exporting is already finished.")
        arrays, names = _labelled(args, kwargs, "export_function")
        count = names.count("")

        def call(variables):
            named = dict(zip(names[count:], variables[count:]))
            return _outputs(self._fun(*variables[:count], **named))

        e._exporter_add(self._recorded, call, arrays, names, self._shapeless)


def exporter(file, fun, *, shapeless=False, metadata=None):
    """A context in which each call writes what a function does to arrays like its arguments.

    `metadata` is a text that goes along, for `import_function(file, return_metadata=True)`.

    >>> with mx.exporter("add.mlxfn", mx.add) as export:
    ...     export(mx.ones(2), mx.ones(2))
    ...     export(mx.ones(3), mx.ones(3))
    """
    return FunctionExporter(os.fspath(file), fun, shapeless, metadata)


def export_function(file_or_callback, fun, *args, shapeless=False, metadata=None, **kwargs):
    """Writes what a function does to arguments like these to a file, which holds no code.

    `metadata` is a text that goes along.

    A callable in the place of the file's name is called with a dictionary for each part instead:
    of "type" inputs, keyword_inputs, outputs, constants, and one primitive after the other. Arrays
    are (name, shape, dtype) there; primitives have the names of this engine's operations, and their
    arguments are the numbers that a file has of them.
    """
    if not callable(file_or_callback):
        with exporter(file_or_callback, fun, shapeless=shapeless, metadata=metadata) as export:
            export(*args, **kwargs)
        return
    if metadata is not None:
        raise ValueError("[export_function] A callback takes no metadata.")
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "function.mlxfn")
        export_function(path, fun, *args, shapeless=shapeless, **kwargs)
        for part in _parts(path):
            file_or_callback(part)


def _letters(number):
    """A, B and so on to Z, AA, AB."""
    text = ""
    while number >= 0:
        text = chr(ord("A") + number % 26) + text
        number = number // 26 - 1
    return text


def _constant(node, constants):
    """The array of a node that is a constant."""
    if "constant" in node:
        return constants[f"constant.{node['constant']}"]
    dtype = getattr(e, node["dtype"], e.bool_)
    size = dtype.size
    bits = node["scalar"] & ((1 << 8 * size) - 1)
    if dtype == e.bool_:
        return array(bits != 0)
    whole = {1: e.uint8, 2: e.uint16, 4: e.uint32, 8: e.uint64}[size]
    return e.view(array(bits, whole), dtype)


def _parts(path):
    """What a file says of its one function, part by part."""
    import json

    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    function = json.loads(header["__metadata__"]["functions"])[0]
    stored, _ = e._load(path, "safetensors")
    e.eval(stored)
    arrays, constants, primitives = [], [], []
    inputs = [None] * len(function["inputs"])
    for number, node in enumerate(function["nodes"]):
        name = _letters(number)
        if "input" in node:
            node = function["inputs"][node["input"]] | node
        elif "op" not in node:
            value = _constant(node, stored)
            constants.append((name, value))
            node = {"shape": value.shape, "dtype": str(value.dtype).rpartition(".")[2]}
        arrays.append((name, tuple(node["shape"]), getattr(e, node["dtype"], e.bool_)))
        if "input" in node:
            inputs[node["input"]] = arrays[-1]
        elif "op" in node:
            numbers = ([node["word"]] if "word" in node else []) + node.get("words", [])
            primitives.append({
                "type": "primitive", "name": node["op"], "arguments": numbers,
                "inputs": [arrays[i] for i in node["inputs"]], "outputs": [arrays[-1]]})
    labels = [entry["label"] for entry in function["inputs"]]
    yield {"type": "inputs", "inputs": inputs}
    yield {"type": "keyword_inputs",
           "keywords": [(label, x[0]) for label, x in zip(labels, inputs) if label and x]}
    yield {"type": "outputs", "outputs": [arrays[i] for i in function["outputs"]]}
    yield {"type": "constants", "constants": constants}
    yield from primitives


def import_function(file, return_metadata=False):
    """The function of a file: called with arrays, it gives a tuple of arrays. With
    `return_metadata` that and the text that was written along, "" if there was none."""
    imported = e._import(os.fspath(file))

    def function(*args, **kwargs):
        arrays, names = _labelled(args, kwargs, "import_function::call")
        return tuple(e._imported_call(imported, arrays, names))

    return (function, e._imported_note(imported)) if return_metadata else function
