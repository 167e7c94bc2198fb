"""The examples in docstrings and pages say what happens, and the example programs run."""

import doctest
import importlib
import os
import pathlib
import re
import subprocess
import sys

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import mlx.utils as utils
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for folder in ("nn", "optimizers")
    for file in (ROOT / "mlx" / folder).rglob("*.py")
    if file.name != "__init__.py"
) + ["mlx.utils"]
NAMES = {"mx": mx, "nn": nn, "optim": optim, **{n: getattr(utils, n) for n in utils.__all__}}


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    said = []
    for test in doctest.DocTestFinder().find(module, globs={**vars(module), **NAMES}):
        runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_there_are_examples():
    count = sum(len(re.findall(r"^ +>>> ", (ROOT / (m.replace(".", "/") + ".py")).read_text(),
                               re.MULTILINE)) for m in MODULES)
    assert count > 80


def test_the_page_trains():
    code = re.search(r"```python\n(import mlx.core.*?)```", (ROOT / "README.md").read_text(),
                     re.DOTALL)
    names = {}
    exec(code.group(1), names)
    assert names["loss"].item() < 0.9


@pytest.mark.parametrize("arguments, says", [
    ("linear_regression.py --steps 100 --features 10", r"error of a weight 0\.00"),
    ("digits.py --epochs 2 --save {}/digits.safetensors", r"epoch 2: .* right 0\.[89]"),
    ("character_gpt.py --steps 5 --write 10 --layers 1 --dims 32", r"step 5: loss [34]\."),
])
def test_example_programs(arguments, says, tmp_path):
    name, *options = arguments.format(tmp_path).split()
    where = os.path.dirname(os.path.dirname(os.path.abspath(nn.__file__)))
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), *options], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.path.dirname(where)}, timeout=600)
    assert done.returncode == 0, done.stderr
    assert re.search(says, done.stdout), done.stdout
