"""Options of commands that spread parts of work over an engine, and how far they are."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runtime.data_dir import DataDir
from runtime.encryption.keys import SealError, keyring_of
from runtime.errors import InvalidInputError, Problem
from workbench.replay.engines import Work, choose_engine

if TYPE_CHECKING:
    from workbench.replay.replaying import Step

MEGABYTE = 1_000_000

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True
    ),
    click.option(
        "--scheduler", metavar="ADDRESS", help="Of Dask; default: one started for the while."
    ),
    click.option("--workers", type=click.IntRange(min=1), help="Default: one a processor."),
    click.option(
        "--part-mb",
        type=click.FloatRange(min=0.001),
        default=16,
        show_default=True,
        help="How much of a file one part of the work is.",
    ),
    click.option(
        "--output",
        metavar="FOLDER",
        help="Write results as Parquet there (a URL too); a run that was cut off goes on.",
    ),
)

in_the_clear_option = click.option(
    "--in-the-clear",
    is_flag=True,
    help="Write --output although the data directory is encrypted and Parquet is not.",
)


@dataclass(frozen=True, slots=True)
class Spread:
    """What the options say: where parts are worked on, how large they are, where results go."""

    engine_name: str
    scheduler: str | None
    workers: int | None
    part_bytes: int
    output: str | None

    def engine(self) -> Callable[[Work, Sequence[Any]], Iterator[Any]]:
        return choose_engine(self.engine_name, self.workers, self.scheduler)


def engine_options(command: F) -> F:
    """Add the options, given to the command as `spread: Spread`."""

    @functools.wraps(command)
    def wrapped(
        engine: str,
        scheduler: str | None,
        workers: int | None,
        part_mb: float,
        output: str | None,
        **given: Any,
    ) -> Any:
        if scheduler is not None and engine != "dask":
            raise InvalidInputError("--scheduler belongs to --engine dask.")
        if output is not None:
            # Read late: it takes longer to load than all the rest, and is not always needed.
            from workbench.replay.replaying import check_output

            check_output(output)
        spread = Spread(engine, scheduler, workers, int(part_mb * MEGABYTE), output)
        return command(spread=spread, **given)

    made: Any = wrapped
    for option in reversed(_OPTIONS):
        made = option(made)
    return made  # type: ignore[no-any-return]


def check_in_the_clear(data_dir: DataDir, output: str | None, agreed: bool) -> None:
    """Raises InvalidInputError where results would lie unencrypted beside what is encrypted, and
    nobody agreed to that."""
    if output is None or agreed:
        return
    try:
        sealed = keyring_of(data_dir.root, look=True).current is not None
    except SealError:  # a key that cannot be had: encrypted all the same
        sealed = True
    if sealed:
        raise InvalidInputError(
            Problem(
                "would hold inputs and answers in the clear, and this data directory is encrypted.",
                output,
                field="--output",
                remedy="Without --output nothing is written. Agree with --in-the-clear.",
            )
        )


class PartsBar:
    """Parts and rows done so far, on standard error of a terminal."""

    def __init__(self, doing: str, parts: int) -> None:
        # Read late: a hub, whose commands are here too, is installed without it.
        from rich import progress

        from workbench.console import progress as console

        self._bar = progress.Progress(
            progress.TextColumn(doing),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("parts, {task.fields[rows]:,} rows"),
            progress.TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=parts, rows=0)

    def __enter__(self) -> PartsBar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, step: Step) -> None:
        self._bar.update(self._task, completed=step.done, rows=step.rows)
