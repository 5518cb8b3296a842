"""`loopai hub rows`: what boxes told, as rows that a replay reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from sync.hub.rows_command import command
from tests.support import TASK
from tests.sync.hub.test_hub import batch
from tests.sync.hub.test_improvement import validations


def told(hub: Any, rows: list[dict[str, Any]], key: str, tenant: str = "acme") -> None:
    with hub.client("edge", tenant=tenant) as box:
        answer = box.post("/api/v1/telemetry", content=batch(key, rows, f"{TASK}/validations"))
        assert answer.json()["rejected"] == []


def test_judged_executions_become_rows_of_one_tenant(
    hub: Any, database: str | None, tmp_path: Path
) -> None:
    given = validations(40)
    told(hub, given, "key-000001")
    kept_back = [
        {**row, "id": f"strict-{row['id']}", "execution_id": f"strict-{n}", "input": None}
        for n, row in enumerate(validations(3))
    ]
    told(hub, kept_back, "key-000002")
    told(hub, [{**row, "id": f"o-{row['id']}"} for row in validations(5)], "key-000003", "other")

    def run(*more: str) -> dict[str, Any]:
        words = [TASK, str(tmp_path / "rows.jsonl"), "--tenant", "acme", "--json", *more]
        words += ["--folder", str(tmp_path / "hub")]
        words += ["--database", database] if database else []
        done = CliRunner().invoke(command, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    assert run() == {"rows": 40, "without_input": 3, "file": str(tmp_path / "rows.jsonl")}
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert sorted((row["input"]["text"], row["output"], row["answered"]) for row in rows) == sorted(
        (row["input"]["text"], row["oracle_output"], row["output"]) for row in given
    )
    assert run("--version", "v2")["rows"] == 0
