"""`loopai config`: deployment.yaml checked, shown with its defaults, and its schema."""

from __future__ import annotations

from pathlib import Path

import click
import yaml

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.config import DeploymentConfig, load_deployment
from runtime.data_dir import DataDir
from workbench.console import out

file_option = click.option(
    "--file", type=click.Path(path_type=Path), help="Another file than config/deployment.yaml."
)


@click.group("config", help="Check and show deployment.yaml.")
def command() -> None:
    pass


@command.command("check", help="Say what is wrong with deployment.yaml, line by line.")
@file_option
@data_dir_option
@json_option
def check(file: Path | None, data_dir: DataDir, as_json: bool) -> None:
    place = file or data_dir.deployment_file
    load_deployment(place, required=file is not None)
    present = place.is_file()
    if as_json:
        print_json({"ok": True, "file": str(place), "present": present})
    elif present:
        out.print(f"{place} is sound.", markup=False)
    else:
        out.print(f"There is no {place}; all defaults hold.", markup=False)


@command.command("show", help="All settings as they hold, defaults filled in, secrets masked.")
@file_option
@data_dir_option
@json_option
def show(file: Path | None, data_dir: DataDir, as_json: bool) -> None:
    config = load_deployment(file or data_dir.deployment_file, required=file is not None)
    if as_json:
        print_json(config.shown())
    else:
        click.echo(yaml.safe_dump(config.shown(), sort_keys=False), nl=False)


@command.command("schema", help="The JSON Schema of deployment.yaml, for an editor.")
@json_option
def schema(as_json: bool) -> None:
    # A schema is JSON whether or not `--json` asks for it.
    print_json(DeploymentConfig.model_json_schema())
