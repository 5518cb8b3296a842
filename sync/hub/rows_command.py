"""`loopai hub rows`: what boxes told of a task's judged executions, as rows any tool can read."""

from __future__ import annotations

from pathlib import Path

import click

from runtime.command_line import json_option, print_json
from sync.hub.options import database_option, folder_option


@click.command("rows", help="Write a task's judged executions of all boxes as JSON lines.")
@click.argument("task")
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--tenant", required=True, help="Whose task.")
@click.option("--version", help="Only what this version answered, such as v3.")
@folder_option
@database_option
@json_option
def command(
    task: str,
    output: Path,
    tenant: str,
    version: str | None,
    folder: Path,
    database: str | None,
    as_json: bool,
) -> None:
    """Each line: `input`, `output` (what an oracle says is right), `answered`, `match`, `ended`
    (success, error or timeout), `probability` (that it was judged), `task`, `version`,
    `deployment`, `validated_at`. Made for `loopai replay TASK --from OUTPUT`, and for `loopai hub
    failures --from OUTPUT`."""
    import json

    from runtime.data_dir import open_atomic
    from runtime.errors import InvalidInputError, Problem
    from sync.hub.app import open_hub
    from sync.hub.improvement.evidence import judged_rows

    number = None if version is None else version.removeprefix("v")
    if number is not None and not number.isdecimal():
        raise InvalidInputError(Problem(f"{version!r} is no version such as v3."))
    store, _ = open_hub(folder, database)
    written = kept_back = 0
    with open_atomic(output) as file:
        for row in judged_rows(store, tenant, task, None if number is None else int(number)):
            if row["input"] is None:
                kept_back += 1
                continue
            file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            written += 1
    store.close()
    if as_json:
        print_json({"rows": written, "without_input": kept_back, "file": str(output)})
        return
    click.echo(f"{written:,} rows in {output}.")
    if kept_back:
        click.echo(f"{kept_back:,} more were told without an input, as their boxes' privacy asks.")
