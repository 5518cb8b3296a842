"""Keys of the hub: whose they are (a tenant) and what they may do. Only digests are stored.

A key is shown once, `lh_<id>_<secret>` with 256 random bits; a plain SHA-256 of so many cannot be
guessed backwards, so checking costs no time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from sqlalchemy import insert, select, update

from runtime.clock import format_time, utc_now
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.slug import check_slug
from sync.hub import tables
from sync.hub.store import Store

#: edge: register, download, send telemetry. publish: upload. execute: run centrally.
#: read: look. admin: keys, tickets, improvement.
HubScope = Literal["edge", "publish", "execute", "read", "admin"]
HUB_SCOPES: tuple[HubScope, ...] = get_args(HubScope)
CONSOLE = "console"
#: A key that was revoked by another process is refused after so long.
SECONDS_KNOWN = 1.0
#: More than the clocks of two hub processes differ, and than one of them is ever late.
LATELY = timedelta(minutes=10)
MOST_KNOWN = 10_000
KEY = re.compile(r"lh_([0-9a-f]{12})_([A-Za-z0-9_-]{43})\Z")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a key of one tenant."""

    tenant: str
    key_id: str
    scopes: tuple[str, ...]


class HubKeys:
    """The keys in the hub's database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        #: Keys that were good when last asked for, by digest, and when (monotonic) that was.
        self._known: dict[str, tuple[Caller, float]] = {}

    def create(
        self, tenant: str, name: str, scopes: Iterable[str], actor: str = CONSOLE
    ) -> tuple[str, str]:
        """Make a key, and its tenant where that is new; returns its id and the key itself.

        Raises InvalidInputError for a tenant that is no slug or a scope that is none.
        """
        try:
            check_slug(tenant)
        except ValueError as error:
            raise InvalidInputError(Problem(f"the tenant's name {error}.")) from None
        chosen = [scope for scope in HUB_SCOPES if scope in set(scopes)]
        unknown = set(scopes) - set(chosen)
        if unknown or not chosen:
            raise InvalidInputError(
                Problem(
                    f"no such scope: {', '.join(sorted(unknown)) or 'none was given'}.",
                    remedy=f"There are: {', '.join(HUB_SCOPES)}.",
                )
            )
        identity, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        now = format_time(utc_now())
        with self._store.write() as connection:
            self._store.insert_new(
                connection, tables.tenants, [{"name": tenant, "created_at": now}]
            )
            connection.execute(
                insert(tables.keys).values(
                    id=identity,
                    tenant=tenant,
                    name=name,
                    scopes=chosen,
                    hash=_digest(secret),
                    created_at=now,
                )
            )
            self._store.note(connection, tenant, actor, "key created", id=identity, name=name)
        return identity, f"lh_{identity}_{secret}"

    def revoke(self, identity: str, tenant: str | None = None, actor: str = CONSOLE) -> None:
        """Refuse a key from now on, of any tenant or only of that one. Raises NotFoundError."""
        columns = tables.keys.c
        wanted = [columns.id == identity, columns.revoked_at.is_(None)]
        if tenant is not None:
            wanted.append(columns.tenant == tenant)
        with self._store.write() as connection:
            done = connection.execute(
                update(tables.keys)
                .where(*wanted)
                .values(revoked_at=format_time(utc_now()))
                .returning(columns.tenant)
            ).first()
            if done is None:
                raise NotFoundError(Problem(f"there is no usable key {identity!r}."))
            self._store.note(connection, done.tenant, actor, "key revoked", id=identity)
        self._known.clear()

    def listed(self, tenant: str | None = None) -> list[dict[str, object]]:
        """Keys without their digests, oldest first: all, or one tenant's."""
        wanted = [column for column in tables.keys.c if column.name != "hash"]
        statement = select(*wanted).order_by(tables.keys.c.created_at, tables.keys.c.id)
        if tenant is not None:
            statement = statement.where(tables.keys.c.tenant == tenant)
        with self._store.read() as connection:
            return [dict(row._mapping) for row in connection.execute(statement)]

    def revoked_lately(self) -> set[str]:
        """Ids of the keys revoked in the last minutes, by any process."""
        since = format_time(utc_now() - LATELY)
        with self._store.read() as connection:
            found = connection.execute(
                select(tables.keys.c.id).where(tables.keys.c.revoked_at >= since)
            )
            return set(found.scalars())

    def known(self, presented: str | None, seconds: float = SECONDS_KNOWN) -> Caller | None:
        """Whose key that is if it was found good so lately; never asks the database."""
        found = self._known.get(_digest(presented or ""))
        if found is None or time.monotonic() - found[1] > seconds:
            return None
        return found[0]

    def check(self, presented: str | None) -> Caller | None:
        """Whose key that is; None for a wrong or revoked one."""
        match = KEY.match(presented or "")
        if match is None or presented is None:
            return None
        with self._store.read() as connection:
            row = connection.execute(
                select(tables.keys).where(tables.keys.c.id == match.group(1))
            ).first()
        digest = _digest(presented)
        good = row is not None and hmac.compare_digest(_digest(match.group(2)), row.hash)
        if row is None or row.revoked_at is not None or not good:
            self._known.pop(digest, None)
            return None
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        caller = Caller(row.tenant, row.id, tuple(row.scopes))
        self._known[digest] = (caller, time.monotonic())
        return caller


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
