"""The build backend, with tools that only say what they were asked to do."""

import base64
import hashlib
import importlib
import os
import pathlib
import shutil
import stat
import sys
import tarfile
import zipfile

import pytest

PYTHON = pathlib.Path(__file__).resolve().parent.parent

SWIFT = """#!/bin/sh
echo "swift $*" >> "$TOOL_LOG"
case "$*" in
    *--show-bin-path*) echo "Some message"; echo "$PWD/.build/python/release" ;;
    *) [ -z "$SWIFT_FAILS" ] || { echo "error: it does not compile"; exit 3; }
       mkdir -p .build/python/release
       [ -n "$SWIFT_LEAVES_NOTHING" ] || echo library > .build/python/release/libCMLX.so ;;
esac
"""
CC = """#!/bin/sh
echo "cc $*" >> "$TOOL_LOG"
while [ "$1" != -o ]; do shift; done
echo extension > "$2"
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with the package in it, tools of ours on PATH, and the backend loaded from
    it."""
    root = tmp_path / "repository" / "python"
    shutil.copytree(PYTHON / "backend", root / "backend",
                    ignore=shutil.ignore_patterns("__pycache__"))
    (root / "mlx" / "core").mkdir(parents=True)
    (root / "extension").mkdir()
    for name, text in {
        "pyproject.toml": (PYTHON / "pyproject.toml").read_text(),
        "README.md": "# Page\n",
        "mlx/__init__.py": "",
        "mlx/py.typed": "",
        "mlx/core/__init__.py": "",
        "mlx/core/__init__.pyi": "",
        "mlx/core/notes.txt": "not for a wheel",
        "extension/module.c": "",
        "extension/exports.map": "{ local: *; };",
        "../Package.swift": "",
        "../LICENSE": "MIT",
        "../Sources/CMLXInterface/cmlx.h": "",
        "../Sources/MLXBase/Version.swift": 'static let number = "0.1.0"',
    }.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("swift", SWIFT), ("cc", CC)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("TOOL_LOG", str(tmp_path / "log"))
    monkeypatch.delenv("CC", raising=False)
    headers = tmp_path / "headers"
    headers.mkdir()
    (headers / "Python.h").write_text("")
    monkeypatch.syspath_prepend(str(root / "backend"))
    for name in ("mlx_build", "engine_build", "archives"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    backend = importlib.import_module("mlx_build")
    monkeypatch.setattr(sys.modules["engine_build"].sysconfig, "get_path", lambda _: str(headers))
    monkeypatch.chdir(root)
    yield backend, root, tmp_path
    for name in ("mlx_build", "engine_build", "archives"):
        sys.modules.pop(name, None)


def log(folder):
    return (folder / "log").read_text().splitlines()


def test_wheel(project, tmp_path):
    backend, root, folder = project
    name = backend.build_wheel(str(tmp_path))
    assert name.startswith("mlx_actors-0.1.0-cp311-abi3-linux_") and name.endswith(".whl")
    with zipfile.ZipFile(tmp_path / name) as archive:
        names = archive.namelist()
        info = "mlx_actors-0.1.0.dist-info"
        assert names == [
            "mlx/__init__.py", "mlx/core/__init__.py", "mlx/core/__init__.pyi", "mlx/py.typed",
            "mlx/core/_engine.abi3.so", "mlx/core/libCMLX.so", f"{info}/METADATA",
            f"{info}/WHEEL", f"{info}/licenses/LICENSE", f"{info}/RECORD"]
        assert archive.read("mlx/core/libCMLX.so") == b"library\n"
        mode = archive.getinfo("mlx/core/libCMLX.so").external_attr >> 16
        assert stat.S_IMODE(mode) == 0o755
        metadata = archive.read(f"{info}/METADATA").decode()
        assert metadata.startswith("Metadata-Version: 2.4\nName: mlx-actors\nVersion: 0.1.0\n")
        assert metadata.endswith("\n\n# Page\n")
        assert "Tag: cp311-abi3-linux_" in archive.read(f"{info}/WHEEL").decode()
        record = archive.read(f"{info}/RECORD").decode().splitlines()
        assert len(record) == len(names) and record[-1] == f"{info}/RECORD,,"
        for line in record[:-1]:
            path, digest, size = line.rsplit(",", 2)
            data = archive.read(path)
            want = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert digest == f"sha256={want}" and int(size) == len(data)


def test_commands(project, tmp_path):
    backend, root, folder = project
    backend.build_wheel(str(tmp_path))
    build, where, compile_ = log(folder)
    for part in ("build -c release", "--scratch-path .build/python", "--product CMLX",
                 "-Xswiftc -static-stdlib", f"--version-script={root}/extension/exports.map"):
        assert part in build
    assert "--show-bin-path" in where
    for part in ("-shared", str(root / "extension" / "module.c"), "-lCMLX",
                 "-Wl,-rpath,$ORIGIN", f"-I{root.parent}/Sources/CMLXInterface"):
        assert part in compile_


def test_the_same_files_give_the_same_wheel(project, tmp_path):
    backend, root, _ = project
    (tmp_path / "again").mkdir()
    first = (tmp_path / backend.build_wheel(str(tmp_path))).read_bytes()
    os.utime(root / "mlx" / "__init__.py", (0, 0))
    again = tmp_path / "again" / backend.build_wheel(str(tmp_path / "again"))
    assert again.read_bytes() == first


def test_editable(project, tmp_path):
    backend, root, _ = project
    name = backend.build_editable(str(tmp_path))
    with zipfile.ZipFile(tmp_path / name) as archive:
        assert archive.read("__editable__.mlx_actors.pth").decode() == f"{root}\n"
        assert not [n for n in archive.namelist() if n.startswith("mlx/")]
    assert (root / "mlx/core/libCMLX.so").read_text() == "library\n"
    assert (root / "mlx/core/_engine.abi3.so").read_text() == "extension\n"
    assert not list((root / "mlx/core").glob("*.new"))


def test_source_archive_builds_a_wheel(project, tmp_path, monkeypatch):
    backend, root, _ = project
    (root / "mlx/core/libCMLX.so").write_text("left by a build")
    name = backend.build_sdist(str(tmp_path))
    with tarfile.open(tmp_path / name) as archive:
        names = [n.removeprefix("mlx_actors-0.1.0/") for n in archive.getnames()]
        archive.extractall(tmp_path / "out", filter="data")
    assert {"pyproject.toml", "PKG-INFO", "engine/Package.swift", "engine/LICENSE",
            "backend/mlx_build.py", "extension/module.c"} <= set(names)
    assert not [n for n in names if n.endswith(".so")]
    unpacked = tmp_path / "out" / "mlx_actors-0.1.0"
    monkeypatch.setattr(backend, "ROOT", unpacked)
    wheel = backend.build_wheel(str(tmp_path))
    with zipfile.ZipFile(tmp_path / wheel) as archive:
        assert "mlx/core/libCMLX.so" in archive.namelist()
    again = backend.build_sdist(str(tmp_path))
    with tarfile.open(tmp_path / again) as archive:
        assert "mlx_actors-0.1.0/engine/Package.swift" in archive.getnames()


def test_metadata_alone(project, tmp_path):
    backend, _, _ = project
    info = backend.prepare_metadata_for_build_wheel(str(tmp_path))
    assert (tmp_path / info / "METADATA").is_file()
    assert (tmp_path / info / "WHEEL").is_file()
    for hook in (backend.get_requires_for_build_wheel, backend.get_requires_for_build_sdist,
                 backend.get_requires_for_build_editable):
        assert hook() == []


def test_engine_that_is_built_already(project, tmp_path):
    backend, _, folder = project
    library = tmp_path / "libCMLX.so"
    library.write_text("mine")
    name = backend.build_wheel(str(tmp_path), {"engine": str(library)})
    with zipfile.ZipFile(tmp_path / name) as archive:
        assert archive.read("mlx/core/libCMLX.so") == b"mine"
    assert len(log(folder)) == 1
    with pytest.raises(SystemExit, match="no engine in"):
        backend.build_wheel(str(tmp_path), {"engine": str(tmp_path / "none.so")})


@pytest.mark.parametrize("what, says", [
    ("no swift", "no 'swift' on PATH; install Swift"),
    ("no compiler", "no 'cc' on PATH; install a C compiler"),
    ("swift fails", "failed, status 3"),
    ("nothing built", "has left no"),
    ("no headers", "has no headers .*install python3-dev"),
    ("no sources", "no sources of the engine"),
    ("no extension", "no sources of the extension"),
    ("old Python", "Python 3.11 or later"),
])
def test_what_is_missing_is_said(project, tmp_path, monkeypatch, what, says):
    backend, root, folder = project
    if what in ("no swift", "no compiler"):
        (folder / "tools" / ("swift" if what == "no swift" else "cc")).unlink()
        monkeypatch.setenv("PATH", str(folder / "tools"))
        if what == "no compiler":
            for tool in ("sh", "mkdir"):
                (folder / "tools" / tool).symlink_to(shutil.which(tool, path="/usr/bin:/bin"))
    elif what == "swift fails":
        monkeypatch.setenv("SWIFT_FAILS", "1")
    elif what == "nothing built":
        monkeypatch.setenv("SWIFT_LEAVES_NOTHING", "1")
    elif what == "no headers":
        (folder / "headers" / "Python.h").unlink()
    elif what == "no sources":
        (root.parent / "Package.swift").unlink()
    elif what == "no extension":
        (root / "extension" / "module.c").unlink()
    else:
        monkeypatch.setattr(sys.modules["engine_build"], "OLDEST", (3, 99))
        says = "Python 3.99 or later"
    with pytest.raises(SystemExit, match=says) as error:
        backend.build_wheel(str(tmp_path))
    assert str(error.value).startswith("error: ")
