"""The build backend of this package (PEP 517 and PEP 660), of the standard library alone.

A wheel has the Python files, the engine (`libCMLX.so`, by the Swift toolchain) and the extension
(`_engine.abi3.so`, by the C compiler, for all Pythons from 3.11 on). An editable install has a
line that points to this folder, into which both are built. A source archive has the whole package,
with the engine's sources.

Config settings:

    engine=FILE     a libCMLX.so that is built already, instead of a Swift build
"""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import archives  # noqa: E402
import engine_build  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent

Settings = dict[str, Any] | None


def _project() -> archives.Project:
    try:
        return archives.Project.read(ROOT)
    except engine_build.BuildError as error:
        raise SystemExit(f"error: {error}") from None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Nothing but Python."""
    return []


get_requires_for_build_editable = get_requires_for_build_wheel
get_requires_for_build_sdist = get_requires_for_build_wheel


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: Settings = None
) -> str:
    """Writes the folder of metadata, and returns its name."""
    project = _project()
    return project.write_metadata(pathlib.Path(metadata_directory))


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def _build(target: pathlib.Path, settings: Settings) -> None:
    """Builds engine and extension, or ends with what is missing, and without a traceback."""
    prebuilt = (settings or {}).get("engine")
    try:
        engine_build.build(ROOT, target, pathlib.Path(prebuilt) if prebuilt else None)
    except engine_build.BuildError as error:
        raise SystemExit(f"error: {error}") from None


def build_wheel(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """Writes a wheel, and returns its name."""
    project = _project()
    with tempfile.TemporaryDirectory() as folder:
        built = pathlib.Path(folder)
        _build(built, config_settings)
        files = archives.python_files(ROOT)
        files += [(f"mlx/core/{file.name}", file) for file in sorted(built.iterdir())]
        return project.write_wheel(pathlib.Path(wheel_directory), files)


def build_editable(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """Builds into this folder, writes a wheel that points to it, and returns its name."""
    project = _project()
    _build(ROOT / "mlx" / "core", config_settings)
    pointer = ("__editable__.mlx_actors.pth", f"{ROOT}\n".encode())
    return project.write_wheel(pathlib.Path(wheel_directory), [pointer])


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Writes an archive of all sources, and returns its name."""
    project = _project()
    return project.write_sdist(pathlib.Path(sdist_directory))
