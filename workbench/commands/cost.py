"""`loopai cost`: a language model for every request, or this program: what each comes to."""

from __future__ import annotations

from typing import Any

import click

from runtime.artifacts import ArtifactStore
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.datasets.tail import LogTail
from runtime.errors import NotFoundError, Problem
from runtime.strict_json import parse_strictly
from runtime.tasks import load_task
from workbench.commands.version_argument import VERSION
from workbench.console import out, print_table
from workbench.cost import ModelCost, compare, price_models, tokens_of_a_call

MAX_LOGGED = 500
HOW_TO_PRICE = """No price is configured, so only tokens and seconds are compared.
Write into {file}:
  prices:
    currency: USD
    models:
      name-of-the-model: {{input_per_million: ..., output_per_million: ...}}"""


@click.command(
    "cost", help="Compare calling a language model for every request with running the program."
)
@click.argument("task")
@click.option("--requests-per-day", type=click.IntRange(1), required=True)
@click.option("--version", type=VERSION, help="Default: the active one, else the newest.")
@click.option(
    "--shots",
    type=click.IntRange(0, 200),
    default=5,
    show_default=True,
    help="Examples in the model's prompt.",
)
@click.option(
    "--model",
    "price",
    nargs=3,
    type=(str, float, float),
    metavar="NAME IN OUT",
    help="A model that is not in the configuration: its prices a million tokens in and out.",
)
@click.option(
    "--made-for",
    type=click.FloatRange(0),
    default=0.0,
    help="What making the program cost beside models, such as labelling.",
)
@data_dir_option
@json_option
def command(
    task: str,
    requests_per_day: int,
    version: int | None,
    shots: int,
    price: tuple[str, float, float] | None,
    made_for: float,
    data_dir: DataDir,
    as_json: bool,
) -> None:
    specification = load_task(data_dir, task)
    store = ArtifactStore(data_dir)
    chosen = version or store.active(task) or max(store.versions(task), default=None)
    if chosen is None:
        raise NotFoundError(
            Problem(f"{task} has no version yet.", remedy=f"Make one: loopai synthesize {task}")
        )
    metadata = store.metadata(task, chosen)
    config = load_deployment(data_dir.deployment_file)
    inputs = _logged_inputs(data_dir, task)
    tokens = tokens_of_a_call(specification, inputs, shots)
    models = price_models(config.prices, tokens)
    if price is not None:
        name, per_input, per_output = price
        money = (tokens.given * per_input + tokens.output * per_output) / 1_000_000
        models.append(ModelCost(name, money, None))
    latency = metadata["evaluation"].get("latency_ms") or {"p50": 0.0, "p99": 0.0}
    program = {"version": chosen, "p50_ms": latency["p50"], "p99_ms": latency["p99"]}
    once = made_for + float(metadata["artifact"].get("generation_cost") or 0.0)
    report = compare(
        tokens,
        models,
        requests_per_day,
        program,
        once=once,
        machine_per_month=config.prices.machine_per_month or 0.0,
    )
    report = {"task": task, "currency": config.prices.currency, "shots": shots, **report}
    report["tokens_estimated_from"] = "the log of executions" if inputs else "the examples"
    if as_json:
        print_json(report)
        return
    _print(report, str(data_dir.deployment_file))


def _print(report: dict[str, Any], file: str) -> None:
    tokens, program, currency = report["tokens_per_call"], report["program"], report["currency"]
    out.print(
        f"A call of a model: about {tokens['total']:,} tokens ({tokens['instructions']} of "
        f"instructions, {tokens['examples']} of {report['shots']} examples, {tokens['input']} of "
        f"input, {tokens['output']} of output), estimated from {report['tokens_estimated_from']}."
    )
    out.print(
        f"{report['requests_per_day']:,} requests a day: {report['tokens_per_day']:,} tokens a day."
    )
    out.print()
    rows: list[tuple[Any, ...]] = [
        (
            model["model"],
            _money(model["per_call"]),
            _money(model["per_day"]),
            _money(model["per_month"]),
            _money(model["per_year"]),
            _seconds(model["seconds_per_call"]),
            _days(model),
        )
        for model in report["models"]
    ]
    rows.append(
        (
            f"program v{program['version']}",
            "0" if not program["per_month"] else "-",
            _money(program["per_month"] / 30),
            _money(program["per_month"]),
            _money(program["per_month"] / 30 * 365),
            _seconds(program["p50_ms"] / 1000),
            f"made for {_money(program['made_for'])}" if program["made_for"] else "-",
        )
    )
    columns = ("", "a call", "a day", "a month", "a year", "seconds a call", "program pays after")
    print_table(columns, rows, title=f"In {currency}" if report["models"] else None)
    out.print()
    out.print(
        f"The program takes {program['p50_ms']:.3f} ms for most inputs and {program['p99_ms']:.3f} "
        f"for the slowest hundredth: {program['busy_seconds_per_day']:,.1f} s of one core a day."
    )
    if not report["models"]:
        out.print()
        out.print(HOW_TO_PRICE.format(file=file), markup=False)


def _logged_inputs(data_dir: DataDir, task: str) -> list[Any]:
    inputs = []
    for line in LogTail(data_dir.executions(task)).take_last(MAX_LOGGED):
        try:
            logged = parse_strictly(line)
        except ValueError:
            continue  # a line torn by a crash; the log's own readers count it
        if isinstance(logged, dict) and "input" in logged:
            inputs.append(logged["input"])
    return inputs


def _money(value: float) -> str:
    return f"{value:,.2f}" if value >= 1 or value == 0 else f"{value:.3g}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.6f}".rstrip("0")


def _days(model: dict[str, Any]) -> str:
    days = model["break_even_days"]
    if days is None:
        return f"never under {model['break_even_requests_per_day']:,} requests a day"
    return "the first request" if days == 0 else f"{days:,.1f} days"
