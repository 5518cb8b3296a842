"""What a server does at its limits: slow programs, full queues, full disks, signals, kill -9."""

from __future__ import annotations

import resource
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from support import TASK, RunningRuntime, log_line, logged, wait_until

RLIM_INFINITY = resource.RLIM_INFINITY


def configure(data_dir, text: str) -> None:
    data_dir.deployment_file.parent.mkdir(exist_ok=True)
    data_dir.deployment_file.write_text(text)


def test_a_program_that_loops_is_504_and_logged_as_timeout(served_dir):
    configure(served_dir, "execution: {timeout_ms: 200}")
    with RunningRuntime(served_dir) as runtime:
        response = runtime.execute({"text": "loop"})
        assert response.status_code == 504
        answer = response.json()
        assert answer["type"] == "urn:loopai:problem:timeout"
        line = logged(served_dir)[-1]
        assert (line["status"], line["execution_id"]) == ("timeout", answer["execution_id"])
        assert runtime.execute({"text": "buy"}).json()["output"] == "spam"


def test_a_full_queue_is_429_and_the_server_goes_on(served_dir):
    configure(served_dir, "execution: {timeout_ms: 500}\nruntime: {max_queue: 2}")
    with RunningRuntime(served_dir) as runtime, ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(runtime.execute, [{"text": "loop"}] * 8))
        statuses = sorted(response.status_code for response in responses)
        assert set(statuses) == {429, 504}
        refused = next(response for response in responses if response.status_code == 429)
        assert refused.headers["retry-after"] == "1"
        assert runtime.execute({"text": "buy"}).status_code == 200
        assert len(logged(served_dir)) == statuses.count(504) + 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_being_told_to_stop_answers_what_is_under_way_and_exits_well(served_dir, number):
    configure(served_dir, "execution: {timeout_ms: 800}")
    runtime = RunningRuntime(served_dir)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(runtime.execute, {"text": "loop"})
        wait_until(lambda: runtime.http.get("/health").json()["tasks"][TASK]["in_flight"])
        runtime.process.send_signal(number)
        assert slow.result().status_code == 504
    assert runtime.wait() == 0
    assert [line["status"] for line in logged(served_dir)] == ["timeout"]
    assert "stopped" in runtime.errors()


def test_a_full_disk_is_503_with_the_reason_is_not_logged_and_passes(served_dir):
    with RunningRuntime(served_dir) as runtime:
        assert runtime.execute({"text": "before"}).status_code == 200
        size = next(served_dir.executions(TASK).iterdir()).stat().st_size
        # The kernel refuses to let a file of this process grow: as good as a full disk.
        full = (size + 100, RLIM_INFINITY)
        resource.prlimit(runtime.worker_pids()[0], resource.RLIMIT_FSIZE, full)
        refused = runtime.execute({"text": "lost"})
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:loopai:problem:log-unwritable"
        assert "File too large" in refused.json()["detail"]
        health = runtime.http.get("/health").json()
        assert health["status"] == "degraded"
        assert health["tasks"][TASK]["log_problem"] == "File too large"
        metrics = runtime.http.get("/metrics").text
        assert f'loopai_log_write_errors_total{{task="{TASK}"}} 1.0' in metrics
        assert f'loopai_log_writable{{task="{TASK}"}} 0.0' in metrics
        unlimited = (RLIM_INFINITY, RLIM_INFINITY)
        resource.prlimit(runtime.worker_pids()[0], resource.RLIMIT_FSIZE, unlimited)
        assert runtime.execute({"text": "after"}).status_code == 200
        assert runtime.http.get("/health").json()["status"] == "ok"
        texts = [line["input"]["text"] for line in logged(served_dir)]
        assert texts == ["before", "after"]


def test_a_log_folder_that_cannot_be_made_is_503_until_it_can(served_dir):
    blocker = served_dir.root / "datasets"
    blocker.write_text("not a folder")
    with RunningRuntime(served_dir) as runtime:
        assert runtime.execute({"text": "lost"}).status_code == 503
        blocker.unlink()
        assert runtime.execute({"text": "kept"}).status_code == 200
        assert len(logged(served_dir)) == 1


@pytest.mark.parametrize("durability", ["process", "disk"])
def test_kill_9_under_load_loses_no_answered_execution(served_dir, durability):
    configure(served_dir, f"storage: {{durability: {durability}}}")
    answered: list[str] = []
    for _ in range(2):
        with RunningRuntime(served_dir) as runtime:
            enough = threading.Event()
            aim = len(answered) + 150

            def ask(number: int, runtime=runtime, enough=enough, aim=aim) -> None:
                with httpx.Client(base_url=runtime.url, timeout=30) as client:
                    while True:
                        try:
                            body = {"input": {"text": f"buy {number}"}}
                            response = client.post("/execute", json=body)
                        except httpx.TransportError:
                            return
                        answered.append(response.json()["execution_id"])
                        if len(answered) >= aim:
                            enough.set()

            threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            assert enough.wait(30)
            assert runtime.stop(signal.SIGKILL) == -signal.SIGKILL
            for thread in threads:
                thread.join()
    ids = [line["execution_id"] for line in logged(served_dir)]
    assert len(answered) == len(set(answered)) >= 300
    assert len(ids) == len(set(ids)), "nothing is logged twice"
    assert set(answered) <= set(ids)


def test_a_torn_line_of_a_crash_is_set_aside_and_shown(served_dir):
    folder = served_dir.executions(TASK)
    folder.mkdir(parents=True)
    (folder / "2026-11-20.jsonl").write_bytes(log_line(1) + b"\n" + log_line(2)[:50])
    with RunningRuntime(served_dir) as runtime:

        def set_aside() -> int:
            return runtime.http.get("/health").json()["tasks"][TASK]["torn_lines_set_aside"]

        wait_until(lambda: set_aside() == 1)
        assert (folder / "2026-11-20.jsonl.quarantine").exists()
        assert runtime.execute({"text": "buy"}).status_code == 200
        assert len(logged(served_dir)) == 2


def test_without_durability_the_line_follows_its_answer(served_dir):
    configure(served_dir, "storage: {durability: none}")
    with RunningRuntime(served_dir) as runtime:
        answer = runtime.execute({"text": "buy"}).json()
        lines = wait_until(lambda: served_dir.executions(TASK).exists() and logged(served_dir))
        assert lines[0]["execution_id"] == answer["execution_id"]


def test_clients_that_go_away_or_talk_nonsense_do_no_harm(served_dir):
    head = b"POST /execute HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n"
    body = b'{"input": {"text": "buy"}}'
    sent = (
        b"",
        b"\x00\xff nonsense\r\n\r\n",
        b"POST /execute HTTP/1.1\r\ncontent-len",
        head + body,
        head.replace(b"500", b"-5") + body,
        head.replace(b"500", str(len(body)).encode()) + body,
        b"POST /execute HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        b"POST /v1/execute/spam-detection/batch HTTP/1.1\r\nhost: x\r\n"
        b"content-type: application/x-ndjson\r\ncontent-length: 9000\r\n\r\n" + body + b"\n{",
    )
    with RunningRuntime(served_dir) as runtime:
        address = (runtime.http.base_url.host, runtime.http.base_url.port)
        for data in sent:
            with socket.create_connection(address) as client:
                client.sendall(data)
        wait_until(lambda: runtime.http.get("/health").json()["tasks"][TASK]["in_flight"] == 0)
        assert runtime.execute({"text": "buy"}).status_code == 200
        assert runtime.stop() == 0
        assert "Traceback" not in runtime.errors()
        assert "without" not in runtime.errors()
