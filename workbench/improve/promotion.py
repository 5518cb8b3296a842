"""What becomes of an improved version: promoted in stages, at once, or kept."""

from __future__ import annotations

from typing import Literal

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.rollout.control import start_rollout
from runtime.rollout.document import read_rollout
from workbench.improve.improving import Improvement

Promotion = Literal["staged", "now", "no"]


def reason_of(made: Improvement) -> str:
    """In one sentence, for the task's history."""
    gain = made.gain
    return (
        f"improve: wins {len(gain.won)} and loses {len(gain.lost)} of {gain.cases} validated "
        f"inputs against v{made.situation.active} (p = {gain.p_value:.3g})"
    )


def promote(data_dir: DataDir, made: Improvement, how: Promotion) -> None:
    """Raises what `start_rollout` and `activate` raise."""
    name = made.situation.task.name
    if how == "staged":
        start_rollout(data_dir, name, made.version, reason=reason_of(made))
    elif how == "now":
        ArtifactStore(data_dir).activate(name, made.version, reason=reason_of(made))


def rollout_under_way(data_dir: DataDir, task: str) -> bool:
    """Whether a version of the task is being tried out now."""
    rollout = read_rollout(data_dir, task)
    return rollout is not None and rollout.live
