"""The symbol graphs of the public modules: what the compiler knows of every public declaration.

They come from a debug build, which must be up to date; nothing is built here. Scripts/api-parity
compares them with mlx-swift, Scripts/docs makes the documentation from them.
"""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What users import, and the layers below it that have public declarations of their own.
MODULES = ["MLXBase", "MLXGraph", "MLXPlanner", "MLX", "MLXNN", "MLXOptimizers"]
# The names that stand for MLX in older code; all of it is deprecated.
SHELLS = ["MLXRandom", "MLXFFT", "MLXLinalg", "MLXFast"]
# What mlx-swift has no modules for.
OTHERS = ["MLXLoRA", "MLXQuantization", "MLXData", "MLXModels", "MLXTrain"]


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def search_paths(products):
    """The options with which the compiler finds our modules and the C headers beneath them."""
    options = [f"-I{path.parent}" for path in ROOT.glob("Sources/C*/**/module.modulemap")]
    options += [f"-I{ROOT}/Sources/CMLXKernels/include", f"-I{products}/Modules", f"-I{products}"]
    maps = list(products.glob("*.build/module.modulemap"))
    maps += (ROOT / ".build/checkouts").glob("*/Sources/*/include/module.modulemap")
    for path in maps:
        options += ["-Xcc", f"-fmodule-map-file={path}"]
    return options


def extract(directory, modules, *options):
    """Writes the symbol graphs of modules into a directory; ends the program when it cannot."""
    products = pathlib.Path(output_of("swift", "build", "--show-bin-path").strip())
    info = json.loads(output_of("swiftc", "-print-target-info"))
    paths = search_paths(products)
    for module in modules:
        command = ["swift", "symbolgraph-extract", "-module-name", module,
                   "-target", info["target"]["unversionedTriple"], "-output-dir", str(directory),
                   "-minimum-access-level", "public", *options, *paths]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"swift symbolgraph-extract failed for {module}:\n{done.stderr}")


def graphs(directory):
    """The symbol graphs in a directory, by name of file."""
    for path in sorted(pathlib.Path(directory).glob("*.symbols.json")):
        yield json.loads(path.read_text())
