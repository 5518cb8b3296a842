"""`loopai hub improvement`: what the improvement engine does, and a hand on its brake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runtime.command_line import EXIT_NO, json_option, print_json
from runtime.errors import InvalidInputError, Problem
from sync.hub.options import database_option, folder_option

if TYPE_CHECKING:
    from sync.hub.improvement.ledger import Ledger
    from sync.hub.store import Store

ACTOR = "console"
_tenant = click.option("--tenant", required=True, help="Whose tasks.")


@click.group("improvement", help="Better versions from what boxes tell of failures.")
def command() -> None:
    pass


@command.command("status", help="What it does for each task, and why not more.")
@click.option("--tenant", help="Only this tenant's.")
@folder_option
@database_option
@json_option
def status(tenant: str | None, folder: Path, database: str | None, as_json: bool) -> None:
    from sync.hub.improvement.shown import shown_task, shown_tenant

    with _ledger(folder, database) as (ledger, _):
        owners = sorted({owner for owner, _ in ledger.tasks() if tenant in (None, owner)})
        shown = {}
        for owner in owners:
            shown[owner] = shown_tenant(ledger, owner)
            shown[owner]["tasks"] = [
                shown_task(ledger, owner, one["task"]) for one in shown[owner]["tasks"]
            ]
    if as_json:
        print_json(shown)
        return
    if not shown:
        click.echo("No task is published yet: loopai hub publish TASK VERSION")
    for owner, state in shown.items():
        click.echo(f"{owner}{' (paused)' if state['paused'] else ''}")
        for one in state["tasks"]:
            _print_task(one)


@command.command("pause", help="Try nothing more for a task, or for all of the tenant's.")
@click.argument("task", required=False)
@_tenant
@folder_option
@database_option
def pause(task: str | None, tenant: str, folder: Path, database: str | None) -> None:
    with _ledger(folder, database) as (ledger, _):
        ledger.pause(tenant, task, ACTOR, paused=True)
    click.echo(f"Paused: {task or 'all tasks of ' + tenant}.")


@command.command("resume", help="Go on after a pause.")
@click.argument("task", required=False)
@_tenant
@folder_option
@database_option
def resume(task: str | None, tenant: str, folder: Path, database: str | None) -> None:
    with _ledger(folder, database) as (ledger, _):
        ledger.pause(tenant, task, ACTOR, paused=False)
    click.echo(f"It goes on: {task or 'all tasks of ' + tenant}.")


@command.command("run", help="Try now, whatever the figures say; exit code 1: nothing published.")
@click.argument("task")
@_tenant
@folder_option
@database_option
@json_option
def run(task: str, tenant: str, folder: Path, database: str | None, as_json: bool) -> int:
    from sync.hub.improvement.engine import Engine
    from sync.hub.improvement.improver import load_improver
    from sync.hub.improvement.process import alone

    improver = load_improver(improver_reference())
    with _ledger(folder, database) as (ledger, opened), alone(folder) as mine:
        ledger.check_task(tenant, task)
        if not mine:
            ledger.want(tenant, task, ACTOR)
            reason = "the running hub has the work and takes it up within a second"
            published = None
        else:
            ledger.end_cut_off()
            engine = Engine(folder, *opened, improver)
            reason = engine.look(tenant, task, lambda said: click.echo(said, err=True), forced=True)
            last = ledger.runs(tenant, task)[:1]
            published = last[0]["made_version"] if last and reason.startswith("v") else None
    if as_json:
        print_json({"task": task, "outcome": reason, "published": published})
    else:
        click.echo(f"{task}: {reason}.")
    return 0 if published else EXIT_NO


@command.command("set", help="Change when it tries and what it takes to publish.")
@_tenant
@click.option("--failure-rate", type=float, help="Above which a task fails too often.")
@click.option("--min-validated", type=int, help="Validated executions before anything is said.")
@click.option("--min-failures", type=int, help="New failing inputs that make a try worth it.")
@click.option("--tries", type=int, help="Unsuccessful tries before a ticket.")
@click.option("--max-chance", type=float, help="How likely luck may show such a gain.")
@click.option("--may-lose", type=float, help="Share of the inputs that worked that may be lost.")
@click.option("--strategy", "strategies", multiple=True, help="Only this one makes versions.")
@folder_option
@database_option
@json_option
def set_(tenant: str, folder: Path, database: str | None, as_json: bool, **given: Any) -> None:
    import pydantic

    from sync.hub.improvement.settings import ImprovementSettings

    changes = {name: value for name, value in given.items() if value not in (None, ())}
    with _ledger(folder, database) as (ledger, _):
        before = ledger.settings(tenant)[0]
        try:
            settings = ImprovementSettings.model_validate({**before.model_dump(), **changes})
        except pydantic.ValidationError as error:
            raise InvalidInputError(
                [
                    Problem(f"{one['msg']}.", field="--" + str(one["loc"][0]).replace("_", "-"))
                    for one in error.errors()
                ]
            ) from None
        if changes:
            ledger.set_settings(tenant, ACTOR, settings)
    shown = settings.model_dump(mode="json")
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        click.echo(f"{name}: {value}")


def improver_reference() -> str:
    """Who makes programs here, as whoever put these commands together said."""
    reference = click.get_current_context().obj
    if not isinstance(reference, str):
        raise InvalidInputError(
            Problem(
                "nothing is installed here that makes programs.",
                remedy="Install the workbench: pip install 'loopai-workbench[all]'.",
            )
        )
    return reference


@contextmanager
def _ledger(folder: Path, database: str | None) -> Iterator[tuple[Ledger, tuple[Store, Any]]]:
    from sync.hub.app import open_hub
    from sync.hub.improvement.ledger import Ledger

    store, key = open_hub(folder, database)
    try:
        yield Ledger(store), (store, key)
    finally:
        store.close()


def _print_task(one: dict[str, Any]) -> None:
    state = "paused" if one["paused"] else one["state"]
    click.echo(f"  {one['task']} v{one['version']}  {state}: {one['reason']}")
    for run in one["runs"][:5]:
        made = f" v{run['made_version']}" if run["made_version"] else ""
        short = "; ".join(run["report"].get("shortcomings", []))
        why = f": {short}" if short else ""
        click.echo(
            f"    {run['started_at'][:19]}  try {run['attempt']} at v{run['version']}:"
            f" {run['outcome']}{made}{why}"
        )
        for sentence in run["hypothesis"][:3]:
            click.echo(f"      {sentence}")
