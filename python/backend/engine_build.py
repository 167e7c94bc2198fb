"""Builds the engine with the Swift toolchain and the extension with the C compiler.

    python3 backend/engine_build.py [ENGINE]        into mlx/core, where Python finds them

ENGINE is a libCMLX.so that is built already.
"""

from __future__ import annotations

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig

LIBRARY = "libCMLX.so"
EXTENSION = "_engine.abi3.so"
OLDEST = (3, 11)


class BuildError(Exception):
    """Something that the build needs is missing, or a tool has failed; says what to do."""


def engine_root(root: pathlib.Path) -> pathlib.Path:
    """Where `Package.swift` is: beside this package in the repository, in it in an archive.

    Raises:
        BuildError: where it is in neither.
    """
    for folder in (root / "engine", root.parent):
        if (folder / "Package.swift").is_file():
            return folder
    raise BuildError(f"there are no sources of the engine (Package.swift) in {root.parent}")


def _tool(name: str, what: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BuildError(f"there is no '{name}' on PATH; {what}")
    return found


def _run(command: list[str], folder: pathlib.Path) -> str:
    """Runs a tool; its messages go where ours go, what it prints is returned."""
    print("+ " + shlex.join(command), file=sys.stderr, flush=True)
    try:
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        raise BuildError(f"'{command[0]}' cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise BuildError(f"'{shlex.join(command[:4])} …' failed, status {done.returncode}")
    return done.stdout


def build_library(root: pathlib.Path, target: pathlib.Path) -> None:
    """Builds the engine's shared library, with the Swift runtime inside.

    Raises:
        BuildError: where there is no Swift toolchain, or the build fails.
    """
    swift = _tool("swift", "install Swift 6.3 or later (https://swift.org/install)")
    package = engine_root(root)
    exports = root / "extension" / "exports.map"
    command = [swift, "build", "-c", "release", "--scratch-path", ".build/python"]
    flags = ["--product", "CMLX", "-Xswiftc", "-static-stdlib"]
    if exports.is_file():
        flags += ["-Xlinker", f"--version-script={exports}"]
    _run([*command, *flags, "-Xlinker", "-z", "-Xlinker", "defs"], package)
    folder = _run([*command, "--show-bin-path"], package).strip().splitlines()[-1]
    library = pathlib.Path(folder) / LIBRARY
    if not library.is_file():
        raise BuildError(f"the build of the engine has left no {library}")
    _put(library, target / LIBRARY)


def build_extension(root: pathlib.Path, target: pathlib.Path) -> None:
    """Builds the extension beside the library, which it finds there.

    Raises:
        BuildError: where Python is too old or has no headers, or there is no C compiler, or it
            fails.
    """
    if sys.version_info < OLDEST:
        raise BuildError("Python {}.{} or later is needed".format(*OLDEST))
    headers = pathlib.Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").is_file():
        raise BuildError(
            f"{sys.executable} has no headers ({headers / 'Python.h'}); install python3-dev"
        )
    compiler = shlex.split(os.environ.get("CC", "cc"))
    compiler[:1] = [_tool(compiler[0], "install a C compiler (build-essential)")]
    sources = sorted((root / "extension").glob("*.c"))
    if not sources:
        raise BuildError(f"there are no sources of the extension in {root / 'extension'}")
    interface = engine_root(root) / "Sources" / "CMLXInterface"
    draft = target / (EXTENSION + ".new")
    _run(
        [
            *compiler,
            *"-std=c11 -D_GNU_SOURCE -O2 -g1 -fPIC -shared -fvisibility=hidden".split(),
            *"-Wall -Wextra -Wno-missing-field-initializers -Wno-cast-function-type".split(),
            f"-I{headers}",
            f"-I{interface}",
            *map(str, sources),
            "-o",
            str(draft),
            f"-L{target}",
            "-lCMLX",
            "-Wl,-rpath,$ORIGIN",
            # Python's own functions are there when the extension is loaded.
            "-Wl,--unresolved-symbols=ignore-all",
        ],
        root,
    )
    os.replace(draft, target / EXTENSION)


def _put(file: pathlib.Path, target: pathlib.Path) -> None:
    """Copies a file in one step, so that a process that has the old one mapped keeps it."""
    draft = target.with_name(target.name + ".new")
    shutil.copyfile(file, draft)
    draft.chmod(0o755)
    os.replace(draft, target)


def build(root: pathlib.Path, target: pathlib.Path, prebuilt: pathlib.Path | None = None) -> None:
    """Builds both into a folder.

    Args:
        root: the folder of `pyproject.toml`.
        prebuilt: a library that is built already.

    Raises:
        BuildError: see `build_library` and `build_extension`.
    """
    if prebuilt is None:
        build_library(root, target)
    elif prebuilt.is_file():
        _put(prebuilt, target / LIBRARY)
    else:
        raise BuildError(f"there is no engine in {prebuilt}")
    build_extension(root, target)


if __name__ == "__main__":
    here = pathlib.Path(__file__).resolve().parent.parent
    try:
        engine = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
        build(here, here / "mlx" / "core", engine)
    except BuildError as failure:
        sys.exit(f"error: {failure}")
