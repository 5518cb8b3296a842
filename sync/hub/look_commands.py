"""`loopai hub deployments|versions|figures|tickets|audit`: what a platform team wants to see of a
hub, asked over HTTP with a key of its tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from runtime.command_line import json_option, print_json
from runtime.data_dir import DataDir
from sync.hub.options import asked_hub

if TYPE_CHECKING:
    from sync.hub_client import HubClient


@click.command("deployments", help="The boxes, and which version of which task each runs.")
@json_option
@asked_hub
def deployments(as_json: bool, hub: HubClient, data_dir: DataDir) -> int:
    found = hub.look("/api/v1/deployments")["deployments"]
    latest = hub.look("/api/v1/artifacts")["tasks"]
    if as_json:
        print_json({"deployments": found, "latest": latest})
    elif not found:
        click.echo("No box has registered yet.")
    for box in () if as_json else found:
        runs = ", ".join(_running(task, now, latest) for task, now in sorted(box["tasks"].items()))
        state = "alive" if box["alive"] else f"silent since {_short(box['seen_at'])}"
        click.echo(f"{box['id']}  {box['mode']}  {state}  {runs or 'runs nothing'}")
    return 0 if all(box["alive"] for box in found) else 1


@click.command("versions", help="A task's published versions, and how many boxes run each.")
@click.argument("task")
@json_option
@asked_hub
def versions(task: str, as_json: bool, hub: HubClient, data_dir: DataDir) -> None:
    found = hub.look(f"/api/v1/artifacts/{task}/versions")["versions"]
    boxes = hub.look("/api/v1/deployments")["deployments"]
    for one in found:
        running = [box["id"] for box in boxes if box["tasks"].get(task) == one["version"]]
        one["deployments"] = running
    if as_json:
        print_json({"task": task, "versions": found})
        return
    if not found:
        click.echo(f"No version of {task} is published here.")
    for one in found:
        told = f"v{one['version']}  {_short(one['uploaded_at'])}  {one['bytes']:,} bytes"
        boxes_now = f"runs on {len(one['deployments'])}"
        click.echo("  ".join(filter(None, (told, boxes_now, one["note"]))))


@click.command("figures", help="What all boxes and the hub told of a task, by version.")
@click.argument("task")
@click.option("--since", metavar="TIME", help="Such as 2026-11-22T10:00:00Z.")
@json_option
@asked_hub
def figures(task: str, since: str | None, as_json: bool, hub: HubClient, data_dir: DataDir) -> None:
    found = hub.look(f"/api/v1/metrics/{task}", since=since)["versions"]
    if as_json:
        print_json({"task": task, "versions": found})
        return
    if not found:
        click.echo(f"Nothing was told of {task} yet.")
    for one in found:
        failures = one.get("errors", 0) + one.get("timeouts", 0)
        agreement = one.get("agreement")
        click.echo(
            f"v{one['version']}  {one['executions']:,} executions on {one.get('deployments', 0)}"
            f"  {failures:,} failed"
            + ("" if agreement is None else f"  {agreement:.1%} agreement ({one['validated']:,})")
        )


@click.group("tickets", help="What the hub could not solve by itself: list, show, close.")
def tickets() -> None:
    pass


@tickets.command("list", help="Open tickets, newest first; exit code 1 when there are any.")
@click.option("--all", "all_of_them", is_flag=True, help="Closed ones too.")
@json_option
@asked_hub
def list_tickets(all_of_them: bool, as_json: bool, hub: HubClient, data_dir: DataDir) -> int:
    state = None if all_of_them else "open"
    found: list[dict[str, Any]] = hub.look("/api/v1/tickets", state=state)["tickets"]
    if as_json:
        print_json({"tickets": found})
    elif not found:
        click.echo("There are no open tickets." if state else "There are no tickets.")
    for one in () if as_json else found:
        ends = f"closed {_short(one['closed_at'])}" if one["closed_at"] else "open"
        click.echo(f"{one['number']}  {one['task']}  {ends}  {one['title']}")
    return 1 if any(one["state"] == "open" for one in found) else 0


@tickets.command("show", help="A ticket with its examples.")
@click.argument("number", type=click.IntRange(1))
@json_option
@asked_hub
def show_ticket(number: int, as_json: bool, hub: HubClient, data_dir: DataDir) -> None:
    one = hub.look(f"/api/v1/tickets/{number}")
    if as_json:
        print_json(one)
        return
    click.echo(f"{one['number']}  {one['task']}  {one['state']}  since {_short(one['opened_at'])}")
    click.echo(f"{one['title']}\n\n{one['body']}")
    if one["facts"]:
        print_json(one["facts"])


@tickets.command("close", help="Close a ticket: somebody has seen to it.")
@click.argument("number", type=click.IntRange(1))
@json_option
@asked_hub
def close_ticket(number: int, as_json: bool, hub: HubClient, data_dir: DataDir) -> None:
    answer = hub.change(f"/api/v1/tickets/{number}/close")
    if as_json:
        print_json(answer)
    else:
        click.echo(f"Ticket {number} is closed.")


@click.command("audit", help="Who did what at the hub, newest first.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@json_option
@asked_hub
def audit(limit: int, as_json: bool, hub: HubClient, data_dir: DataDir) -> None:
    found: Sequence[Mapping[str, Any]] = hub.look("/api/v1/audit", limit=limit)["entries"]
    if as_json:
        print_json({"entries": found})
        return
    for entry in found:
        facts = "  ".join(f"{name}={value}" for name, value in entry["facts"].items())
        click.echo(f"{_short(entry['at'])}  {entry['actor']}  {entry['action']}  {facts}")


def _running(task: str, version: int | None, latest: Mapping[str, int]) -> str:
    """A task with the version that runs, and the newest where that is another."""
    newest = latest.get(task)
    if version is None:
        return f"{task} (none)"
    return f"{task} v{version}" + (f" (newest v{newest})" if newest not in (None, version) else "")


def _short(moment: str) -> str:
    return moment[:16].replace("T", " ")
