"""`rollout.json` of a task and, in `rollouts.jsonl` beside it, those of before. Decides nothing.

Everybody may read them at any time. To change them, hold the lock: commands, the steward and the
HTTP workers do, so none undoes what another has just done.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runtime.data_dir import DataDir, make_folder, write_atomic
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.format_version import check_format
from runtime.rollout.rollout import Rollout

logger = logging.getLogger("loopai.rollout")

Change = Callable[[Rollout], Rollout]


def read_rollout(data_dir: DataDir, task: str) -> Rollout | None:
    """The last rollout of a task, ended or not; None when there was none.

    Raises InvalidInputError when the file is damaged or of another format.
    """
    file = data_dir.rollout_file(task)
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _decoded(content, file)


class RolloutWatch:
    """Reads `rollout.json` again only when it has changed. A damaged one is as good as none."""

    def __init__(self, data_dir: DataDir) -> None:
        self._data_dir = data_dir
        self._known: dict[str, tuple[tuple[int, int, int], Rollout | None]] = {}

    def rollout(self, task: str) -> Rollout | None:
        """The task's rollout as its file has it now."""
        try:
            found = self._data_dir.rollout_file(task).stat()
        except OSError:
            self._known.pop(task, None)
            return None
        stat = (found.st_mtime_ns, found.st_size, found.st_ino)
        known = self._known.get(task)
        if known is None or known[0] != stat:
            try:
                rollout = read_rollout(self._data_dir, task)
            except (InvalidInputError, OSError) as error:
                logger.error("%s", error)
                rollout = None
            known = self._known[task] = (stat, rollout)
        return known[1]


def find_rollout(data_dir: DataDir, task: str) -> Rollout:
    """The last rollout of a task. Raises NotFoundError where there was none."""
    rollout = read_rollout(data_dir, task)
    if rollout is None:
        raise NotFoundError(
            Problem(
                f"{task} has no rollout.",
                remedy=f"Begin one with: loopai promote {task} VERSION --staged",
            )
        )
    return rollout


def past_rollouts(data_dir: DataDir, task: str) -> list[Rollout]:
    """The rollouts before the last, oldest first. Raises InvalidInputError."""
    file = _past_file(data_dir, task)
    try:
        lines = file.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [_decoded(line, file, number) for number, line in enumerate(lines, start=1)]


def tasks_with_rollout(data_dir: DataDir) -> list[str]:
    """The tasks that have a `rollout.json`, sorted."""
    found = (data_dir.root / "artifacts").glob("*/rollout.json")
    return sorted(path.parent.name for path in found)


@contextmanager
def locked(data_dir: DataDir, task: str) -> Iterator[None]:
    """Alone with a task's rollout, over all processes. Not to be nested. Raises OSError."""
    folder = data_dir.artifacts(task)
    make_folder(folder)
    handle = os.open(folder / ".rollout.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def change_rollout(
    data_dir: DataDir, task: str, change: Change, *, rollout_id: str | None = None
) -> Rollout:
    """Read, change and write under the lock; what `change` gives back unchanged is not written.

    With `rollout_id`, another rollout in its place is left as it is. Raises NotFoundError,
    InvalidInputError, and what `change` raises.
    """
    with locked(data_dir, task):
        before = find_rollout(data_dir, task)
        if rollout_id is not None and before.id != rollout_id:
            return before
        after = change(before)
        if after != before:
            write_rollout(data_dir, after)
    return after


def write_rollout(data_dir: DataDir, rollout: Rollout) -> None:
    """Replace `rollout.json`; the lock must be held. Raises OSError."""
    text = json.dumps(rollout.model_dump(mode="json"), ensure_ascii=False, indent=1)
    write_atomic(data_dir.rollout_file(rollout.task), text + "\n")


def put_in_the_past(data_dir: DataDir, rollout: Rollout) -> None:
    """Keep an ended rollout before another takes its place; the lock must be held."""
    past = past_rollouts(data_dir, rollout.task)
    if any(known.id == rollout.id for known in past):
        return  # killed between the two, and asked again
    lines = [known.model_dump_json() for known in (*past, rollout)]
    write_atomic(_past_file(data_dir, rollout.task), "\n".join(lines) + "\n")


def _past_file(data_dir: DataDir, task: str) -> Path:
    return data_dir.rollout_file(task).with_name("rollouts.jsonl")


def _decoded(content: bytes, file: Path, line: int | None = None) -> Rollout:
    try:
        data: Any = json.loads(content)
        check_format(data, file, line=line)
        return Rollout.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or None
        fault = Problem(f"is no rollout: {first['msg']}.", file, line, place, _REMEDY)
    except (ValueError, RecursionError) as error:
        fault = Problem(f"is not JSON: {error}.", file, line, remedy=_REMEDY)
    raise InvalidInputError(fault)


_REMEDY = "The active version serves everyone; remove the file to begin anew."
