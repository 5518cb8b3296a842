"""Batches over HTTP: streamed both ways in order, in bounded memory, and no work for nobody."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest
from support import TASK, RunningRuntime, logged, server_folder, wait_until

from runtime.server import batch

ROUTE = f"/v1/execute/{TASK}/batch"
LINES = {"content-type": "application/x-ndjson"}
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def batching(tmp_path_factory):
    with RunningRuntime(server_folder(tmp_path_factory.mktemp("batching"))) as running:
        yield running


def item(number: int) -> bytes:
    if number % 10 == 7:
        return b'{"input": {"text": %d}}' % number
    text = ("buy" if number % 2 else "hello") + f" {number} " + "x" * 60
    return json.dumps({"input": {"text": text}}).encode()


def is_answer_to(number: int, answer: dict) -> bool:
    if number % 10 == 7:
        return answer["status"] == 422 and answer["errors"][0]["message"].startswith(f"{number} ")
    return answer["output"] == ("spam" if number % 2 else "ham")


def memory_mb(runtime) -> float:
    text = Path(f"/proc/{runtime.worker_pids()[0]}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def connect(
    runtime, length: int | None = None, content_type: str = "application/x-ndjson"
) -> socket.socket:
    """A batch begun; chunked when its length is not known."""
    client = socket.create_connection((runtime.http.base_url.host, runtime.http.base_url.port))
    client.settimeout(60)
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    head = (
        f"POST {ROUTE} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        f"content-type: {content_type}\r\n{size}\r\n\r\n"
    )
    client.sendall(head.encode())
    return client


def in_flight(runtime) -> int:
    return runtime.http.get("/health").json()["tasks"][TASK]["in_flight"]


def executions(runtime) -> int:
    lines = runtime.http.get("/metrics").text.splitlines()
    name = "loopai_executions_total{"
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name)))


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_an_array_is_answered_in_order_with_a_problem_for_each_that_failed(batching, count):
    body = b"[" + b",".join(map(item, range(count))) + b"]"
    answers = batching.http.post(ROUTE, content=body).json()
    assert len(answers) == count
    assert all(is_answer_to(number, answer) for number, answer in enumerate(answers))


def test_many_lines_stream_both_ways_in_order_in_flat_memory(batching):
    count, chunk = 60_000, 500
    batching.http.post(ROUTE, content=b"\n".join(map(item, range(2000))), headers=LINES)
    before = memory_mb(batching)
    peaks = []
    with closing(connect(batching)) as client:

        def send() -> None:
            for start in range(0, count, chunk):
                data = b"".join(item(number) + b"\n" for number in range(start, start + chunk))
                client.sendall(b"%x\r\n%b\r\n" % (len(data), data))
            client.sendall(b"0\r\n\r\n")

        sender = threading.Thread(target=send)
        sender.start()
        with client.makefile("rb") as answers:
            while answers.readline() != b"\r\n":
                pass
            number, size = 0, 0
            rest = b""
            while piece := int(answers.readline(), 16):
                data = rest + answers.read(piece)
                answers.readline()
                size += piece
                *lines, rest = data.split(b"\n")
                for line in lines:
                    assert is_answer_to(number, json.loads(line)), line
                    number += 1
                if number % 4000 < 300:
                    peaks.append(memory_mb(batching))
        sender.join()
    assert number == count
    assert len(peaks) > 5
    assert max(peaks) - before < size / MEGABYTE / 2, "far less than what went through"


def test_a_client_that_does_not_read_stops_the_work_and_fills_no_memory(batching):
    before = memory_mb(batching)
    data = b"".join(item(number) + b"\n" for number in range(10_000))
    wait_until(lambda: in_flight(batching) == 0)
    with closing(connect(batching, length=10**11)) as client:
        client.settimeout(0.5)
        sent = 0

        def stands_still() -> bool:
            """Whether nothing was taken, and nothing done, for half a second."""
            nonlocal sent
            done = executions(batching)
            try:
                while sent < 200 * MEGABYTE:
                    sent += client.send(data)
            except TimeoutError:
                return executions(batching) == done
            raise AssertionError("it goes on reading")

        wait_until(stands_still, 40)
        assert memory_mb(batching) - before < 25
        assert in_flight(batching) == 0, "nothing runs whose answer nobody takes"
        done = executions(batching)
        batching.execute({"text": "buy"})
        assert executions(batching) == done + 1, "others are answered, this one stands still"
    batching.execute({"text": "buy"})


def test_a_client_that_goes_away_ends_its_batch(served_dir):
    served_dir.deployment_file.parent.mkdir()
    served_dir.deployment_file.write_text("execution: {timeout_ms: 100}")
    with RunningRuntime(served_dir) as runtime:
        items = [{"input": {"text": "hello"}}] * 255 + [{"input": {"text": "loop"}}]
        body = json.dumps(items * 60).encode()
        with closing(connect(runtime)) as client:
            client.close()
        with closing(
            socket.create_connection((runtime.http.base_url.host, runtime.http.base_url.port))
        ) as client:
            head = (
                f"POST {ROUTE} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            client.sendall(head.encode() + body)
            client.settimeout(30)
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        wait_until(lambda: in_flight(runtime) == 0)
        done = len(logged(served_dir))
        assert 0 < done < 60 * 256 / 2
        runtime.execute({"text": "buy"})
        assert len(logged(served_dir)) == done + 1


def test_the_answers_of_a_chunk_are_bounded_in_all(monkeypatch):
    monkeypatch.setattr(batch, "MOST_BYTES", 1000)
    noted: list[object] = []

    async def fill() -> list[bytes]:
        chunk = batch.Chunk(5, noted.append, slow_ms=100)
        for index in range(5):
            chunk.put(index, b"x" * 400)
        await chunk.done
        return chunk.bodies

    bodies = asyncio.run(fill())
    assert [len(body) for body in bodies[:2]] == [400, 400]
    assert all(b"answers-too-large" in body for body in bodies[2:])
