"""A box that asks its hub what is right: what may be asked, what is answered, what never waits."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError
from runtime.steward.samples import Sample
from runtime.tasks import load_task
from runtime.validation.oracle import Oracle, OracleUnavailableError
from runtime.validation.oracles import make_oracles
from runtime.validation.standing import read_standing
from sync.agent import AUDIT_FILE
from sync.audit import AuditLog
from tests.support import TASK, RunningRuntime, make_task, promote, wait_until
from tests.sync.hub.test_hub import batch, upload


@pytest.fixture
def database() -> None:
    """What the hub answers is told from the same rows on every database."""
    return


@pytest.fixture
def team(hub: Any, packages: list[bytes], tmp_path: Path) -> Iterator[httpx.Client]:
    """Two versions of the task are published: v1 always says ham, v2 always spam."""
    with hub.client("edge", "publish", "read") as http:
        specification = (tmp_path / "author/tasks" / TASK / "task.yaml").read_text()
        for package in packages:
            assert upload(http, package, specification=specification).status_code == 201
        example = '{"input": {"text": "an example"}, "output": "ham"}\n'
        given = {"specification": specification, "examples": example}
        assert http.put(f"/api/v1/tasks/{TASK}/specification", json=given).is_success
        yield http


def tell(http: httpx.Client, *said: tuple[str, str, str]) -> None:
    """What oracles of other boxes said: (text, who, right)."""
    rows = [
        {
            "id": f"validation-{number}",
            "execution_id": f"execution-{number}",
            "program_version": 1,
            "match": False,
            "similarity_score": 0.0,
            "validated_at": "2025-06-01T10:00:00.000000Z",
            "oracle": who,
            "input": {"text": text},
            "oracle_output": right,
        }
        for number, (text, who, right) in enumerate(said)
    ]
    body = batch("key-000001", rows, f"{TASK}/validations", "another-box")
    assert http.post("/api/v1/telemetry", content=body).json()["rejected"] == []


class Box:
    """A box whose task names the hub as its oracle."""

    def __init__(self, folder: Path, url: str, key: str, mode: str = "balanced") -> None:
        self.data_dir = DataDir(folder)
        file = self.data_dir.deployment_file
        file.parent.mkdir(parents=True)
        file.write_text(
            f"cloud: {{api_url: '{url}', api_key: '{key}'}}\ntelemetry: {{privacy_mode: {mode}}}\n"
        )

    def oracle(self, **choice: Any) -> Oracle:
        make_task(self.data_dir, validation={"oracles": [{"kind": "hub", **choice}]})
        config = load_deployment(self.data_dir.deployment_file)
        ((kind, oracle),) = make_oracles(self.data_dir, config, load_task(self.data_dir, TASK))
        assert kind == "hub"
        return oracle

    def questions(self) -> int:
        return sum(1 for _ in AuditLog(self.data_dir.state / AUDIT_FILE).entries())


def sample(text: str) -> Sample:
    return Sample(
        "00000000-0000-7000-8000-000000000001", TASK, 1, {"text": text}, "ham", None, None,
        "success", 1.0, "2025-06-01T10:00:00.000000Z", "random", 0.1,
    )  # fmt: skip


def answered(oracle: Oracle, text: str) -> Any:
    answer = oracle.answer(sample(text))
    return None if answer is None else answer.output


def test_the_hub_answers_from_people_and_labelled_data_over_all_boxes(
    hub: Any, team: httpx.Client, tmp_path: Path
) -> None:
    tell(
        team,
        ("money back", "person", "spam"),
        ("money back", "ollama", "ham"),
        ("from a file", "file", "spam"),
        ("a model alone", "ollama", "spam"),
        ("disputed", "person", "spam"),
        ("disputed", "person", "ham"),
    )
    box = Box(tmp_path / "box", hub.url, hub.new_key("edge"))
    oracle = box.oracle()
    assert answered(oracle, "money back") == "spam"
    assert answered(oracle, "from a file") == "spam"
    assert answered(oracle, "an example") == "ham"
    for unknown in ("a model alone", "disputed", "never seen"):
        assert answered(oracle, unknown) is None
    oracle.close()
    log = AuditLog(box.data_dir.state / AUDIT_FILE)
    assert (log.verify().problem, box.questions()) == (None, 6), "each question is noted"
    assert {entry["kind"] for entry in log.entries()} == {"question"}
    # Another tenant's people are not asked.
    theirs = Box(tmp_path / "theirs", hub.url, hub.new_key("edge", tenant="rival")).oracle()
    assert answered(theirs, "money back") is None
    theirs.close()


def test_a_reference_version_is_run_at_the_hub_where_nobody_has_said_what_is_right(
    hub: Any, team: httpx.Client, tmp_path: Path
) -> None:
    tell(team, ("said by a person", "person", "ham"))
    oracle = Box(tmp_path / "box", hub.url, hub.new_key("edge")).oracle(version=2)
    assert answered(oracle, "never seen") == "spam"
    assert answered(oracle, "said by a person") == "ham"
    oracle.close()
    missing = Box(tmp_path / "other", hub.url, hub.new_key("edge")).oracle(version=9)
    assert answered(missing, "never seen") is None
    missing.close()


def test_what_must_not_leave_is_not_asked(hub: Any, team: httpx.Client, tmp_path: Path) -> None:
    key = hub.new_key("edge")
    with pytest.raises(InvalidInputError, match="strict") as refused:
        Box(tmp_path / "strict", hub.url, key, "strict").oracle()
    assert "task.yaml" in str(refused.value)
    box = Box(tmp_path / "box", hub.url, key)
    oracle = box.oracle(version=2)
    assert answered(oracle, "write to jane.doe@example.com") is None
    assert box.questions() == 0
    oracle.close()
    alone = Box(tmp_path / "alone", hub.url, key)
    alone.data_dir.deployment_file.write_text("runtime: {mode: edge}\n")
    with pytest.raises(InvalidInputError, match="no hub to ask"):
        alone.oracle()


def test_a_hub_that_is_away_or_refuses_is_asked_again_later(
    hub: Any, team: httpx.Client, tmp_path: Path
) -> None:
    away = Box(tmp_path / "away", "http://127.0.0.1:9", "lh_none").oracle()
    with pytest.raises(OracleUnavailableError, match="does not answer"):
        away.answer(sample("text"))
    away.close()
    refused = Box(tmp_path / "refused", hub.url, hub.new_key("read")).oracle()
    with pytest.raises(OracleUnavailableError, match="403"):
        refused.answer(sample("text"))
    refused.close()


@pytest.mark.thorough
def test_a_hub_that_never_answers_holds_no_caller_up_and_is_named_in_the_status(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connections are made, and that is all
        box = Box(tmp_path / "box", f"http://127.0.0.1:{silent.getsockname()[1]}", "lh_none")
        with box.data_dir.deployment_file.open("a") as settings:
            settings.write("sampling: {rate: 0.2}\nvalidation: {timeout_sec: 0.2}\n")
        box.oracle().close()  # writes the task
        promote(box.data_dir, load_task(box.data_dir, TASK))
        runtime = RunningRuntime(box.data_dir, steward=True)
        try:
            asked = 0

            def problems() -> list[str]:
                nonlocal asked
                asked += 1
                answer = runtime.execute({"text": f"buy {asked}"})
                assert answer.json()["output"] == "spam"
                return read_standing(box.data_dir).get(TASK, {}).get("problems", [])

            (said,) = wait_until(problems, 120)
            assert said.startswith("hub: it ")
        finally:
            runtime.stop()
