"""What may happen to a rollout: every change is a pure function that adds to its history.

    running -> running (next stage) -> promoting -> promoted
    running -> paused -> running
    running, paused -> rolled_back, aborted, failed, superseded;   promoting -> failed, superseded

Only `promoting` leads to `promoted`, and nothing that ended begins again: a retry is a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from runtime.errors import InvalidInputError, Problem
from runtime.rollout.judgement import Judgement, Outcome
from runtime.rollout.rollout import By, Rollout, RolloutState, Step
from runtime.rollout.settings import RolloutConfig


def begin(
    *,
    rollout_id: str,
    task: str,
    baseline: int,
    candidate: int,
    config: RolloutConfig,
    moment: datetime,
    needs_agreement: bool,
    reason: str = "",
) -> Rollout:
    """A new rollout in its first stage (or already promoting, where that is 100 %)."""
    rollout = Rollout(
        id=rollout_id,
        task=task,
        baseline=baseline,
        candidate=candidate,
        percent=0,
        stage_started_at=moment,
        needs_agreement=needs_agreement,
        reason=reason,
        config=config,
    )
    told = reason or f"A staged promotion of v{candidate} over v{baseline}."
    return _enter_stage(rollout, 0, moment, "started", "person", told)


def take_judgement(rollout: Rollout, judgement: Judgement, moment: datetime) -> Rollout:
    """What an outcome makes of a rollout. Worse rolls back, also while paused."""
    given: dict[str, Any] = {
        "by": "steward",
        "reason": judgement.reason,
        "outcome": judgement.outcome,
        "evidence": judgement.figures,
    }
    if rollout.state not in ("running", "paused"):
        return rollout
    if judgement.outcome == "worse":
        return _end(rollout, "rolled_back", moment, **given)
    if rollout.state == "paused":
        return rollout
    if judgement.outcome == "better":
        return _enter_stage(rollout, rollout.stage + 1, moment, "advanced", **given)
    if judgement.outcome == "inconclusive":
        return _with_step(
            rollout, moment, "paused", state="paused", deadline_at=None, left_sec=0.0, **given
        )
    if judgement.outcome == "error":
        return take_error(rollout, judgement.reason, moment, figures=judgement.figures)
    return rollout


def take_error(
    rollout: Rollout,
    reason: str,
    moment: datetime,
    *,
    by: By = "steward",
    final: bool = False,
    figures: Mapping[str, Any] | None = None,
) -> Rollout:
    """Count an outcome "error"; at its limit, or when `final`, the rollout has failed."""
    if rollout.state not in ("running", "paused"):
        return rollout
    errors = rollout.errors + 1
    given: dict[str, Any] = {
        "by": by,
        "reason": reason,
        "outcome": "error",
        "evidence": figures,
        "errors": errors,
    }
    if final or errors >= rollout.config.error_limit:
        return _end(rollout, "failed", moment, **given)
    deadline = None if rollout.state == "paused" else _deadline(rollout, moment)
    return _with_step(rollout, moment, "error", deadline_at=deadline, **given)


def pause(rollout: Rollout, reason: str, moment: datetime) -> Rollout:
    """Stay at this share; evidence is gathered on, and worse still rolls back."""
    _demand(rollout, ("running",), "paused")
    left = (rollout.deadline_at - moment).total_seconds() if rollout.deadline_at else 0.0
    told = reason or "Paused by hand."
    return _with_step(
        rollout,
        moment,
        "paused",
        state="paused",
        by="person",
        reason=told,
        deadline_at=None,
        left_sec=max(0.0, left),
    )


def resume(rollout: Rollout, reason: str, moment: datetime) -> Rollout:
    """Go on with the evidence there is; where the deadline had passed, for as long again.

    To look longer costs nothing: the test is valid at every moment.
    """
    _demand(rollout, ("paused",), "resumed")
    left = rollout.left_sec or rollout.config.deadline_sec
    return _with_step(
        rollout,
        moment,
        "resumed",
        state="running",
        by="person",
        reason=reason or "Resumed by hand.",
        deadline_at=moment + timedelta(seconds=left),
        left_sec=0.0,
    )


def skip(rollout: Rollout, reason: str, moment: datetime) -> Rollout:
    """Go to the next stage without waiting for this one's evidence."""
    _demand(rollout, ("running", "paused"), "skipped")
    told = reason or "The stage was skipped by hand."
    return _enter_stage(rollout, rollout.stage + 1, moment, "skipped", "person", told)


def abort(rollout: Rollout, reason: str, moment: datetime) -> Rollout:
    """Back to the baseline for everyone."""
    _demand(rollout, ("running", "paused"), "aborted")
    return _end(rollout, "aborted", moment, by="person", reason=reason or "Aborted by hand.")


def supersede(rollout: Rollout, reason: str, moment: datetime) -> Rollout:
    """End it because another version was made active by hand."""
    if not rollout.live:
        return rollout
    return _end(rollout, "superseded", moment, by="person", reason=reason)


def finish(rollout: Rollout, moment: datetime) -> Rollout:
    """The candidate has been made active."""
    _demand(rollout, ("promoting",), "finished")
    reason = f"v{rollout.candidate} serves everyone."
    return _with_step(rollout, moment, "promoted", state="promoted", by="steward", reason=reason)


def give_up_promotion(rollout: Rollout, reason: str, moment: datetime) -> Rollout:
    """The candidate cannot be made active: the baseline goes on serving everyone."""
    _demand(rollout, ("promoting",), "given up")
    return _end(rollout, "failed", moment, by="steward", reason=reason, outcome="error")


def with_evidence(rollout: Rollout, figures: Mapping[str, Any], moment: datetime) -> Rollout:
    """The same with the figures of now, which are no step."""
    return rollout.model_copy(update={"evidence": dict(figures), "evidence_at": moment})


def _enter_stage(
    rollout: Rollout,
    stage: int,
    moment: datetime,
    event: str,
    by: By,
    reason: str,
    outcome: Outcome | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> Rollout:
    stage = min(stage, len(rollout.config.stages) - 1)
    percent = rollout.config.stages[stage]
    whole = percent == 100
    moved = _with_step(
        rollout,
        moment,
        event,
        by=by,
        reason=reason,
        outcome=outcome,
        evidence=evidence,
        state="promoting" if whole else "running",
        stage=stage,
        percent=percent,
        stage_started_at=moment,
        deadline_at=None if whole else _deadline(rollout, moment),
        left_sec=0.0,
    )
    # What was seen in the stage before stands in its step; this one has seen nothing yet.
    return moved if whole else moved.model_copy(update={"evidence": None, "evidence_at": None})


def _end(rollout: Rollout, state: RolloutState, moment: datetime, **given: Any) -> Rollout:
    return _with_step(
        rollout, moment, state, state=state, percent=0, deadline_at=None, left_sec=0.0, **given
    )


def _with_step(
    rollout: Rollout,
    moment: datetime,
    event: str,
    *,
    by: By,
    reason: str,
    outcome: Outcome | None = None,
    evidence: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Rollout:
    known = dict(evidence) if evidence is not None else rollout.evidence
    changed = rollout.model_copy(update={"reason": reason, **changes})
    if evidence is not None:
        changed = with_evidence(changed, evidence, moment)
    step = Step(
        at=moment,
        event=event,
        by=by,
        reason=reason,
        outcome=outcome,
        state=changed.state,
        percent=changed.percent,
        evidence=known,
    )
    return changed.model_copy(update={"history": (*rollout.history, step)})


def _deadline(rollout: Rollout, moment: datetime) -> datetime:
    return moment + timedelta(seconds=rollout.config.deadline_sec)


def _demand(rollout: Rollout, states: tuple[RolloutState, ...], done: str) -> None:
    if rollout.state not in states:
        raise InvalidInputError(
            Problem(
                f"the rollout of {rollout.task} v{rollout.candidate} is "
                f"{rollout.state.replace('_', ' ')}: it cannot be {done}.",
                remedy=f"See: loopai rollout show {rollout.task}",
            )
        )
