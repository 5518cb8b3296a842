"""`loopai export`: a version as a reproducible ZIP."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from runtime.artifacts import ArtifactStore
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir, write_atomic
from workbench.commands.version_argument import VERSION
from workbench.console import out


@click.command("export", help="Write a version as a ZIP; the same version gives the same bytes.")
@click.argument("task")
@click.argument("version", type=VERSION)
@click.option("--output", type=click.Path(path_type=Path), help="The file (default: TASK-vN.zip).")
@data_dir_option
@json_option
def command(task: str, version: int, output: Path | None, data_dir: DataDir, as_json: bool) -> None:
    content = ArtifactStore(data_dir).zip_bytes(task, version)
    file = output or Path(f"{task}-v{version}.zip")
    write_atomic(file, content)
    digest = hashlib.sha256(content).hexdigest()
    if as_json:
        print_json({"file": str(file), "bytes": len(content), "sha256": digest})
    else:
        out.print(f"{file}: {len(content):,} bytes, SHA-256 {digest}", markup=False)
