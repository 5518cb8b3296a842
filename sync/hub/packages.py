"""Published versions: the very bytes that were uploaded, signed by the hub, never changed.

Who uploads a version that is there gets an error, unless it is the same to the byte.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from runtime.artifact_package import read_package
from runtime.clock import format_time, utc_now
from runtime.errors import LoopaiError, NotFoundError, Problem
from sync.hub import tables
from sync.hub.hub_keys import Caller
from sync.hub.store import Store
from sync.own_key import OwnKey
from sync.signing import Signature, signed_package


class ConflictError(LoopaiError):
    """The version is there already, with other content."""


@dataclass(frozen=True, slots=True)
class Package:
    """One published version; `content` is the ZIP, `specification` the task as YAML."""

    task: str
    version: int
    content: bytes
    specification: str
    digest: str
    signature: str
    uploaded_at: str


class Packages:
    """The artifact repository of all tenants."""

    def __init__(self, store: Store, key: OwnKey) -> None:
        self._store = store
        self._key = key

    def publish(
        self, caller: Caller, task: str, content: bytes, specification: str, note: str = ""
    ) -> Package:
        """Take a version in. Raises InvalidInputError for what is no version, ConflictError."""
        with self._store.write() as connection:
            return self.publish_in(connection, caller, task, content, specification, note)

    def publish_in(
        self,
        connection: Connection,
        caller: Caller,
        task: str,
        content: bytes,
        specification: str,
        note: str = "",
    ) -> Package:
        """The same within a transaction of the caller's."""
        version = read_package(content).version
        there = self._select(connection, caller.tenant, task, version)
        digest = hashlib.sha256(content).hexdigest()
        if there is not None:
            if there.digest == digest:
                return there
            raise ConflictError(
                Problem(
                    f"{task} v{version} is published already, with other content.",
                    remedy="Versions are immutable: publish a new one.",
                )
            )
        package = Package(
            task=task,
            version=version,
            content=content,
            specification=specification,
            digest=digest,
            signature=self._sign(task, version, content, specification),
            uploaded_at=format_time(utc_now()),
        )
        connection.execute(
            insert(tables.packages).values(
                tenant=caller.tenant,
                task=task,
                version=version,
                content=content,
                specification=specification,
                digest=package.digest,
                signature=package.signature,
                note=note,
                uploaded_by=caller.key_id,
                uploaded_at=package.uploaded_at,
            )
        )
        self._store.note(
            connection, caller.tenant, caller.key_id, "published",
            task=task, version=version, digest=package.digest,
        )  # fmt: skip
        return package

    def sign_again(self) -> int:
        """Sign with the present key what another one signed; returns how many versions that was."""
        columns = tables.packages.c
        place = (columns.tenant, columns.task, columns.version)
        with self._store.read() as connection:
            rows = connection.execute(select(*place, columns.signature)).all()
        old = [row for row in rows if Signature.parse(row.signature).key_id != self._key.id]
        for row in old:
            with self._store.write() as connection:
                package = self._select(connection, row.tenant, row.task, row.version)
                assert package is not None
                connection.execute(
                    update(tables.packages)
                    .where(*(one == row._mapping[one.name] for one in place))
                    .values(
                        signature=self._sign(
                            package.task, package.version, package.content, package.specification
                        )
                    )
                )
        return len(old)

    def get(self, tenant: str, task: str, version: int) -> Package:
        """One version. Raises NotFoundError, LoopaiError for one that is not what was published."""
        with self._store.read() as connection:
            package = self._select(connection, tenant, task, version)
        if package is None:
            raise NotFoundError(Problem(f"there is no {task} v{version} here."))
        if hashlib.sha256(package.content).hexdigest() != package.digest:
            raise LoopaiError(
                Problem(
                    f"{task} v{version} was damaged in the hub's database.",
                    remedy="Restore it from a backup, or publish a new version.",
                )
            )
        return package

    def versions(self, tenant: str, task: str) -> list[dict[str, Any]]:
        """A task's versions without their bytes, oldest first; empty for an unknown task."""
        columns = tables.packages.c
        with self._store.read() as connection:
            rows = connection.execute(
                select(
                    columns.version, columns.digest, columns.signature, columns.note,
                    columns.uploaded_at, func.length(columns.content).label("bytes"),
                )
                .where(columns.tenant == tenant, columns.task == task)
                .order_by(columns.version)
            )  # fmt: skip
            return [dict(row._mapping) for row in rows]

    def latest(self, tenant: str) -> dict[str, int]:
        """Every task's newest version."""
        columns = tables.packages.c
        with self._store.read() as connection:
            rows = connection.execute(
                select(columns.task, func.max(columns.version).label("version"))
                .where(columns.tenant == tenant)
                .group_by(columns.task)
            )
            return {row.task: row.version for row in rows}

    def _sign(self, task: str, version: int, content: bytes, specification: str) -> str:
        signed = signed_package(task, version, content, specification)
        return str(self._key.sign(signed, "artifact"))

    def _select(self, connection: Any, tenant: str, task: str, version: int) -> Package | None:
        columns = tables.packages.c
        row = connection.execute(
            select(tables.packages).where(
                columns.tenant == tenant, columns.task == task, columns.version == version
            )
        ).first()
        if row is None:
            return None
        return Package(
            row.task, row.version, row.content, row.specification, row.digest, row.signature,
            row.uploaded_at,
        )  # fmt: skip
