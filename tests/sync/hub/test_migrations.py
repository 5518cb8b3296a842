"""A hub's database from one format to the next, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import inspect

from runtime.errors import InvalidInputError
from sync.hub import migrations
from sync.hub.hub_keys import HubKeys
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
