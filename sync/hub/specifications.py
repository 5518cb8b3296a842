"""A task in words and examples, as its owner gave it to the hub: what programs are made from here.

Where nobody gave one, the specification that was published with the newest version holds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select

from runtime.clock import format_time, utc_now
from runtime.errors import InvalidInputError, Problem
from runtime.models import TaskSpecification
from runtime.tasks import parse_examples, task_of
from runtime.yaml_document import YamlDocument
from sync.hub import tables
from sync.hub.hub_keys import Caller
from sync.hub.packages import Packages
from sync.hub.store import Store

MAX_EXAMPLES = 20_000_000


@dataclass(frozen=True, slots=True)
class Specified:
    """A task's YAML and its examples as JSON lines. `digest` changes with either."""

    text: str
    examples: str

    @property
    def digest(self) -> str:
        whole = f"{len(self.text)}:{self.text}{self.examples}"
        return hashlib.sha256(whole.encode()).hexdigest()

    def task(self) -> TaskSpecification:
        """As a task with its examples. Raises InvalidInputError."""
        task = read_specification(self.text)
        lines = self.examples.encode().splitlines()
        return task.model_copy(
            update={"examples": tuple(parse_examples(lines, task, "examples.jsonl"))}
        )


class Specifications:
    """The specifications of all tenants."""

    def __init__(self, store: Store, packages: Packages) -> None:
        self._store = store
        self._packages = packages

    def put(self, caller: Caller, task: str, text: str, examples: str) -> dict[str, Any]:
        """Take a specification in; says whether it is another one than before.

        Raises InvalidInputError for one that is not sound or of another task.
        """
        given = Specified(text, examples)
        if len(examples) > MAX_EXAMPLES:
            raise InvalidInputError(f"Examples have at most {MAX_EXAMPLES:,} characters.")
        read = given.task()
        if read.name != task:
            raise InvalidInputError(Problem(f"it is of the task {read.name!r}, not of {task!r}."))
        before = self.get(caller.tenant, task)
        if before != given:
            self._write(caller, task, given)
        return {
            "task": task,
            "digest": given.digest,
            "examples": len(read.examples),
            "changed": before != given,
        }

    def get(self, tenant: str, task: str) -> Specified | None:
        """What was given, or published with the newest version; None for an unknown task."""
        columns = tables.specifications.c
        with self._store.read() as connection:
            row = connection.execute(
                select(columns.specification, columns.examples).where(
                    columns.tenant == tenant, columns.task == task
                )
            ).first()
        if row is not None:
            return Specified(row.specification, row.examples)
        latest = self._packages.latest(tenant).get(task)
        if latest is None:
            return None
        return Specified(self._packages.get(tenant, task, latest).specification, "")

    def _write(self, caller: Caller, task: str, given: Specified) -> None:
        columns = tables.specifications.c
        with self._store.write() as connection:
            connection.execute(
                delete(tables.specifications).where(
                    columns.tenant == caller.tenant, columns.task == task
                )
            )
            connection.execute(
                insert(tables.specifications).values(
                    tenant=caller.tenant,
                    task=task,
                    specification=given.text,
                    examples=given.examples,
                    updated_at=format_time(utc_now()),
                    updated_by=caller.key_id,
                )
            )
            self._store.note(
                connection, caller.tenant, caller.key_id, "specified",
                task=task, digest=given.digest,
            )  # fmt: skip


def read_specification(text: str) -> TaskSpecification:
    """A task.yaml that came over the wire. Raises InvalidInputError."""
    return task_of(YamlDocument(text, "task.yaml"))
