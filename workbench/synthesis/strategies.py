"""The strategies that ship, in the order they are tried; each loaded only when it is wanted."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from runtime.models import Strategy
from workbench.synthesis.strategy import SynthesisStrategy

SHIPPED = {
    Strategy.RULE: "workbench.synthesis.rule.strategy:RuleStrategy",
    Strategy.ML: "workbench.synthesis.ml.strategy:MlStrategy",
    Strategy.HYBRID: "workbench.synthesis.hybrid.strategy:HybridStrategy",
    Strategy.DSL: "workbench.synthesis.dsl.strategy:DslStrategy",
}


def load_strategies(names: Iterable[str] = ()) -> list[SynthesisStrategy]:
    """One of each named, or of all when none is; in the order of `SHIPPED`."""
    wanted = set(names) or set(SHIPPED)
    strategies: list[SynthesisStrategy] = []
    for name, place in SHIPPED.items():
        if name in wanted:
            module, _, attribute = place.partition(":")
            strategies.append(getattr(import_module(module), attribute)())
    return strategies
