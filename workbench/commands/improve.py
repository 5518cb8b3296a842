"""`loopai improve`: learn from what was confirmed to be wrong, and offer the better version."""

from __future__ import annotations

import sys

import click

from runtime.command_line import EXIT_NO, data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, Problem
from runtime.models import TaskSpecification
from runtime.strict_json import canonical
from runtime.validation.cases import Case
from workbench.commands.synthesize import make_version
from workbench.console import out, percent
from workbench.improve.improving import Improvement, Situation, improve, look
from workbench.improve.journal import ImproveJournal
from workbench.improve.promotion import Promotion, promote, rollout_under_way

SHOWN = 5


@click.command("improve", help="Learn from confirmed failures and offer a better version.")
@click.argument("task", required=False)
@click.option("--strategy", "strategies", multiple=True, metavar="NAME", help="Only this strategy.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same program.")
@click.option(
    "--promote",
    "how",
    type=click.Choice(["staged", "now", "no"]),
    help="What to do with a version that wins more than it loses (default: ask in a terminal).",
)
@click.option("--dry-run", is_flag=True, help="Only say what fails and what it has in common.")
@click.option("--watch", "watching", is_flag=True, help="Go on until stopped, over all tasks.")
@data_dir_option
@json_option
def command(
    task: str | None,
    strategies: tuple[str, ...],
    seed: int,
    how: Promotion | None,
    dry_run: bool,
    watching: bool,
    data_dir: DataDir,
    as_json: bool,
) -> int:
    if watching:
        from workbench.improve.__main__ import watch

        watch(data_dir, task)
        return 0
    if task is None:
        raise InvalidInputError(
            Problem("which task?", remedy="Name it, or watch all of them with --watch.")
        )
    if how == "staged" and rollout_under_way(data_dir, task):
        raise InvalidInputError(
            Problem(
                f"a rollout of {task} is under way, and there is one at a time.",
                remedy=f"Wait for it, or end it: loopai rollout abort {task}",
            )
        )
    situation = look(data_dir, task)
    if not as_json:
        print_situation(situation)
    if dry_run:
        if as_json:
            print_json(situation.as_json())
        return 0

    def synthesize(specification: TaskSpecification) -> int:
        return make_version(data_dir, specification, strategies, seed)[1]

    with ImproveJournal(data_dir) as journal:
        made = improve(data_dir, situation, synthesize, journal)
    if not as_json:
        print_improvement(made)
    chosen: Promotion = "no"
    if made.worth_it:
        chosen = how or _ask(made, as_json)
        promote(data_dir, made, chosen)
    if as_json:
        print_json({**made.as_json(), "promotion": chosen})
    else:
        _print_promotion(made, chosen)
    return 0 if made.worth_it else EXIT_NO


def print_situation(situation: Situation) -> None:
    """What fails, for a person."""
    name, failures = situation.task.name, len(situation.failures)
    total = failures + len(situation.successes)
    out.print(
        f"{name} v{situation.active} is wrong on {failures} of {total} validated inputs.",
        markup=False,
    )
    if situation.mistakes:
        mixed = "; ".join(
            f"{count} x {got} for {right}" for got, right, count in situation.mistakes
        )
        out.print(f"  answered {mixed}"[:200], markup=False)
    for pattern in situation.patterns:
        out.print(f"  {pattern}", markup=False)
    if failures and not situation.patterns:
        out.print("  They have nothing in common that successes have not.", style="dim")
    for each in situation.contradictions[:SHOWN]:
        claims = " but ".join(f"{canonical(output)} ({by})" for by, output in each.claims)
        out.print(
            f"  contradiction, left out: {_short(each.input)}: {claims}",
            markup=False,
            style="yellow",
        )
    more = len(situation.contradictions) - SHOWN
    if more > 0:
        out.print(f"  and {more} more contradictions", style="yellow")


def print_improvement(made: Improvement) -> None:
    """What the new version wins and loses."""
    gain, before = made.gain, made.situation.active
    out.print()
    out.print(f"{made.added} failures became examples; v{made.version} was made from all of them.")
    out.print(
        f"On {gain.cases} validated inputs neither has learned from: v{before} is right on "
        f"{gain.before}, v{made.version} on {gain.after}."
    )
    out.print(
        f"It wins {len(gain.won)} and loses {len(gain.lost)}: {gain.verdict} "
        f"(McNemar's exact test, p = {gain.p_value:.3g}).",
        style="green" if made.worth_it else "yellow",
    )
    for sign, cases in (("+", gain.won), ("-", gain.lost)):
        for case in cases[:SHOWN]:
            out.print(f"  {sign} {_line(case)}", markup=False)
    first, second = made.accuracy
    out.print(
        f"On unseen examples, each at its time: v{before} {percent(first)}, "
        f"v{made.version} {percent(second)}.",
        style="dim",
    )


def _ask(made: Improvement, as_json: bool) -> Promotion:
    if as_json or not sys.stdin.isatty():
        return "no"
    answer: Promotion = click.prompt(
        f"Promote v{made.version}",
        type=click.Choice(["staged", "now", "no"]),
        default="staged",
    )
    return answer


def _print_promotion(made: Improvement, chosen: Promotion) -> None:
    name, version = made.situation.task.name, made.version
    if chosen == "staged":
        out.print(f"The staged promotion begins. Follow it with: loopai rollout status {name}")
    elif chosen == "now":
        out.print(f"{name} now serves v{version}.")
    elif made.worth_it:
        out.print(f"Promote it with: loopai promote {name} v{version} --staged")
    else:
        out.print(f"v{version} is kept but not offered. See: loopai versions {name}")


def _line(case: Case) -> str:
    return f"{_short(case.input)} -> {canonical(case.expected)[:60]}"


def _short(value: object) -> str:
    text = canonical(value)
    return text if len(text) <= 90 else text[:87] + "..."
