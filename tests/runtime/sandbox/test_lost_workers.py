"""A worker that dies, lies or stalls costs nobody but the input that is to blame."""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.errors import LoopaiError
from runtime.sandbox import Limits, Program, Result, Sandbox, protocol
from runtime.sandbox.batch import Batch
from runtime.sandbox.forkserver import CLOCK_BYTES, ForkServer, WorkerProcess
from runtime.sandbox.protocol import Kind, frame
from runtime.sandbox.seat import Seat
from tests.support import wait_until

DOUBLE = "def run(x):\n    return x['n'] * 2\n"
SLOW = """
def run(x):
    total = 0
    for at in range(200_000):
        total += at
    return x['n'] * 2
"""


def worker_of(sandbox: Sandbox) -> WorkerProcess:
    return sandbox._all[0].worker()


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that is dead but not reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_worker_killed_between_batches_is_replaced() -> None:
    with Sandbox() as sandbox:
        program = sandbox.load(DOUBLE)
        for number in range(5):
            os.kill(worker_of(sandbox).pid, signal.SIGKILL)
            [result] = sandbox.run(program, [{"n": number}])
            assert result.output == 2 * number


def test_a_worker_killed_in_the_middle_of_a_batch_loses_nothing() -> None:
    with Sandbox(Limits(timeout_ms=5000)) as sandbox:
        program = sandbox.load(SLOW)
        sandbox.prepare(program)
        worker = worker_of(sandbox)

        def kill_when_running() -> None:
            wait_until(lambda: worker.running()[0] > 2)
            os.kill(worker.pid, signal.SIGKILL)

        killer = threading.Thread(target=kill_when_running)
        killer.start()
        results = sandbox.run(program, [{"n": number} for number in range(60)])
        killer.join()
        assert [result.output for result in results] == [2 * number for number in range(60)]
        assert worker_of(sandbox).pid != worker.pid


def test_a_killed_fork_server_is_replaced() -> None:
    with Sandbox() as sandbox:
        program = sandbox.load(DOUBLE)
        assert sandbox.run(program, [{"n": 1}])[0].output == 2
        server = sandbox._server._process
        assert server is not None
        server.kill()
        server.wait()
        for number in range(3):
            worker_of(sandbox).kill()
            assert sandbox.run(program, [{"n": number}])[0].output == 2 * number


def test_workers_die_with_their_parent() -> None:
    script = f"""
import sys
from runtime.sandbox import Sandbox
sandbox = Sandbox(workers=2)
program = sandbox.load({DOUBLE!r})
sandbox.prepare(program)
pids = [sandbox._server._process.pid]
for seat in sandbox._all:
    pids += [seat._worker.pid, seat._spare.pid]
print(*pids, flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 5
    assert all(is_alive(pid) for pid in pids)
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in pids))
    parent.stdin.close()
    parent.stdout.close()


def test_closing_leaves_no_process_and_no_descriptor() -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors()
    sandbox = Sandbox(workers=2)
    sandbox.prepare(sandbox.load(DOUBLE))
    pids = [worker.pid for seat in sandbox._all if (worker := seat._worker)]
    sandbox.close()
    wait_until(lambda: not any(is_alive(pid) for pid in pids))
    assert descriptors() == before
    sandbox.close()


# A worker that is under somebody else's control


class Impostor:
    """Hands out workers whose other end is a function here; the last one answers well."""

    def __init__(self, *acts: Callable[[socket.socket, memoryview], None]) -> None:
        self.acts = list(acts)
        self.bodies: list[subprocess.Popen[bytes]] = []
        self.threads: list[threading.Thread] = []
        self.forked = 0
        self.real = ForkServer()

    def is_alive(self) -> bool:
        return True

    def fork(self, limits: Limits) -> WorkerProcess:
        self.forked += 1
        if not self.acts:
            return self.real.fork(limits)
        ours, theirs = socket.socketpair()
        body = subprocess.Popen(["sleep", "60"])
        self.bodies.append(body)
        shared = os.memfd_create("clock")
        os.ftruncate(shared, CLOCK_BYTES)
        memory, clock = mmap.mmap(shared, CLOCK_BYTES), mmap.mmap(shared, CLOCK_BYTES)
        os.close(shared)
        act = self.acts.pop(0)

        def play() -> None:
            with theirs:
                ready = protocol.encode(protocol.Ready([]))
                theirs.sendall(frame(Kind.READY, ready))
                loaded = False
                reader = protocol.FrameReader()
                while not loaded:
                    data = theirs.recv(1 << 20)
                    if not data:
                        return
                    for kind, payload in reader.feed(data):
                        assert kind is Kind.LOAD
                        name = protocol.decode(payload, protocol.Load).program
                        theirs.sendall(frame(Kind.LOADED, protocol.encode(protocol.Loaded(name))))
                        loaded = True
                theirs.recv(1 << 20)
                act(theirs, memoryview(clock).cast("Q"))

        thread = threading.Thread(target=play, daemon=True)
        thread.start()
        self.threads.append(thread)
        return WorkerProcess(ours, body.pid, os.pidfd_open(body.pid), memory)


@pytest.fixture
def run_with() -> Iterator[Callable[..., list[Result]]]:
    servers: list[Impostor] = []
    seats: list[Seat] = []

    def run(*acts: Callable[[socket.socket, memoryview], None]) -> list[Result]:
        server = Impostor(*acts)
        servers.append(server)
        seat = Seat(server, Limits(timeout_ms=200))  # type: ignore[arg-type]
        seats.append(seat)
        with Sandbox() as gate:
            program: Program = gate.load(DOUBLE)
        return Batch(seat, program, [{"n": 1}, {"n": 2}, {"n": 3}]).run()

    yield run
    for seat in seats:
        seat.close()
    for server in servers:
        server.real.close()
        for body in server.bodies:
            body.kill()
            body.wait()
        for thread in server.threads:
            thread.join()


def results(*answers: protocol.Answer) -> bytes:
    return frame(Kind.RESULTS, protocol.encode(protocol.Results(list(answers))))


def say(data: bytes) -> Callable[[socket.socket, memoryview], None]:
    def act(connection: socket.socket, clock: memoryview) -> None:
        connection.sendall(data)
        connection.recv(1)

    return act


FORGERIES = {
    "noise": b"\xde\xad\xbe\xef" * 10,
    "an endless frame": b"\xff\xff\xff\xff\x05",
    "an unknown kind": b"\x00\x00\x00\x00\x63",
    "a kind out of place": frame(Kind.LOAD, b"{}"),
    "not JSON": frame(Kind.RESULTS, b"{"),
    "another shape": frame(Kind.RESULTS, b'{"answers":[[1,2,3,4,5,6]]}'),
    "more answers than inputs": results(*[protocol.Answer(1.0, 0)] * 4),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=list(FORGERIES))
def test_a_forged_frame_is_an_error_and_the_others_are_run_again(
    run_with: Callable[..., list[Result]], forgery: bytes
) -> None:
    first, second, third = run_with(say(forgery))
    assert first.status == "error"
    assert first.error is not None
    assert first.error.type == "WorkerLost"
    assert [second.output, third.output] == [4, 6]


def test_a_forgery_after_good_answers_spares_them(run_with: Callable[..., list[Result]]) -> None:
    good = results(protocol.Answer(1.0, 2), protocol.Answer(1.0, 4))
    first, second, third = run_with(say(good + b"\xff" * 8))
    assert [first.output, second.output] == [2, 4]
    assert third.status == "error"


def test_a_worker_that_says_nothing_is_over_time(run_with: Callable[..., list[Result]]) -> None:
    first, second, third = run_with(say(b""))
    assert first.status == "timeout"
    assert [second.output, third.output] == [4, 6]


def test_a_worker_that_lies_about_its_clock_is_killed_all_the_same(
    run_with: Callable[..., list[Result]],
) -> None:
    def always_just_begun(connection: socket.socket, clock: memoryview) -> None:
        clock[0], clock[1] = 1, 2**63
        connection.recv(1)

    first, second, third = run_with(always_just_begun)
    assert first.status == "timeout"
    assert [second.output, third.output] == [4, 6]


def test_a_worker_that_floods_us_with_nothing_is_over_time(
    run_with: Callable[..., list[Result]],
) -> None:
    def flood(connection: socket.socket, clock: memoryview) -> None:
        with contextlib.suppress(OSError):
            while True:
                clock[0] = 1
                connection.sendall(results())

    first, second, third = run_with(flood)
    assert first.status == "timeout"
    assert [second.output, third.output] == [4, 6]


def test_a_worker_that_goes_to_and_fro_is_over_time(run_with: Callable[..., list[Result]]) -> None:
    def to_and_fro(connection: socket.socket, clock: memoryview) -> None:
        connection.settimeout(0.001)
        for turn in itertools.count():
            clock[0], clock[1] = 1 + turn % 2, time.monotonic_ns()
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                continue

    assert sorted(result.status for result in run_with(to_and_fro)).count("timeout") == 1


def test_a_worker_is_replaced_after_its_share_of_executions() -> None:
    with Sandbox(Limits(executions_per_worker=100)) as sandbox:
        program = sandbox.load(DOUBLE)
        pids = set()
        for _ in range(6):
            assert len(sandbox.run(program, [{"n": 1}] * 50)) == 50
            pids.add(worker_of(sandbox).pid)
        assert len(pids) == 4


def test_isolation_can_be_required() -> None:
    with Sandbox() as sandbox:
        missing = [wall.name for wall in sandbox.walls() if not wall.holds]
    if missing:
        with pytest.raises(LoopaiError, match="not fully isolated here"):
            Sandbox(require_isolation=True)
    else:
        with Sandbox(require_isolation=True) as sandbox:
            assert len(sandbox.walls()) >= 8


def test_a_position_out_of_range_blames_an_input_of_the_batch(
    run_with: Callable[..., list[Result]],
) -> None:
    def far_away(connection: socket.socket, clock: memoryview) -> None:
        clock[0] = 2**40
        connection.sendall(b"\xff" * 8)
        connection.recv(1)

    assert [result.status for result in run_with(far_away)] == ["success", "success", "error"]


def test_an_input_that_kills_its_worker_twice_is_an_error(
    run_with: Callable[..., list[Result]],
) -> None:
    def die_at_the_second(connection: socket.socket, clock: memoryview) -> None:
        clock[0] = 2

    first, second, third = run_with(die_at_the_second, die_at_the_second)
    assert [first.output, third.output] == [2, 6]
    assert second.error is not None
    assert second.error.message == "the worker process was lost: the worker process hung up"


def test_a_worker_that_was_killed_once_is_no_input_s_fault(
    run_with: Callable[..., list[Result]],
) -> None:
    def hang_up(connection: socket.socket, clock: memoryview) -> None:
        clock[0] = 1

    assert [result.output for result in run_with(hang_up)] == [2, 4, 6]
