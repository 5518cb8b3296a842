"""What a person does with a rollout: begin, pause, resume, skip, abort, retry, and overrule it.

Each is one change of `rollout.json` under its lock, with its reason; the steward and the workers
take it up within a second. A version that is made active by hand ends the rollout.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from runtime.artifacts import ArtifactStore
from runtime.clock import Clock, utc_now
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.datasets.reader import LogReader
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.rollout import transitions
from runtime.rollout.document import (
    change_rollout,
    find_rollout,
    locked,
    put_in_the_past,
    read_rollout,
    write_rollout,
)
from runtime.rollout.rollout import Rollout
from runtime.rollout.settings import RolloutConfig
from runtime.sandbox import check_source
from runtime.tasks import load_task

# With `agreement: auto`, answers of an oracle so lately mean that there will be more.
DAYS_OF_VALIDATIONS = 14
# Workers try again every ten seconds.
ONE_FAILURE = timedelta(seconds=8)

Act = Callable[[Rollout, str, datetime], Rollout]
ACTS: dict[str, Act] = {
    "pause": transitions.pause,
    "resume": transitions.resume,
    "skip": transitions.skip,
    "abort": transitions.abort,
}


def start_rollout(
    data_dir: DataDir,
    task: str,
    candidate: int,
    *,
    reason: str = "",
    config: RolloutConfig | None = None,
    clock: Clock = utc_now,
) -> Rollout:
    """Begin a staged promotion over the active version, by `deployment.yaml` unless `config`.

    Raises NotFoundError (no such version, none active) and InvalidInputError (one is under way,
    the candidate serves already, is damaged or refused by the gate).
    """
    store = ArtifactStore(data_dir)
    config = config or load_deployment(data_dir.deployment_file).rollout
    check_candidate(store, task, candidate)
    with locked(data_dir, task):
        baseline = store.active(task)
        if baseline is None:
            raise NotFoundError(
                Problem(
                    f"no version of {task} is active, so there is nothing to compare with.",
                    remedy=f"Promote it at once: loopai promote {task} v{candidate}",
                )
            )
        if baseline == candidate:
            raise InvalidInputError(Problem(f"{task} serves v{candidate} already."))
        before = read_rollout(data_dir, task)
        if before is not None and before.live:
            raise InvalidInputError(
                Problem(
                    f"a rollout of {task} v{before.candidate} is under way ({before.state}).",
                    remedy=f"End it first: loopai rollout abort {task}",
                )
            )
        if before is not None:
            put_in_the_past(data_dir, before)
        moment = clock()
        rollout = transitions.begin(
            rollout_id=str(uuid4()),
            task=task,
            baseline=baseline,
            candidate=candidate,
            config=config,
            moment=moment,
            needs_agreement=_needs_agreement(data_dir, task, config, moment),
            reason=reason,
        )
        write_rollout(data_dir, rollout)
    return rollout


def act(
    data_dir: DataDir, task: str, name: str, *, reason: str = "", clock: Clock = utc_now
) -> Rollout:
    """One of `ACTS`. Raises NotFoundError, or InvalidInputError when its state forbids it."""
    return change_rollout(data_dir, task, lambda rollout: ACTS[name](rollout, reason, clock()))


def retry(data_dir: DataDir, task: str, *, reason: str = "", clock: Clock = utc_now) -> Rollout:
    """Begin the last rollout anew, with other callers first and no evidence.

    One that is live is aborted before. Raises NotFoundError and InvalidInputError.
    """
    rollout = find_rollout(data_dir, task)
    if rollout.live:
        act(data_dir, task, "abort", reason=reason or "Aborted to be retried.", clock=clock)
    told = reason or f"A retry of the rollout that was {rollout.state.replace('_', ' ')}."
    return start_rollout(data_dir, task, rollout.candidate, reason=told, clock=clock)


def report_unloadable(
    data_dir: DataDir,
    rollout: Rollout,
    reason: str,
    *,
    for_good: bool,
    clock: Clock = utc_now,
) -> None:
    """A worker cannot load the candidate: an outcome "error", final when it never could.

    What several workers report within seconds is one failure.

    Raises LoopaiError and OSError.
    """
    told = f"v{rollout.candidate} cannot be loaded: {reason}"

    def change(known: Rollout) -> Rollout:
        last = known.history[-1]
        if last.event == "error" and not for_good and clock() - last.at < ONE_FAILURE:
            return known
        return transitions.take_error(known, told, clock(), by="server", final=for_good)

    change_rollout(data_dir, rollout.task, change, rollout_id=rollout.id)


def activate_by_hand(
    store: ArtifactStore, task: str, version: int, *, reason: str = "", clock: Clock = utc_now
) -> int | None:
    """`ArtifactStore.activate`, and the end of a rollout that is under way."""
    store.program_source(task, version)  # a version that is not there gets no lock made
    with locked(store.data_dir, task):
        before = store.activate(task, version, reason=reason)
        _supersede(store.data_dir, task, f"v{version} was promoted by hand.", reason, clock())
    return before


def roll_back_by_hand(
    store: ArtifactStore,
    task: str,
    version: int | None = None,
    *,
    reason: str = "",
    clock: Clock = utc_now,
) -> int:
    """`ArtifactStore.rollback`, and the end of a rollout that is under way; returns the version.

    Without a version, a rollout that is under way is what is gone back on: its baseline serves.
    """
    data_dir = store.data_dir
    if not store.versions(task):
        return store.rollback(task, version, reason=reason)
    with locked(data_dir, task):
        rollout = _live_rollout(data_dir, task)
        active = store.active(task)
        if rollout is not None and active == rollout.baseline and version in (None, active):
            _supersede(data_dir, task, "It was rolled back by hand.", reason, clock())
            return rollout.baseline
        target = store.rollback(task, version, reason=reason)
        _supersede(data_dir, task, f"It was rolled back to v{target} by hand.", reason, clock())
    return target


def _supersede(data_dir: DataDir, task: str, what: str, why: str, moment: datetime) -> None:
    rollout = _live_rollout(data_dir, task)
    if rollout is not None:
        write_rollout(data_dir, transitions.supersede(rollout, f"{what} {why}".strip(), moment))


def _live_rollout(data_dir: DataDir, task: str) -> Rollout | None:
    try:
        rollout = read_rollout(data_dir, task)
    except InvalidInputError:
        return None  # nobody splits traffic by a damaged file, so there is nothing to end
    return rollout if rollout is not None and rollout.live else None


def check_candidate(store: ArtifactStore, task: str, candidate: int) -> None:
    """Raises NotFoundError, or InvalidInputError for a version that is damaged or may not run."""
    source = store.program_source(task, candidate)
    refusals = check_source(source)
    if refusals:
        raise InvalidInputError(
            Problem(
                f"v{candidate} may not run: {refusals[0]}",
                store.data_dir.artifact(task, candidate) / "program.py",
                remedy="Versions are immutable: make a new one.",
            )
        )


def _needs_agreement(data_dir: DataDir, task: str, config: RolloutConfig, moment: datetime) -> bool:
    if config.agreement != "auto":
        return config.agreement == "required"
    oracles = load_task(data_dir, task, with_examples=False).validation.oracles
    if any(oracle.kind != "person" for oracle in oracles):
        return True  # it answers by itself; a person may never do
    first = (moment - timedelta(days=DAYS_OF_VALIDATIONS)).date()
    reader = LogReader(data_dir.validations(task), prefix="sampled-")
    return next(reader.lines(first), None) is not None
