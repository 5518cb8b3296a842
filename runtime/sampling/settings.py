"""The `sampling:` section of `deployment.yaml`. It decides nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from runtime.models import Fraction, Model

StrategyName = Literal["random", "uncertainty", "stratified", "temporal"]


class SamplingWeights(Model):
    """How much each strategy counts in `combined`; only their proportions matter."""

    random: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1
    uncertainty: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1
    stratified: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1
    temporal: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1


class SamplingConfig(Model):
    #: Which executions are looked at again: any, unsure ones, rare ones, those of a new version.
    strategy: StrategyName | Literal["combined"] = "random"
    #: Kept within 1 % and 20 %; 0 samples nothing. A task's own `sampling_rate` goes before it.
    rate: Fraction = 0.05
    #: The same seed chooses the same executions.
    seed: str = "loopai"
    weights: SamplingWeights = SamplingWeights()
    #: `temporal`: hours after which the extra attention to a new version has halved.
    half_life_hours: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 6
