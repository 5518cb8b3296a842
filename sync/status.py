"""`python -m sync status`: the settings that decide what leaves, read and never acted on."""

from __future__ import annotations

from typing import Any

import click

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.config import DeploymentConfig, load_deployment
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError
from runtime.models import Mode
from runtime.strict_json import parse_strictly

#: Where the agent says how it stands; alerts read `last_success` there.
STATUS_FILE = "sync.json"

NO_HUB = "Nothing leaves this box: no hub is configured (cloud.api_url), or its mode is edge."
BY_HAND = "Nothing leaves by itself: telemetry waits for `bundle export telemetry`."
CENTRAL = "Every input is sent to the hub, which executes it (runtime.mode: central)."
SILENT = "No telemetry leaves this box; it asks the hub for new versions."


@click.command("status", help="Whether anything leaves this box, and how it is set up.")
@data_dir_option
@json_option
def command(data_dir: DataDir, as_json: bool) -> None:
    status = {**read_status(load_deployment(data_dir.deployment_file)), "link": read_link(data_dir)}
    if as_json:
        print_json(status)
        return
    hub = status["hub_url"] or "none configured"
    key = "set" if status["hub_key_set"] else "not set"
    telemetry = "on" if status["telemetry_enabled"] else "off"
    click.echo(f"mode: {status['mode']}")
    click.echo(f"hub: {hub} (key {key})")
    click.echo(f"telemetry in the settings: {telemetry}, privacy mode {status['privacy_mode']}")
    link = status["link"]
    if link is not None:
        heard = "told at once" if link["notified"] else "asks every while"
        click.echo(f"agent: {'registered' if link['registered'] else 'not registered'}, {heard}")
        if link["problem"]:
            click.echo(f"problem: {link['problem']}")
        for task, missed in link["not_taken_up"].items():
            click.echo(f"not taken up: {task} v{missed['version']}: {missed['reason']}")
    if status["note"]:
        click.echo(status["note"])


def read_status(config: DeploymentConfig) -> dict[str, Any]:
    """The settings in question; a key is never shown, only whether there is one."""
    sends = config.talks_to_hub and config.telemetry.enabled
    return {
        "mode": config.mode.value,
        "hub_url": _text(config, "api_url"),
        "hub_configured": config.cloud.api_url is not None,
        "hub_key_set": bool(_text(config, "api_key")),
        "telemetry_enabled": config.telemetry.enabled,
        "privacy_mode": config.telemetry.privacy_mode.value,
        "sends": sends,
        "note": _note(config, sends),
    }


def _note(config: DeploymentConfig, sends: bool) -> str:
    if config.mode is Mode.CENTRAL:
        return CENTRAL
    if config.talks_to_hub:
        return "" if sends else SILENT
    by_hand = config.telemetry.enabled and config.telemetry.by_bundle
    return BY_HAND if by_hand else NO_HUB


def read_link(data_dir: DataDir) -> dict[str, Any] | None:
    """What the agent last wrote of itself; None where it never ran."""
    try:
        return dict(parse_strictly((data_dir.state / STATUS_FILE).read_bytes()))
    except (FileNotFoundError, ValueError):
        return None


def _text(config: DeploymentConfig, setting: str) -> str | None:
    """A hub setting with its variables filled in; None where one of them is not set."""
    try:
        return config.text("cloud", setting)
    except InvalidInputError:
        return None
