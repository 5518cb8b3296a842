"""Immutable program versions and the one that is active. A version, once written, never changes.

`history.jsonl` beside the versions holds every promotion and roll-back; a version's status
is derived from it and from the `active` symlink, never stored twice.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from runtime import artifact_files as files
from runtime.clock import Clock, format_time, utc_now
from runtime.data_dir import DataDir, sync_folder, write_atomic
from runtime.errors import InvalidInputError, LoopaiError, NotFoundError, Problem
from runtime.format_version import check_format, newer
from runtime.models import FORMAT_VERSION, ArtifactStatus, ProgramArtifact, TaskSpecification
from runtime.strict_json import parse_strictly

VERSION_FOLDER = re.compile(r"v([1-9][0-9]{0,8})\Z")
# A fixed moment, the earliest a ZIP can hold: the same version gives the same bytes.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)

Event = Literal["promoted", "rolled_back", "removed"]


@dataclass(frozen=True, slots=True)
class NewArtifact:
    """A program about to become a version.

    `artifact` carries everything but `version`, which the store gives; `evaluation` and
    `provenance` are JSON objects for `metadata.json`; `readme` is Markdown.
    """

    artifact: ProgramArtifact
    evaluation: Mapping[str, Any]
    provenance: Mapping[str, Any]
    readme: str


class ArtifactStore:
    """The versions of every task under one data directory."""

    def __init__(self, data_dir: DataDir, clock: Clock = utc_now) -> None:
        self.data_dir = data_dir
        self._clock = clock

    def versions(self, task: str) -> list[int]:
        """The versions on disk, oldest first; empty for an unknown task."""
        try:
            names = [path.name for path in self.data_dir.artifacts(task).iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        matches = (VERSION_FOLDER.match(name) for name in names)
        return sorted(int(match.group(1)) for match in matches if match)

    def active(self, task: str) -> int | None:
        """The version that serves, or None when none does."""
        try:
            target = str(self.data_dir.active_link(task).readlink())
        except OSError:
            return None
        match = VERSION_FOLDER.match(target)
        return int(match.group(1)) if match else None

    def add(self, task: TaskSpecification, new: NewArtifact) -> int:
        """Write a new version whole and return its number; numbers are never used twice.

        Raises LoopaiError when the disk refuses; no half-written version is left.
        """
        folder = self.data_dir.artifacts(task.name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._locked(task.name):
                version = 1 + max([*self.versions(task.name), *self._mentioned(task.name), 0])
                beside = Path(tempfile.mkdtemp(dir=folder, prefix=f".v{version}."))
                try:
                    self._write_version(beside, task, new, version)
                    beside.chmod(0o755)
                    sync_folder(beside)
                    beside.rename(folder / f"v{version}")
                    sync_folder(folder)
                except BaseException:
                    shutil.rmtree(beside, ignore_errors=True)
                    raise
        except OSError as error:
            raise LoopaiError(
                Problem(f"cannot write a version: {error.strerror}.", folder)
            ) from None
        return version

    def metadata(self, task: str, version: int) -> dict[str, Any]:
        """`metadata.json` of a version. Raises NotFoundError or InvalidInputError."""
        file = self._folder(task, version) / files.METADATA
        try:
            data = parse_strictly(file.read_bytes())
        except (OSError, ValueError) as error:
            raise InvalidInputError(Problem(f"cannot be read: {error}.", file)) from None
        if not isinstance(data, dict):
            raise InvalidInputError(Problem("is no JSON object.", file))
        if data.get("v") != FORMAT_VERSION:
            raise newer(file, data.get("v"), FORMAT_VERSION)
        return data

    def program_source(self, task: str, version: int) -> str:
        """`program.py` of a version, launcher included, its digest checked first.

        Raises NotFoundError, or InvalidInputError when the file is not what was stored.
        """
        expected = self.metadata(task, version).get("files", {}).get(files.PROGRAM)
        file = self._folder(task, version) / files.PROGRAM
        try:
            content = file.read_bytes()
        except OSError as error:
            raise InvalidInputError(Problem(f"cannot be read: {error.strerror}.", file)) from None
        if hashlib.sha256(content).hexdigest() != expected:
            raise InvalidInputError(
                Problem(
                    "is not the file that was stored (its SHA-256 differs).",
                    file,
                    remedy="Versions are immutable: restore it, or make a new version.",
                )
            )
        return content.decode()

    def read(self, task: str, version: int) -> ProgramArtifact:
        """A version with its code (launcher left out) and its status as of now."""
        data = dict(self.metadata(task, version)["artifact"])
        code = files.without_launcher(self.program_source(task, version))
        data.update(code=code, status=self.status(task, version))
        return ProgramArtifact.model_validate(data)

    def status(self, task: str, version: int) -> ArtifactStatus:
        """active; deprecated once it was; else validated or draft by its evaluation."""
        if self.active(task) == version:
            return ArtifactStatus.ACTIVE
        if any(event["version"] == version for event in self.history(task)):
            return ArtifactStatus.DEPRECATED
        return ArtifactStatus(self.metadata(task, version)["artifact"]["status"])

    def activate(
        self, task: str, version: int, *, reason: str = "", event: Event = "promoted"
    ) -> int | None:
        """Make `version` the one that serves, in one rename; returns the one before.

        The program's digest is checked first, so a damaged version is never activated.
        """
        self.program_source(task, version)
        link = self.data_dir.active_link(task)
        with self._locked(task):
            before = self.active(task)
            beside = link.with_name(f".active.{os.getpid()}")
            beside.unlink(missing_ok=True)
            beside.symlink_to(f"v{version}")
            beside.replace(link)
            sync_folder(link.parent)
            self._record(task, event, version, reason)
        return before

    def rollback(self, task: str, version: int | None = None, *, reason: str = "") -> int:
        """Go back to `version`, or to the one that served before; returns it.

        Raises NotFoundError when there is none to go back to.
        """
        target = self.previous(task) if version is None else version
        if target is None:
            raise NotFoundError(
                Problem(
                    f"{task} has no earlier version to go back to.",
                    remedy=f"See: loopai versions {task}",
                )
            )
        self.activate(task, target, reason=reason, event="rolled_back")
        return target

    def previous(self, task: str) -> int | None:
        """The version that served before the active one and is still on disk."""
        served: list[int] = []
        for event in self.history(task):
            version = event["version"]
            if event["event"] == "rolled_back" and version in served:
                del served[served.index(version) + 1 :]
            elif event["event"] in ("promoted", "rolled_back") and served[-1:] != [version]:
                served.append(version)
        present = set(self.versions(task))
        active = self.active(task)
        return next((v for v in reversed(served) if v in present and v != active), None)

    def history(self, task: str) -> list[dict[str, Any]]:
        """What became of the versions, oldest first: `{"event", "version", "at", "reason"}`."""
        try:
            file = self._history_file(task)
            lines = file.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        events = [json.loads(line) for line in lines if line.strip()]
        for number, event in enumerate(events, start=1):
            check_format(event, file, FORMAT_VERSION, number)
        return events

    def zip_bytes(self, task: str, version: int) -> bytes:
        """The version as a ZIP: the same bytes on every machine, so it can be signed."""
        folder = self._folder(task, version)
        buffer = io.BytesIO()
        # Stored, not deflated: compressors differ between zlib releases.
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(folder.iterdir()):
                entry = zipfile.ZipInfo(path.name, ZIP_TIME)
                entry.external_attr = 0o644 << 16
                entry.create_system = 3
                archive.writestr(entry, path.read_bytes())
        return buffer.getvalue()

    def prune(self, task: str, keep_versions: int, *, dry_run: bool = False) -> list[int]:
        """Remove all but the newest `keep_versions`; never the active, the one before it,
        or one in a rollout. Returns the removed, or those that would be in a `dry_run`."""
        with self._locked(task):
            protected = {self.active(task), self.previous(task), *self._rolling_out(task)}
            old = self.versions(task)[:-keep_versions]
            removed = [version for version in old if version not in protected]
            for version in () if dry_run else removed:
                folder = self.data_dir.artifact(task, version)
                beside = folder.with_name(f".removed.v{version}")
                self._record(task, "removed", version, f"keep_versions: {keep_versions}")
                folder.rename(beside)
                shutil.rmtree(beside)
        return removed

    def _write_version(
        self, folder: Path, task: TaskSpecification, new: NewArtifact, version: int
    ) -> None:
        contents = {
            files.PROGRAM: files.with_launcher(new.artifact.code),
            "Dockerfile": files.dockerfile(task, version),
            "deployment.yaml": files.deployment_yaml(task),
            "requirements.txt": files.requirements_txt(),
            "README.md": new.readme,
        }
        for name, text in contents.items():
            write_atomic(folder / name, text)
        artifact = new.artifact.model_copy(update={"version": version})
        metadata = {
            "v": FORMAT_VERSION,
            "artifact": artifact.model_dump(mode="json", exclude={"code"}),
            "files": {
                name: hashlib.sha256(text.encode()).hexdigest() for name, text in contents.items()
            },
            "evaluation": dict(new.evaluation),
            "provenance": dict(new.provenance),
        }
        text = json.dumps(metadata, ensure_ascii=False, indent=2, allow_nan=False)
        write_atomic(folder / files.METADATA, text + "\n")

    def _folder(self, task: str, version: int) -> Path:
        folder = self.data_dir.artifact(task, version)
        if not folder.is_dir():
            known = ", ".join(f"v{number}" for number in self.versions(task)) or "none yet"
            raise NotFoundError(
                Problem(
                    f"{task} has no version v{version} (there: {known}).",
                    remedy=f"Make one with: loopai synthesize {task}",
                )
            )
        return folder

    def _history_file(self, task: str) -> Path:
        return self.data_dir.artifacts(task) / "history.jsonl"

    def _record(self, task: str, event: Event, version: int, reason: str) -> None:
        entry = {
            "v": FORMAT_VERSION,
            "event": event,
            "version": version,
            "at": format_time(self._clock()),
            "reason": reason,
        }
        lines = [json.dumps(line, ensure_ascii=False) for line in [*self.history(task), entry]]
        write_atomic(self._history_file(task), "\n".join(lines) + "\n")

    def _mentioned(self, task: str) -> list[int]:
        return [event["version"] for event in self.history(task)]

    def _rolling_out(self, task: str) -> set[int]:
        """Every version a running rollout names; all of them stay."""
        try:
            rollout = json.loads(self.data_dir.rollout_file(task).read_bytes())
        except FileNotFoundError:
            return set()
        except ValueError:
            return set(self.versions(task))
        keys = ("baseline", "candidate", "from_version", "to_version")
        return {rollout[key] for key in keys if isinstance(rollout.get(key), int)}

    @contextmanager
    def _locked(self, task: str) -> Iterator[None]:
        """One writer at a time for a task's versions, over all processes."""
        folder = self.data_dir.artifacts(task)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
