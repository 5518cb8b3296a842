"""The client against a real runtime, over its restarts and limits."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import pytest
from support import TASK, RunningRuntime, clean_environment, logged, make_task, wait_until

from runtime.client import (
    AccessDeniedError,
    AsyncClient,
    Client,
    Execution,
    Failure,
    OverloadedError,
    ProblemError,
    ProgramFailedError,
    RefusedInputError,
    Retries,
    UnavailableError,
    UnknownTaskError,
)
from runtime.client.retries import seconds_to_wait
from runtime.clock import utc_now
from runtime.data_dir import DataDir

ONCE = Retries(attempts=1)


@pytest.fixture
def client(runtime) -> Iterator[Client]:
    with Client(runtime.url) as client:
        yield client


def configure(data_dir: DataDir, text: str) -> None:
    data_dir.deployment_file.parent.mkdir(exist_ok=True)
    data_dir.deployment_file.write_text(text)


def test_an_execution_has_all_that_the_runtime_says(runtime, client):
    execution = client.execute({"text": "buy"}, request_id="order-17")
    assert (execution.output, execution.confidence) == ("spam", 0.75)
    assert execution.program_version == 1
    assert execution.latency_ms > 0
    assert logged(runtime.data_dir)[-1]["execution_id"] == execution.execution_id
    assert client.execute({"text": "hello"}, TASK).output == "ham"


@pytest.mark.parametrize(
    ("value", "task", "error", "status"),
    [
        ({"text": 7}, None, RefusedInputError, 422),
        ({"text": "x" * 3_000_000}, None, RefusedInputError, 413),
        ({"text": "crash"}, None, ProgramFailedError, 502),
        ({"text": "eggs"}, None, ProgramFailedError, 502),
        ({"text": "hi"}, "nowhere", UnknownTaskError, 404),
        ({"text": "hi"}, "a/../b?", UnknownTaskError, 404),
    ],
)
def test_a_problem_is_raised_as_its_kind(client, value, task, error, status):
    with pytest.raises(error) as raised:
        client.execute(value, task)
    assert raised.value.status == status
    assert raised.value.type.startswith("urn:loopai:problem:")
    assert raised.value.title and raised.value.detail


def test_an_input_error_names_its_places(client):
    with pytest.raises(RefusedInputError, match="/input/text") as raised:
        client.execute({"text": 7})
    assert [fault.path for fault in raised.value.errors] == ["/input/text"]


def test_a_failed_execution_says_which_line_of_the_log_it_is(runtime, client):
    with pytest.raises(ProgramFailedError) as raised:
        client.execute({"text": "crash"}, request_id="order-18")
    line = logged(runtime.data_dir)[-1]
    assert raised.value.failure.execution_id == line["execution_id"]
    assert raised.value.failure.request_id == "order-18"
    assert raised.value.failure.program_version == line["program_version"]


@pytest.mark.parametrize("value", [{"text": float("nan")}, {"text": {1}}, {"text": "\ud800"}])
def test_an_input_that_is_no_json_is_not_sent(client, value):
    with pytest.raises((TypeError, ValueError)):
        client.execute(value)


def test_health_and_readiness_are_asked_for(client):
    client.wait_until_ready(5)
    assert client.ready()
    assert client.health()["default_task"] == TASK


def test_a_runtime_without_a_program_is_not_ready_and_says_so(tmp_path):
    data_dir = DataDir(tmp_path)
    make_task(data_dir)
    with RunningRuntime(data_dir) as runtime, Client(runtime.url, retries=ONCE) as client:
        assert not client.ready()
        with pytest.raises(UnavailableError, match=r"not ready within 0\.1 s"):
            client.wait_until_ready(0.1)
        with pytest.raises(UnavailableError) as raised:
            client.execute({"text": "buy"})
        assert raised.value.status == 503
        [failure] = client.execute_batch([{"text": "buy"}])
        assert isinstance(failure, Failure)
        assert failure.status == 503


def test_a_wrong_key_is_refused_at_once(served_dir, monkeypatch):
    environment = {"LOOPAI_SERVE_KEY": "the right key"}
    with RunningRuntime(served_dir, "--host", "0.0.0.0", environment=environment) as runtime:
        url = runtime.url.replace("0.0.0.0", "127.0.0.1")
        with Client(url, key="a wrong key") as client:
            with pytest.raises(AccessDeniedError, match="401"):
                client.execute({"text": "buy"})
            with pytest.raises(AccessDeniedError, match="401"):
                next(client.execute_batch([{"text": "buy"}]))
        monkeypatch.setenv("LOOPAI_SERVE_KEY", "the right key")
        with Client(url) as client:
            assert client.execute({"text": "buy"}).output == "spam"
        with Client(url, key="") as client, pytest.raises(AccessDeniedError):
            client.execute({"text": "buy"})


def test_requests_go_on_over_a_restart_of_the_runtime(served_dir):
    total = 60
    first = RunningRuntime(served_dir)
    port = first.url.rpartition(":")[2]
    under_way = threading.Event()

    def ask(client: Client, number: int) -> Execution:
        if number > total // 4:
            under_way.set()
        return client.execute({"text": f"buy {number}"})

    with Client(first.url) as client, ThreadPoolExecutor(4) as pool:
        asked = pool.map(ask, [client] * total, range(total))
        batch = client.execute_batch(({"text": f"buy {n}"} for n in range(3000)), group=50)
        answers = list(islice(batch, 500))
        assert under_way.wait(30)
        first.stop(signal.SIGKILL)
        with pytest.raises(UnavailableError) as raised, Client(first.url, retries=ONCE) as once:
            once.execute({"text": "buy"})
        assert raised.value.status == 0
        with RunningRuntime(served_dir, "--port", port):
            answers += batch
            ids = [execution.execution_id for execution in asked]
            ids += [answer.execution_id for answer in answers]
    assert len(set(ids)) == total + 3000
    assert set(ids) <= {line["execution_id"] for line in logged(served_dir)}


def test_a_full_queue_is_tried_again_until_there_is_room(served_dir):
    configure(served_dir, "execution: {timeout_ms: 100}\nruntime: {max_queue: 2}")
    with RunningRuntime(served_dir) as runtime, ThreadPoolExecutor(8) as pool:
        slow = [{"text": "loop"}] * 4

        def statuses(client: Client) -> list[int]:
            def ask(value: object) -> int:
                try:
                    return client.execute(value) and 200
                except ProblemError as error:
                    return error.status

            return sorted(pool.map(ask, slow))

        with Client(runtime.url, retries=ONCE) as client:
            assert 429 in statuses(client)
        with Client(runtime.url) as client:
            assert statuses(client) == [504] * len(slow)


def test_a_retry_after_past_the_limit_ends_the_trying_at_once(served_dir):
    configure(served_dir, "execution: {timeout_ms: 1000}\nruntime: {max_queue: 1}")
    with RunningRuntime(served_dir) as runtime, ThreadPoolExecutor(1) as pool:
        patient, hasty = Client(runtime.url), Client(runtime.url, retries=Retries(seconds=0.5))
        with patient, hasty:
            slow = pool.submit(patient.execute, {"text": "loop"})
            wait_until(lambda: patient.health()["tasks"][TASK]["in_flight"])
            started = time.monotonic()
            with pytest.raises(OverloadedError):
                hasty.execute({"text": "buy"})
            assert time.monotonic() - started < 0.5
            assert isinstance(slow.exception(), ProgramFailedError)


def test_a_batch_is_answered_in_order_with_an_execution_or_failure_for_each(client):
    values = [{"text": "buy"}, 7, {"text": "crash"}, {"text": "a\u2028b\x85c\nd"}, {"text": 1}]
    answers = list(client.execute_batch(values, TASK))
    kinds = [a.output if isinstance(a, Execution) else a.status for a in answers]
    assert kinds == ["spam", 422, 502, "ham", 422]
    assert list(client.execute_batch([])) == []


def test_an_input_that_is_too_large_costs_only_itself(client):
    values = [{"text": "buy"}, {"text": "x" * 3_000_000}, {"text": "hi"}, {"text": "buy"}]
    answers = list(client.execute_batch(values))
    kinds = [a.output if isinstance(a, Execution) else a.status for a in answers]
    assert kinds == ["spam", 413, "ham", "spam"]


def test_a_batch_of_an_unknown_task_is_an_error(client):
    with pytest.raises(UnknownTaskError):
        next(client.execute_batch([{"text": "buy"}], "nowhere"))


def test_a_batch_may_be_left_early(runtime, client):
    before = len(logged(runtime.data_dir))
    batch = client.execute_batch({"text": f"buy {n}"} for n in range(10**9))
    assert [answer.output for answer in islice(batch, 3)] == ["spam"] * 3
    batch.close()
    assert len(logged(runtime.data_dir)) <= before + 1000
    assert client.execute({"text": "hello"}).output == "ham"


def test_a_batch_of_100000_inputs_needs_no_more_memory_than_a_small_one(client):
    count = 100_000
    taken = 0

    def inputs() -> Iterator[dict[str, str]]:
        nonlocal taken
        for taken in range(1, count + 1):
            yield {"text": f"{'buy' if taken % 7 == 0 else 'see'} {taken}"}

    answers = client.execute_batch(inputs())
    assert sum(answer.output == "spam" for answer in islice(answers, 1000)) == 142
    assert taken <= 2000, "the inputs are taken as they are needed"
    tracemalloc.start()
    spam = sum(answer.output == "spam" for answer in islice(answers, 4000))
    early = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    spam += sum(answer.output == "spam" for answer in islice(answers, 91_000))
    tracemalloc.start()
    spam += sum(answer.output == "spam" for answer in answers)
    late = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken == count
    assert late < 1.5 * early < 10_000_000


def test_inputs_of_any_size_pass_in_a_batch(client):
    values = [{"text": f"buy {n} " + "x" * (n * n * 50)} for n in range(100)]
    answers = list(client.execute_batch(values))
    assert all(isinstance(answer, Execution) for answer in answers)
    assert len(answers) == 100


def test_the_asynchronous_client_does_the_same(runtime):
    async def inputs():
        for number in range(2500):
            yield {"text": f"buy {number}"} if number % 5 == 0 else {"text": "hi"}

    async def use() -> None:
        async with AsyncClient(runtime.url) as client:
            await client.wait_until_ready(5)
            assert await client.ready()
            assert (await client.health())["default_task"] == TASK
            executions = await asyncio.gather(
                *(client.execute({"text": f"buy {n}"}, request_id=str(n)) for n in range(50))
            )
            assert len({execution.execution_id for execution in executions}) == 50
            with pytest.raises(RefusedInputError):
                await client.execute({"text": 7})
            outputs = [answer.output async for answer in client.execute_batch(inputs())]
            assert [n for n, output in enumerate(outputs) if output == "spam"] == [
                *range(0, 2500, 5)
            ]
            assert [a.status async for a in client.execute_batch([7, 8], TASK)] == [422, 422]
            async for _ in client.execute_batch({"text": "hi"} for _ in range(10**9)):
                break
            with pytest.raises(UnknownTaskError):
                await client.execute({"text": "hi"}, "nowhere")

    asyncio.run(use())


def test_the_asynchronous_client_goes_on_over_a_restart(served_dir):
    async def use() -> None:
        first = RunningRuntime(served_dir)
        port = first.url.rpartition(":")[2]
        async with AsyncClient(first.url) as client:
            assert (await client.execute({"text": "buy"})).output == "spam"
            first.stop()
            asked = asyncio.create_task(client.execute({"text": "hello"}))
            second = await asyncio.to_thread(RunningRuntime, served_dir, "--port", port)
            with second:
                assert (await asked).output == "ham"
            assert not await client.ready()
            with pytest.raises(UnavailableError):
                await client.health()
            with pytest.raises(UnavailableError):
                await client.wait_until_ready(0.1)

    asyncio.run(use())


class NoRuntime(BaseHTTPRequestHandler):
    """Something else that listens where a runtime was expected."""

    status, body = 200, b"<html>welcome</html>"

    def do_POST(self) -> None:
        self.send_response(self.status)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"errors": 3}', b"7", b""])
def test_what_is_no_runtime_is_said_to_be_none(status, body):
    handler = type("Handler", (NoRuntime,), {"status": status, "body": body})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        with Client(f"http://127.0.0.1:{server.server_port}", retries=ONCE) as client:
            with pytest.raises(ProblemError):
                client.execute({"text": "buy"})
            with pytest.raises(ProblemError):
                list(client.execute_batch([{"text": "buy"}]))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_runtime_that_takes_too_long_is_not_asked_again():
    asked = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        client = Client(f"http://127.0.0.1:{port}", timeout=0.3)
        with client, pytest.raises(UnavailableError, match="took too long"):
            client.execute({"text": "buy"})
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            while True:
                listener.accept()[0].close()
                asked += 1
    assert asked == 1


def test_retry_after_is_seconds_or_a_date_and_nonsense_is_ignored():
    assert seconds_to_wait("3") == 3.0
    assert 50 < seconds_to_wait(format_datetime(utc_now() + timedelta(minutes=1))) <= 60
    assert seconds_to_wait("Thu, 01 Jan 1970 00:00:00 -0000") == 0.0
    for nothing in (None, "", "soon", "nan", "-3", "1e999"):
        assert seconds_to_wait(nothing) == 0.0


def test_without_httpx_the_client_says_what_to_install():
    code = "import sys; sys.modules['httpx'] = None; import runtime.client"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=clean_environment()
    )
    last = done.stderr.splitlines()[-1]
    assert last == (
        "ImportError: runtime.client needs httpx: pip install 'loopai-workbench[client]'."
    )
