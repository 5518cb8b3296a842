"""The dashboard's full page, as the runtime asks for it: the report's cards, renewed while open.

Imports nothing heavy, since the HTTP workers load it; the data is made by `python -m
workbench.report`.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import urlencode

from workbench.report.plotly_script import plotly_file

HERE = Path(__file__).parent
DAYS = (1, 7, 30)
SCRIPT = "text/javascript"


def page_html(tasks: list[str], task: str, days: int) -> str:
    """The page without its data, which its script asks for."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(task)}: Loopai</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/dashboard/files/page.css">'
        '</head><body data-task="' + escape(task) + f'" data-days="{days}">'
        f"<header><h1>{escape(task)}</h1><p id=headline></p>"
        f"{_links(tasks, task, days)}</header>"
        '<main id="cards" aria-live="off"><section class="wide"><p class="empty">Reading the log '
        "…</p></section></main>"
        '<footer><p><span id="state"></span> <a class="quiet" href="/dashboard?plain">Plain '
        "page</a></p></footer>"
        '<script src="/dashboard/files/plotly.min.js"></script>'
        '<script src="/dashboard/files/page.js"></script>'
        '<script src="/dashboard/files/live.js"></script></body></html>'
    )


def page_files() -> dict[str, tuple[Path, str]]:
    """Each file with its media type. Raises ImportError where Plotly is not installed."""
    plotly = plotly_file()
    if not plotly.is_file():
        raise ImportError(f"{plotly} is not there")
    return {
        "plotly.min.js": (plotly, SCRIPT),
        "page.js": (HERE / "page.js", SCRIPT),
        "live.js": (HERE / "live.js", SCRIPT),
        "page.css": (HERE / "page.css", "text/css"),
    }


def data_command(task: str, days: int, root: str) -> tuple[str, ...]:
    """`python -m workbench.report` with its arguments."""
    return ("-m", "workbench.report", task, str(days), root)


def _links(tasks: list[str], task: str, days: int) -> str:
    def link(name: str, number: int, words: str, *, current: bool) -> str:
        query = escape(urlencode({"task": name, "days": number}))
        mark = ' aria-current="page"' if current else ""
        return f'<a href="/dashboard?{query}"{mark}>{escape(words)}</a>'

    by_task = [link(name, days, name, current=name == task) for name in tasks]
    by_days = [
        link(task, number, "today" if number == 1 else f"{number} days", current=number == days)
        for number in DAYS
    ]
    shown = by_task if len(by_task) > 1 else []
    return (
        f"<nav aria-label=Tasks>{''.join(shown)}</nav>" if shown else ""
    ) + f"<nav aria-label=Days>{''.join(by_days)}</nav>"
