"""What earlier releases left on disk is read by this one; what later ones leave is refused."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from runtime.cli import group as runtime_group
from runtime.command_line import run
from runtime.data_dir import DataDir
from runtime.migrations import Format, backup_file, bring_up_to_date
from sync.hub import migrations, tables
from sync.hub.hub_keys import HubKeys
from sync.hub.store import Store
from tests.support import TASK, RunningRuntime
from workbench.cli import group as loopai_group
from workbench.synthesis.journal_tables import TABLES

RELEASES = sorted(Path(__file__).parent.glob("*.tar.gz"))
ALL_DAYS = ("--days", "100000")


@pytest.fixture(scope="module", params=RELEASES, ids=lambda path: path.name.removesuffix(".tar.gz"))
def unpacked(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    with tarfile.open(request.param) as packed:
        packed.extractall(folder, filter="tar")
    return folder


@pytest.fixture
def release(unpacked, tmp_path):
    """A copy that a test may change."""
    return Path(shutil.copytree(unpacked, tmp_path / "release", symlinks=True))


@pytest.fixture
def loopai(monkeypatch, capsys):
    """Runs a command line in this process; gives its exit code, output and complaint."""

    def call(release, *arguments, group=loopai_group):
        monkeypatch.setenv("LOOPAI_DATA_DIR", str(release / "data"))
        monkeypatch.setenv("LOOPAI_HUB_FOLDER", str(release / "hub"))
        monkeypatch.setattr(sys, "argv", ["loopai", *arguments])
        with pytest.raises(SystemExit) as ended:
            run(group)
        told = capsys.readouterr()
        return ended.value.code, told.out, told.err

    return call


def test_everything_of_an_older_release_is_read(release, loopai):
    def answer(*arguments):
        code, output, errors = loopai(release, *arguments, "--json")
        assert code in (0, 1), errors
        return json.loads(output)

    assert answer("task", "list")[0]["examples"] == 40
    assert answer("config", "show")["sampling"]["rate"] == 0.2
    assert [one["version"] for one in answer("versions", TASK)["versions"]] == [1, 2, 3]
    assert answer("rollout", "show", TASK)["state"] == "running"
    assert answer("stats", TASK, *ALL_DAYS)["executions"] == 100
    (counted,) = answer("data", "query", "select count(*) n from executions")
    assert counted["n"] == 100
    assert answer("label", TASK)["waiting"] > 0
    assert answer("runs", "list")[0]["state"] == "finished"
    assert answer("hub", "keys", "list")[0]["tenant"] == "acme"
    assert loopai(release, "notebook", "check", str(notebook_of(release)))[0] == 0
    assert "hub: http://127.0.0.1:18391" in loopai(release, "sync", "status")[1]
    assert loopai(release, "sync", "audit")[0] == 0
    assert loopai(release, "keys", "list", group=runtime_group)[1].count("till") == 1


def notebook_of(release):
    return release / "data/tasks" / TASK / "spam.notebook.md"


def test_a_data_directory_of_an_older_release_is_served(release):
    data_dir = DataDir(release / "data")
    data_dir.deployment_file.unlink()  # its hub is gone
    key = {"LOOPAI_SERVE_KEY": "k"}  # as it has keys, one is needed
    with RunningRuntime(data_dir, environment=key) as running:
        running.http.headers["Authorization"] = "Bearer k"
        assert running.execute({"text": "buy"}).json()["output"] == "spam"


def edit(pattern, replacement):
    def change(file):
        text, count = re.subn(pattern, replacement, file.read_text(), count=1)
        assert count == 1
        file.write_text(text)

    return change


def raise_number(file):
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 2")


def raise_hub(file):
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE facts SET value = '4' WHERE name = 'format_version'")


OF_THE_TASK = f"data/tasks/{TASK}"
ARTIFACTS = f"data/artifacts/{TASK}"
JSON = edit(r'"v": ?1', '"v": 2')
YAML = edit("v: 1", "v: 2")
STATISTICS = f"data/datasets/{TASK}/analytics"


def without_its_log(file):
    """Figures that cannot be derived again."""
    JSON(file)
    (file.parents[1] / "executions/2026-11-20.jsonl.gz").unlink()


@pytest.mark.parametrize(
    ("file", "change", "command"),
    [
        (f"{OF_THE_TASK}/task.yaml", YAML, ("task", "show", TASK)),
        (
            f"{OF_THE_TASK}/examples.jsonl",
            edit('"input"', '"v": 2, "input"'),
            ("task", "check", TASK),
        ),
        ("data/config/deployment.yaml", YAML, ("config", "check")),
        (f"{ARTIFACTS}/v1/metadata.json", JSON, ("promote", TASK, "v1")),
        (f"{ARTIFACTS}/history.jsonl", JSON, ("versions", TASK)),
        (f"{ARTIFACTS}/rollout.json", JSON, ("rollout", "show", TASK)),
        (f"{STATISTICS}/daily-stats-2026-11-20.json", without_its_log, ("stats", TASK, *ALL_DAYS)),
        ("data/state/steward.db", raise_number, ("label", TASK, "--json")),
        ("data/state/synthesis.db", raise_number, ("runs", "list")),
        ("data/state/improve.db", raise_number, ("improve", TASK)),
        ("data/state/identity.json", JSON, ("sync", "preview")),
        ("data/state/keys.json", JSON, ("keys", "list")),
        ("hub/hub.db", raise_hub, ("hub", "keys", "list")),
    ],
    ids=lambda value: Path(value).name if isinstance(value, str) else "",
)
def test_what_a_later_release_wrote_is_refused_in_one_sentence_and_left_alone(
    release, loopai, file, change, command
):
    changed = release / file
    change(changed)
    before = changed.read_bytes()
    group = runtime_group if command[0] == "keys" else loopai_group
    code, _, errors = loopai(release, *command, group=group)
    assert code == 2
    (sentence,) = [line for line in errors.splitlines() if "format version" in line]
    reads = migrations.FORMAT_VERSION if change is raise_hub else 1
    assert f"has format version {reads + 1}; this release reads {reads}." in sentence
    assert changed.name in sentence
    assert "Traceback" not in errors
    assert changed.read_bytes() == before


def test_a_line_of_a_later_release_is_counted_as_unreadable_and_not_guessed_at(release, loopai):
    log = release / f"data/datasets/{TASK}/executions/2026-11-21.jsonl"
    JSON(log)
    (release / f"data/datasets/{TASK}/analytics/daily-stats-2026-11-21.json").unlink()
    code, output, _ = loopai(release, "stats", TASK, *ALL_DAYS, "--json")
    (day,) = [one for one in json.loads(output)["by_day"] if one["day"] == "2026-11-21"]
    assert (code, day["executions"], day["malformed_lines"]) == (0, 19, 1)


def test_a_database_goes_up_step_by_step_with_a_copy_of_it_before(release):
    """The worked example: a third format, in which a task's runs have an owner."""

    def add_owner(database):
        database.execute("ALTER TABLE runs ADD COLUMN owner TEXT")

    def name_owner(database):
        database.execute("UPDATE runs SET owner = 'unknown' WHERE owner IS NULL")

    file = release / "data/state/synthesis.db"
    third = Format(3, {2: add_owner, 3: name_owner})
    with closing(sqlite3.connect(file)) as database:
        bring_up_to_date(database, file, third)
        assert database.execute("SELECT owner FROM runs").fetchall() == [("unknown",)]
        assert database.execute("PRAGMA user_version").fetchone() == (3,)
        bring_up_to_date(database, file, third)  # nothing more to do
    with closing(sqlite3.connect(backup_file(file, 1))) as before:
        assert before.execute("PRAGMA user_version").fetchone() == (1,)
        assert "owner" not in {row[1] for row in before.execute("PRAGMA table_info(runs)")}
        assert before.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_a_step_that_fails_leaves_the_database_as_it_was(release):
    def half(database):
        database.execute("DELETE FROM runs")
        raise RuntimeError("the disk, say")

    file = release / "data/state/synthesis.db"
    with closing(sqlite3.connect(file)) as database:
        with pytest.raises(RuntimeError):
            bring_up_to_date(database, file, Format(2, {2: half}))
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        assert database.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_hubs_database_goes_up_with_a_copy_of_it_before(release, monkeypatch):
    def rename(connection):
        connection.exec_driver_sql("UPDATE keys SET name = 'was ' || name")

    file = release / "hub/hub.db"
    monkeypatch.setattr(migrations, "FORMAT_VERSION", migrations.FORMAT_VERSION + 1)
    steps = {**migrations.STEPS, migrations.FORMAT_VERSION: rename}
    monkeypatch.setattr(migrations, "STEPS", steps)
    for _ in range(2):  # the second time there is nothing to do
        store = Store.in_folder(file.parent)
        assert HubKeys(store).listed()[0]["name"] == "was box"
        store.close()
    with closing(sqlite3.connect(backup_file(file, 1))) as before:
        assert before.execute("SELECT name FROM keys").fetchone() == ("box",)


def test_no_table_changes_without_a_new_format(unpacked, release):
    """Fails when a column is added to what a release wrote: raise the format, and write a step."""
    with closing(sqlite3.connect(unpacked / "data/state/synthesis.db")) as database:
        for table, columns in TABLES.items():
            there = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
            assert columns.keys() <= there, table
    Store.in_folder(release / "hub").close()
    engine = create_engine(f"sqlite:///{release / 'hub/hub.db'}")
    with engine.connect() as connection:
        present = inspect(connection)
        for table in tables.metadata.sorted_tables:
            if present.has_table(table.name):
                there = {column["name"] for column in present.get_columns(table.name)}
                assert there == set(table.columns.keys()), table.name
    engine.dispose()
