"""Reads a CSV or TSV file as rows of JSON values: what is written in a cell stays as written,
unless the whole column is numbers, or true and false."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from runtime.errors import InvalidInputError, Problem

MAX_ROWS = 1_000_000
#: All rows are looked at before a column's type is settled. No dates: callers send them as the
#: file has them. No truth values: to DuckDB "yes" and "T" are true.
QUERY = (
    "FROM read_csv(?, sample_size = -1, header = true, "
    "auto_type_candidates = ['BIGINT', 'DOUBLE', 'VARCHAR']{more})"
)
DECIMAL_COMMA = ", decimal_separator = ',', thousands = '.'"
#: Three digits after a comma may also be thousands.
THOUSAND = re.compile(r",\d{3}\s*\Z")
TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of `{column: value}`, None for an empty cell, and what was made of the columns."""

    rows: list[Mapping[str, Any]]
    #: Columns written with a decimal comma, which are numbers now.
    decimal_commas: tuple[str, ...] = ()


def read_table(file: Path) -> Table:
    """The first million rows. Raises InvalidInputError with the line, where one is at fault."""
    try:
        with duckdb.connect(":memory:") as connection:
            names, kinds, columns = _columns(connection, file, "")
            commas = []
            if "VARCHAR" in kinds and _separator(connection, file) != ",":
                _, others, read_so = _columns(connection, file, DECIMAL_COMMA)
                commas = _decimal_commas(kinds, others, columns)
                for number, kind in enumerate(kinds):
                    # Where commas are decimal, a point stands between thousands.
                    if number in commas or (commas and kind == "DOUBLE"):
                        columns[number] = read_so[number]
    except duckdb.Error as error:
        raise InvalidInputError(_unreadable(file, str(error))) from None
    cells = zip(*map(_truth, columns), strict=True)
    rows: list[Mapping[str, Any]] = [dict(zip(names, row, strict=True)) for row in cells]
    return Table(rows, tuple(names[number] for number in commas))


def _columns(
    connection: duckdb.DuckDBPyConnection, file: Path, more: str
) -> tuple[list[str], list[str], list[tuple[Any, ...]]]:
    """Names, types and values of the columns."""
    cursor = connection.execute(QUERY.format(more=more), [str(file)])
    described = cursor.description or []
    rows = cursor.fetchmany(MAX_ROWS)
    columns = list(zip(*rows, strict=True)) or [() for _ in described]
    return [each[0] for each in described], [str(each[1]) for each in described], columns


def _decimal_commas(
    kinds: Sequence[str], others: Sequence[str], columns: Sequence[tuple[Any, ...]]
) -> list[int]:
    """Which columns have decimal commas; none where that is not sure, as 1,234 may be either."""
    pairs = list(zip(kinds, others, strict=True))
    found = [number for number, pair in enumerate(pairs) if pair == ("VARCHAR", "DOUBLE")]
    cells = (cell for number in found for cell in columns[number] if cell is not None)
    sure = any("," in cell and not THOUSAND.search(cell) for cell in cells)
    return found if sure and ("DOUBLE", "VARCHAR") not in pairs else []


def _separator(connection: duckdb.DuckDBPyConnection, file: Path) -> str:
    found = connection.execute("SELECT Delimiter FROM sniff_csv(?)", [str(file)]).fetchone()
    return str(found[0]) if found else ","


def _truth(column: tuple[Any, ...]) -> tuple[Any, ...]:
    """The column with true and false as such, if it holds nothing else."""
    words = {value.lower() if isinstance(value, str) else value for value in column} - {None}
    if not words or not words <= TRUTH.keys():
        return column
    return tuple(None if value is None else TRUTH[value.lower()] for value in column)


def _unreadable(file: Path, error: str) -> Problem:
    """What DuckDB says of a file, without its settings and the line itself."""
    first, *others = error.split("\n")
    line = re.search(r"CSV Error on Line: (\d+)", first)
    said = [text for text in others if text and not text.startswith("Original Line")]
    reason = said[0].strip()[:200] if line and said else first
    return Problem(
        f"is no table that can be read: {reason}",
        file,
        int(line[1]) if line else None,
        remedy="Save it as CSV, UTF-8, with lines below 2 MB.",
    )
