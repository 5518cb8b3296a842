"""Everything that is not an execution: health, metrics, tasks, artifacts, and what is not there."""

from __future__ import annotations

from support import TASK


def test_health_says_what_is_served(runtime):
    health = runtime.http.get("/health").json()
    assert health["status"] == "ok"
    assert health["default_task"] == TASK
    assert health["tasks"][TASK]["active_version"] == 1


def test_metrics_count_executions_and_problems(runtime):
    for text in ("buy", "hello", "crash"):
        runtime.execute({"text": text})
    runtime.execute({"text": 7})
    response = runtime.http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    lines = dict(line.rsplit(" ", 1) for line in response.text.splitlines() if line[0] != "#")

    def executions(name: str, status: str, more: str = "") -> str:
        return lines[f'{name}{{{more}status="{status}",task="{TASK}",version="1"}}']

    assert executions("loopai_executions_total", "success") == "2.0"
    assert executions("loopai_executions_total", "error") == "1.0"
    assert executions("loopai_execution_seconds_count", "success") == "2.0"
    assert executions("loopai_execution_seconds_bucket", "success", 'le="+Inf",') == "2.0"
    for kind in ("invalid-input", "program-error"):
        assert lines[f'loopai_problems_total{{kind="{kind}",task="{TASK}"}}'] == "1.0"
    assert lines[f'loopai_in_flight{{task="{TASK}"}}'] == "0.0"
    assert lines[f'loopai_active_version{{task="{TASK}"}}'] == "1.0"


def test_tasks_are_listed_and_shown_with_their_schemas(runtime):
    tasks = runtime.http.get("/v1/tasks").json()["tasks"]
    assert [task["name"] for task in tasks] == [TASK]
    assert tasks[0]["default"] is True
    task = runtime.http.get(f"/v1/tasks/{TASK}").json()
    assert task["output_schema"] == {"enum": ["spam", "ham"]}


def test_artifacts_are_listed_with_the_active_one(runtime):
    found = runtime.http.get(f"/v1/artifacts/{TASK}").json()
    assert found["active_version"] == 1
    (version,) = found["versions"]
    assert (version["version"], version["active"], version["status"]) == (1, True, "active")


def test_what_is_not_there_is_a_problem_too(runtime):
    for path in ("/", "/nowhere", "/v1", "/v1/tasks/nowhere", "/v1/artifacts/nowhere"):
        response = runtime.http.get(path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
    for path in ("/nowhere", "/v1/execute/", "/v1/execute/a/b", "/v1/execute/..%2f"):
        assert runtime.http.post(path, json={}).status_code == 404
    assert runtime.http.delete("/v1/tasks").status_code == 405
