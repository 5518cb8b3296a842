"""`loopai plugins`: what other distributions add, whether it loads, and if not why."""

from __future__ import annotations

from dataclasses import replace

import click

from runtime.command_line import EXIT_NO, json_option, print_json
from workbench.console import out, print_table
from workbench.plugins import GROUPS, STRATEGIES, Plugin, find_plugins


@click.command(
    "plugins",
    help="List installed strategies, oracles and comparators; exit with 1 when one is broken.",
)
@json_option
def command(as_json: bool) -> int:
    plugins = _all()
    if as_json:
        print_json([plugin.as_json() for plugin in plugins])
    elif not plugins:
        out.print(
            "None installed. A distribution adds a strategy of its own by an entry point in the "
            f"group {STRATEGIES}:",
            markup=False,
        )
        out.print(
            f'  [project.entry-points."{STRATEGIES}"]\n  mine = "my_package:MyStrategy"',
            markup=False,
        )
    else:
        print_table(
            ("kind", "name", "distribution", "version", "state"),
            [
                (each.kind, each.name, each.distribution, each.version, each.problem or "loaded")
                for each in plugins
            ],
        )
    return EXIT_NO if any(plugin.problem for plugin in plugins) else 0


def _all() -> list[Plugin]:
    from workbench.synthesis.plugin_strategies import plugin_strategies

    found: list[Plugin] = []
    for group in GROUPS:
        if group == STRATEGIES:
            found += [replace(plugin, value=None) for plugin, _ in plugin_strategies()]
        else:
            found += find_plugins(group)
    return found
