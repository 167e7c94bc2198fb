"""A program in C trains through the C interface of the engine that the package has."""

import os
import pathlib
import shlex
import shutil
import subprocess

import mlx.core as mx
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def test_a_program_in_c(tmp_path):
    compiler = shlex.split(os.environ.get("CC", "cc"))
    if shutil.which(compiler[0]) is None:
        pytest.skip("there is no C compiler")
    core = pathlib.Path(mx.__file__).parent
    program = tmp_path / "digits"
    subprocess.run(
        [*compiler, "-std=c11", "-Wall", "-Wextra", "-Werror",
         f"-I{ROOT / 'Sources' / 'CMLXInterface'}", str(ROOT / "Tests" / "CABI" / "digits.c"),
         "-o", str(program), f"-L{core}", "-lCMLX", f"-Wl,-rpath,{core}",
         # The debug engine has functions of half precision from the shared part of libgcc.
         "-lgcc_s", "-Wl,--allow-shlib-undefined"],
        check=True)
    done = subprocess.run([program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("loss ") and "arrays left 0" in done.stdout
