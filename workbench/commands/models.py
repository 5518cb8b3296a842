"""`loopai models`: the language models of the local server: list, show, pull, remove."""

from __future__ import annotations

from typing import Any

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from workbench.console import out, print_table
from workbench.console import progress as console
from workbench.language_model.server import OllamaServer

MEGABYTE = 1_000_000


def server_of(data_dir: DataDir) -> OllamaServer:
    """The server that OLLAMA_HOST or the data directory's configuration names."""
    return OllamaServer.configured(load_deployment(data_dir.deployment_file))


@click.group("models", help="The language models of the local server (Ollama).")
def command() -> None:
    pass


@command.command("list", help="The models that are there.")
@data_dir_option
@json_option
def list_models(data_dir: DataDir, as_json: bool) -> None:
    server = server_of(data_dir)
    rows = server.models()
    used = load_deployment(data_dir.deployment_file).text("synthesis", "model")
    if as_json:
        print_json({"address": server.address, "configured": used, "models": rows})
        return
    if not rows:
        out.print(f"The server at {server.address} has no model yet.", markup=False)
        out.print("Get one with: loopai models pull qwen2.5-coder:3b", markup=False)
        return
    print_table(
        ("model", "parameters", "quantization", "MB", "changed"),
        [
            (
                row["name"],
                row["parameters"],
                row["quantization"],
                round(row["bytes"] / MEGABYTE),
                (row["modified_at"] or "")[:10],
            )
            for row in rows
        ],
    )
    if used:
        out.print(f"synthesis.model is {used}.", markup=False)
    else:
        out.print(f"Use one with: loopai synthesize TASK --model {rows[0]['name']}", markup=False)


@command.command("show", help="What the server says of one model.")
@click.argument("model")
@data_dir_option
@json_option
def show(model: str, data_dir: DataDir, as_json: bool) -> None:
    facts = server_of(data_dir).show(model)
    if as_json:
        print_json(facts)
        return
    details = facts.get("details") or {}
    information = facts.get("modelinfo") or facts.get("model_info") or {}
    rows: list[tuple[str, Any]] = [("model", model)]
    rows += [(key, details[key]) for key in ("family", "parameter_size", "quantization_level")]
    rows += [
        (key.rpartition(".")[2].replace("_", " "), value)
        for key, value in information.items()
        if key.endswith(("context_length", "parameter_count"))
    ]
    rows.append(("can", ", ".join(facts.get("capabilities") or ()) or None))
    print_table(("", ""), rows)


@command.command("pull", help="Get a model onto the server.")
@click.argument("model")
@data_dir_option
@json_option
def pull(model: str, data_dir: DataDir, as_json: bool) -> None:
    server = server_of(data_dir)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        shown: dict[str, TaskID] = {}
        said: set[str] = set()

        def step(status: str, completed: int, total: int) -> None:
            if not console.is_terminal and status not in said:
                console.print(status, markup=False)
            said.add(status)
            if total:
                if status not in shown:
                    shown[status] = bars.add_task(status, total=total)
                bars.update(shown[status], completed=completed)

        server.pull(model, step)
    facts = {"model": model, "address": server.address, "digest": server.digest_of(model)}
    if as_json:
        print_json(facts)
    else:
        out.print(f"{model} is there. Use it with: loopai synthesize TASK --model {model}")


@command.command("remove", help="Delete a model from the server.")
@click.argument("model")
@data_dir_option
@json_option
def remove(model: str, data_dir: DataDir, as_json: bool) -> None:
    server = server_of(data_dir)
    server.remove(model)
    if as_json:
        print_json({"model": model, "removed": True})
    else:
        out.print(f"{model} is removed.", markup=False)
