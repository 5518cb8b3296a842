"""One file of records while the Dataset screen shows it: its index, and the filter if any.

A process of its own counts and filters; `work` runs in a thread, takes over what that tells and is
the only writer here. The screen reads what is there by now.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
from array import array
from itertools import count
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import TypeVar

from runtime.errors import LoopaiError, Problem
from workbench.records.columns import Column, choose_columns
from workbench.records.line_file import LineFile, Stop
from workbench.records.line_index import Known, LineIndex
from workbench.records.messages import (
    Filter,
    Find,
    FoundRow,
    News,
    Report,
    Request,
    Sort,
    SortedRows,
    Trouble,
    encode,
    receive,
    reports,
)
from workbench.records.messages import Stop as StopAsking
from workbench.records.row_filter import RowFilter
from workbench.records.views import AllRows, ChosenRows, Rows

SAMPLE_LINES = 60
SECONDS_BETWEEN_LOOKS = 0.1

Answer = TypeVar("Answer", FoundRow, SortedRows)


class Filtered:
    """The lines of a file that a filter wants, as far as it has got."""

    def __init__(self, turn: int) -> None:
        #: Marks what is told of it.
        self.turn = turn
        #: Where the wanted lines begin, in file order.
        self.offsets = array("Q")
        #: How far the file has been gone through, in bytes.
        self.scanned = 0


class OpenFile:
    """Opens at once with its first lines; the rest comes as `work` gets on."""

    def __init__(self, path: Path) -> None:
        """Open `path` and look at its beginning. Raises NotFoundError or InvalidInputError."""
        self.path = path
        self.file = LineFile(path)
        self.index = LineIndex(self.file)
        self.all_rows = AllRows(self.index)
        self.rows: Rows = self.all_rows
        self.filtered: Filtered | None = None
        self.columns: list[Column] = []
        #: What kept the file from being read to its end.
        self.problem: Exception | None = None
        self._sorted: array[int] | None = None
        self._turns = count(1)
        #: Where the answer to a turn is waited for.
        self._waiting: dict[int, queue.SimpleQueue[FoundRow | SortedRows]] = {}
        self._pipe, self._their_end = Pipe()
        self._sending = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()
        self._closed = False
        #: It ended by itself: what is known so far can still be read.
        self._reader_is_gone = False
        if not self.file.compressed:
            self.index.extend(_after(1))
            self.choose_columns()

    def choose_columns(self) -> None:
        """Choose columns by the first lines there are."""
        shown = range(min(SAMPLE_LINES, self.index.count))
        self.columns = choose_columns(self.index.line(number).content for number in shown)

    def filter_by(self, row_filter: RowFilter | None) -> None:
        """Show what a filter wants, as it is found; None shows all lines again."""
        turn = next(self._turns)
        self.filtered = Filtered(turn) if row_filter else None
        self._sorted = None
        self.rows = self.in_file_order
        self._send(Filter(turn, row_filter.query if row_filter else None))

    def show_sorted(self, offsets: array[int]) -> None:
        """Show a window of the rows as `sort` gave it."""
        self._sorted = offsets
        self.rows = ChosenRows(self.index, offsets)

    @property
    def in_file_order(self) -> Rows:
        """What the filter wants, not sorted."""
        return ChosenRows(self.index, self.filtered.offsets) if self.filtered else self.all_rows

    def find(self, wanted: RowFilter, first: int, *, backwards: bool, stop: Stop) -> int | None:
        """Wait for the next row from `first` on (or before it) that is wanted; None without one.

        Raises LoopaiError where the process has ended.
        """
        shown = None if self._sorted is None else self._sorted.tobytes()
        request = Find(next(self._turns), wanted.query, first, backwards, shown)
        answer = self._ask(request, FoundRow, stop)
        return answer.row if answer else None

    def sort(self, field: str, first: int, *, descending: bool, stop: Stop) -> array[int]:
        """Wait for a window of the rows from `first` on, sorted: where their lines begin."""
        answer = self._ask(Sort(next(self._turns), field, first, descending), SortedRows, stop)
        return array("Q", answer.offsets if answer else b"")

    def _ask(self, request: Find | Sort, kind: type[Answer], stop: Stop) -> Answer | None:
        answers = self._waiting[request.turn] = queue.SimpleQueue()
        try:
            self._send(request)
            while not (stop() or self._closed or self._reader_is_gone):
                with contextlib.suppress(queue.Empty):
                    answer = answers.get(timeout=SECONDS_BETWEEN_LOOKS)
                    if isinstance(answer, kind):
                        return answer
        finally:
            del self._waiting[request.turn]
        if self._reader_is_gone and not self._closed:
            raise self.problem or LoopaiError(Problem("its reader has ended.", self.path))
        self._send(StopAsking(request.turn))
        return None

    def _send(self, request: Request) -> None:
        # What is said before the process has started waits in the pipe.
        with contextlib.suppress(OSError), self._sending:
            self._pipe.send_bytes(encode(request))

    def work(self) -> None:
        """Take over what the process counts and finds, until `close`, as the file grows."""
        with self._starting:
            if not self._closed:
                self._process = self._start()
        self._their_end.close()
        with contextlib.suppress(EOFError, OSError):
            while not self._closed:
                self._take(receive(self._pipe, reports))
        if self._process is not None:
            if not self._closed:
                self.problem = LoopaiError(
                    Problem(
                        f"its reader ended with {self._process.wait()}.",
                        self.path,
                        remedy="Open the file again.",
                    )
                )
            self._process.wait()
        with self._starting:
            self._reader_is_gone = True
            if self._closed:
                self._let_go()

    def _let_go(self) -> None:
        self._pipe.close()
        self.file.close()

    def _start(self) -> subprocess.Popen[bytes]:
        pipe, descriptors = self._their_end.fileno(), self.file.descriptors
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "workbench.records.reading_process"),
                *(str(self.path.absolute()), str(pipe), *map(str, descriptors)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(pipe, *descriptors),
        )

    def _take(self, report: Report) -> None:
        if isinstance(report, Trouble):
            self.problem = LoopaiError(Problem(report.problem))
        elif isinstance(report, News):
            self._take_news(report)
        elif (waiting := self._waiting.get(report.turn)) is not None:
            waiting.put(report)

    def _take_news(self, news: News) -> None:
        self.file.unpacked_share = news.unpacked_share
        known = Known(news.blocks, news.lines, news.rest_bytes, news.open_line)
        self.index.take(known, array("Q", news.before))
        filtered = self.filtered
        if filtered is not None and filtered.turn == news.turn:
            filtered.offsets.frombytes(news.offsets)
            filtered.scanned = news.scanned
        if not self.columns:
            self.choose_columns()

    @property
    def share(self) -> float:
        """How much of it is indexed and filtered, from 0 to 1."""
        size = self.file.size
        if self.filtered is None or not size:
            return self.index.share
        filtered = min(1.0, self.filtered.scanned / size) * self.file.unpacked_share
        return min(self.index.share, filtered)

    def close(self) -> None:
        """Have the process and `work` end; the latter closes the file."""
        with self._starting:
            if self._reader_is_gone and not self._closed:
                self._let_go()
            self._closed = True
            if self._process is not None:
                self._process.kill()


def _after(times: int) -> Stop:
    """Stops what asks it once it was asked more often than `times`."""
    left = iter(range(times))
    return lambda: next(left, None) is None
