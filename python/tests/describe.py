"""Values as JSON, so that implementations in different processes can be compared."""

import pathlib

CASES = pathlib.Path(__file__).parent / "cases.txt"


def cases():
    """The lines that are compared with the wheel."""
    lines = [line.strip() for line in CASES.read_text().splitlines()]
    return [line for line in lines if line and line[0] not in "#!"]


def plain(value):
    """Numbers that JSON has not, as text; complex ones as pairs."""
    if isinstance(value, complex):
        return [plain(value.real), plain(value.imag)]
    if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):
        return str(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def described(value):
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return {
            "shape": list(value.shape), "dtype": str(value.dtype).rpartition(".")[2],
            "values": plain(value.tolist()),
        }
    if isinstance(value, dict):
        return {"dict": {key: described(item) for key, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return {"items": [described(item) for item in value], "type": type(value).__name__}
    if isinstance(value, (bool, int, float, complex, str, type(None))):
        return {"value": plain(value), "type": type(value).__name__}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    text = str(value)
    return {"object": True} if "0x" in text or "<" in text else {"repr": text}


def describe(line, names):
    """What an expression makes: a value, or the kind of its exception."""
    try:
        return described(eval(line, dict(names)))
    except Exception as error:
        return {"error": [c.__name__ for c in type(error).__mro__ if c.__name__ != "object"][0]}
