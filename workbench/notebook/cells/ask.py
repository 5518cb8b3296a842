"""`sql` and `chart` cells: questions to the log and the examples. They only read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from runtime.errors import InvalidInputError, Problem
from runtime.models import TaskSpecification
from workbench.notebook.cells.work import Place, Work
from workbench.notebook.output import MAX_ROWS, CellResult, plain, table_part

CHART_KINDS = ("bar", "line", "scatter", "histogram")
CHART_KEYS = ("kind", "x", "y", "color", "title", "sql")
#: More points than these are neither seen nor drawn quickly.
MAX_POINTS = 5000


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart cell draws; `x`, `y` and `color` name columns of the query."""

    kind: str
    sql: str
    x: str
    y: str | None = None
    color: str | None = None
    title: str | None = None


def check_sql(place: Place, task: TaskSpecification | None) -> int:
    """How many rows the cell shows at most."""
    if not place.block.body.strip():
        raise place.fail("holds no query.", remedy="Write one SELECT over executions or examples.")
    given = place.block.options.get("limit", "200")
    if not given.isascii() or not given.isdigit() or not 0 < int(given) <= MAX_ROWS:
        raise place.fail(f"limit={given} is no number from 1 to {MAX_ROWS}.")
    return int(given)


def run_sql(work: Work) -> CellResult:
    """The rows of the query."""
    limit = check_sql(work.place, None)
    columns, rows = _rows(work, work.block.body, limit + 1)
    more = len(rows) > limit
    part = table_part(columns, rows[:limit], len(rows) if not more else None)
    count = f"more than {limit}" if more else str(len(rows))
    return CellResult(f"{count} row{'s' * (len(rows) != 1)}", (part,))


def check_chart(place: Place, task: TaskSpecification | None) -> Chart:
    """The chart the cell describes."""
    document, data = place.mapping(CHART_KEYS)
    for key in data:
        if data[key] is not None and not isinstance(data[key], str):
            document.fail("must be text.", (key,))
    kind = data.get("kind", "bar")
    if kind not in CHART_KINDS:
        document.fail(
            f"there is no chart {kind!r}.", ("kind",), f"Kinds: {', '.join(CHART_KINDS)}."
        )
    needed = ["sql", "x"] if kind == "histogram" else ["sql", "x", "y"]
    for key in needed:
        if not data.get(key):
            document.fail(f"a {kind} chart needs {key!r}.", (), "Add it.")
    return Chart(**{**data, "kind": kind})


def run_chart(work: Work) -> CellResult:
    """The rows the chart is drawn from; each place it is shown draws it in its own way."""
    chart = check_chart(work.place, None)
    columns, rows = _rows(work, chart.sql, MAX_POINTS)
    for role in ("x", "y", "color"):
        wanted = getattr(chart, role)
        if wanted is not None and wanted not in columns:
            raise work.place.fail(
                f"the query has no column {wanted!r} for {role}.",
                remedy=f"Columns: {', '.join(columns)}.",
            )
    described = {key: value for key, value in asdict(chart).items() if key != "sql"}
    part = {"type": "chart", "chart": described, "columns": list(columns), "rows": rows}
    name = chart.title or f"{chart.y or 'count'} by {chart.x}"
    return CellResult(f"{name}: {len(rows)} points" if rows else f"{name}: no rows yet", (part,))


def _rows(work: Work, sql: str, limit: int) -> tuple[Sequence[str], list[list[Any]]]:
    from workbench.query import query

    try:
        answer = query(work.data_dir, sql, limit, guard=work.interruption.stopped_by)
    except InvalidInputError as error:
        work.interruption.check()
        raise InvalidInputError(
            [
                Problem(each.message, work.place.file, work.block.body_line, None, each.remedy)
                for each in error.problems
            ]
        ) from None
    return answer.columns, [[plain(value) for value in row] for row in answer.rows]
