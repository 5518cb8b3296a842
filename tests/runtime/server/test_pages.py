"""Everything that is not an execution: health, figures, versions, the log, the dashboard."""

from __future__ import annotations

import httpx
import pytest
from support import (
    TASK,
    RunningRuntime,
    add_version,
    make_task,
    promote,
    server_folder,
    wait_until,
)

from runtime.artifacts import ArtifactStore
from runtime.keys import SCOPES, KeyFile
from runtime.server.dashboard import percentile_ms
from runtime.server.metrics import BUCKETS_MS


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


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    """A runtime with two versions and a key of each scope, by scope."""
    data_dir = server_folder(tmp_path_factory.mktemp("keyed"))
    add_version(data_dir, make_task(data_dir))
    file = KeyFile(data_dir.keys_file)
    keys = {scope: file.create(scope, [scope])[1] for scope in SCOPES}
    with RunningRuntime(data_dir) as running:
        yield running, keys


PATHS = {
    "execute": [("POST", "/execute"), ("POST", f"/v1/execute/{TASK}/batch")],
    "read": [
        ("GET", path)
        for path in (
            "/metrics",
            "/openapi.json",
            "/dashboard",
            "/v1/tasks",
            f"/v1/tasks/{TASK}",
            f"/v1/artifacts/{TASK}",
            f"/v1/datasets/{TASK}/executions",
        )
    ],
    "admin": [
        ("POST", f"/v1/artifacts/{TASK}/activate"),
        ("POST", f"/v1/artifacts/{TASK}/rollback"),
    ],
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_may_do_what_its_scope_says_and_no_more(keyed, scope):
    running, keys = keyed
    key = {"authorization": f"Bearer {keys[scope]}"}
    for needed, paths in PATHS.items():
        for method, path in paths:
            assert running.http.request(method, path, content=b"[").status_code == 401
            response = running.http.request(method, path, content=b"[", headers=key)
            assert (response.status_code == 403) == (needed != scope), (scope, path)


def test_versions_are_activated_and_rolled_back_by_who_may(keyed):
    running, keys = keyed
    running.http.headers["authorization"] = f"Bearer {keys['admin']}"
    change = f"/v1/artifacts/{TASK}"

    def post(action: str, body) -> tuple[int, dict]:
        response = running.http.post(f"{change}/{action}", json=body)
        return response.status_code, response.json()

    assert post("rollback", {})[0] == 404, "there is no earlier one yet"
    status, answer = post("activate", {"version": 2, "reason": "it is better"})
    assert (status, answer["active_version"], answer["previous_version"]) == (200, 2, 1)
    execute = {"authorization": f"Bearer {keys['execute']}"}

    def serving() -> int:
        body = {"input": {"text": "buy"}}
        return running.http.post("/execute", json=body, headers=execute).json()["program_version"]

    wait_until(lambda: serving() == 2)
    history = ArtifactStore(running.data_dir).history(TASK)
    assert (history[-1]["event"], history[-1]["reason"]) == ("promoted", "it is better")
    assert post("rollback", {})[1]["active_version"] == 1
    wait_until(lambda: serving() == 1)
    assert post("activate", {"version": 9})[1]["type"] == "urn:loopai:problem:unknown-version"
    for wrong in (
        {},
        {"version": "2"},
        {"version": 0},
        {"version": 1.5},
        {"version": 2, "force": True},
        [2],
    ):
        status, answer = post("activate", wrong)
        assert (status, answer["type"]) == (422, "urn:loopai:problem:invalid-input")
    assert running.http.post(f"{change}/activate", content=b"{").status_code == 400
    assert running.http.post(f"{change}/activate", content=b" " * 20_000).status_code == 413
    assert (
        running.http.post("/v1/artifacts/nowhere/activate", json={"version": 1}).status_code == 404
    )


def test_a_damaged_version_is_not_activated(keyed):
    running, keys = keyed
    running.http.headers["authorization"] = f"Bearer {keys['admin']}"
    program = running.data_dir.artifact(TASK, 2) / "program.py"
    before = program.read_bytes()
    program.write_bytes(before + b"#")
    response = running.http.post(f"/v1/artifacts/{TASK}/activate", json={"version": 2})
    program.write_bytes(before)
    assert response.status_code == 409
    assert "SHA-256 differs" in response.json()["detail"]


def test_a_browser_shows_the_dashboard_for_a_key_as_password_and_nothing_else(keyed):
    running, keys = keyed
    asked = httpx.get(f"{running.url}/dashboard")
    assert (asked.status_code, asked.headers["www-authenticate"][:5]) == (401, "Basic")
    by_password = httpx.BasicAuth("anybody", keys["read"])
    for path in ("/dashboard", "/dashboard/files/page.js", f"/dashboard/data/{TASK}"):
        assert httpx.get(f"{running.url}{path}", auth=by_password, timeout=60).status_code == 200
        assert httpx.get(f"{running.url}{path}").status_code == 401
    assert httpx.get(f"{running.url}/metrics", auth=by_password).status_code == 401


def test_the_newest_executions_are_shown_newest_first(served_dir):
    with RunningRuntime(served_dir) as runtime:
        where = f"/v1/datasets/{TASK}/executions"
        assert runtime.http.get(where).json() == {"task": TASK, "executions": []}
        for text in ("one", "crash", "three"):
            runtime.execute({"text": text})

        def texts(**query) -> list[str]:
            found = runtime.http.get(where, params=query).json()["executions"]
            return [line["input"]["text"] for line in found]

        assert texts() == ["three", "crash", "one"]
        assert texts(limit=1) == ["three"]
        assert texts(status="error") == ["crash"]
        assert texts(status="timeout") == []
        for wrong in ({"limit": 0}, {"limit": "many"}, {"limit": 10**6}, {"status": "bad"}):
            assert runtime.http.get(where, params=wrong).status_code == 400
        assert runtime.http.get("/v1/datasets/nowhere/executions").status_code == 404
        stats = runtime.http.get(f"/v1/datasets/{TASK}/stats", params={"days": 1}).json()
        assert stats["executions"] == 3
        assert stats["status"]["error"] == 1


def test_the_dashboard_shows_figures_pictures_and_failures_and_escapes_them(served_dir):
    program = """
def run(input_data):
    if input_data["text"] == "crash":
        raise ValueError("<script>alert(1)</script>")
    return "ham"
"""
    promote(served_dir, make_task(served_dir), program)
    with RunningRuntime(served_dir) as runtime:
        for text in ("a", "b", "c", "crash"):
            runtime.execute({"text": text})
        response = runtime.http.get("/dashboard?plain")
        page = response.text
        assert response.headers["content-type"].startswith("text/html")
        assert "script" not in response.headers["content-security-policy"]
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "<dd>4</dd>" in page
        assert "1 (25.00%)" in page
        assert page.count("<svg") == 2
        assert "prefers-color-scheme: dark" in page
        assert page.count('<rect class="bad"') == 1
        assert "v2" in page


def test_percentiles_are_within_their_bucket():
    counts = [0.0] * (len(BUCKETS_MS) + 1)
    assert percentile_ms(counts, 0.5) is None
    counts[8] = 100  # 2.5 to 5 ms
    assert BUCKETS_MS[7] < percentile_ms(counts, 0.01) < percentile_ms(counts, 0.99) < BUCKETS_MS[8]
    counts[-1] = 900
    assert percentile_ms(counts, 0.99) == BUCKETS_MS[-1]
