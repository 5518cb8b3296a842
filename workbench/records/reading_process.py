"""Counts, filters, searches and sorts a file in a process of its own, for the app.

    python -m workbench.records.reading_process PATH PIPE SOURCE [UNPACKED]

PIPE, SOURCE and UNPACKED are descriptors it was started with. Threads of the app would hold up its
keys instead: of one process only one thread runs Python at a time. It ends with the app, however
that ends, as nobody holds the other end of the pipe then.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from array import array
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from runtime.errors import LoopaiError
from workbench.records.line_file import LineFile
from workbench.records.line_index import LineIndex
from workbench.records.messages import (
    Filter,
    Find,
    FoundRow,
    News,
    Report,
    Sort,
    SortedRows,
    Stop,
    Trouble,
    encode,
    receive,
    requests,
)
from workbench.records.row_filter import RowFilter
from workbench.records.scan import Scan
from workbench.records.views import AllRows, ChosenRows, Rows, sort_window

#: How long it works before it tells of it and looks for what is asked.
SLICE_SECONDS = 0.03
SECONDS_BETWEEN_LOOKS = 0.3
UNPACKING_SECONDS = 0.01
#: Added to its niceness: keys come before it where there are too few processors.
NICE = 5


class ReadingProcess:
    """One file; goes on as it grows."""

    def __init__(self, pipe: Connection, file: LineFile) -> None:
        self._pipe = pipe
        self._file = file
        self._index = LineIndex(file)
        self._scan: Scan | None = None
        self._turn = 0
        self._telling = threading.Lock()
        self._told = (0, 0)  # blocks counted, lines found
        self._last: News | None = None
        self._cancelled = threading.Event()
        self._asked = 0  # the turn of what is looked for

    def run(self) -> None:
        """Until the app is gone or has closed the file."""
        unpacking = threading.Thread(target=self._unpack, daemon=True)
        unpacking.start()
        with contextlib.suppress(EOFError, OSError):
            while True:
                deadline = time.monotonic() + SLICE_SECONDS
                self._go_on(deadline)
                busy = time.monotonic() >= deadline
                self._tell()
                rest = UNPACKING_SECONDS if unpacking.is_alive() else SECONDS_BETWEEN_LOOKS
                while self._pipe.poll(0 if busy else rest):
                    self._obey()
                    busy = True

    def _go_on(self, deadline: float) -> None:
        def late() -> bool:
            return time.monotonic() >= deadline

        self._index.extend(late)
        if self._scan is not None and not late():
            self._scan.extend(late)

    def _unpack(self) -> None:
        try:
            self._file.unpack(lambda: False)
        except LoopaiError as error:
            self._send(Trouble(str(error)))
        except Exception as error:
            self._send(Trouble(f"{self._file.path}: {error}."))

    def _tell(self) -> None:
        """What is new, if anything."""
        with self._telling:
            blocks, found = self._told
            index, scan = self._index, self._scan
            known = index.known
            before = index.before_from(blocks, known)
            offsets = scan.offsets[found:] if scan else array("Q")
            news = News(
                *known,
                self._file.unpacked_share,
                before.tobytes(),
                self._turn,
                offsets.tobytes(),
                scan.scanned if scan else 0,
            )
            if news != self._last:
                self._pipe.send_bytes(encode(news))
                self._last = news
                self._told = (blocks + len(before), found + len(offsets))

    def _send(self, report: Report) -> None:
        with contextlib.suppress(OSError), self._telling:
            self._pipe.send_bytes(encode(report))

    def _obey(self) -> None:
        request = receive(self._pipe, requests)
        if isinstance(request, Filter):
            with self._telling:
                self._turn = request.turn
                wanted = RowFilter(request.query) if request.query is not None else None
                self._scan = Scan(self._file, wanted) if wanted else None
                self._told = (self._told[0], 0)
            return
        if isinstance(request, Stop) and request.turn != self._asked:
            return  # what came after it is still wanted
        self._cancelled.set()
        if isinstance(request, Find | Sort):
            self._asked = request.turn
            cancelled = self._cancelled = threading.Event()
            threading.Thread(target=self._answer, args=(request, cancelled), daemon=True).start()

    def _answer(self, request: Find | Sort, cancelled: threading.Event) -> None:
        try:
            answer = self._look_for(request, cancelled.is_set)
        except Exception as error:
            self._send(Trouble(f"{self._file.path}: the search failed: {error}."))
            empty = isinstance(request, Find)
            answer = FoundRow(request.turn, None) if empty else SortedRows(request.turn, b"")
        if not cancelled.is_set():
            with contextlib.suppress(OSError):
                self._tell()  # the app must know of the rows that the answer speaks of
            self._send(answer)

    def _look_for(self, request: Find | Sort, stop: Callable[[], bool]) -> FoundRow | SortedRows:
        rows: Rows = (
            ChosenRows(self._index, self._scan.offsets) if self._scan else AllRows(self._index)
        )
        if isinstance(request, Find):
            if request.offsets is not None:
                rows = ChosenRows(self._index, array("Q", request.offsets))
            wanted = RowFilter(request.query)
            row = rows.find(wanted, request.first, backwards=request.backwards, stop=stop)
            return FoundRow(request.turn, row)
        offsets = sort_window(
            rows, request.first, request.field, descending=request.descending, stop=stop
        )
        return SortedRows(request.turn, offsets.tobytes())


def main(path: str, pipe: str, *descriptors: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICE)
    file = LineFile(Path(path), *map(int, descriptors))
    ReadingProcess(Connection(int(pipe)), file).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # threads that search are left behind
