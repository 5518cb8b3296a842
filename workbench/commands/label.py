"""`loopai label`: a person says of sampled executions whether the program was right."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import click
from rich.text import Text

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError, Problem
from runtime.steward.samples import Sample
from runtime.strict_json import canonical, parse_strictly
from runtime.validation.labelling import Labelling
from workbench.console import out

KEYS = "[a]ccept  [c]orrect  [s]kip  [u]ndo  [q]uit"
MOST_LISTED = 1000


@click.command("label", help="Say of sampled executions whether the program was right.")
@click.argument("task")
@click.option("--accept", "accepted", metavar="ID", multiple=True, help="The program was right.")
@click.option(
    "--correct",
    "corrected",
    metavar="ID JSON",
    multiple=True,
    nargs=2,
    help="What the output should have been.",
)
@click.option("--skip", "skipped", metavar="ID", multiple=True, help="Nobody can tell.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, MOST_LISTED))
@data_dir_option
@json_option
def command(
    task: str,
    accepted: tuple[str, ...],
    corrected: tuple[tuple[str, str], ...],
    skipped: tuple[str, ...],
    limit: int,
    data_dir: DataDir,
    as_json: bool,
) -> None:
    with Labelling(data_dir, task) as session:
        if accepted or corrected or skipped:
            outputs = [(name, _parsed(name, text)) for name, text in corrected]
            try:
                for name in accepted:
                    session.accept(name)
                for name, output in outputs:
                    session.correct(name, output)
                for name in skipped:
                    session.skip(name)
            except LoopaiError:
                while session.undo():
                    pass
                raise
            made = session.finish()
            _report(session, made, as_json)
        elif as_json:
            print_json(
                {
                    "task": task,
                    **session.counts(),
                    "samples": [_as_json(sample) for sample in session.waiting(limit)],
                }
            )
        elif not sys.stdin.isatty():
            _list(session, limit)
        else:
            cooked = termios.tcgetattr(sys.stdin.fileno())

            def by_key(handle: int) -> None:
                tty.setcbreak(handle, termios.TCSADRAIN)

            def by_line(handle: int) -> None:
                termios.tcsetattr(handle, termios.TCSADRAIN, cooked)

            with _terminal(by_key):
                _ask(session, lambda: _terminal(by_line))


def _report(session: Labelling, made: int, as_json: bool) -> None:
    counts = session.counts()
    if as_json:
        print_json({"task": session.task.name, "labelled": made, **counts})
    else:
        out.print(f"{made} labelled, {counts['waiting']} still wait.")


def _list(session: Labelling, limit: int) -> None:
    for sample in session.waiting(limit):
        out.print(
            f"{sample.execution_id}  {canonical(sample.input)[:80]}  ->  {_answer(sample)[:60]}",
            markup=False,
        )
    out.print(f"{session.counts()['waiting']} wait. Label them in a terminal, or with --accept.")


def _ask(session: Labelling, line_mode: Callable[[], AbstractContextManager[None]]) -> None:
    """Show one sample after the other until the queue is empty or the person stops."""
    shown: Sample | None = None
    try:
        while True:
            queue = [shown] if shown else session.waiting(1)
            if not queue:
                out.print(_nothing_left(session))
                break
            sample = queue[0]
            _show(session, sample)
            key = _read_key()
            shown = None
            try:
                if key == "a":
                    session.accept(sample.execution_id)
                elif key == "c":
                    with line_mode():
                        output = _ask_output(session)
                    session.correct(sample.execution_id, output)
                elif key == "s":
                    session.skip(sample.execution_id)
                elif key == "u":
                    shown = session.undo()
                    out.print("taken back" if shown else "nothing to take back", style="yellow")
                elif key in ("q", "\x03", "\x04"):
                    break
                else:
                    shown = sample
            except (LoopaiError, click.Abort) as error:
                out.print(str(error) or "not changed", style="red", markup=False)
                shown = sample
    finally:
        # Also after Ctrl-C: what was said was meant.
        made = session.finish()
    if made:
        _report(session, made, as_json=False)


def _read_key() -> str:
    """One key, without Return; what was typed ahead counts. "q" at the end of input."""
    return os.read(sys.stdin.fileno(), 1).decode("ascii", "replace").lower() or "q"


@contextmanager
def _terminal(set_mode: Any) -> Iterator[None]:
    """Another mode of the terminal for as long as the block lasts."""
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    set_mode(handle)
    try:
        yield
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _show(session: Labelling, sample: Sample) -> None:
    left = session.counts()["waiting"] - session.labelled
    out.print()
    sure = "" if sample.confidence is None else f", {sample.confidence:.0%} sure"
    out.rule(
        Text(f"v{sample.program_version}{sure}  {sample.executed_at[:19]}  {left} wait"),
        style="dim",
        align="left",
    )
    for name, value in sample.input.items() if isinstance(sample.input, dict) else [("", {})]:
        text = value if isinstance(value, str) else canonical(value)
        out.print(Text.assemble((f"  {name}: ", "bold"), text))
    style = "cyan" if sample.status == "success" else "red"
    out.print(Text.assemble(("  answer: ", "bold"), (_answer(sample), style)))
    out.print(Text(f"  {KEYS}", style="dim"))


def _ask_output(session: Labelling) -> Any:
    """What the person says the output is: a number of the list, a text, or JSON."""
    schema = session.task.output_schema
    choices = schema.get("enum")
    if isinstance(choices, list) and len(choices) <= 30:
        for number, choice in enumerate(choices, start=1):
            out.print(f"  {number}  {canonical(choice)}", markup=False)
        answer = click.prompt("  which", prompt_suffix="? ").strip()
        if answer.isdecimal() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1]
        return answer if answer in choices else _parsed("output", answer)
    text = click.prompt("  output" + ("" if schema.get("type") == "string" else " (JSON)"))
    return text if schema.get("type") == "string" else _parsed("output", text)


def _parsed(what: str, text: str) -> Any:
    try:
        return parse_strictly(text)
    except ValueError as error:
        raise InvalidInputError(
            Problem(f"{what}: {error}.", remedy="""Write JSON, such as '"spam"' or '{"a": 1}'.""")
        ) from None


def _answer(sample: Sample) -> str:
    if sample.status == "success":
        return canonical(sample.output)
    return f"({sample.status}) {canonical(sample.error) if sample.error else ''}"


def _nothing_left(session: Labelling) -> str:
    if session.labelled:
        return "Nothing more waits."
    return (
        f"Nothing waits to be labelled. Executions of {session.task.name} are sampled while the "
        "steward runs, see: loopai status"
    )


def _as_json(sample: Sample) -> dict[str, Any]:
    return {
        name: getattr(sample, name)
        for name in (
            "execution_id",
            "input",
            "output",
            "error",
            "status",
            "confidence",
            "program_version",
            "executed_at",
            "strategy",
            "inclusion_probability",
        )
    }
