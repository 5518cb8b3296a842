"""Kills processes of a serving runtime at random, and holds its log against what it answered."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import psutil
from support import TASK, RunningRuntime, server_folder, wait_until

from kill.load import Load
from kill.written_log import Opened, WrittenLog, as_it_stands
from runtime.data_dir import DataDir

SECONDS_TO_RECOVER = 30.0
MAX_DELAY = 0.15
HTTP_WORKERS = 2
#: Times that HTTP workers die under one supervisor, which waits twice as long after each.
MAX_CRASHES = 4
ALL = "all"
HTTP_WORKER = "1"
#: What to kill: the supervisor, an HTTP worker, a fork server, a sandbox worker, or all of them;
#: and how often. A whole restart takes longest, so it is rarer.
DEPTHS = {"0": 1, HTTP_WORKER: 5, "2": 3, "3": 3, ALL: 1}
#: When to strike: as an answer arrives, as the log is written, or just any time.
Moment = Literal["answer", "write", "any"]
MOMENTS: tuple[Moment, ...] = get_args(Moment)
#: Answers that must come between two kills, so that each kill meets a server at work.
WORKING = 30
#: Large inputs make writing the log take milliseconds: a kill finds the moment more easily.
LARGE = 1_500_000


@dataclass
class Report:
    """What happened in all rounds; anything in `violations` is a fault of the runtime."""

    seed: int
    rounds: int = 0
    #: By the depth of the process in the tree (0 is the one that was started), or "all".
    kills: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    logged: int = 0
    refused: dict[int, int] = field(default_factory=dict)
    torn_lines_set_aside: int = 0
    #: Seconds from a kill until the tree was whole and answered again: the longest, by depth.
    longest_recovery: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def folder_with(tmp_path: Path, durability: str, key: Path | None = None) -> DataDir:
    """A data directory with one task and its program, logged with this durability."""
    data_dir = server_folder(tmp_path)
    data_dir.deployment_file.parent.mkdir()
    encryption = f"encryption: {{key: {{file: {key}}}}}" if key is not None else ""
    data_dir.deployment_file.write_text(f"storage: {{durability: {durability}}}\n{encryption}\n")
    return data_dir


class Killing:
    """One runtime, restarted when it is dead, under load for as long as the block lasts."""

    def __init__(self, data_dir: DataDir, seed: int, opened: Opened = as_it_stands) -> None:
        self.report = Report(seed)
        self._data_dir = data_dir
        self._random = random.Random(seed)
        self._crashes = 0
        self._log = WrittenLog(data_dir.executions(TASK), opened)
        self._runtime = RunningRuntime(data_dir, workers=HTTP_WORKERS)
        self._address = (self._runtime.http.base_url.host, self._runtime.http.base_url.port)
        self._load = Load(self._address)

    def __enter__(self) -> Killing:
        return self

    def __exit__(self, *exception: object) -> None:
        self._load.stop()
        self._runtime.close()

    def run(self, rounds: int) -> Report:
        """Kill and check so many times, then stop in peace and check everything."""
        started = time.monotonic()
        each_once = self._random.sample(list(DEPTHS), len(DEPTHS))
        for number in range(rounds):
            [depth] = self._random.choices(list(DEPTHS), list(DEPTHS.values()))
            if number < len(each_once):
                depth = each_once[number]
            if depth == HTTP_WORKER and self._crashes >= MAX_CRASHES:
                depth = "0"
            self.round(depth, self._random.choice(MOMENTS))
        self._load.stop()
        if self._runtime.stop() != 0:
            self.report.violations.append("it did not end well when told to stop")
        self._log.check(self._load.answered)
        self._log.check_whole(self._load.answered)
        self._sum_up(time.monotonic() - started)
        return self.report

    def round(self, depth: str, moment: Moment) -> None:
        """Kill a process of this depth (or all) while it works; check once it works again."""
        large = moment != "any" and depth in (HTTP_WORKER, ALL)
        self._load.padding = LARGE if large else 0
        self._wait_for_answers(WORKING // 4 if large else WORKING)
        tree = wait_until(lambda: self._tree_with(depth), SECONDS_TO_RECOVER)
        # Those that answer and write first: what is done after the answer must be caught.
        levels = (HTTP_WORKER, *sorted(tree.keys() - {HTTP_WORKER}))
        every = [process for level in levels for process in tree[level]]
        victims = every if depth == ALL else [self._random.choice(tree[depth])]
        if large and depth == HTTP_WORKER:
            victims = tree[depth]  # the one that answers or writes at the moment is among them
        self._kill(victims, moment)
        killed_at = time.monotonic()
        self._load.padding = 0
        self._crashes += depth == HTTP_WORKER
        if tree["0"][0] in victims:
            self._restart()
        self._wait_for_answers(1)
        wait_until(self._is_whole, SECONDS_TO_RECOVER)
        recovery = time.monotonic() - killed_at
        self._wait_for_answers(WORKING)
        self._log.check(self._load.answered)
        self.report.rounds += 1
        self.report.kills[depth] = self.report.kills.get(depth, 0) + 1
        longest = self.report.longest_recovery
        longest[depth] = round(max(recovery, longest.get(depth, 0.0)), 3)

    def _kill(self, victims: list[psutil.Process], moment: Moment) -> None:
        killed = threading.Event()

        def kill() -> None:
            for process in victims:
                with contextlib.suppress(psutil.NoSuchProcess):  # recycled, or died with another
                    process.kill()
            killed.set()

        if moment == "answer":
            self._load.at_an_answer(self._random.randrange(8), kill)
            assert killed.wait(SECONDS_TO_RECOVER), "it answered nothing, so it was never killed"
            return
        if moment == "write":
            # A file grows while it is written: seen from outside, that is the middle of a write.
            self._log.read()
            size = self._log.size()
            ends = time.monotonic() + SECONDS_TO_RECOVER
            while self._log.size() == size and time.monotonic() < ends:
                pass
        else:
            killed.wait(self._random.uniform(0, MAX_DELAY))
        kill()

    def _is_whole(self) -> bool:
        """Whether every HTTP worker lives again and has a process that makes sandbox workers."""
        tree = self._tree()
        return all(len(tree.get(depth, ())) == HTTP_WORKERS for depth in (HTTP_WORKER, "2"))

    def _tree_with(self, depth: str) -> dict[str, list[psutil.Process]]:
        tree = self._tree()
        return tree if depth in tree or depth == ALL else {}

    def _tree(self) -> dict[str, list[psutil.Process]]:
        """The living processes by their depth below the one that was started."""
        found: dict[str, list[psutil.Process]] = {}
        level = [psutil.Process(self._runtime.process.pid)]
        while level:
            found[str(len(found))] = level
            level = [child for process in level for child in _children(process)]
        return found

    def _restart(self) -> None:
        self._runtime.close()
        self._crashes = 0
        ends = time.monotonic() + SECONDS_TO_RECOVER
        while True:
            try:
                self._runtime = RunningRuntime(
                    self._data_dir, "--port", str(self._address[1]), workers=HTTP_WORKERS
                )
            except AssertionError:  # what the killed one has left behind may hold the port still
                if time.monotonic() > ends:
                    raise
            else:
                return

    def _wait_for_answers(self, more: int) -> None:
        aim = len(self._load.answered) + more
        try:
            wait_until(lambda: len(self._load.answered) >= aim, SECONDS_TO_RECOVER)
        except AssertionError:
            raise AssertionError(
                f"no answers, but {self._load.refused}: {self._runtime.errors()}"
            ) from None

    def _sum_up(self, seconds: float) -> None:
        report = self.report
        report.seconds = round(seconds, 1)
        report.answered = len(self._load.answered)
        report.logged = len(self._log.numbers)
        report.refused = dict(self._load.refused)
        report.torn_lines_set_aside = self._log.torn_lines
        report.violations += self._load.violations + self._log.violations


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []
