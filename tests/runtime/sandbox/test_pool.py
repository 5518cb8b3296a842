"""The pool on its event loop: what is lost is run again, and what is needed is there before."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from runtime.sandbox import GateError, Limits, Program
from runtime.sandbox.attempt import is_overrun
from runtime.sandbox.pool import Pool
from runtime.sandbox.program import load_program
from runtime.sandbox.protocol import Answer

DOUBLE = "def run(x):\n    return x['n'] * 2\n"
SLOW = """
def run(x):
    total = 0
    for at in range(30_000):
        total += at
    return x['n'] * 2
"""
LOOPS_AT_7 = "def run(x):\n    while x['n'] == 7:\n        pass\n    return x['n'] * 2\n"


@dataclass(eq=False)
class Item:
    number: int
    raw: msgspec.Raw
    deaths: int = 0


class Inputs:
    """A queue of numbers for one program; keeps each answer."""

    def __init__(self, pool: Pool, program: Program, name: str = "numbers") -> None:
        self.name = name
        self.program = program
        self.answers: dict[int, Answer] = {}
        self.refusals: list[str] = []
        self._pool = pool
        self._waiting: deque[Item] = deque()
        pool.add(self)

    def put(self, count: int) -> None:
        for number in range(count):
            self._waiting.append(Item(number, msgspec.Raw(b'{"n":%d}' % number)))
        self._pool.wake(self)

    def waiting(self) -> int:
        return len(self._waiting)

    def take(self, most: int) -> tuple[Program, Sequence[Item]]:
        count = min(most, len(self._waiting))
        return self.program, [self._waiting.popleft() for _ in range(count)]

    def give_back(self, items: Sequence[Item]) -> None:
        self._waiting.extendleft(reversed(items))

    def settle(self, items: Sequence[Item], answers: Sequence[Answer]) -> None:
        for item, answer in zip(items, answers, strict=True):
            assert item.number not in self.answers, "answered twice"
            self.answers[item.number] = answer

    def refuse(self, reason: str) -> None:
        self.refusals.append(reason)
        self._waiting.clear()


async def until(question: Callable[[], Any], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not question():
            await asyncio.sleep(0.005)


def with_pool(scene: Callable[[Pool], Awaitable[None]], **limits: Any) -> Counter[tuple[str, str]]:
    """Play a scene with a pool of two; returns the workers that ended, by reason and queue."""
    ended: Counter[tuple[str, str]] = Counter()

    async def play() -> None:
        pool = Pool(Limits(**limits), 2, lambda reason, name: ended.update([(reason, name)]))
        await pool.start()
        try:
            await scene(pool)
        finally:
            await pool.close()

    asyncio.run(play())
    return ended


def outputs(inputs: Inputs) -> list[Any]:
    return [inputs.answers[number].output for number in sorted(inputs.answers)]


def test_every_input_is_answered_in_its_own_right() -> None:
    async def scene(pool: Pool) -> None:
        inputs = Inputs(pool, load_program(DOUBLE))
        inputs.put(5000)
        await until(lambda: len(inputs.answers) == 5000)
        assert outputs(inputs) == [2 * number for number in range(5000)]

    assert not with_pool(scene)


@pytest.mark.parametrize("victim", ["worker", "fork server"])
def test_what_a_kill_interrupts_is_run_again_soon(victim: str) -> None:
    async def scene(pool: Pool) -> None:
        inputs = Inputs(pool, load_program(SLOW))
        await pool.prepare(inputs.program)
        inputs.put(800)
        await until(lambda: inputs.answers)
        server = pool._nursery._server._process
        assert server is not None
        busy = next(worker for worker in pool.everybody() if worker.attempt is not None)
        os.kill(busy.process.pid if victim == "worker" else server.pid, signal.SIGKILL)
        await until(lambda: len(inputs.answers) == 800)
        assert outputs(inputs) == [2 * number for number in range(800)]

    assert with_pool(scene)["lost", "numbers"] >= 1


def test_one_that_loops_is_over_time_and_its_neighbours_are_answered_long_before() -> None:
    async def scene(pool: Pool) -> None:
        inputs = Inputs(pool, load_program(LOOPS_AT_7))
        await pool.prepare(inputs.program)
        inputs.put(100)
        await until(lambda: len(inputs.answers) == 99)
        assert 7 not in inputs.answers
        await until(lambda: 7 in inputs.answers)
        assert is_overrun(inputs.answers[7].failure)

    assert with_pool(scene, timeout_ms=2000) == {("timeout", "numbers"): 1}


def test_a_later_worker_holds_the_programs_before_it_is_needed() -> None:
    async def scene(pool: Pool) -> None:
        programs = [load_program(DOUBLE), load_program(SLOW)]
        for program in programs:
            await pool.prepare(program)
        before = {worker.process.pid for worker in pool.everybody()}
        assert len(before) == 3
        os.kill(min(before), signal.SIGKILL)

        def all_hold_all() -> bool:
            workers = pool.everybody()
            held = [worker.process.loaded.keys() for worker in workers]
            digests = {program.digest for program in programs}
            return len(workers) == 3 and all(names == digests for names in held)

        await until(lambda: {worker.process.pid for worker in pool.everybody()} != before)
        await until(all_hold_all)

    with_pool(scene)


def test_a_module_level_that_fails_is_told_and_harms_nobody() -> None:
    async def scene(pool: Pool) -> None:
        with pytest.raises(GateError, match="the module level fails: ZeroDivisionError"):
            await pool.prepare(load_program("X = 1 / 0\ndef run(x):\n    return 1\n"))
        with pytest.raises(GateError, match="the module level ran over 200 ms"):
            await pool.prepare(load_program("while True: pass\ndef run(x):\n    return 1\n"))
        bad = Inputs(pool, load_program("X = 1 / 0\ndef run(x):\n    return 1\n"), "bad")
        good = Inputs(pool, load_program(DOUBLE), "good")
        bad.put(10)
        good.put(10)
        await until(lambda: len(bad.answers) == len(good.answers) == 10)
        assert all(answer.failure is not None for answer in bad.answers.values())
        assert outputs(good) == [2 * number for number in range(10)]

    with_pool(scene, load_timeout_ms=200)


def test_more_programs_than_a_worker_holds_take_turns() -> None:
    async def scene(pool: Pool) -> None:
        sources = [f"def run(x):\n    return x['n'] + {number}\n" for number in range(7)]
        queues = [Inputs(pool, load_program(source), str(at)) for at, source in enumerate(sources)]
        for _ in range(2):
            for queue in queues:
                queue.answers.clear()
                queue.put(20)
            await until(lambda: all(len(queue.answers) == 20 for queue in queues))
            for at, queue in enumerate(queues):
                assert outputs(queue) == [number + at for number in range(20)]

    with_pool(scene, programs_per_worker=3)


def test_memory_errors_and_a_share_of_executions_done_bring_fresh_workers() -> None:
    async def scene(pool: Pool) -> None:
        greedy = "def run(x):\n    return 'a' * 10 ** 10 if x['n'] == 3 else x['n'] * 2\n"
        inputs = Inputs(pool, load_program(greedy))
        inputs.put(10)
        await until(lambda: len(inputs.answers) == 10)
        assert inputs.answers[3].failure is not None
        assert inputs.answers[3].failure.type == "MemoryError"
        assert inputs.answers[9].output == 18

    ended = with_pool(scene, executions_per_worker=5)
    assert ended["memory", "numbers"] == 1
    assert ended["recycled", "numbers"] >= 1


def test_workers_that_die_at_their_start_are_raised_ever_less_often_and_then_all_goes_on() -> None:
    async def scene(pool: Pool) -> None:
        inputs = Inputs(pool, load_program(DOUBLE))
        born: set[int] = set()
        ends = asyncio.get_running_loop().time() + 1.5
        while asyncio.get_running_loop().time() < ends or len(born) < 4:
            for worker in pool.everybody():
                born.add(worker.process.pid)
                worker.process.kill()
            await asyncio.sleep(0)
        assert len(born) < 20, "a fork takes milliseconds: without pauses there are hundreds"
        inputs.put(50)
        await until(lambda: len(inputs.answers) == 50)
        assert outputs(inputs) == [2 * number for number in range(50)]
        assert not inputs.refusals

    with_pool(scene)
