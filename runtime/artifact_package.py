"""A version that came as a ZIP from elsewhere: checked file by file, then put beside the others.

It never changes a version that is there, and activates nothing.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import struct
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from runtime.artifact_files import METADATA, PROGRAM
from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir, make_folder, sync_folder
from runtime.errors import InvalidInputError, LoopaiError, Problem
from runtime.strict_json import parse_strictly

MAX_PACKAGE_BYTES = 10_000_000
MAX_MEMBER_BYTES = 8_000_000
# All that `zipfile` raises for bytes that are no ZIP, or only most of one.
DAMAGED_ZIP = (
    zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, struct.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArtifactPackage:
    """A version's number and its files by name, each as its metadata says."""

    version: int
    files: dict[str, bytes]


def read_package(content: bytes) -> ArtifactPackage:
    """Open a version's ZIP as `loopai export` makes it. Raises InvalidInputError."""
    if len(content) > MAX_PACKAGE_BYTES:
        raise InvalidInputError(f"A package has at most {MAX_PACKAGE_BYTES:,} bytes.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if any(info.file_size > MAX_MEMBER_BYTES for info in infos):
                raise InvalidInputError("The package holds a file that is too large.")
            if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
                raise InvalidInputError("The package is compressed, which no version is.")
            files = {info.filename: archive.read(info) for info in infos}
        described = parse_strictly(files[METADATA])
        version = described["artifact"]["version"]
        digests = described["files"]
        if len(files) != len(infos) or files.keys() != {*digests, METADATA}:
            raise InvalidInputError("The package's files are not those its metadata names.")
        if any(Path(name).name != name or name.startswith(".") for name in files):
            raise InvalidInputError("The package holds a file outside its folder.")
        for name, digest in digests.items():
            if hashlib.sha256(files[name]).hexdigest() != digest:
                raise InvalidInputError(f"The package's {name} is not what its metadata says.")
        if PROGRAM not in digests or not isinstance(version, int) or version < 1:
            raise InvalidInputError("The package holds no program with a version.")
    except (*DAMAGED_ZIP, KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(f"That is no version of a program ({error}).") from None
    return ArtifactPackage(version, files)


def receive_package(data_dir: DataDir, task: str, package: ArtifactPackage) -> bool:
    """Put a version where the task's others are, whole or not at all; False if it is there.

    Raises LoopaiError when another version has its number, or the disk refuses.
    """
    folder = data_dir.artifacts(task)
    place = data_dir.artifact(task, package.version)
    if place.exists():
        if ArtifactStore(data_dir).metadata(task, package.version) == parse_strictly(
            package.files[METADATA]
        ):
            return False
        raise LoopaiError(
            Problem(
                f"{task} has a v{package.version} of its own already.",
                place,
                remedy="Versions made on this box and versions of a hub need numbers apart.",
            )
        )
    try:
        make_folder(folder)
        beside = Path(tempfile.mkdtemp(dir=folder, prefix=f".v{package.version}."))
        try:
            for name, content in package.files.items():
                with (beside / name).open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            beside.chmod(0o755)
            sync_folder(beside)
            beside.rename(place)
            sync_folder(folder)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    except OSError as error:
        problem = Problem(f"cannot write a version: {error.strerror}.", folder)
        raise LoopaiError(problem) from None
    return True
