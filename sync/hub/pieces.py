"""The hub's telemetry cut into pieces that can be read apart, each by whoever reaches the database.

A piece is a range of the primary key, so it holds the same rows whoever reads it, and no copy of
anybody's input is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from sqlalchemy import ColumnElement, Table, func, select

from sync.hub import tables
from sync.hub.store import Store

Kind = Literal["judged", "executed"]
ROWS_A_PIECE = 50_000
ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one table with a key after `after` and up to `last`; `rows` as counted when it was
    cut. `url` is the database's, and may hold its password: it is never shown."""

    number: int
    url: str = field(repr=False)
    kind: Kind
    tenant: str
    tasks: tuple[str, ...]
    since: str
    after: str
    last: str
    rows: int

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.kind} executions of {self.tenant}, up to {self.last}"

    @property
    def mark(self) -> str:
        """Another one where the rows are others: they are only ever added."""
        said = repr((self.kind, self.tenant, self.tasks, self.since, self.after, self.last))
        return hashlib.blake2b(f"{said} {self.rows}".encode(), digest_size=8).hexdigest()


def plan_pieces(
    store: Store,
    url: str,
    tenant: str,
    tasks: Sequence[str] = (),
    since: str = "",
    size: int = ROWS_A_PIECE,
) -> list[Piece]:
    """All that boxes told of a tenant's tasks (all of them by default) since a time, RFC 3339."""
    found: list[Piece] = []
    kinds: tuple[Kind, ...] = ("judged", "executed")
    for kind in kinds:
        whole = Piece(0, url, kind, tenant, tuple(tasks), since, "", "", 0)
        table, key = _table(kind)
        numbered = (
            select(key.label("key"), func.row_number().over(order_by=key).label("place"))
            .where(*_wanted(table, whole))
            .subquery()
        )
        with store.read() as connection:
            count, last = connection.execute(
                select(func.count(), func.max(numbered.c.key)).select_from(numbered)
            ).one()
            ends = connection.execute(
                select(numbered.c.key).where(numbered.c.place % size == 0).order_by(numbered.c.key)
            )
            bounds = ["", *(end for (end,) in ends)]
        if count % size:
            bounds.append(last)
        for place, (after, upto) in enumerate(pairwise(bounds)):
            rows = min(size, count - place * size)
            found.append(
                Piece(len(found), url, kind, tenant, tuple(tasks), since, after, upto, rows)
            )
    return found


def read_piece(store: Store, piece: Piece) -> Iterator[Any]:
    """The rows of a piece as the database has them, in flat memory."""
    table, key = _table(piece.kind)
    wanted = select(table).where(*_wanted(table, piece), key > piece.after, key <= piece.last)
    with store.read() as connection:
        yield from connection.execution_options(yield_per=ROWS_AT_ONCE).execute(
            wanted.order_by(key)
        )


def _table(kind: Kind) -> tuple[Table, ColumnElement[str]]:
    if kind == "judged":
        return tables.validations, tables.validations.c.id
    return tables.executions, tables.executions.c.execution_id


def _wanted(table: Table, piece: Piece) -> list[ColumnElement[bool]]:
    conditions = [table.c.tenant == piece.tenant, table.c.at >= piece.since]
    if piece.tasks:
        conditions.append(table.c.task.in_(piece.tasks))
    return conditions
