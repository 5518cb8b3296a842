"""Keys of the hub: whose they are (a tenant) and what they may do. Only digests are stored.

A key is shown once, `lh_<id>_<secret>` with 256 random bits; a plain SHA-256 of so many cannot be
guessed backwards, so checking costs no time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
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

    def create(self, tenant: str, name: str, scopes: Iterable[str]) -> tuple[str, str]:
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
            self._store.note(connection, tenant, "console", "key created", id=identity, name=name)
        return identity, f"lh_{identity}_{secret}"

    def revoke(self, identity: str) -> None:
        """Refuse a key from now on. Raises NotFoundError."""
        with self._store.write() as connection:
            done = connection.execute(
                update(tables.keys)
                .where(tables.keys.c.id == identity, tables.keys.c.revoked_at.is_(None))
                .values(revoked_at=format_time(utc_now()))
                .returning(tables.keys.c.tenant)
            ).first()
            if done is None:
                raise NotFoundError(Problem(f"there is no usable key {identity!r}."))
            self._store.note(connection, done.tenant, "console", "key revoked", id=identity)

    def listed(self) -> list[dict[str, object]]:
        """All keys without their digests, oldest first."""
        wanted = [column for column in tables.keys.c if column.name != "hash"]
        with self._store.read() as connection:
            rows = connection.execute(select(*wanted).order_by(tables.keys.c.created_at))
            return [dict(row._mapping) for row in rows]

    def check(self, presented: str | None) -> Caller | None:
        """Whose key that is; None for a wrong or revoked one."""
        match = KEY.match(presented or "")
        if match is None:
            return None
        with self._store.read() as connection:
            row = connection.execute(
                select(tables.keys).where(tables.keys.c.id == match.group(1))
            ).first()
        if row is None or row.revoked_at is not None:
            return None
        if not hmac.compare_digest(_digest(match.group(2)), row.hash):
            return None
        return Caller(row.tenant, row.id, tuple(row.scopes))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
