"""The parts of `mlx.core` that are written in Python, with whichever core is there."""

import importlib.util
import pathlib

FOLDER = pathlib.Path(__file__).parent.parent / "mlx" / "core"


def load(name):
    """A part by the name of its file: that of the package, or this one on MLX's own core."""
    try:
        return importlib.import_module(f"mlx.core.{name}")
    except ImportError:
        spec = importlib.util.spec_from_file_location(f"core_part{name}", FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        # Dataclasses look their module up.
        import sys

        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module
