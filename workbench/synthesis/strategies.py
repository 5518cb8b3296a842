"""The strategies that ship, in the order they are tried."""

from __future__ import annotations

from workbench.synthesis.dsl.strategy import DslStrategy
from workbench.synthesis.hybrid.strategy import HybridStrategy
from workbench.synthesis.ml.strategy import MlStrategy
from workbench.synthesis.rule.strategy import RuleStrategy
from workbench.synthesis.strategy import SynthesisStrategy


def all_strategies() -> list[SynthesisStrategy]:
    """One of each."""
    return [RuleStrategy(), MlStrategy(), HybridStrategy(), DslStrategy()]
