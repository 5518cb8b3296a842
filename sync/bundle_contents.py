"""What a bundle carries for a box: versions in, waiting telemetry out. Only files, no network.

A version that came is stored as one from the hub would be; nothing here goes back to an older one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError, Problem
from sync.bundle_file import Bundle
from sync.outbox import Outbox, OutboxBatch
from sync.taken_up import TakenUp
from sync.updates import NOTES_FILE, Activate, receive_version

MEMBER = re.compile(r"([a-z0-9_-]{1,63})/v([1-9][0-9]{0,8})\.(zip|yaml)\Z")
BATCH = "batches/{number:09d}-{key}.json.gz"
# So many bytes of batches a bundle: the rest goes into the next one.
MAX_TELEMETRY_BYTES = 500_000_000

Outcome = Literal["taken up", "stored", "here already", "older", "refused"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a task as a bundle holds it."""

    task: str
    version: int
    content: bytes
    specification: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one version of a bundle, and why where it was not taken."""

    task: str
    version: int
    outcome: Outcome
    reason: str = ""


def version_members(versions: Sequence[Version]) -> dict[str, bytes]:
    """Versions as members of a bundle."""
    members = {}
    for one in versions:
        members[f"{one.task}/v{one.version}.zip"] = one.content
        members[f"{one.task}/v{one.version}.yaml"] = one.specification.encode()
    return members


def versions_in(file: Path, bundle: Bundle) -> list[Version]:
    """The versions of a bundle, oldest first. Raises InvalidInputError where one is not whole."""
    if bundle.kind != "artifacts":
        raise InvalidInputError(
            Problem(
                "holds telemetry, which is for a hub.",
                file,
                remedy="Import it there: bundle import FILE --hub FOLDER --tenant NAME.",
            )
        )
    found: dict[tuple[str, int], dict[str, bytes]] = {}
    for name, content in bundle.members.items():
        match = MEMBER.match(name)
        if match is None:
            raise InvalidInputError(Problem(f"holds {name!r}, which is no version.", file))
        found.setdefault((match[1], int(match[2])), {})[match[3]] = content
    versions = []
    for (task, version), parts in sorted(found.items()):
        if parts.keys() != {"zip", "yaml"}:
            raise InvalidInputError(Problem(f"holds only a part of {task} v{version}.", file))
        try:
            specification = parts["yaml"].decode()
        except UnicodeDecodeError:
            raise InvalidInputError(Problem(f"{task} v{version} has no text.", file)) from None
        versions.append(Version(task, version, parts["zip"], specification))
    return versions


def own_versions(data_dir: DataDir, tasks: Sequence[str]) -> list[Version]:
    """What serves here of these tasks, or of all of them. Raises LoopaiError where nothing does."""
    store = ArtifactStore(data_dir)
    versions = []
    for task in tasks or data_dir.task_names():
        active = store.active(task)
        if active is not None:
            specification = data_dir.task_file(task).read_text("utf-8")
            versions.append(Version(task, active, store.zip_bytes(task, active), specification))
        elif tasks:
            raise LoopaiError(Problem(f"no version of {task} is active.", data_dir.root))
    if not versions:
        raise LoopaiError(Problem("no task here has an active version.", data_dir.root))
    return versions


def take_versions(
    data_dir: DataDir, versions: Sequence[Version], activate: Activate | None
) -> list[Taken]:
    """Store versions, and activate the newest of each task where it is newer than what serves.

    Each is whole or not there at all; one that is refused stops no other.
    """
    newest = {one.task: one.version for one in versions}
    return [
        _take(data_dir, one, activate if newest[one.task] == one.version else None)
        for one in versions
    ]


def _take(data_dir: DataDir, one: Version, activate: Activate | None) -> Taken:
    store, notes = ArtifactStore(data_dir), TakenUp(data_dir.state / NOTES_FILE)
    try:
        there = store.versions(one.task)
        newest = max(there, default=0)
        if one.version < newest and one.version not in there:
            return Taken(one.task, one.version, "older", f"v{newest} is here already")
        receive_version(data_dir, one.task, one.version, one.content, one.specification)
        known = one.version in there
        # One that served or was tried out before was left on purpose: bringing it again changes
        # nothing.
        met = one.version <= notes.taken_up(one.task) or _has_served(store, one)
        if activate is None or one.version < newest or met:
            return Taken(one.task, one.version, "here already" if known else "stored")
        activate(one.task, one.version)
        notes.note_taken_up(one.task, one.version)
        if store.active(one.task) != one.version:
            return Taken(one.task, one.version, "stored", "cloud.promote says when it serves")
    except (LoopaiError, OSError) as error:
        return Taken(one.task, one.version, "refused", str(error))
    return Taken(one.task, one.version, "taken up")


def _has_served(store: ArtifactStore, one: Version) -> bool:
    return any(entry.get("version") == one.version for entry in store.history(one.task))


def waiting_telemetry(outbox: Outbox, header: dict[str, object]) -> list[OutboxBatch]:
    """All that waits to leave, as batches that never change, as many as fit into one bundle."""
    outbox.make_batches(header, wait_seconds=0.0)
    batches: list[OutboxBatch] = []
    size = 0
    for batch in outbox.waiting_batches():
        size += len(batch.payload)
        if batches and size > MAX_TELEMETRY_BYTES:
            break
        batches.append(batch)
    return batches


def telemetry_members(batches: Sequence[OutboxBatch]) -> dict[str, bytes]:
    """Batches as members of a bundle, in their order."""
    return {BATCH.format(number=one.number, key=one.key): one.payload for one in batches}
