"""A notebook with its outputs as one HTML page that needs no network, light or dark.

What stands in the notebook and in the data is shown, never run: raw HTML is text.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from importlib import resources
from itertools import pairwise

from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from workbench.notebook.dependencies import FILE
from workbench.notebook.document import PROSE, Block, Document
from workbench.notebook.figure import make_figure
from workbench.notebook.kinds import KINDS
from workbench.notebook.output import Part
from workbench.notebook.session import CellState
from workbench.notebook.text import MARKS, cell_text, problem_text

ROWS_SHOWN = 200
# Sanitised by what it leaves out: no raw HTML, and links only to http, https and mailto.
_prose = MarkdownIt("commonmark", {"html": False}).enable("table")


def export_page(document: Document, states: Mapping[int, CellState]) -> str:
    """The page. Charts bring Plotly along (about 4 MB); a notebook without one stays small."""
    body = [
        _cell(block, states.get(index)) if block.is_cell else _prose.render(block.source)
        for index, block in enumerate(document.blocks)
    ]
    outputs = [state.output for state in states.values() if state.output]
    charts = any(part["type"] == "chart" for output in outputs for part in output.parts)
    return _page(_title(document), "\n".join(body), _plotly() if charts else "")


def _page(title: str, body: str, scripts: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; "
        'img-src data: blob:">'
        f"<title>{html.escape(title)}</title><style>{_styles()}</style></head>"
        f"<body><main>{body}</main>{scripts}</body></html>\n"
    )


def _title(document: Document) -> str:
    for block in document.blocks:
        tokens = _prose.parse(block.source) if block.kind == PROSE else []
        for token, following in pairwise(tokens):
            if token.type == "heading_open":
                return following.content
    return document.file.name


def _cell(block: Block, state: CellState | None) -> str:
    output = state.output if state else None
    status = output.status if output else "none"
    stale = bool(state and output and state.freshness != "fresh")
    name = block.options.get("name")
    head = f"<b>{html.escape(block.kind)}</b>" + (f" {html.escape(name)}" if name else "")
    if output:
        told = html.escape(output.summary.split("\n")[0])
        head += f'<span class="{status}">{MARKS[output.status]} {told}</span>'
    head += "<em>stale</em>" if stale else ""
    language = "yaml" if block.body.startswith(FILE) else KINDS[block.kind].language
    source = _code(block.body, language) if block.body.strip() else ""
    parts = "".join(_part(part) for part in output.parts) if output else ""
    inner = f'<div class="output">{parts}</div>' if parts else ""
    classes = f"{status} stale" if stale else status
    return f'<section class="{classes}"><header>{head}</header>{source}{inner}</section>'


def _part(part: Part) -> str:
    kind = part["type"]
    if kind == "table":
        return _table(part)
    if kind == "source":
        lines = part["text"].count("\n") + 1
        name = "changes" if part["language"] == "diff" else "program"
        code = _code(part["text"], part["language"])
        return f"<details><summary>{name}, {lines:,} lines</summary>{code}</details>"
    if kind == "chart":
        figure = make_figure(part["chart"], part["columns"], part["rows"]).to_plotly_json()
        # Inside a script element only these two could end it or open another.
        data = json.dumps(figure, default=str).replace("<", "\\u003c").replace("&", "\\u0026")
        return f'<div class="chart"></div><script type="application/json">{data}</script>'
    if kind == "problem":
        return f'<p class="bad">{html.escape(problem_text(part))}</p>'
    return f'<p class="{part["style"]}">{html.escape(part["text"])}</p>'


def _table(part: Part) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in part["columns"])
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=number' if isinstance(value, int | float) else ''}>"
            f"{html.escape(cell_text(value))}</td>"
            for value in row
        )
        + "</tr>"
        for row in part["rows"][:ROWS_SHOWN]
    )
    hidden = max(part["total"] or 0, len(part["rows"])) - len(part["rows"][:ROWS_SHOWN])
    more = f"<p class=dim>and {hidden:,} more</p>" if hidden > 0 else ""
    return (
        f'<div class="table"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{more}"
    )


def _code(text: str, language: str) -> str:
    return str(highlight(text, get_lexer_by_name(language), HtmlFormatter(wrapcode=True)))


def _styles() -> str:
    own = resources.files("workbench.notebook").joinpath("page.css").read_text(encoding="utf-8")
    light = HtmlFormatter(style="friendly").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{own}"


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    own = resources.files("workbench.notebook").joinpath("page.js").read_text(encoding="utf-8")
    return f"<script>{get_plotlyjs()}</script><script>{own}</script>"
