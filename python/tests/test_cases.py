"""Each line of cases.txt against what MLX's wheel makes of it (see Scripts/python-oracle)."""

import json
import math
import pathlib

import mlx.core as mx
import pytest

from describe import cases, describe
from inputs import inputs

WHEEL = json.loads((pathlib.Path(__file__).parent / "data" / "wheel.json").read_text())
TOLERANCE = {
    "float16": 4e-3, "bfloat16": 3e-2, "float32": 2e-5, "complex64": 5e-5, "float64": 1e-12,
}
# Exceptions that say more than the wheel's and are caught by what catches those.
RELATED = {
    "AxisError": {"IndexError", "ValueError"}, "FileError": {"RuntimeError", "OSError"},
    "UnsupportedError": {"RuntimeError", "ValueError"},
}


def flat(values):
    if isinstance(values, list):
        for value in values:
            yield from flat(value)
    else:
        yield float(values)


def check(ours, theirs, place):
    if "error" in theirs:
        kinds = {ours.get("error")} | RELATED.get(ours.get("error"), set())
        assert theirs["error"] in kinds, (place, ours)
    elif "values" in theirs:
        assert ours.get("dtype") == theirs["dtype"], (place, ours)
        assert ours["shape"] == theirs["shape"], (place, ours)
        tolerance = TOLERANCE.get(theirs["dtype"], 0)
        for x, y in zip(flat(ours["values"]), flat(theirs["values"]), strict=True):
            close = x == y or math.isnan(x) and math.isnan(y)
            assert close or abs(x - y) <= tolerance * max(1, abs(y)), (place, ours, theirs)
    elif "items" in theirs:
        assert ours.get("type") == theirs["type"], (place, ours)
        assert len(ours["items"]) == len(theirs["items"]), (place, ours)
        for number, (x, y) in enumerate(zip(ours["items"], theirs["items"])):
            check(x, y, f"{place}[{number}]")
    elif "dict" in theirs:
        assert list(ours["dict"]) == list(theirs["dict"]), (place, ours)
        for key in theirs["dict"]:
            check(ours["dict"][key], theirs["dict"][key], f"{place}[{key!r}]")
    elif isinstance(theirs.get("value"), float) and not isinstance(ours.get("value"), str):
        assert ours["value"] == pytest.approx(theirs["value"], rel=1e-5), place
    else:
        assert ours == theirs, place


@pytest.mark.parametrize("line", cases())
def test_case(line):
    assert line in WHEEL, "run Scripts/python-oracle"
    check(describe(line, inputs(mx)), WHEEL[line], line)
