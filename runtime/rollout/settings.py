"""What a rollout goes by: its stages, how sure it must be, and how long it may take. Only data."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator

from runtime.models import Model

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Percent = Annotated[int, Field(ge=1, le=100)]


class Margins(Model):
    """How much more of its executions a candidate may fail before going on is refused.

    Shares of executions: 0.02 is two in a hundred more than the baseline's.
    """

    #: Executions that end in an error.
    errors: Share = 0.02
    #: Executions that take too long.
    timeouts: Share = 0.02
    #: Executions slower than `latency_ratio` times the baseline's p99.
    slow: Share = 0.03
    #: Validated executions that an oracle disagrees with.
    disagreement: Share = 0.05


class RolloutConfig(Model):
    """The section `rollout:` of `deployment.yaml`; a rollout keeps what it was started with."""

    #: Percent of callers that get the candidate, stage by stage; always ends with 100.
    stages: Annotated[tuple[Percent, ...], Field(min_length=1)] = (10, 50, 100)
    #: How likely an equal version is rolled back, over all stages, metrics and looks.
    alpha: Probability = 0.05
    #: How likely one stage lets a version pass whose loss is a margin or more.
    margin_alpha: Probability = 0.05
    margins: Margins = Margins()
    #: An execution is slow beyond so many times the baseline's p99.
    latency_ratio: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.5
    #: So much more than the baseline is no slower, whatever the ratio says: noise of the clock.
    latency_floor_ms: Positive = 1.0
    #: Executions of each version that a stage needs before it may end well.
    min_samples: Count = 200
    #: Executions of the candidate before it may be rolled back.
    min_samples_to_roll_back: Count = 20
    #: Of one stage.
    deadline_sec: Positive = 86_400
    #: Outcomes "error" before a rollout is given up.
    error_limit: Count = 3
    #: Whether a stage needs validated executions; `auto`: if the task has an oracle that is no
    #: person, or has had answers lately.
    agreement: Literal["auto", "required", "off"] = "auto"
    #: The request header that says who calls, for callers to stay on their version.
    routing_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] = "X-Loopai-Routing-Key"
    #: The field of the input that says who calls; goes before the header.
    routing_field: str | None = None

    @field_validator("stages")
    @classmethod
    def _grow_to_all(cls, stages: tuple[int, ...]) -> tuple[int, ...]:
        if any(later <= earlier for earlier, later in pairwise(stages)):
            raise ValueError("each stage must be larger than the one before")
        if stages[-1] != 100:
            raise ValueError("the last stage must be 100")
        return stages
