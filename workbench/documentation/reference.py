"""Writes the reference pages from the code they describe, so that they are never out of date."""

from __future__ import annotations

from pathlib import Path

import runtime.cli
import sync.cli
import workbench.cli
from runtime.config import DeploymentConfig
from runtime.models import (
    Example,
    ExecutionRecord,
    ProgramArtifact,
    TaskSpecification,
    TelemetryBatch,
    ValidationRecord,
)
from runtime.server.openapi import openapi_document
from workbench.documentation.command_reference import commands
from workbench.documentation.http_reference import routes_page
from workbench.documentation.settings_reference import table

COMMANDS = (
    ("loopai", workbench.cli.group, "the workbench"),
    ("loopai-runtime", runtime.cli.group, "an edge box"),
    ("python -m sync", sync.cli.group, "what crosses the edge of a box"),
)
SHAPES = (
    (TaskSpecification, "`task.yaml`", "A task. Its examples stand in `examples.jsonl`."),
    (Example, "A line of `examples.jsonl`", "One input with its right output."),
    (ProgramArtifact, "`metadata.json`, under `artifact`", "What a version says of itself."),
    (ExecutionRecord, "An execution", "As reports and the hub speak of it."),
    (ValidationRecord, "A validation", "An execution that an oracle looked at again."),
    (TelemetryBatch, "A telemetry batch", "What a box sends to its hub."),
)


def write_reference(folder: Path, release: str) -> None:
    """Write the generated pages into `folder`. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "cli.md": _commands(),
        "configuration.md": _configuration(),
        "http-runtime.md": routes_page(
            "HTTP: the runtime",
            "What `loopai-runtime start` answers. `{task}` is a task's name; the served "
            "document, `/openapi.json`, has each task's own schemas.",
            openapi_document(release, [], ""),
        ),
        "shapes.md": _shapes(),
    }
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


def _commands() -> str:
    parts = ["# Commands", "Each has `--help`; exit codes: 0 done, 1 the answer is no, 2 something "
             "given was wrong, 130 interrupted."]  # fmt: skip
    for program, group, words in COMMANDS:
        parts += [f"## `{program}`: {words}", *commands(program, group)]
    return "\n\n".join(parts) + "\n"


def _configuration() -> str:
    parts = [
        "# `deployment.yaml`",
        "All sections and settings with their defaults; all may be left out. `${VARIABLE}` takes "
        "a value from the environment when the setting is used. `loopai config check` says what "
        "is wrong with a file, by line; `loopai config show` shows what holds.",
    ]
    for name, field in DeploymentConfig.model_fields.items():
        section = field.annotation
        assert isinstance(section, type)
        words = (section.__doc__ or "").strip() if "__doc__" in vars(section) else ""
        parts.append(f"## `{name}`\n\n{words}\n\n{table(section)}")
    return "\n\n".join(parts) + "\n"


def _shapes() -> str:
    parts = ["# Shapes", "What the files and messages of Loopai hold, field by field."]
    for model, title, words in SHAPES:
        parts.append(f"## {title}\n\n{words}\n\n{table(model)}")
    return "\n\n".join(parts) + "\n"
