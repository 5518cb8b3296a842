"""The shape of a rollout, as `rollout.json` holds it. Only data: `transitions` changes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from runtime.models import Model
from runtime.rollout.judgement import Outcome
from runtime.rollout.settings import RolloutConfig

RolloutState = Literal[
    "running",
    "paused",
    "promoting",
    "promoted",
    "rolled_back",
    "aborted",
    "failed",
    "superseded",
]
By = Literal["person", "steward", "server"]
#: States in which both versions may get traffic.
LIVE = ("running", "paused", "promoting")

Version = Annotated[int, Field(ge=1)]


class Step(Model):
    """One thing that happened to a rollout, and what was known then."""

    at: AwareDatetime
    event: str
    by: By
    reason: str
    outcome: Outcome | None = None
    state: RolloutState
    percent: int
    evidence: dict[str, Any] | None = None


class Rollout(Model):
    """`rollout.json`: which versions, how far, and everything that happened on the way."""

    v: Literal[1] = 1
    id: str
    task: str
    baseline: Version
    candidate: Version
    state: RolloutState = "running"
    #: Index in `config.stages`.
    stage: Annotated[int, Field(ge=0)] = 0
    percent: Annotated[int, Field(ge=0, le=100)]
    stage_started_at: AwareDatetime
    #: Of the stage; None while paused and after the end.
    deadline_at: AwareDatetime | None = None
    #: What was left until the deadline when it was paused.
    left_sec: float = 0.0
    needs_agreement: bool = False
    #: Outcomes "error" so far.
    errors: int = 0
    reason: str
    config: RolloutConfig
    #: The figures of the present stage, as of `evidence_at`.
    evidence: dict[str, Any] | None = None
    evidence_at: AwareDatetime | None = None
    history: tuple[Step, ...] = ()

    @property
    def live(self) -> bool:
        return self.state in LIVE

    def splits(self, active: int | None) -> bool:
        """Whether traffic is split: while it is live, and its baseline is what is active."""
        return self.live and self.percent > 0 and active == self.baseline
