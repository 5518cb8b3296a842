"""The executions on PostgreSQL in parts by time, so that old ones go by dropping a part of the
table and not row by row. On SQLite there are none.

A part holds a month, or a day where few days are kept. It is made when its first row comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, func, select, text

from sync.hub import tables

TABLE = tables.executions.name
#: What is older than any hub: boxes whose clock was never set.
BEFORE, FIRST_YEAR = f"{TABLE}_before", 2020
#: A table of more parts than some hundred is slow to ask, and takes many locks.
MOST_DAYS_BY_DAY = 100
#: Any number: processes that make or drop parts at once go one after the other.
LOCK = 0x10_0A_11


def make_parts(connection: Connection, days: Iterable[int], *, by_day: bool) -> None:
    """Have a part for every day, within a transaction of the caller's that has written nothing to
    this table yet; `by_day`: parts of a day."""
    connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    there = parts_of(connection)
    for day in sorted(days):
        new = missing_part(day, there, by_day=by_day)
        if new is None:
            continue
        name, first, end = new
        # Attached, and not made as a part: that would keep all others from writing meanwhile.
        connection.execute(text(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING DEFAULTS)"))
        connection.execute(
            text(
                f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})"
            )
        )
        there.add(name)


def make_first_part(connection: Connection) -> None:
    """Once for a new table."""
    connection.execute(
        text(
            f"CREATE TABLE {BEFORE} PARTITION OF {TABLE}"
            f" FOR VALUES FROM (MINVALUE) TO ({FIRST_YEAR * 10_000})"
        )
    )


def missing_part(day: int, there: Collection[str], *, by_day: bool) -> tuple[str, int, int] | None:
    """The name of the part to be made for a day, its first day and the one after its last.

    None where a part holds it. A month of which some days have parts goes on by days.
    """
    month = day // 100
    of_month, of_day = f"{TABLE}_{month}", f"{TABLE}_{day}"
    if day // 10_000 < FIRST_YEAR or of_month in there or of_day in there:
        return None
    if by_day or any(name.startswith(of_month) for name in there):
        return of_day, day, day + 1
    return of_month, month * 100, month * 100 + 100


def old_parts(there: Iterable[str], oldest: int) -> list[str]:
    """Those of which every day is before `oldest`."""
    found = []
    for name in sorted(set(there) - {BEFORE}):
        digits = name.rpartition("_")[2]
        last = int(digits) if len(digits) > len("202601") else int(digits) * 100 + 99
        if last < oldest:
            found.append(name)
    return found


def parts_of(connection: Connection) -> set[str]:
    """The names of the parts that there are."""
    found = connection.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = :name ::regclass"),
        {"name": TABLE},
    )
    return set(found.scalars())
