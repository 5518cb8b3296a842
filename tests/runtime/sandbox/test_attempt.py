"""Whose answers come in, and who is to blame: the decisions alone, without any process."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.sandbox import protocol
from runtime.sandbox.attempt import Attempt, cut, is_overrun
from runtime.sandbox.protocol import Answer, Kind, ProtocolError, Results


@dataclass(eq=False)
class Item:
    number: int
    deaths: int = 0


def attempt_of(count: int) -> Attempt[Item]:
    return Attempt([Item(number) for number in range(count)], limit=1.0, now=100.0)


def results(first: int, count: int, left: int = 0) -> bytes:
    answers = [Answer(1.0, number) for number in range(first, first + count)]
    return protocol.encode(Results(answers, left=left))


@given(st.integers(1, 30), st.lists(st.integers(1, 8), max_size=20), st.data())
def test_each_item_is_answered_here_or_given_away_or_still_open_and_never_twice(
    count: int, pieces: list[int], data: st.DataObject
) -> None:
    attempt = attempt_of(count)
    answered: list[int] = []
    given: list[int] = []
    sent = 0
    for piece in pieces:
        piece = min(piece, count - sent)
        if data.draw(st.booleans(), "give away"):
            attempt.observe(data.draw(st.integers(0, count + 2)), 100.0, 100.1)
            given += [item.number for item in attempt.give_away()]
        items, answers = attempt.take(Kind.RESULTS, results(sent, piece))
        assert [answer.output for answer in answers] == [item.number for item in items]
        answered += [item.number for item in items]
        sent += piece
        still = [item.number for item in attempt.unanswered()]
        assert sorted(answered + given + still) == list(range(count))
    assert attempt.is_over == (sent == count)


def test_inputs_may_be_left_out_only_when_asked_to() -> None:
    with pytest.raises(ProtocolError, match="unasked"):
        attempt_of(3).take(Kind.RESULTS, results(0, 1, left=2))
    attempt = attempt_of(3)
    attempt.observe(2, 100.0, 100.1)
    assert [item.number for item in attempt.give_away()] == [0, 2]
    with pytest.raises(ProtocolError, match="it was running"):
        attempt.take(Kind.RESULTS, results(0, 1, left=2))
    items, _ = attempt.take(Kind.RESULTS, results(0, 2, left=1))
    assert [item.number for item in items] == [1]
    assert attempt.is_over


def test_more_answers_than_inputs_are_refused() -> None:
    with pytest.raises(ProtocolError, match="more answers"):
        attempt_of(2).take(Kind.RESULTS, results(0, 3))


def test_time_counts_from_the_last_input_that_was_seen_to_begin() -> None:
    attempt = attempt_of(3)
    assert attempt.left(100.4) == pytest.approx(0.6)
    attempt.observe(2, 100.3, 100.4)
    assert attempt.left(100.4) == pytest.approx(0.9)
    attempt.observe(2, 100.9, 101.0)  # no progress: it only says so
    assert attempt.left(101.0) == pytest.approx(0.3)
    attempt.observe(3, 999.0, 101.1)  # nothing begins in the future
    assert attempt.left(101.1) == pytest.approx(1.0)


def test_blame_falls_on_the_input_that_ran_and_on_nobody_in_an_accident() -> None:
    attempt = attempt_of(3)
    assert attempt.blame(2, EOFError(), accident=True) is None
    assert attempt.blame(2, EOFError(), accident=False) is None
    blamed = attempt.blame(2, EOFError(), accident=False)
    assert blamed is not None
    assert blamed[0].number == 1
    late = attempt_of(3).blame(3, TimeoutError(), accident=True)
    assert late is not None
    assert late[0].number == 2
    assert is_overrun(late[1].failure)


@given(st.lists(st.integers(0, 100), min_size=1), st.integers(1, 50), st.integers(0, 300))
def test_a_message_takes_one_item_or_as_many_as_fit(sizes: list[int], most: int, room: int) -> None:
    count = cut(sizes, most, room)
    assert 1 <= count <= min(most, len(sizes))
    assert count == 1 or sum(sizes[:count]) <= room
