"""Executions are kept by day: each counted once, old ones dropped and not taken in again."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from runtime.clock import format_time, utc_now
from sync.hub import tables
from sync.hub.parts import missing_part, old_parts, parts_of
from sync.hub.retention import drop_old
from sync.hub.store import Store
from tests.support import TASK
from tests.sync.conftest import RunningHub
from tests.sync.hub.postgres import new_database
from tests.sync.hub.test_hub import batch, execution


def ago(days: float) -> str:
    return format_time(utc_now() - timedelta(days=days))


@pytest.fixture
def send(hub: RunningHub) -> Any:
    """Sends rows in a batch of their own; gives the answer."""
    client = hub.client("edge")

    def send(*rows: dict[str, Any], stream: str = TASK) -> dict[str, Any]:
        content = batch(uuid4().hex, list(rows), stream=stream)
        answer = client.post("/api/v1/telemetry", content=content)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    yield send
    client.close()


def days_there(store: Store) -> list[int]:
    with store.read() as connection:
        return sorted(connection.execute(select(tables.executions.c.day)).scalars())


def parts(store: Store) -> set[str]:
    if store.url is None:
        return set()
    with store.read() as connection:
        return {name.removeprefix("executions_") for name in parts_of(connection)}


def test_a_batch_over_a_days_border_is_taken_in_and_known_again(hub: RunningHub, send: Any) -> None:
    hub.store.keep(3000 if hub.store.url is None else 100)
    day = (utc_now() - timedelta(days=2)).date()
    night = [
        execution(1, timestamp=f"{day}T23:59:59.999999Z"),
        execution(2, timestamp=f"{day + timedelta(days=1)}T00:00:00Z"),
    ]
    assert send(*night)["accepted"] == 2
    again = send(*night, execution(3, timestamp=f"{day}T12:00:00+00:00"))
    assert (again["accepted"], again["known"]) == (1, 2)
    first, second = (int(f"{one:%Y%m%d}") for one in (day, day + timedelta(days=1)))
    assert days_there(hub.store) == [first, first, second]
    if hub.store.url is not None:
        assert parts(hub.store) == {"before", str(first), str(second)}
    with hub.client("read") as reader:
        for since, count in ((f"{day}T00:00:00Z", 3), (f"{day + timedelta(days=1)}", 1)):
            told = reader.get(f"/api/v1/metrics/{TASK}", params={"since": since}).json()
            assert told["versions"][0]["executions"] == count


def test_what_is_too_old_is_dropped_and_refused_when_it_comes_again(
    hub: RunningHub, send: Any
) -> None:
    hub.store.keep(30)
    rows = [execution(number, timestamp=ago(number)) for number in (0, 5, 20, 29)]
    judged = [
        {
            "id": f"validation-{oracle}", "execution_id": "execution-000020", "program_version": 1,
            "match": True, "similarity_score": 1, "validated_at": ago(20), "oracle": oracle,
        }
        for oracle in ("person", "strategy")
    ]  # fmt: skip
    assert send(*rows)["accepted"] == 4
    assert send(*judged, stream=f"{TASK}/validations")["accepted"] == 2
    hub.store.keep(10)
    drop_old(hub.store)
    drop_old(hub.store)
    assert len(days_there(hub.store)) == 2
    if hub.store.url is not None:
        assert len(parts(hub.store)) == 3
    with hub.store.read() as connection:
        oracles = connection.execute(select(tables.validations.c.oracle)).scalars().all()
        batches = connection.execute(select(tables.batches.c.key)).all()
    assert oracles == ["person"]
    assert len(batches) == 2
    again = send(*rows)
    assert (again["accepted"], again["known"], again["rejected_count"]) == (0, 2, 2)
    assert "older than the 10 days that are kept here" in again["rejected"][0]["reason"]
    again = send(*judged, stream=f"{TASK}/validations")
    assert (again["known"], again["rejected_count"]) == (1, 1)
    hub.store.keep(40)
    assert send(*rows)["accepted"] == 2


def test_kept_for_ever_it_lies_by_months_which_go_as_a_whole(hub: RunningHub, send: Any) -> None:
    rows = [execution(number, timestamp=ago(number)) for number in (0, 200)]
    assert send(*rows, execution(9, timestamp="1970-01-01T00:00:07Z"))["accepted"] == 3
    drop_old(hub.store)
    assert len(days_there(hub.store)) == 3
    if hub.store.url is not None:
        assert {len(name) for name in parts(hub.store)} == {len("before"), len("202611")}
    hub.store.keep(50)
    drop_old(hub.store)
    assert len(days_there(hub.store)) == 1


def test_a_time_that_cannot_be_is_refused_so_that_no_box_makes_parts_at_will(
    hub: RunningHub, send: Any
) -> None:
    times = ("9999-12-31T00:00:00Z", ago(-40), "2026-13-45T00:00:00Z", "2026-02-30T00:00:00Z")
    answer = send(*(execution(number, timestamp=at) for number, at in enumerate(times)))
    reasons = [one["reason"] for one in answer["rejected"]]
    assert all("ahead of the hub's clock" in one for one in reasons[:2])
    assert len(reasons) == 4
    assert send(execution(9, timestamp=ago(-20)))["accepted"] == 1
    assert len(parts(hub.store)) in (0, 2)


def test_processes_that_need_the_same_parts_at_once_make_them_once(postgres: str) -> None:
    url = new_database(postgres, f"hub-{uuid4().hex[:12]}")
    stores = [Store(url) for _ in range(4)]
    stores[0].keep(30)
    failures = []

    def cover(store: Store) -> None:
        try:
            store.read_keep_days()
            store.cover([20261122, 20261123])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=cover, args=[store]) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert parts(stores[0]) == {"before", "20261122", "20261123"}
    for store in stores:
        store.close()


DAY = st.dates().map(lambda day: day.year * 10_000 + day.month * 100 + day.day)


@given(st.lists(st.tuples(DAY | st.integers(20261101, 20261230), st.booleans()), max_size=40))
def test_parts_never_overlap_and_every_day_has_one(wanted: list[tuple[int, bool]]) -> None:
    there: dict[str, tuple[int, int]] = {"executions_before": (0, 20200000)}
    for day, by_day in wanted:
        new = missing_part(day, there, by_day=by_day)
        if new is not None:
            name, first, end = new
            assert all(end <= other[0] or other[1] <= first for other in there.values())
            there[name] = (first, end)
        assert sum(first <= day < end for first, end in there.values()) == 1
        for name in old_parts(there, day):
            assert there[name][1] <= day
