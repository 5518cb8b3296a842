"""What a hub knows of itself, one text a name, for all processes on its database. Not backed up:
each start says it anew.
"""

from __future__ import annotations

import secrets

from sqlalchemy import select

from sync.hub import tables
from sync.hub.store import Store

#: With this, whatever process a client's transport comes to knows what another one negotiated.
CONNECTION_SECRET = "connection_secret"  # noqa: S105


def connection_secret(store: Store) -> bytes:
    """The same for every process on this database; made where there is none."""
    made = {"name": CONNECTION_SECRET, "value": secrets.token_hex(32)}
    with store.write() as connection:
        store.insert_new(connection, tables.facts, [made])
        column = tables.facts.c.value
        statement = select(column).where(tables.facts.c.name == CONNECTION_SECRET)
        return bytes.fromhex(connection.execute(statement).scalar_one())
