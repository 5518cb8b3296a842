"""Describes a click command line as Markdown: every command with its arguments and options."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

# Of docs and terminals: what would otherwise be read as Markdown.
SPECIAL = re.compile(r"([*_<>|\[\]])")


def commands(program: str, group: click.Group) -> Iterator[str]:
    """A Markdown section for each command that does something, groups opened, by name."""
    context = click.Context(group, info_name=program)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(f"{program} {name}", command)
        else:
            yield "\n".join(_section(f"{program} {name}", command))


def _section(program: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=program)
    yield f"### `{program}`"
    yield ""
    yield SPECIAL.sub(r"\\\1", " ".join((command.help or "").split()))
    yield ""
    pieces = command.collect_usage_pieces(context)
    yield f"```text\n{' '.join((program, *pieces))}\n```"
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    if options:
        yield ""
        yield "| option | what it is |"
        yield "|---|---|"
        yield from (_row(option, context) for option in options if not option.hidden)


def _row(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    assert record is not None
    names, words = record
    words = SPECIAL.sub(r"\\\1", words)
    return f"| `{names}` | {words} |".replace("`|`", "`\\|`")
