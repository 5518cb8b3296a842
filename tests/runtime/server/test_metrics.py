"""Figures in memory that several processes share: kept apart, summed, and handed on."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from runtime.server.counter_memory import SLOT_BYTES, CounterMemory
from runtime.server.metrics import OF_A_PROCESS, Metrics

keys = st.lists(st.text(st.characters(exclude_characters="\x1f", codec="utf-8"), max_size=20),
                min_size=1, max_size=4).map(tuple)  # fmt: skip


@dataclass
class Done:
    version: int
    status: str
    latency_ms: float


@given(st.lists(st.tuples(st.integers(0, 2), keys, st.integers(1, 1000)), max_size=40))
def test_what_is_counted_in_any_slot_is_in_the_sum_and_outlives_its_writer(counted):
    memory = CounterMemory(3)
    expected: dict[tuple[str, ...], float] = {}
    for slot, key, amount in counted:
        # A fresh one each time, as a process that took the slot over would have.
        memory.slot(slot).row(key, 1)[0] += amount
        expected[key] = expected.get(key, 0) + amount
    found: dict[tuple[str, ...], float] = {}
    for key, cells in memory.rows():
        found[key] = found.get(key, 0) + cells[0]
    assert found == expected


def test_a_child_process_counts_where_its_parent_can_read():
    memory = CounterMemory(2)
    pid = os.fork()
    if pid == 0:
        memory.slot(1).row(("counted", "there"), 3)[2] = 7.5
        os._exit(0)
    os.waitpid(pid, 0)
    assert list(memory.rows()) == [(("counted", "there"), [0.0, 0.0, 7.5])]


def test_a_slot_that_is_full_goes_on_without_the_new_figures():
    memory = CounterMemory(1)
    slot = memory.slot(0)
    first = slot.row(("first",), 1)
    for number in range(SLOT_BYTES // 2000):
        slot.row(("many", str(number)), 300)[0] = 1
    slot.row(("late",), 1)[0] += 1
    first[0] += 1
    figures = dict(memory.rows())
    assert figures["first",] == [1.0]
    assert ("late",) not in figures


def test_gauges_end_with_their_process_and_counters_do_not():
    memory = CounterMemory(1)
    metrics = Metrics(memory, memory.slot(0))
    metrics.set(("in_flight", "spam"), 3)
    metrics.problems.labels("spam", "timeout").inc()
    memory.slot(0).clear(OF_A_PROCESS)
    totals = metrics.totals()
    assert totals["in_flight", "spam"] == [0.0]
    assert totals["problems", "spam", "timeout"] == [1.0]


def test_of_ages_the_largest_is_shown_and_of_counts_the_sum():
    memory = CounterMemory(2)
    for number in (0, 1):
        metrics = Metrics(memory, memory.slot(number))
        metrics.set(("log_lag_seconds", "spam"), number + 0.5)
        metrics.set(("queue_depth", "spam"), number + 1)
    text = metrics.text(list).decode()
    assert 'loopai_log_lag_seconds{task="spam"} 1.5' in text
    assert 'loopai_queue_depth{task="spam"} 3.0' in text


def test_workers_are_summed_in_histograms_and_minutes():
    memory = CounterMemory(2)
    workers = [Metrics(memory, memory.slot(number)) for number in (0, 1)]
    for metrics in workers:
        metrics.count_batch("spam", [Done(1, "success", 0.2), Done(1, "timeout", 60_000)], 2)
        metrics.count_sandbox_end("timeout", "spam")
    text = workers[0].text(lambda: [("spam", 1, 10)]).decode()
    labels = 'status="success",task="spam",version="1"'
    assert f"loopai_executions_total{{{labels}}} 2.0" in text
    bucket = rf'loopai_execution_seconds_bucket\{{le="0.00025",{labels}\}} 2.0'
    assert re.search(bucket, text)
    assert 'loopai_sandbox_kills_total{reason="timeout",task="spam"} 2.0' in text
    assert "loopai_sandbox_restarts_total 2.0" in text
    assert 'loopai_batch_executions_count{task="spam"} 2.0' in text
    assert [sum(column) for column in zip(*workers[1].per_minute("spam"), strict=True)] == [2, 2]
