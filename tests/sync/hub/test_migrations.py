"""A hub's database from one format to the next, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import inspect, select, text

from runtime.errors import InvalidInputError
from sync.hub import migrations, tables
from sync.hub.hub_keys import HubKeys
from sync.hub.parts import parts_of
from sync.hub.store import Store


def add_owner(connection):
    connection.exec_driver_sql("ALTER TABLE keys ADD COLUMN owner TEXT")
    connection.exec_driver_sql("UPDATE keys SET owner = 'unknown'")


NEXT = migrations.FORMAT_VERSION + 1


def columns(store):
    return {column["name"] for column in inspect(store.engine).get_columns("keys")}


@pytest.fixture
def opened(database, tmp_path):
    """The URL of a store of today's format with a key in it."""
    database = database or f"sqlite:///{tmp_path / 'hub.db'}"
    store = Store(database)
    HubKeys(store).create("acme", "box", ["edge"])
    store.close()
    return database


def test_hubs_that_start_at_once_take_the_step_once(opened, monkeypatch):
    taken = []

    def step(connection):
        taken.append(1)
        add_owner(connection)

    monkeypatch.setattr(migrations, "FORMAT_VERSION", NEXT)
    monkeypatch.setattr(migrations, "STEPS", {NEXT: step})
    failures = []

    def start():
        try:
            Store(opened).close()
        except Exception as error:
            failures.append(error)

    hubs = [threading.Thread(target=start) for _ in range(4)]
    for hub in hubs:
        hub.start()
    for hub in hubs:
        hub.join()
    assert (failures, taken) == ([], [1])
    store = Store(opened)
    assert "owner" in columns(store)
    assert HubKeys(store).listed()[0]["name"] == "box"
    store.close()


def test_a_step_that_fails_leaves_everything_as_it_was(opened, monkeypatch):
    def step(connection):
        add_owner(connection)
        raise RuntimeError("the disk, say")

    with monkeypatch.context() as patched:
        patched.setattr(migrations, "FORMAT_VERSION", NEXT)
        patched.setattr(migrations, "STEPS", {NEXT: step})
        with pytest.raises(RuntimeError):
            Store(opened)
    store = Store(opened)
    assert "owner" not in columns(store)
    store.close()


def test_a_later_releases_database_is_refused(opened, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "FORMAT_VERSION", NEXT)
        patched.setattr(migrations, "STEPS", {NEXT: add_owner})
        Store(opened).close()
    with pytest.raises(
        InvalidInputError, match=f"has format version {NEXT}; this release reads {NEXT - 1}"
    ):
        Store(opened)


FORMAT_2 = """
DROP TABLE executions;
CREATE TABLE executions (
    tenant VARCHAR(64) NOT NULL, execution_id VARCHAR(64) NOT NULL,
    deployment VARCHAR(128) NOT NULL, task VARCHAR(64) NOT NULL, version INTEGER NOT NULL,
    at VARCHAR(32) NOT NULL, status VARCHAR(16) NOT NULL, latency_ms FLOAT NOT NULL,
    sampled BOOLEAN NOT NULL, input_hash VARCHAR(96), input JSON, output JSON, error JSON,
    PRIMARY KEY (tenant, execution_id), FOREIGN KEY(tenant) REFERENCES tenants (name));
CREATE INDEX executions_by_task ON executions (tenant, task, at);
DROP INDEX validations_by_time;
UPDATE facts SET value = '2' WHERE name = 'format_version'
"""
TIMES = (
    "1970-01-01T00:00:07Z", "2024-12-31T23:59:59.999999Z", "2025-01-01T00:00:00+00:00",
    "2025-01-31T10:00:00Z", "9999-12-31T00:00:00Z", "2026-13-45T00:00:00Z",
)  # fmt: skip


def test_executions_of_before_are_kept_by_day_and_none_is_lost(opened, tmp_path):
    store = Store(opened)
    with store.write() as connection:
        for statement in FORMAT_2.split(";"):
            connection.execute(text(statement))
        for number, at in enumerate(TIMES):
            connection.execute(
                text(
                    "INSERT INTO executions VALUES ('acme', :id, 'box', 'spam', 1, :at, 'success',"
                    " 0.5, :yes, NULL, :json, NULL, NULL)"
                ),
                {"id": f"id-{number}", "at": at, "yes": True, "json": '{"text": "buy"}'},
            )
    store.close()
    store = Store(opened)
    columns = tables.executions.c
    with store.read() as connection:
        rows = connection.execute(select(tables.executions).order_by(columns.execution_id)).all()
        found = parts_of(connection) if store.url else set()
    assert [row.at for row in rows] == list(TIMES)
    assert [row.day for row in rows][:4] == [19700101, 20241231, 20250101, 20250131]
    assert max(row.day for row in rows) < 20990000
    assert {repr(row.input) for row in rows} == {"{'text': 'buy'}"}
    if store.url:
        assert {"executions_before", "executions_202412", "executions_202501"} <= found
    else:
        assert (tmp_path / "hub.db.format-2.bak").exists()
    # It goes on as a new one does.
    there = {one["name"] for one in inspect(store.engine).get_indexes("executions")}
    assert there == {"executions_by_task"}
    row = dict(rows[3]._mapping)
    store.cover([row["day"], 20250201])
    with store.write() as connection:
        new = {**row, "day": 20250201}
        assert store.insert_new(connection, tables.executions, [row, new]) == 1
    store.close()
