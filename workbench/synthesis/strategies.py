"""The strategies there are, in the order they are tried: those that ship, each loaded only when
it is wanted, then installed ones."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from runtime.errors import NotFoundError, Problem
from runtime.models import Strategy
from workbench.synthesis.plugin_strategies import plugin_strategies
from workbench.synthesis.strategy import SynthesisStrategy

SHIPPED = {
    Strategy.RULE: "workbench.synthesis.rule.strategy:RuleStrategy",
    Strategy.ML: "workbench.synthesis.ml.strategy:MlStrategy",
    Strategy.HYBRID: "workbench.synthesis.hybrid.strategy:HybridStrategy",
    Strategy.DSL: "workbench.synthesis.dsl.strategy:DslStrategy",
}


def load_strategies(names: Iterable[str] = ()) -> list[SynthesisStrategy]:
    """One of each named, or all there are; in the order of `SHIPPED`, installed ones last.

    Raises NotFoundError where a named one is not there or cannot be used, with the reason.
    """
    named = set(names)
    strategies: list[SynthesisStrategy] = []
    for name, place in SHIPPED.items():
        if name in named or not named:
            module, _, attribute = place.partition(":")
            strategies.append(getattr(import_module(module), attribute)())
    if named <= set(SHIPPED) and named:
        return strategies
    refused: dict[str, str] = {}
    for plugin, strategy in plugin_strategies():
        if strategy is None:
            refused.setdefault(plugin.name, f"{plugin.distribution}: {plugin.problem}")
        elif plugin.name in named or not named:
            strategies.append(strategy)
    missing = sorted(named - {strategy.name for strategy in strategies})
    if missing:
        raise NotFoundError([_unknown(name, refused.get(name)) for name in missing])
    return strategies


def _unknown(name: str, reason: str | None) -> Problem:
    if reason is not None:
        return Problem(
            f"the strategy {name!r} cannot be used: {reason}.", remedy="See: loopai plugins"
        )
    return Problem(
        f"there is no strategy {name!r} (shipped: {', '.join(SHIPPED)}).",
        remedy="Installed ones are listed by: loopai plugins",
    )
