"""The rollout's place in the steward: counts both arms exactly once, judges, and takes the step.

What it counts stands in the database with its place in the log; what it decides stands in
`rollout.json`. Killed between the two, it counts no line again and comes to the same decision.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import msgspec

from runtime.artifacts import ArtifactStore
from runtime.clock import format_time
from runtime.datasets.log_files import list_log_files
from runtime.errors import LoopaiError
from runtime.rollout import transitions
from runtime.rollout.difference import BASELINE, CANDIDATE
from runtime.rollout.document import (
    RolloutWatch,
    change_rollout,
    locked,
    read_rollout,
    tasks_with_rollout,
    write_rollout,
)
from runtime.rollout.evidence import STATUSES, StageEvidence
from runtime.rollout.judgement import Judgement, judge
from runtime.rollout.rollout import Rollout
from runtime.steward.cursors import FileKey, move, read_offsets
from runtime.steward.file_reader import FileReader
from runtime.steward.observer import Batch, Record, StewardContext
from runtime.steward.state import Connection

PREFIX = "sampled-"
# The place in the validations is kept under a name of its own.
VALIDATIONS = "rollout-validations"
# For people: each is one write to the disk. Steps are written at once.
BETWEEN_NOTES = timedelta(seconds=2)

logger = logging.getLogger("loopai.steward")


class RolloutObserver:
    """See `runtime.steward.observer.LogObserver`."""

    name = "rollout"
    tables = """
        CREATE TABLE IF NOT EXISTS rollout_evidence (
            task TEXT NOT NULL,
            rollout_id TEXT NOT NULL,
            stage INTEGER NOT NULL,
            data TEXT NOT NULL,
            PRIMARY KEY (task, rollout_id, stage)
        ) WITHOUT ROWID
    """

    def __init__(self, context: StewardContext) -> None:
        self._context = context
        self._store = ArtifactStore(context.data_dir, context.clock)
        self._watch = RolloutWatch(context.data_dir)
        #: A task's evidence, with the rollout and stage it is of.
        self._evidence: dict[str, tuple[tuple[str, int], StageEvidence]] = {}
        #: Tasks of which lines came since the last tick, and the time of the last line of each.
        self._heard: set[str] = set()
        self._latest: dict[str, str] = {}
        self._ticked = False

    def observe(self, task: str, records: Batch, transaction: Connection) -> None:
        rollout = self._watch.rollout(task)
        if rollout is None or rollout.state not in ("running", "paused"):
            return
        if records:
            self._heard.add(task)
            self._latest[task] = records[-1]["timestamp"]
        since = format_time(rollout.stage_started_at)
        evidence: StageEvidence | None = None
        for record in records:
            arm = _arm(rollout, record)
            status = record.get("status")
            # What was executed in the stage before was split differently: it is not counted.
            if arm is None or status not in STATUSES or record["timestamp"] < since:
                continue
            evidence = evidence or self._load(transaction, rollout)
            evidence.add_execution(arm, status, float(record.get("latency_ms", 0.0)))
        if evidence is not None:
            _save(transaction, rollout, evidence)

    def rolled_back(self) -> None:
        self._evidence.clear()

    def close(self) -> None:
        """There is nothing to end."""

    def tick(self, moment: datetime) -> None:
        """Take the step that each rollout is due. Raises OSError and `sqlite3.Error`."""
        for task in tasks_with_rollout(self._context.data_dir):
            rollout = self._watch.rollout(task)
            if rollout is not None and rollout.live:
                self._step(rollout, moment)
        self._heard.clear()
        self._ticked = True

    def _step(self, rollout: Rollout, moment: datetime) -> None:
        active = self._store.active(rollout.task)
        if rollout.state == "promoting":
            self._promote(rollout, moment)
        elif active != rollout.baseline:
            now = f"v{active}" if active else "no version"
            reason = f"{now} was made active by hand."
            self._change(rollout, lambda known: transitions.supersede(known, reason, moment))
        else:
            try:
                judgement = self._judge(rollout, moment)
            except (LoopaiError, KeyError, TypeError, ValueError) as error:
                self._evidence.clear()
                logger.exception("cannot judge the rollout of %s", rollout.task)
                reason = f"The evidence cannot be judged: {type(error).__name__}: {error}."
                self._change(rollout, lambda known: transitions.take_error(known, reason, moment))
                return
            self._take(rollout, judgement, moment)

    def _judge(self, rollout: Rollout, moment: datetime) -> Judgement:
        self._read_validations(rollout)
        evidence = self._load(self._context.state.connection, rollout)
        return judge(
            evidence,
            rollout.config,
            needs_agreement=rollout.needs_agreement,
            past_deadline=self._past_deadline(rollout, moment),
        )

    def _past_deadline(self, rollout: Rollout, moment: datetime) -> bool:
        """Whether the deadline has passed and the log is read so far: after a while without a
        steward, what was executed in time is heard first."""
        if rollout.deadline_at is None or moment < rollout.deadline_at:
            return False
        if self._latest.get(rollout.task, "") >= format_time(rollout.deadline_at):
            return True
        return self._ticked and rollout.task not in self._heard

    def _take(self, rollout: Rollout, judgement: Judgement, moment: datetime) -> None:
        def change(known: Rollout) -> Rollout:
            if (known.stage, known.state) != (rollout.stage, rollout.state):
                return known  # a person was quicker: the next tick judges what is now
            taken = transitions.take_judgement(known, judgement, moment)
            figures = {**judgement.figures, "reason": judgement.reason}
            shown_at = known.evidence_at
            due = shown_at is None or not timedelta() <= moment - shown_at < BETWEEN_NOTES
            if taken is known and due and known.evidence != figures:
                return transitions.with_evidence(known, figures, moment)
            return taken

        after = self._change(rollout, change)
        if after.state == "promoting":
            self._promote(after, moment)

    def _promote(self, rollout: Rollout, moment: datetime) -> None:
        """Make the candidate active and say so; asked again after a crash, it does what is left."""
        data_dir, task = self._context.data_dir, rollout.task
        with locked(data_dir, task):
            known = read_rollout(data_dir, task)
            if known is None or known.id != rollout.id or known.state != "promoting":
                return
            active = self._store.active(task)
            if active == known.baseline:
                try:
                    self._store.activate(task, known.candidate, reason=f"rollout {known.id}")
                except LoopaiError as error:
                    reason = f"v{known.candidate} cannot be made active: {error}"
                    write_rollout(data_dir, transitions.give_up_promotion(known, reason, moment))
                    return
            elif active != known.candidate:
                write_rollout(
                    data_dir,
                    transitions.supersede(known, f"v{active} was made active by hand.", moment),
                )
                return
            write_rollout(data_dir, transitions.finish(known, moment))

    def _change(self, rollout: Rollout, change: Any) -> Rollout:
        data_dir = self._context.data_dir
        after = change_rollout(data_dir, rollout.task, change, rollout_id=rollout.id)
        if len(after.history) != len(rollout.history):
            step = after.history[-1]
            logger.info("rollout of %s: %s: %s", rollout.task, step.event, step.reason)
        return after

    def _load(self, connection: Connection, rollout: Rollout) -> StageEvidence:
        key = (rollout.id, rollout.stage)
        known = self._evidence.get(rollout.task)
        if known is not None and known[0] == key:
            return known[1]
        row = connection.execute(
            "SELECT data FROM rollout_evidence WHERE task = ? AND rollout_id = ? AND stage = ?",
            (rollout.task, *key),
        ).fetchone()
        if row is None:
            evidence = StageEvidence(rollout.config)
        else:
            evidence = StageEvidence.from_json(rollout.config, msgspec.json.decode(row[0]))
        self._evidence[rollout.task] = (key, evidence)
        return evidence

    def _read_validations(self, rollout: Rollout) -> None:
        """Count the oracle's answers since the last look, of executions of this stage."""
        task, state = rollout.task, self._context.state
        for file in list_log_files(
            self._context.data_dir.validations(task),
            first=rollout.stage_started_at.date(),
            prefix=PREFIX,
        ):
            reader = FileReader(file)
            try:
                identity = reader.identity()
                if identity is None:
                    continue
                key = FileKey(task, file.name, identity, file.day)
                with state.transaction() as transaction:
                    offset = read_offsets(transaction, key, [VALIDATIONS])[VALIDATIONS]
                    piece = reader.read(offset)
                    if piece.end == offset:
                        continue
                    try:
                        self._count_validations(rollout, piece.records, transaction)
                        move(transaction, key, VALIDATIONS, piece.end)
                    except BaseException:
                        self._evidence.clear()
                        raise
            except FileNotFoundError:
                continue
            finally:
                reader.close()

    def _count_validations(
        self, rollout: Rollout, records: list[Record], transaction: Connection
    ) -> None:
        since = format_time(rollout.stage_started_at)
        evidence = self._load(transaction, rollout)
        for record in records:
            arm = _arm(rollout, record)
            executed_at = record.get("executed_at")
            if arm is None or not isinstance(executed_at, str) or executed_at < since:
                continue
            probability = float(record.get("inclusion_probability") or 1.0)
            evidence.add_validation(arm, bool(record.get("match")), probability)
        _save(transaction, rollout, evidence)


def _arm(rollout: Rollout, record: Record) -> int | None:
    version = record.get("program_version")
    if version == rollout.candidate:
        return CANDIDATE
    return BASELINE if version == rollout.baseline else None


def _save(connection: Connection, rollout: Rollout, evidence: StageEvidence) -> None:
    connection.execute(
        "DELETE FROM rollout_evidence WHERE task = ? AND rollout_id != ?",
        (rollout.task, rollout.id),
    )
    connection.execute(
        "INSERT INTO rollout_evidence VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET data = excluded.data",
        (
            rollout.task,
            rollout.id,
            rollout.stage,
            msgspec.json.encode(evidence.as_json()).decode(),
        ),
    )
