"""The supervisor through `loopai-runtime start`: what one process's end means to the others."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support import TASK, RunningRuntime, children_of, logged, server_folder, wait_until

from runtime.config import DeploymentConfig
from runtime.server.serve import worker_count
from runtime.supervised_child import STALL_SECONDS, Child, ChildSpec

INPUT = {"text": "buy"}


def configure(data_dir, text: str) -> None:
    data_dir.deployment_file.parent.mkdir(exist_ok=True)
    data_dir.deployment_file.write_text(text)


def descendants(pid: int) -> list[int]:
    return [found for child in children_of(pid) for found in (child, *descendants(child))]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def metric(runtime, name: str) -> float:
    lines = runtime.http.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


@contextmanager
def load(runtime, clients: int = 4):
    """Requests on connections of their own until the block ends; yields (ids, failures)."""
    ids: list[str] = []
    failures: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=runtime.url, timeout=30) as client:
            while not stop.is_set():
                try:
                    response = client.post("/execute", json={"input": INPUT})
                    assert response.status_code == 200, response.text
                    ids.append(response.json()["execution_id"])
                except (httpx.TransportError, AssertionError) as error:
                    failures.append(repr(error))

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield ids, failures
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A runtime of two HTTP workers that tests may kill but not stop."""
    with RunningRuntime(server_folder(tmp_path_factory.mktemp("pair")), workers=2) as running:
        yield running


def two_ready(pair) -> list[int]:
    wait_until(lambda: len(pair.worker_pids()) == 2 and metric(pair, "loopai_workers_ready") == 2)
    return pair.worker_pids()


def test_it_says_ready_when_the_programs_are_loaded_in_all_workers(pair):
    assert metric(pair, "loopai_workers_ready") == 2
    assert len(pair.worker_pids()) == 2
    assert pair.execute(INPUT).status_code == 200


def test_a_killed_worker_is_replaced_alone_and_the_port_goes_on_answering(pair):
    first, second = two_ready(pair)
    of_first = descendants(first)
    assert of_first
    os.kill(first, signal.SIGKILL)
    # Only what the killed worker was busy with is lost; new connections are answered at once.
    for _ in range(50):
        with httpx.Client(base_url=pair.url, timeout=30) as client:
            response = wait_until(lambda client=client: answer(client))
            assert response.status_code == 200
    pair.http.close()
    pair.http = httpx.Client(base_url=pair.url, timeout=30)
    assert second in two_ready(pair)
    assert first not in pair.worker_pids()
    wait_until(lambda: not any(map(is_running, of_first)))
    assert "ended by SIGKILL" in pair.errors()
    assert metric(pair, 'loopai_child_restarts_total{child="HTTP worker') >= 1


def answer(client) -> httpx.Response | None:
    try:
        return client.post("/execute", json={"input": INPUT})
    except httpx.TransportError:
        return None  # the connection had been given to the worker that was killed


def test_figures_are_the_sum_of_all_workers_and_outlive_them(pair):
    two_ready(pair)
    before = metric(pair, "loopai_executions_total")
    for _ in range(40):
        with httpx.Client(base_url=pair.url, timeout=30) as client:
            assert client.post("/execute", json={"input": INPUT}).status_code == 200
    seen = set()
    for _ in range(20):
        with httpx.Client(base_url=pair.url, timeout=30) as client:
            seen.add(client.get("/health").json()["pid"])
            text = client.get("/metrics").text
            assert "loopai_executions_total{" in text
        assert metric(pair, "loopai_executions_total") == before + 40
    for pid in two_ready(pair):
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: pid not in pair.worker_pids())
    pair.http.close()
    pair.http = httpx.Client(base_url=pair.url, timeout=30)
    two_ready(pair)
    assert metric(pair, "loopai_executions_total") == before + 40


def test_each_worker_has_a_log_file_of_its_own(pair):
    two_ready(pair)
    with load(pair, 8) as (ids, failures):
        wait_until(lambda: len(ids) > 200)
    assert failures == []
    logged_ids = [line["execution_id"] for line in logged(pair.data_dir)]
    assert set(ids) <= set(logged_ids)
    assert len(logged_ids) == len(set(logged_ids))


def test_when_the_supervisor_is_killed_everything_ends(served_dir):
    with RunningRuntime(served_dir, workers=2) as runtime:
        assert runtime.execute(INPUT).status_code == 200
        everything = descendants(runtime.process.pid)
        assert len(everything) > 4, "workers, fork servers and sandbox processes"
        assert runtime.stop(signal.SIGKILL) == -signal.SIGKILL
        wait_until(lambda: not any(map(is_running, everything)))


def test_a_reload_takes_up_the_configuration_without_a_dropped_request(served_dir):
    configure(served_dir, "execution: {worker_count: 2}")
    with RunningRuntime(served_dir, workers=None) as runtime:
        before = runtime.worker_pids()
        assert len(before) == 2
        with load(runtime) as (ids, failures):
            wait_until(lambda: len(ids) > 50)
            configure(served_dir, "execution: {worker_count: 1, timeout_ms: 300}")
            runtime.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "reloaded" in runtime.errors())
            wait_until(lambda: len(runtime.worker_pids()) == 1)
            done = len(ids)
            wait_until(lambda: len(ids) > done + 50)
        assert failures == []
        assert not set(before) & set(runtime.worker_pids())
        assert metric(runtime, "loopai_executions_total") == len(ids)
        assert "300 ms" in runtime.execute({"text": "loop"}).json()["detail"]
        assert set(ids) <= {line["execution_id"] for line in logged(served_dir)}
        assert runtime.stop() == 0


def test_a_reload_of_a_bad_configuration_changes_nothing(served_dir):
    with RunningRuntime(served_dir) as runtime:
        before = runtime.worker_pids()
        configure(served_dir, "execution: {worker_count: many}")
        runtime.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "not reloaded" in runtime.errors())
        assert "deployment.yaml:1 (execution.worker_count)" in runtime.errors()
        # Well formed, but no worker can start with it.
        configure(served_dir, "runtime: {traces: true}")
        runtime.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the new workers do not start" in runtime.errors())
        wait_until(lambda: len(runtime.worker_pids()) == 1)
        assert runtime.worker_pids() == before
        assert runtime.execute(INPUT).status_code == 200


def test_modules_run_beside_the_workers_and_restart_alone(served_dir, tmp_path):
    (tmp_path / "beside.py").write_text(
        "import os, pathlib, signal\n"
        "folder = pathlib.Path(os.environ['LOOPAI_DATA_DIR'])\n"
        "with (folder / 'beside.pids').open('a') as file:\n"
        "    file.write(f'{os.getpid()}\\n')\n"
        "signal.pause()\n"
    )
    (tmp_path / "crashing.py").write_text("raise SystemExit('no')\n")
    configure(served_dir, "runtime: {modules: [beside, crashing, no.such.module]}")
    environment = {"PYTHONPATH": str(tmp_path)}
    with RunningRuntime(served_dir, environment=environment) as runtime:
        assert "no.such.module is not installed: left out" in runtime.errors()
        file = served_dir.root / "beside.pids"

        def started() -> list[int]:
            return [int(pid) for pid in file.read_text().split()] if file.exists() else []

        (first,) = wait_until(started)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(started()) == 2)
        assert is_running(started()[1])
        # A module that crashes again and again is tried less and less often.
        wait_until(lambda: "crashing starts again in 0.4 s" in runtime.errors())
        assert runtime.execute(INPUT).status_code == 200
        assert runtime.stop() == 0
        wait_until(lambda: not is_running(started()[1]))


def test_a_worker_that_can_never_start_is_said_once_with_exit_2(served_dir):
    configure(served_dir, "runtime: {traces: true}")
    with pytest.raises(AssertionError, match="it ended with 2") as ended:
        RunningRuntime(served_dir, workers=2)
    assert "loopai-workbench[otel]" in str(ended.value)


def test_systemd_is_told_ready_alive_and_stopping(served_dir, tmp_path):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(20)
        environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}
        with RunningRuntime(served_dir, environment=environment) as runtime:

            def heard(line: str) -> str:
                while line not in (message := systemd.recv(4096).decode()):
                    pass
                return message

            assert f"MAINPID={runtime.process.pid}" in heard("READY=1")
            heard("WATCHDOG=1")
            runtime.process.send_signal(signal.SIGHUP)
            assert "MONOTONIC_USEC=" in heard("RELOADING=1")
            heard("READY=1")
            runtime.process.send_signal(signal.SIGTERM)
            heard("STOPPING=1")
            assert runtime.wait() == 0


def ask_for_ever(runtime, pool):
    """The response to come of a program that does not end, once it runs."""
    coming = pool.submit(httpx.post, f"{runtime.url}/execute", json={"input": {"text": "loop"}})
    wait_until(lambda: runtime.http.get("/health").json()["tasks"][TASK]["in_flight"])
    return coming


def test_a_program_that_does_not_end_does_not_hold_up_the_end(served_dir):
    configure(served_dir, "execution: {timeout_ms: 60000}\nruntime: {drain_sec: 1}")
    runtime = RunningRuntime(served_dir)
    with ThreadPoolExecutor(1) as pool:
        coming = ask_for_ever(runtime, pool)
        started = time.monotonic()
        assert runtime.stop() == 0
        assert time.monotonic() - started < 10
        assert coming.result().status_code == 503
        assert coming.result().json()["type"] == "urn:loopai:problem:stopping"
    assert not served_dir.executions(TASK).exists() or logged(served_dir) == []


def test_a_second_signal_ends_it_at_once(served_dir):
    configure(served_dir, "execution: {timeout_ms: 60000}")
    runtime = RunningRuntime(served_dir)
    with ThreadPoolExecutor(1) as pool:
        coming = ask_for_ever(runtime, pool)
        runtime.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "SIGTERM" in runtime.errors())
        assert runtime.stop(signal.SIGINT) == 0
        with pytest.raises(httpx.TransportError):
            coming.result()


def test_as_many_workers_run_as_asked_or_configured_or_there_are_processors():
    unsaid = DeploymentConfig()
    said = DeploymentConfig.model_validate({"execution": {"worker_count": 7}})
    processors = len(os.sched_getaffinity(0))
    assert worker_count(unsaid) == min(4, processors)
    assert worker_count(said) == 7
    assert worker_count(said, 3) == 3


def test_a_crash_loop_is_tried_less_and_less_often_and_a_long_life_is_forgiven():
    child = Child(ChildSpec("it", lambda control: 1))
    delays = []
    for start in (1.0, 2.0, 3.0, 4.0, 5.0):
        child.started = start
        delays.append(child.crashed(start + 0.5))
    assert delays == [0.0, 0.1, 0.2, 0.4, 0.8]
    for _ in range(30):
        assert child.crashed(child.started + 0.5) <= 30
    assert child.crashed(child.started + 0.5) == 30
    assert child.crashed(child.started + 0.5, was_ready=True) == 1.0, "it had answered: serve on"
    assert child.crashed(child.started + 60) == 0.0


def test_a_child_without_a_sign_of_life_has_stalled():
    child = Child(ChildSpec("it", lambda control: 1, last_beat=lambda: 50.0), started=40.0)
    assert not child.has_stalled(1000.0), "it is still starting"
    child.ready = True
    assert not child.has_stalled(50.0 + STALL_SECONDS)
    assert child.has_stalled(50.1 + STALL_SECONDS)
