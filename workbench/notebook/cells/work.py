"""What the work of a cell is given: where it stands, what is above it, how to tell and stop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.models import TaskSpecification
from runtime.tasks import load_task
from runtime.yaml_document import YamlDocument
from workbench.notebook.dependencies import named_files
from workbench.notebook.document import Block
from workbench.notebook.interruption import Interruption


class Say(Protocol):
    """Told of progress: what is being done, and how much of the cell is, from 0 to 1, if known."""

    def __call__(self, what: str, fraction: float | None = None, /) -> None: ...


def _say_nothing(what: str, fraction: float | None = None) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Place:
    """A cell and the file it stands in, so that every problem names a line of that file."""

    block: Block
    file: Path

    def yaml(self) -> YamlDocument:
        """The body as YAML, its lines numbered as in the notebook."""
        return YamlDocument("\n" * self.block.line + self.block.body, self.file)

    def mapping(self, known: tuple[str, ...]) -> tuple[YamlDocument, dict[str, Any]]:
        """The body as a mapping of some of the `known` keys; an empty body is an empty one."""
        document = self.yaml()
        data = {} if document.data is None else document.data
        if not isinstance(data, dict):
            document.fail("must be a mapping.", (), f"Keys: {', '.join(known)}.")
        for key in data:
            if key not in known:
                place = (key,) if isinstance(key, str) else ()
                document.fail("there is no such key.", place, f"Keys: {', '.join(known)}.")
        return document, data

    def lines(self) -> Iterator[tuple[int, str]]:
        """The body's lines that say something, with their numbers in the file; `#` is a remark."""
        for number, line in enumerate(self.block.body.split("\n"), start=self.block.body_line):
            if line.strip() and not line.lstrip().startswith("#"):
                yield number, line

    def fail(self, message: str, line: int | None = None, remedy: str | None = None) -> Exception:
        """An error at a line of the file, that of the cell by default; to be raised."""
        return InvalidInputError(Problem(message, self.file, line or self.block.line, None, remedy))

    def named_file(self) -> Path | None:
        """The file the body refers to by `file: ...`. Raises NotFoundError when it is missing."""
        for path in named_files(self.block, self.file.parent):
            if not path.is_file():
                raise NotFoundError(
                    Problem(
                        f"there is no file {path.name!r} in {path.parent}.",
                        self.file,
                        self.block.body_line,
                        remedy="The path is relative to the notebook's folder.",
                    )
                )
            return path
        return None


@dataclass(frozen=True, slots=True)
class Work:
    """One cell about to run.

    `task` and `versions` (oldest first) are what the cells above it gave.
    """

    place: Place
    data_dir: DataDir
    interruption: Interruption
    task: str | None = None
    versions: tuple[int, ...] = ()
    say: Say = _say_nothing

    @property
    def block(self) -> Block:
        return self.place.block

    @property
    def store(self) -> ArtifactStore:
        return ArtifactStore(self.data_dir)

    def task_name(self) -> str:
        """The task of the cells above. Raises InvalidInputError where there is none."""
        if self.task is None:
            raise self.place.fail(
                "there is no task cell above this one.",
                remedy="Put a task cell before it, such as `file: task.yaml`.",
            )
        return self.task

    def specification(self, *, with_examples: bool = False) -> TaskSpecification:
        """The task as it stands in the data directory."""
        return load_task(self.data_dir, self.task_name(), with_examples=with_examples)

    def version(self) -> int:
        """The version meant: the cell's `version=`, else the one made or promoted above, else
        the active one, else the newest. Raises NotFoundError or InvalidInputError."""
        task = self.task_name()
        given = self.block.options.get("version")
        if given is not None:
            return self.stored_version(given, self.block.line)
        active = None if self.versions else self.store.active(task)
        return self.newest() if active is None else active

    def newest(self) -> int:
        """The version made above, else the newest there is, whatever serves.

        Raises NotFoundError or InvalidInputError.
        """
        task = self.task_name()
        chosen = max(self.store.versions(task), default=None)
        if self.versions:
            chosen = self.versions[-1]
        if chosen is None:
            raise self.place.fail(
                f"{task} has no version yet.", remedy="Put a synthesize cell before this one."
            )
        return self.stored_version(f"v{chosen}", self.block.line)

    def stored_version(self, text: object, line: int | None) -> int:
        """`v2` or `2` as a version that is there."""
        digits = str(text).removeprefix("v")
        task = self.task_name()
        present = self.store.versions(task)
        if digits.isascii() and digits.isdigit() and int(digits) in present:
            return int(digits)
        known = ", ".join(f"v{each}" for each in present) or "none yet"
        raise NotFoundError(
            Problem(
                f"there is no version {text!r} of {task}.",
                self.place.file,
                line,
                remedy=f"There are: {known}.",
            )
        )
