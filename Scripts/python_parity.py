"""Compares the names and parameters of the Python package with those of MLX's wheel, for
`Scripts/api-parity --python`. The wheel's are facts in python/tests/data/mlx-python-api.tsv; what
is left out on purpose stands, with the reason, in mlx-python-omitted.tsv beside it. Ours is
imported from python/, where python/build puts it."""

import importlib
import inspect
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "python/tests/data"


def table(path):
    lines = path.read_text().splitlines()
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"))) for line in lines[1:] if line]


def find(module, name):
    """The object of a name; the first part of the way that is missing raises."""
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def parameters(found):
    """The names of a function's parameters, None where Python does not know them."""
    try:
        values = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return None
    return [value.name for value in values]


def lacking(theirs, ours):
    """Parameters that ours have not; what is by position only may have another name."""
    wanted = [word.strip("*") for word in theirs.split()]
    first = wanted.index("/") if "/" in wanted else 0
    return [word for word in wanted[first:] if word and word not in ("/", "self", "kwargs", "args")
            and ours is not None and word not in ours]


def main(is_listed):
    sys.path.insert(0, str(ROOT / "python"))
    omitted = {(row["module"], row["name"]) for row in table(DATA / "mlx-python-omitted.tsv")}
    counts, lines = {}, []
    for row in table(DATA / "mlx-python-api.tsv"):
        module, name = row["module"], row["name"]
        count = counts.setdefault(module, [0, 0, 0, 0])
        count[3] += 1
        try:
            found = find(module, name)
        except (ImportError, AttributeError):
            count[1 if (module, name) in omitted else 0] += 1
            if (module, name) not in omitted:
                lines.append(f"    {module}\t{name}")
            continue
        absent = lacking(row["parameters"], parameters(found))
        if row["kind"] == "function" and absent:
            count[2] += 1
            lines.append(f"    {module}\t{name}: no {absent}")
    for module, (missing, left_out, other, of) in counts.items():
        print(f"{module}: missing={missing} omitted={left_out} parameters={other} of={of}")
    if is_listed:
        print("\n".join(lines))
    missing, left_out, other, of = (sum(column) for column in zip(*counts.values()))
    print(f"missing={missing} omitted={left_out} parameters={other} of={of}")
    return 1 if missing or other else 0
