"""New versions, changed schemas and new tasks are taken up while requests go on."""

from __future__ import annotations

import threading

import httpx
from support import (
    OUTPUT_SCHEMA,
    TASK,
    RunningRuntime,
    add_version,
    logged,
    make_task,
    promote,
    wait_until,
)

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir

ALWAYS_SPAM = 'def run(input_data):\n    return "spam"\n'


def health(runtime) -> dict:
    return runtime.http.get("/health").json()["tasks"]


def serves(runtime, version: int, task: str = TASK) -> bool:
    return health(runtime).get(task, {}).get("active_version") == version


def test_versions_are_switched_under_load_without_a_failed_request(served_dir):
    task = make_task(served_dir)
    failures, versions, stop = [], [], threading.Event()

    with RunningRuntime(served_dir) as runtime:

        def ask() -> None:
            with httpx.Client(base_url=runtime.url, timeout=30) as client:
                while not stop.is_set():
                    response = client.post("/execute", json={"input": {"text": "hello"}})
                    if response.status_code == 200:
                        versions.append(response.json()["program_version"])
                    else:
                        failures.append(response.text)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for version in (2, 3):
            promote(served_dir, task, ALWAYS_SPAM)
            wait_until(lambda version=version: serves(runtime, version))
        ArtifactStore(served_dir).rollback(TASK, 1)
        wait_until(lambda: serves(runtime, 1))
        seen = len(versions)
        wait_until(lambda: len(versions) > seen + 10)
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert set(versions) == {1, 2, 3}
    assert versions[-1] == 1
    assert len(logged(served_dir)) == len(versions)


def test_a_version_that_does_not_load_leaves_the_last_good_one_and_says_so(served_dir):
    task = make_task(served_dir)
    with RunningRuntime(served_dir) as runtime:
        promote(served_dir, task, "import subprocess\n\ndef run(input_data):\n    return 1\n")
        problem = wait_until(lambda: health(runtime)[TASK]["problem"])
        assert "subprocess" in problem
        assert runtime.http.get("/health").json()["status"] == "degraded"
        assert runtime.http.get("/ready").status_code == 200
        assert runtime.execute({"text": "buy"}).json()["program_version"] == 1
        assert "v1 goes on serving" in runtime.errors()
        promote(served_dir, task, ALWAYS_SPAM)
        wait_until(lambda: serves(runtime, 3))
        assert health(runtime)[TASK]["problem"] is None


def test_a_version_whose_module_level_fails_is_not_switched_to(served_dir):
    task = make_task(served_dir)
    with RunningRuntime(served_dir) as runtime:
        promote(served_dir, task, "X = 1 // 0\n\ndef run(input_data):\n    return 'spam'\n")
        assert "ZeroDivisionError" in wait_until(lambda: health(runtime)[TASK]["problem"])
        assert runtime.execute({"text": "buy"}).json()["program_version"] == 1


def test_a_changed_schema_is_taken_up(served_dir):
    with RunningRuntime(served_dir) as runtime:
        assert runtime.execute({"text": "buy"}).status_code == 200
        make_task(
            served_dir,
            input_schema={"type": "object", "required": ["text", "sender"]},
            output_schema=OUTPUT_SCHEMA,
        )
        wait_until(lambda: runtime.execute({"text": "buy"}).status_code == 422)
        assert runtime.execute({"text": "buy", "sender": "me"}).status_code == 200


def test_a_broken_task_file_leaves_the_last_good_one(served_dir):
    with RunningRuntime(served_dir) as runtime:
        served_dir.task_file(TASK).write_text("name: [")
        assert "task.yaml" in wait_until(lambda: health(runtime)[TASK]["problem"])
        assert runtime.execute({"text": "buy"}).status_code == 200


def test_a_task_without_a_program_is_503_until_one_is_promoted(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    task = make_task(data_dir)
    version = add_version(data_dir, task)
    with RunningRuntime(data_dir) as runtime:
        refused = runtime.execute({"text": "buy"})
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:loopai:problem:no-active-program"
        assert runtime.http.get("/ready").status_code == 503
        ArtifactStore(data_dir).activate(TASK, version)
        wait_until(lambda: runtime.http.get("/ready").status_code == 200)
        assert runtime.execute({"text": "buy"}).json()["program_version"] == 1


def test_tasks_come_and_go_while_it_runs(served_dir):
    with RunningRuntime(served_dir) as runtime:
        assert runtime.execute({"text": "buy"}, "second").status_code == 404
        promote(served_dir, make_task(served_dir, "second"), ALWAYS_SPAM)
        wait_until(lambda: serves(runtime, 1, "second"))
        assert runtime.execute({"text": "hello"}, "second").json()["output"] == "spam"
        assert [line["output"] for line in logged(served_dir, "second")] == ["spam"]
        served_dir.task_file("second").unlink()
        wait_until(lambda: runtime.execute({"text": "buy"}, "second").status_code == 404)
        assert runtime.execute({"text": "buy"}).status_code == 200
