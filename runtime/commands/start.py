"""`loopai-runtime start`: serve until told to stop."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from runtime.command_line import data_dir_option, json_option
from runtime.config import load_deployment
from runtime.data_dir import DataDir, checked_slug
from runtime.errors import LoopaiError, NotFoundError, Problem
from runtime.models import Mode
from runtime.slug import SLUG
from runtime.tasks import load_task
from runtime.tls.options import server_tls_options
from runtime.tls.settings import ServerTls

SERVE_KEY = "LOOPAI_SERVE_KEY"
LOG_FORMAT = "LOOPAI_LOG_FORMAT"


@click.command("start", help="Serve the tasks of a data directory over HTTP.")
@click.option(
    "--task-id",
    metavar="TASK",
    required=True,
    envvar="LOOPAI_TASK_ID",
    show_envvar=True,
    help="The task (its name or its id) that POST /execute runs.",
)
@data_dir_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    envvar="LOOPAI_PORT",
    show_envvar=True,
    help="0 takes a free one (default: runtime.port of deployment.yaml, or 8080).",
)
@click.option(
    "--host",
    envvar="LOOPAI_HOST",
    show_envvar=True,
    help="Beyond loopback a serving key is needed (default: runtime.host, or 127.0.0.1).",
)
@click.option(
    "--api-key",
    metavar="HUB_KEY",
    envvar="LOOPAI_API_KEY",
    show_envvar=True,
    help="The key for the hub. Better set as a variable: others can see a command line.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    envvar="LOOPAI_WORKERS",
    show_envvar=True,
    help="HTTP workers (default: execution.worker_count, or one a processor and at most 4).",
)
@click.option(
    "--steward/--no-steward",
    default=True,
    envvar="LOOPAI_STEWARD",
    show_envvar=True,
    help="Without: no statistics, sampling, rollouts, alerts or retention beside the workers.",
)
@click.option(
    "--seed",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="LOOPAI_SEED",
    show_envvar=True,
    help="A folder laid out like a data directory: tasks and versions that are missing are copied "
    "from it before it starts. Container images have one.",
)
@click.option("--insecure", is_flag=True, help="Serve beyond loopback without a key.")
@server_tls_options
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    envvar=LOG_FORMAT,
    show_envvar=True,
)
@json_option
def command(
    task_id: str,
    data_dir: DataDir,
    port: int | None,
    host: str | None,
    api_key: str | None,
    workers: int | None,
    steward: bool,
    seed: Path | None,
    insecure: bool,
    tls: ServerTls | None,
    log_format: Any,
    as_json: bool,
) -> int:
    if seed is not None:
        from runtime.seed import plant

        plant(seed, data_dir)
    config = load_deployment(data_dir.deployment_file)
    # A task that the hub executes need not be here.
    central = config.mode is Mode.CENTRAL and SLUG.match(task_id)
    task = (
        checked_slug(task_id)
        if central
        else find_task(data_dir, task_id, may_come=config.talks_to_hub)
    )
    if api_key:
        os.environ["LOOPAI_API_KEY"] = api_key

    from runtime.server.log_format import log_to_stderr
    from runtime.server.serve import ServeOptions, serve

    options = ServeOptions(
        default_task=task,
        host=config.runtime.host if host is None else host,
        port=config.runtime.port if port is None else port,
        serve_key=os.environ.get(SERVE_KEY, "").strip() or None,
        insecure=insecure,
        workers=workers,
        steward=steward,
        tls=tls,
    )

    def announce(url: str) -> None:
        ready = {"url": url, "task": task, "pid": os.getpid()}
        where = " (executed at the hub)" if central else ""
        click.echo(json.dumps(ready) if as_json else f"Serving {task} at {url}{where}")
        sys.stdout.flush()

    os.environ[LOG_FORMAT] = log_format  # for the programs beside the workers
    log_to_stderr(log_format)
    return serve(data_dir, lambda: load_deployment(data_dir.deployment_file), options, announce)


def find_task(data_dir: DataDir, task_id: str, *, may_come: bool = False) -> str:
    """The name of the task that is called `task_id` or has it as its id, checked to be sound.

    With `may_come`, a name that is not there yet will do: the hub has it. Raises NotFoundError or
    InvalidInputError.
    """
    if not data_dir.root.is_dir():
        raise NotFoundError(
            Problem(
                f"there is no data directory at {data_dir.root}.",
                remedy="Name it with --data-dir or LOOPAI_DATA_DIR.",
            )
        )
    try:
        wanted = UUID(task_id)
    except ValueError:
        if may_come and not data_dir.task_file(task_id).exists():
            click.echo(f"{task_id} is not here yet: served once the hub has brought it.", err=True)
            return task_id
        return load_task(data_dir, task_id, with_examples=False).name
    for name in data_dir.task_names():
        try:
            if load_task(data_dir, name, with_examples=False).id == wanted:
                return name
        except LoopaiError:
            continue  # another task's faults are reported where it is served
    raise NotFoundError(Problem(f"no task in {data_dir.root} has the id {task_id}."))
