"""What may happen to a rollout: whatever order it happens in, some things never do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.errors import InvalidInputError
from runtime.rollout import transitions
from runtime.rollout.judgement import Judgement
from runtime.rollout.rollout import Rollout
from runtime.rollout.settings import RolloutConfig

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
CONFIG = RolloutConfig()


def judged(outcome):
    return lambda rollout, moment: transitions.take_judgement(
        rollout, Judgement(outcome, f"It is {outcome}.", {"of": outcome}), moment
    )


def by_hand(act):
    return lambda rollout, moment: act(rollout, "", moment)


HAPPENINGS = {
    "better": judged("better"),
    "worse": judged("worse"),
    "inconclusive": judged("inconclusive"),
    "error": judged("error"),
    "gathering": judged("gathering"),
    "pause": by_hand(transitions.pause),
    "resume": by_hand(transitions.resume),
    "skip": by_hand(transitions.skip),
    "abort": by_hand(transitions.abort),
    "supersede": lambda rollout, moment: transitions.supersede(rollout, "By hand.", moment),
    "finish": transitions.finish,
    "cannot activate": lambda rollout, moment: transitions.give_up_promotion(
        rollout, "It is damaged.", moment
    ),
}


def begun(config=CONFIG):
    return transitions.begin(
        rollout_id="r",
        task="t",
        baseline=1,
        candidate=2,
        config=config,
        moment=NOW,
        needs_agreement=False,
    )


def after(*names, config=CONFIG):
    rollout = begun(config)
    for number, name in enumerate(names, start=1):
        rollout = HAPPENINGS[name](rollout, NOW + timedelta(minutes=number))
    return rollout


STAGES = st.sets(st.integers(1, 99), max_size=4).map(lambda found: (*sorted(found), 100))


@settings(deadline=None)
@given(STAGES, st.lists(st.sampled_from(sorted(HAPPENINGS)), max_size=25))
def test_in_whatever_order_things_happen(stages, names):
    rollout = begun(RolloutConfig(stages=stages))
    worse = False
    for number, name in enumerate(names, start=1):
        before = rollout
        try:
            rollout = HAPPENINGS[name](before, NOW + timedelta(minutes=number))
        except InvalidInputError:
            continue
        assert rollout.history[: len(before.history)] == before.history, "history only grows"
        assert len(rollout.history) <= len(before.history) + 1
        if not before.live:
            assert rollout == before, "what has ended stays as it is"
        if rollout.live:
            assert rollout.percent >= before.percent, "shares only grow"
        else:
            assert rollout.percent == (100 if rollout.state == "promoted" else 0)
        worse |= name == "worse" and before.state in ("running", "paused")
        assert not (worse and rollout.state in ("promoting", "promoted"))
        if rollout.state == "promoted":
            assert "promoting" in {step.state for step in rollout.history}
        assert Rollout.model_validate_json(rollout.model_dump_json()) == rollout
    assert all(step.reason for step in rollout.history)


def test_better_leads_through_the_stages_to_everyone():
    rollout = after("better", "better", "finish")
    assert rollout.state == "promoted"
    assert [step.percent for step in rollout.history] == [10, 50, 100, 100]


def test_worse_goes_back_at_once_even_while_paused_and_keeps_its_evidence():
    for names in (("worse",), ("better", "worse"), ("pause", "worse")):
        rollout = after(*names)
        assert (rollout.state, rollout.percent) == ("rolled_back", 0)
        assert rollout.history[-1].evidence == {"of": "worse"}


def test_inconclusive_pauses_and_resuming_gives_as_long_again():
    paused = after("inconclusive")
    assert (paused.state, paused.percent, paused.deadline_at) == ("paused", 10, None)
    resumed = after("inconclusive", "resume")
    assert resumed.deadline_at == NOW + timedelta(minutes=2, seconds=CONFIG.deadline_sec)
    kept = after("pause", "resume")
    assert kept.deadline_at == NOW + timedelta(minutes=1, seconds=CONFIG.deadline_sec)


def test_errors_have_a_limit_of_their_own():
    assert after("error", "error").state == "running"
    failed = after("error", "error", "error")
    assert (failed.state, failed.percent, failed.errors) == ("failed", 0, 3)


def test_a_paused_rollout_goes_on_by_nothing_but_a_person():
    assert after("pause", "better").percent == 10
    assert after("pause", "skip").percent == 50


def test_what_cannot_be_done_is_refused_in_words():
    with pytest.raises(InvalidInputError, match="is rolled back: it cannot be resumed"):
        after("worse", "resume")


def test_stages_must_grow_and_end_with_everyone():
    for stages in ((10, 10, 100), (50, 10, 100), (10, 50)):
        with pytest.raises(ValueError, match="stage"):
            RolloutConfig(stages=stages)
