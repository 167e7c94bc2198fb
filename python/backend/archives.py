"""Wheels and source archives: what is in them, and their metadata, from `pyproject.toml`.

The same files give the same archive, byte for byte: times are fixed, names sorted.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import pathlib
import re
import subprocess
import sysconfig
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from typing import Any

import engine_build

#: The earliest time that a zip file can say.
TIME = (1980, 1, 1, 0, 0, 0)
#: Folders of an archive that say nothing to the package.
SKIPPED = {".git", ".build", ".github", ".swiftpm", "__pycache__", ".pytest_cache", "dist"}

Content = bytes | pathlib.Path
Files = list[tuple[str, Content]]


def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


def python_files(root: pathlib.Path) -> Files:
    """The files of the package that need no build, by their names in a wheel."""
    kinds = {".py", ".pyi", ".typed"}
    return [
        (file.relative_to(root).as_posix(), file)
        for file in sorted((root / "mlx").rglob("*"))
        if file.is_file()
        and (file.suffix in kinds or file.name == "py.typed")
        and "__pycache__" not in file.parts
    ]


def tag() -> str:
    """For which Pythons and systems a wheel is: any CPython from 3.11 on, this system."""
    system = re.sub(r"[-.]", "_", sysconfig.get_platform())
    return f"cp311-abi3-{system}"


@dataclass
class Project:
    """The `[project]` table, and the folder that it is in."""

    root: pathlib.Path
    table: dict[str, Any]

    @classmethod
    def read(cls, root: pathlib.Path) -> Project:
        """Reads `pyproject.toml`, and the version where the engine has it."""
        text = (root / "pyproject.toml").read_text(encoding="utf-8")
        table = tomllib.loads(text)["project"]
        source = engine_build.engine_root(root) / "Sources" / "MLXBase" / "Version.swift"
        found = re.search(r'static let number = "([^"]+)"', source.read_text(encoding="utf-8"))
        if found is None:
            raise engine_build.BuildError(f"there is no version in {source}")
        return cls(root, {**table, "version": found[1]})

    @property
    def name(self) -> str:
        """Name and version as file names have them."""
        name = re.sub(r"[-_.]+", "_", self.table["name"]).lower()
        return f"{name}-{self.table['version']}"

    def metadata(self) -> bytes:
        """The file METADATA, in version 2.4 of its format."""
        table = self.table
        lines = [
            "Metadata-Version: 2.4",
            f"Name: {table['name']}",
            f"Version: {table['version']}",
            f"Summary: {table['description']}",
            f"License-Expression: {table['license']}",
            "License-File: LICENSE",
            f"Keywords: {','.join(table.get('keywords', []))}",
            *(f"Classifier: {text}" for text in table.get("classifiers", [])),
            f"Requires-Python: {table['requires-python']}",
            *(f"Requires-Dist: {text}" for text in table.get("dependencies", [])),
        ]
        for extra, needs in table.get("optional-dependencies", {}).items():
            lines.append(f"Provides-Extra: {extra}")
            lines += [f'Requires-Dist: {need}; extra == "{extra}"' for need in needs]
        lines.append("Description-Content-Type: text/markdown")
        page = (self.root / table["readme"]).read_text(encoding="utf-8")
        return ("\n".join(lines) + "\n\n" + page).encode()

    def _licence(self) -> Files:
        for folder in (self.root, self.root / "engine", self.root.parent):
            if (folder / "LICENSE").is_file():
                return [("licenses/LICENSE", folder / "LICENSE")]
        return []

    def _info(self) -> Files:
        """The files of the folder `NAME.dist-info` but RECORD."""
        wheel = (
            "Wheel-Version: 1.0\nGenerator: mlx_build\nRoot-Is-Purelib: false\n"
            f"Tag: {tag()}\n"
        )
        return [("METADATA", self.metadata()), ("WHEEL", wheel.encode()), *self._licence()]

    def write_metadata(self, folder: pathlib.Path) -> str:
        """Writes the folder of metadata into another, and returns its name."""
        info = f"{self.name}.dist-info"
        for name, content in self._info():
            file = folder / info / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_bytes(content))
        return info

    def write_wheel(self, folder: pathlib.Path, files: Files) -> str:
        """Writes a wheel with these files, and returns its name."""
        info = f"{self.name}.dist-info"
        files = [*files, *((f"{info}/{name}", content) for name, content in self._info())]
        name = f"{self.name}-{tag()}.whl"
        record = []
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:

            def add(path: str, data: bytes) -> None:
                entry = zipfile.ZipInfo(path, TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (0o100755 if path.endswith(".so") else 0o100644) << 16
                archive.writestr(entry, data)

            for path, content in files:
                data = _bytes(content)
                digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
                record.append(f"{path},sha256={digest.decode()},{len(data)}\n")
                add(path, data)
            add(f"{info}/RECORD", ("".join(record) + f"{info}/RECORD,,\n").encode())
        return name

    def _sources(self) -> Files:
        """All sources by their names in an archive: this folder at the top, the engine below."""
        if (self.root / "engine").is_dir():
            files = _tree(self.root)
            return [(f.relative_to(self.root).as_posix(), f) for f in files]
        repository = self.root.parent
        named: Files = []
        for file in _tree(repository):
            if file.is_relative_to(self.root):
                named.append((file.relative_to(self.root).as_posix(), file))
            else:
                named.append((f"engine/{file.relative_to(repository).as_posix()}", file))
        return named

    def write_sdist(self, folder: pathlib.Path) -> str:
        """Writes an archive of all sources, and returns its name."""
        name = f"{self.name}.tar.gz"
        files = [*sorted(self._sources()), ("PKG-INFO", self.metadata())]
        with (
            open(folder / name, "wb") as raw,
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path, content in files:
                data = _bytes(content)
                entry = tarfile.TarInfo(f"{self.name}/{path}")
                entry.size = len(data)
                executable = isinstance(content, pathlib.Path) and content.stat().st_mode & 0o100
                entry.mode = 0o755 if executable else 0o644
                archive.addfile(entry, io.BytesIO(data))
        return name


def _tree(folder: pathlib.Path) -> list[pathlib.Path]:
    """The files of a folder: those that git knows where it is a repository, else all but what
    builds leave."""
    try:
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=folder, capture_output=True, check=True,
        ).stdout.decode().split("\0")
        files = [folder / name for name in names if name]
    except (OSError, subprocess.CalledProcessError):
        files = list(folder.rglob("*"))
    return sorted(
        file
        for file in files
        if file.is_file()
        and not file.is_symlink()
        and not SKIPPED & set(file.relative_to(folder).parts)
        and file.suffix not in (".so", ".pyc")
    )
