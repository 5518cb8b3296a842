"""The steward's part in a rollout: every line counted once, every step taken once, whoever dies."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import TASK, add_version, make_task, promote

from runtime.artifacts import ArtifactStore
from runtime.clock import format_time
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError
from runtime.rollout import document, transitions
from runtime.rollout.control import (
    act,
    activate_by_hand,
    report_unloadable,
    retry,
    roll_back_by_hand,
    start_rollout,
)
from runtime.rollout.document import find_rollout, past_rollouts
from runtime.rollout.observer import RolloutObserver
from runtime.rollout.settings import Margins, RolloutConfig
from runtime.steward.cursors import TABLES as CURSORS
from runtime.steward.observer import Batch, StewardContext
from runtime.steward.state import open_state

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WIDE = Margins(errors=0.2, timeouts=0.2, slow=0.4, disagreement=0.3)
CONFIG = RolloutConfig(stages=(50, 100), min_samples=40, margins=WIDE, agreement="off")


class Box:
    """A data directory with a rollout, a steward's observer, and a clock that a test moves."""

    def __init__(self, root, config=CONFIG):
        self.now = NOW
        self.data_dir = DataDir(root)
        task = make_task(self.data_dir)
        promote(self.data_dir, task)
        add_version(self.data_dir, task)
        self.store = ArtifactStore(self.data_dir)
        self.start(config=config)
        self.reborn()

    def start(self, **options):
        return start_rollout(self.data_dir, TASK, 2, clock=self.clock, **options)

    def clock(self):
        return self.now

    def reborn(self):
        """Another steward takes over where the last one was killed."""
        self.state = open_state(self.data_dir, f"{CURSORS};{RolloutObserver.tables}")
        context = StewardContext(self.data_dir, DeploymentConfig(), self.state, self.clock)
        self.observer = RolloutObserver(context)

    def executions(self, version, count, status="success", at=None, commit=True, latency_ms=1.0):
        """Hand executions to the observer in one transaction, as the steward does."""
        line = {
            "program_version": version,
            "status": status,
            "latency_ms": latency_ms,
            "timestamp": format_time(at or self.now),
        }
        try:
            with self.state.transaction() as transaction:
                batch = Batch([line] * count, day=self.now.date())
                self.observer.observe(TASK, batch, transaction)
                if not commit:
                    raise InterruptedError
        except InterruptedError:
            self.observer.rolled_back()

    def both(self, candidate=0, baseline=0, rounds=20, of=10):
        """So many failures of each version among `of` executions, again and again."""
        for _ in range(rounds):
            for version, failures in ((2, candidate), (1, baseline)):
                self.executions(version, failures, "error")
                self.executions(version, of - failures)

    def tick(self, **later):
        self.now += timedelta(**later)
        self.observer.tick(self.now)
        return find_rollout(self.data_dir, TASK)

    def validate(self, version, count, match, executed_at=None):
        """An oracle's answers, as validation writes them."""
        line = {
            "v": 1,
            "execution_id": "x",
            "program_version": version,
            "match": match,
            "inclusion_probability": 0.1,
            "executed_at": format_time(executed_at or self.now),
            "timestamp": format_time(self.now),
        }
        file = self.data_dir.validations(TASK) / f"sampled-{self.now.date()}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as out:
            out.write((msgspec.json.encode(line) + b"\n") * count)


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path / "data")


def test_an_equal_version_is_promoted_and_a_second_steward_adds_nothing(box):
    box.both()
    rollout = box.tick(seconds=1)
    assert rollout.state == "promoted"
    assert box.store.active(TASK) == 2
    assert [step.event for step in rollout.history] == ["started", "advanced", "promoted"]
    box.reborn()
    assert box.tick(seconds=1) == rollout
    assert box.store.history(TASK)[-1]["reason"] == f"rollout {rollout.id}"


def test_a_worse_version_is_rolled_back_even_while_paused(box):
    act(box.data_dir, TASK, "pause", clock=box.clock)
    box.both(candidate=5)
    rollout = box.tick(seconds=1)
    assert rollout.state == "rolled_back"
    assert "errors 50.00% of 200 against 0.00% of 200" in rollout.reason
    assert box.store.active(TASK) == 1


def test_timeouts_and_a_longer_p99_are_worse_too(tmp_path):
    for name, options in (("timeouts", {"status": "timeout"}), ("slow", {"latency_ms": 50.0})):
        box = Box(tmp_path / name)
        for _ in range(20):
            box.executions(1, 10)
            box.executions(2, 7)
            box.executions(2, 3, **options)
        rollout = box.tick(seconds=1)
        assert rollout.state == "rolled_back"
        assert name in rollout.reason


def test_what_all_workers_report_at_once_is_one_failure(box):
    rollout = find_rollout(box.data_dir, TASK)
    for later in (0, 1, 2, 10, 11, 20):
        box.now = NOW + timedelta(seconds=later)
        report_unloadable(
            box.data_dir, rollout, "The disk is away.", for_good=False, clock=box.clock
        )
    failed = find_rollout(box.data_dir, TASK)
    assert (failed.errors, failed.state) == (3, "failed")
    assert {step.by for step in failed.history[1:]} == {"server"}


@given(st.one_of(st.binary(), st.text().map(str.encode), st.just(b"[" * 100_000)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_damaged_file_is_told_and_never_more(tmp_path, content):
    data_dir = DataDir(tmp_path)
    data_dir.rollout_file(TASK).parent.mkdir(parents=True, exist_ok=True)
    data_dir.rollout_file(TASK).write_bytes(content)
    with pytest.raises(InvalidInputError):
        document.read_rollout(data_dir, TASK)
    assert document.RolloutWatch(data_dir).rollout(TASK) is None


def test_lines_are_counted_once_whenever_the_steward_dies(box):
    box.executions(2, 7)
    box.executions(2, 5, commit=False)
    box.reborn()
    box.executions(2, 5)
    box.executions(1, 3)
    box.executions(1, 100, at=NOW - timedelta(seconds=1))  # before the stage began
    box.executions(9, 100)  # of no version that is compared
    box.reborn()
    counts = box.tick(seconds=1).evidence["executions"]
    assert counts == {"candidate": 12, "baseline": 3}


def test_a_steward_killed_before_it_wrote_its_decision_comes_to_the_same(box, monkeypatch):
    box.both(candidate=5)

    def killed(*_, **__):
        raise InterruptedError

    monkeypatch.setattr(document, "write_rollout", killed)
    with pytest.raises(InterruptedError):
        box.tick(seconds=1)
    monkeypatch.undo()
    assert find_rollout(box.data_dir, TASK).state == "running"
    box.reborn()
    assert box.tick(seconds=1).state == "rolled_back"


def test_a_steward_killed_in_the_middle_of_promoting_finishes_it(box, monkeypatch):
    box.both()

    def killed(*_, **__):
        raise InterruptedError

    # Killed once before the candidate is made active, and once after.
    for before in (True, False):
        with monkeypatch.context() as patched:
            if before:
                patched.setattr(ArtifactStore, "activate", killed)
            else:
                patched.setattr("runtime.rollout.transitions.finish", killed)
            with pytest.raises(InterruptedError):
                box.tick(seconds=1)
        assert find_rollout(box.data_dir, TASK).state == "promoting"
        box.reborn()
    assert box.tick(seconds=1).state == "promoted"
    assert [event["version"] for event in box.store.history(TASK)] == [1, 2]


def test_too_little_evidence_by_the_deadline_pauses_and_asks(box):
    box.executions(2, 30)
    assert box.tick(seconds=1).state == "running"
    paused = box.tick(days=1)
    assert (paused.state, paused.percent) == ("paused", 50)
    assert "10 more executions of the candidate" in paused.reason
    act(box.data_dir, TASK, "resume", clock=box.clock)
    box.both()
    assert box.tick(seconds=1).state == "promoted"


def test_after_a_while_without_a_steward_what_was_executed_is_heard_first(box):
    box.now += timedelta(days=2)
    box.reborn()
    box.executions(2, 10, at=NOW + timedelta(hours=1))
    assert box.tick(seconds=1).state == "running"
    box.both()
    assert box.tick(seconds=1).state == "promoted"


def test_no_execution_at_all_is_an_error_and_ends_it_at_its_limit(box):
    box.executions(1, 500)
    box.tick(seconds=1)
    states = [box.tick(days=1, seconds=1).state for _ in range(3)]
    assert states == ["running", "running", "failed"]
    rollout = find_rollout(box.data_dir, TASK)
    assert rollout.history[-1].outcome == "error"
    assert "No execution of the candidate" in rollout.reason
    assert box.store.active(TASK) == 1


def test_evidence_that_cannot_be_read_is_an_error_and_switches_nothing(box):
    box.executions(2, 7)
    with box.state.transaction() as transaction:
        transaction.execute("UPDATE rollout_evidence SET data = '{}'")
    box.reborn()
    assert [box.tick(seconds=1).state for _ in range(3)] == ["running", "running", "failed"]
    assert box.store.active(TASK) == 1


def test_validated_executions_decide_where_they_are_needed(tmp_path):
    config = CONFIG.model_copy(update={"agreement": "required"})
    box = Box(tmp_path / "data", config)
    box.both()
    waiting = box.tick(seconds=1)
    assert waiting.state == "running"
    assert "disagreement with the oracle" in box.tick(days=2).reason
    act(box.data_dir, TASK, "resume", clock=box.clock)
    box.validate(1, 500, True, executed_at=NOW - timedelta(hours=1))  # before the stage
    for _ in range(40):
        box.validate(2, 5, True)
        box.validate(1, 5, True)
    box.tick(seconds=1)
    assert box.tick(seconds=1).state == "promoted"


def test_answers_that_disagree_roll_back_and_are_counted_once(tmp_path):
    box = Box(tmp_path / "data", CONFIG.model_copy(update={"agreement": "auto"}))
    for _ in range(4):
        for _ in range(5):
            box.validate(2, 5, False)
            box.validate(1, 5, True)
        box.executions(2, 25)
        box.executions(1, 25)
        rollout = box.tick(seconds=1)
        box.reborn()
    assert rollout.state == "rolled_back"
    counts = rollout.evidence["metrics"]["disagreement"]["values"]
    assert counts["candidate"] == counts["baseline"]
    assert counts["candidate"] % 25 == 0


def test_a_version_made_active_by_hand_ends_the_rollout(box):
    add_version(box.data_dir, make_task(box.data_dir))
    activate_by_hand(box.store, TASK, 3, reason="It must be now.", clock=box.clock)
    rollout = find_rollout(box.data_dir, TASK)
    assert rollout.state == "superseded"
    assert rollout.reason == "v3 was promoted by hand. It must be now."
    box.start(config=CONFIG)
    assert [past.state for past in past_rollouts(box.data_dir, TASK)] == ["superseded"]
    box.store.activate(TASK, 1)  # by somebody who knows nothing of rollouts
    assert box.tick(seconds=1).state == "superseded"


def test_rolling_back_by_hand_gives_everyone_the_baseline(box):
    assert roll_back_by_hand(box.store, TASK, reason="Complaints.", clock=box.clock) == 1
    rollout = find_rollout(box.data_dir, TASK)
    assert (rollout.state, rollout.percent) == ("superseded", 0)
    assert box.store.active(TASK) == 1


def test_a_retry_begins_with_other_callers_and_no_evidence(box):
    box.both(candidate=5)
    before = box.tick(seconds=1)
    rollout = retry(box.data_dir, TASK, clock=box.clock)
    assert rollout.id != before.id
    assert (rollout.state, rollout.evidence) == ("running", None)
    assert past_rollouts(box.data_dir, TASK) == [before]
    box.executions(2, 3)
    assert box.tick(seconds=1).evidence["executions"]["candidate"] == 3


def test_versions_in_a_rollout_are_not_pruned(box):
    for _ in range(3):
        add_version(box.data_dir, make_task(box.data_dir))
    assert box.store.prune(TASK, 1) == [3, 4]


def test_changes_made_at_once_lose_none(box):
    def change_many():
        for _ in range(20):
            document.change_rollout(
                box.data_dir,
                TASK,
                lambda known: transitions.take_error(known, "It failed.", NOW),
            )

    config = CONFIG.model_copy(update={"error_limit": 1000})
    act(box.data_dir, TASK, "abort")
    box.start(config=config)
    threads = [threading.Thread(target=change_many) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rollout = find_rollout(box.data_dir, TASK)
    assert rollout.errors == 60
    assert len(rollout.history) == 61
