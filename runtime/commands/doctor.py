"""`loopai-runtime doctor`: which walls of the sandbox hold on this machine."""

from __future__ import annotations

import platform

import click

from runtime.command_line import EXIT_NO, json_option, print_json


@click.command("doctor", help="What holds on this machine, and what it lacks. Exit 1 if it lacks.")
@json_option
def command(as_json: bool) -> int:
    from runtime.sandbox import Sandbox

    with Sandbox() as sandbox:
        walls = sandbox.walls()
    holds = all(wall.holds for wall in walls)
    if as_json:
        print_json(
            {
                "kernel": platform.release(),
                "python": platform.python_version(),
                "isolated": holds,
                "walls": [
                    {"name": wall.name, "holds": wall.holds, "why_not": wall.why_not or None}
                    for wall in walls
                ],
            }
        )
    else:
        click.echo(f"Linux {platform.release()}, Python {platform.python_version()}")
        for wall in walls:
            state = "holds" if wall.holds else f"does not hold: {wall.why_not}"
            click.echo(f"  {wall.name}: {state}")
    return 0 if holds else EXIT_NO
