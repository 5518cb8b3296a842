"""`loopai report`: a task's last days as one HTML page that needs no network."""

from __future__ import annotations

from pathlib import Path

import click

from runtime.clock import utc_now
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir, write_atomic
from workbench.commands.progress import Progress
from workbench.console import out


@click.command("report", help="One self-contained HTML page with pictures of a task's last days.")
@click.argument("task")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write (default: TASK-report-DATE.html here).",
)
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 366))
@data_dir_option
@json_option
def command(task: str, output: Path | None, days: int, data_dir: DataDir, as_json: bool) -> None:
    from workbench.report.facts import gather
    from workbench.report.page import report_html
    from workbench.report.plotly_script import plotly_js

    with Progress() as progress:
        progress.say("report", f"reading the last {days} days of {task}")
        facts = gather(data_dir, task, days)
        progress.say("report", "drawing")
        html = report_html(facts, plotly_js())
    file = output or Path(f"{task}-report-{utc_now().date().isoformat()}.html")
    write_atomic(file, html)
    if as_json:
        size = len(html.encode())
        print_json({"task": task, "file": str(file.absolute()), "bytes": size, "days": days})
    else:
        out.print(f"Wrote {file} ({len(html) / 1e6:.1f} MB). Open it in a browser.", markup=False)
