"""`loopai hub` for a platform team: what it shows of a hub, for people and with `--json`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runtime.errors import LoopaiError
from sync.hub.commands import command
from sync.hub.tickets import Tickets
from tests.support import TASK
from tests.sync.conftest import RunningHub
from tests.sync.hub.test_hub import batch, execution, upload


@pytest.fixture
def database() -> None:
    """What is asked over HTTP is the same on every database: the embedded one will do."""
    return


@pytest.fixture
def ask(hub: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command with a key of the tenant; returns its exit code and what it prints."""
    monkeypatch.setenv("LOOPAI_HUB_URL", hub.url)
    monkeypatch.setenv("LOOPAI_API_KEY", hub.new_key("read", "admin"))
    monkeypatch.setenv("LOOPAI_DATA_DIR", str(tmp_path / "here"))

    def run(*arguments: str) -> tuple[int, str]:
        # As the command line does it: what a command returns is the exit code.
        done = CliRunner().invoke(command, arguments, standalone_mode=False)
        if done.exception is not None:
            raise done.exception
        return done.return_value or 0, done.stdout

    return run


def test_a_team_sees_which_version_runs_where(
    hub: RunningHub, ask: Any, packages: list[bytes]
) -> None:
    assert ask("deployments") == (0, "No box has registered yet.\n")
    assert ask("versions", TASK)[1].startswith("No version of")
    with hub.client("publish", "edge") as http:
        for package in packages:
            upload(http, package, note="better")
        http.post("/api/v1/deployments", json={"deployment_id": "box-1", "tasks": {TASK: 1}})
        http.post("/api/v1/deployments", json={"deployment_id": "box-2", "tasks": {TASK: 2}})
        rows = [execution(1), execution(2, status="error")]
        http.post("/api/v1/telemetry", content=batch("key-000001", rows))
    code, text = ask("deployments")
    assert code == 0
    assert f"box-1  edge  alive  {TASK} v1 (newest v2)\n" in text
    assert f"box-2  edge  alive  {TASK} v2\n" in text
    told = json.loads(ask("versions", TASK, "--json")[1])["versions"]
    assert [(one["version"], one["deployments"]) for one in told] == [
        (1, ["box-1"]),
        (2, ["box-2"]),
    ]
    assert "runs on 1  better" in ask("versions", TASK)[1]
    assert "v1  2 executions on 1  1 failed" in ask("figures", TASK)[1]
    assert json.loads(ask("figures", TASK, "--since", "2030-01-01", "--json")[1])["versions"] == []
    assert "published" in ask("audit", "--limit", "5")[1]


def test_a_ticket_is_listed_shown_and_closed(hub: RunningHub, ask: Any) -> None:
    Tickets(hub.store).open("acme", TASK, "Three tries failed", "See the examples.", {"tries": 3})
    code, text = ask("tickets", "list")
    assert code == 1 and "Three tries failed" in text
    assert "See the examples." in ask("tickets", "show", "1")[1]
    assert json.loads(ask("tickets", "show", "1", "--json")[1])["facts"] == {"tries": 3}
    assert json.loads(ask("tickets", "close", "1", "--json")[1])["state"] == "closed"
    assert ask("tickets", "list") == (0, "There are no open tickets.\n")
    assert "closed" in ask("tickets", "list", "--all")[1]
    with pytest.raises(LoopaiError, match="no open ticket 1"):
        ask("tickets", "close", "1")


def test_a_key_that_may_not_and_a_hub_that_is_away_are_said_in_words(
    hub: RunningHub, ask: Any
) -> None:
    with pytest.raises(LoopaiError, match="scope read or admin"):
        ask("deployments", "--api-key", hub.new_key("edge"))
    with pytest.raises(LoopaiError, match="does not answer"):
        ask("deployments", "--url", "http://127.0.0.1:1")


def test_keys_are_made_listed_and_revoked_at_the_console(tmp_path: Path, ask: Any) -> None:
    place = ("--folder", str(tmp_path / "hub"), "--json")
    made = json.loads(ask("keys", "create", "till", "--tenant", "rival", *place)[1])
    (listed,) = json.loads(ask("keys", "list", "--tenant", "rival", *place)[1])
    assert (listed["id"], listed["scopes"], listed["revoked_at"]) == (made["id"], ["edge"], None)
    assert json.loads(ask("keys", "revoke", made["id"], *place)[1])["revoked"] is True
    (listed,) = json.loads(ask("keys", "list", "--tenant", "rival", *place)[1])
    assert listed["revoked_at"]


def test_a_hub_installed_without_the_workbench_has_all_its_commands() -> None:
    """As the container has it; what needs more says so when it is run."""
    without = "rich textual sklearn scipy numpy duckdb fsspec plotly sqlite_utils distributed"
    script = (
        "import sys\n"
        f"for name in {without!r}.split():\n"
        "    sys.modules[name] = None\n"
        "from workbench.cli import main\n"
        "main()\n"
    )
    for given in (("start", "--help"), ("failures", "--help")):
        command = [sys.executable, "-c", script, "hub", *given]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
