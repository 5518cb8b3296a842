"""`python -m sync audit`: whether the chain of all that ever left is whole."""

from __future__ import annotations

from dataclasses import asdict

import click

from runtime.command_line import EXIT_NO, data_dir_option, json_option, print_json
from runtime.data_dir import DataDir


@click.command("audit", help="Verify the chain of all that ever left, and sum it up.")
@click.option("--last-hash", help="The last hash you noted elsewhere: a cut-off end shows too.")
@data_dir_option
@json_option
def command(last_hash: str | None, data_dir: DataDir, as_json: bool) -> None:
    from sync.agent import AUDIT_FILE
    from sync.audit import AuditLog

    log = AuditLog(data_dir.state / AUDIT_FILE)
    verified = log.verify(last_hash)
    if as_json:
        problem = asdict(verified.problem) if verified.problem else None
        print_json(
            {"entries": verified.entries, "last_hash": verified.last_hash, "problem": problem}
        )
    elif verified.problem is not None:
        click.echo(f"The chain is broken: {verified.problem}", err=True)
    else:
        sent = sum(entry.get("bytes", 0) for entry in log.entries())
        click.echo(f"The chain holds: {verified.entries} entries, {sent:,} bytes sent in all.")
        click.echo(f"Its last hash: {verified.last_hash}")
    if verified.problem is not None:
        raise SystemExit(EXIT_NO)
