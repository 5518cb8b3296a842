"""`loopai demo`: the whole job once, on real input, in a folder that is gone afterwards."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path
from types import FrameType

import click

from runtime.command_line import json_option, print_json
from runtime.data_dir import DataDir
from workbench.console import out

TASK = "spam-detection"
REQUESTS = 1000


@click.command("demo", help="The whole job once, in a fresh folder, in about a minute.")
@click.option("--task", default=TASK, show_default=True, help="The sample task to do it with.")
@click.option(
    "--requests",
    default=REQUESTS,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many real HTTP requests to send.",
)
@click.option("--keep", type=click.Path(path_type=Path), help="Work in FOLDER and leave it.")
@click.option("--picture", type=click.Path(path_type=Path), help="Also save the screen as SVG.")
@json_option
def command(
    task: str, requests: int, keep: Path | None, picture: Path | None, as_json: bool
) -> None:
    from workbench.demonstration import Demonstration

    signal.signal(signal.SIGTERM, _interrupt)
    out.record = picture is not None
    out.quiet = as_json
    with tempfile.TemporaryDirectory(prefix="loopai-demo-") as temporary:
        figures = Demonstration(DataDir(keep or temporary), task, requests).run()
        if keep is None:
            out.print(f"Nothing is left running; {temporary} is removed.", style="dim")
    if as_json:
        print_json(figures)
    if picture is not None:
        out.save_svg(str(picture), title="loopai demo")


def _interrupt(number: int, frame: FrameType | None) -> None:
    """A polite kill cleans up as Ctrl-C does."""
    raise KeyboardInterrupt
