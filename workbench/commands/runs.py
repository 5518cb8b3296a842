"""`loopai runs`: what each synthesis was given, asked and tried, read from the journal."""

from __future__ import annotations

import difflib
import json
from typing import Any

import click

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from workbench.console import out, percent, print_table
from workbench.synthesis.journal import Journal

SHOWN_TEXT = 70


@click.group("runs", help="What each synthesis was given, asked and tried.")
def command() -> None:
    pass


@command.command("list", help="All runs, the newest first.")
@click.argument("task", required=False)
@data_dir_option
@json_option
def list_runs(task: str | None, data_dir: DataDir, as_json: bool) -> None:
    rows = [_summary(row) for row in Journal(data_dir).runs(task)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        out.print("No run yet. Start one with: loopai synthesize TASK", markup=False)
        return
    print_table(
        ("run", "task", "at", "state", "version", "model", "calls", "tokens", "s"),
        [
            (
                str(row["run"]),
                row["task"],
                row["at"][:19],
                row["state"],
                f"v{row['version']}" if row["version"] else "-",
                row["model"],
                row["calls"],
                row["tokens"],
                row["seconds"],
            )
            for row in rows
        ],
    )


@command.command("show", help="One run: its settings, calls to the model, attempts, candidates.")
@click.argument("run", type=int)
@click.option("--call", "call", type=int, help="One call in full: what was asked and answered.")
@click.option("--attempt", type=int, help="One attempt in full: the program that was tried.")
@data_dir_option
@json_option
def show(run: int, call: int | None, attempt: int | None, data_dir: DataDir, as_json: bool) -> None:
    journal = Journal(data_dir)
    facts = {
        **_summary(journal.run(run)),
        "calls_made": [_call(row) for row in journal.calls(run)],
        "attempts": [dict(row) for row in journal.attempts(run)],
        "candidates": [dict(row) for row in journal.candidates(run)],
    }
    if call is not None or attempt is not None:
        key, number = ("calls_made", call) if call is not None else ("attempts", attempt)
        _print_one(facts[key], int(number or 0), as_json)
    elif as_json:
        print_json(facts)
    else:
        _print_run(facts)


@command.command("compare", help="Two runs: what they were given, what it cost, what came of it.")
@click.argument("first", type=int)
@click.argument("second", type=int)
@data_dir_option
@json_option
def compare(first: int, second: int, data_dir: DataDir, as_json: bool) -> None:
    journal = Journal(data_dir)
    rows = [_summary(journal.run(number)) for number in (first, second)]
    chosen = [next(iter(journal.candidates(number)), {}) for number in (first, second)]
    for row, best in zip(rows, chosen, strict=True):
        row["chosen"] = f"{best['strategy']}: {best['label']}" if best else None
        row["accuracy"] = best.get("accuracy")
        row["bytes"] = best.get("bytes")
    same = {
        "task": rows[0]["task_hash"] == rows[1]["task_hash"],
        "program": rows[0]["program_sha256"] == rows[1]["program_sha256"] is not None,
    }
    before, after = (str(best.get("source") or "").splitlines(keepends=True) for best in chosen)
    difference = "".join(difflib.unified_diff(before, after, f"run {first}", f"run {second}"))
    if as_json:
        print_json({"runs": rows, "same": same, "difference": difference})
        return
    names = [name for name in rows[0] if name not in ("settings", "explanation", "run")]
    print_table(
        ("", f"run {first}", f"run {second}"),
        [(name.replace("_", " "), *(_cell(name, row[name]) for row in rows)) for name in names],
    )
    out.print()
    if not same["task"]:
        out.print("The task or its examples changed between the two: the figures do not compare.")
    if same["program"]:
        out.print("Both made the same program to the byte.")
    elif none := [str(row["run"]) for row, best in zip(rows, chosen, strict=True) if not best]:
        runs = f"Run {none[0]}" if len(none) == 1 else "Neither run"
        out.print(f"{runs} made {'no' if len(none) == 1 else 'a'} program.")
    else:
        changed = sum(line[:1] in "+-" for line in difference.splitlines()[2:])
        out.print(f"The programs differ in {changed} lines; --json shows them.")


def _summary(row: dict[str, Any]) -> dict[str, Any]:
    model = (row["settings"] or {}).get("model") or {}
    return {
        "run": row["id"],
        "task": row["task"],
        "at": row["at"],
        "state": row["state"],
        "version": row["version"],
        "seed": row["seed"],
        "examples": row["examples"],
        "model": row["model"],
        "temperature": model.get("temperature"),
        "calls": row["calls"],
        "tokens": None
        if row["calls"] is None
        else (row["prompt_tokens"] or 0) + (row["answer_tokens"] or 0),
        "seconds": row["seconds"],
        "task_hash": row["task_hash"],
        "program_sha256": row["program_sha256"],
        "explanation": row["explanation"],
        "settings": {key: value for key, value in row["settings"].items() if key != "model"},
    }


def _call(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "request": json.loads(row["request"] or "{}")}


def _cell(name: str, value: Any) -> Any:
    if name == "accuracy":
        return percent(value)
    if name in ("task_hash", "program_sha256"):
        return (value or "-")[:12]
    if name == "version":
        return f"v{value}" if value else None
    return str(value) if name in ("seed", "examples") else value


def _print_run(facts: dict[str, Any]) -> None:
    out.print(f"Run {facts['run']} of {facts['task']}, {facts['state']}", style="bold")
    model = f"with {facts['model']}" if facts["model"] else "without a model"
    out.print(f"{facts['at'][:19]}, seed {facts['seed']}, {facts['examples']} examples, {model}")
    if facts["state"] == "interrupted":
        out.print(f"Go on with it: loopai synthesize {facts['task']} --resume {facts['run']}")
    if facts["calls_made"]:
        out.print()
        print_table(
            ("call", "stage", "tokens", "s", "answer"),
            [
                (
                    row["number"],
                    row["stage"],
                    (row["prompt_tokens"] or 0) + (row["answer_tokens"] or 0),
                    row["seconds"],
                    f"{row['failure']}: {row['reason']}"[:SHOWN_TEXT]
                    if row["failure"]
                    else " ".join((row["answer"] or "").split())[:SHOWN_TEXT],
                )
                for row in facts["calls_made"]
            ],
        )
    if facts["attempts"]:
        out.print()
        print_table(
            ("attempt", "stage", "verdict", "right", "bytes", "why"),
            [
                (
                    row["number"],
                    row["stage"],
                    row["verdict"],
                    f"{percent(row['score'])} of {row['examples']}",
                    row["bytes"],
                    (row["reason"] or "")[:SHOWN_TEXT],
                )
                for row in facts["attempts"]
            ],
        )
    if facts["candidates"]:
        out.print()
        print_table(
            ("strategy", "program", "accuracy", "bytes"),
            [
                (row["strategy"], row["label"], percent(row["accuracy"]), row["bytes"])
                for row in facts["candidates"]
            ],
        )
    if facts["explanation"]:
        out.print()
        out.print(facts["explanation"], markup=False)


def _print_one(rows: list[dict[str, Any]], number: int, as_json: bool) -> None:
    row = next((row for row in rows if row["number"] == number), None)
    if row is None:
        raise click.UsageError(f"the run has {len(rows)} of these; there is no number {number}")
    if as_json:
        print_json(row)
    elif "source" in row:
        out.print(row["source"], markup=False)
    else:
        for message in row["request"]["messages"]:
            out.print(f"--- {message['role']}", style="bold")
            out.print(message["content"], markup=False)
        out.print("--- answer", style="bold")
        out.print(row["answer"] or f"{row['failure']}: {row['reason']}", markup=False)
