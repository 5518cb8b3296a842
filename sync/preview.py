"""`python -m sync preview`: the next upload byte for byte, redactions marked. Sends nothing."""

from __future__ import annotations

import gzip
import json
import sys

import click

from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir


@click.command("preview", help="The next upload, byte for byte, with redactions marked.")
@click.option("--raw", is_flag=True, help="Write the gzip'd bytes themselves, and nothing else.")
@data_dir_option
@json_option
def command(raw: bool, data_dir: DataDir, as_json: bool) -> None:
    from sync.agent import BATCH_VERSION
    from sync.box_key import deployment_id
    from sync.next_upload import MARK
    from sync.outbox import Outbox
    from sync.telemetry_observer import outbox_file

    header = {"v": BATCH_VERSION, "deployment_id": deployment_id(data_dir)}
    outbox = Outbox(outbox_file(data_dir))
    batches = outbox.preview(header)
    status = outbox.status()
    outbox.close()
    if raw:
        if batches:
            sys.stdout.buffer.write(batches[0].payload)
        return
    if as_json:
        shown = [json.loads(gzip.decompress(batch.payload)) for batch in batches]
        print_json({"uploads": shown, "rows_waiting": status.rows})
        return
    if not batches:
        click.echo("Nothing waits to be sent.")
        return
    first = batches[0]
    click.echo(
        f"Next upload: {first.rows} rows of {first.stream}, {len(first.payload):,} bytes of gzip"
        f" (sha256 {first.digest}), {len(batches) - 1} more after it.",
        err=True,
    )
    text = gzip.decompress(first.payload).decode()
    click.echo(MARK.sub(lambda match: click.style(match[0], reverse=True), text))
