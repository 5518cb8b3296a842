"""Hands the lines of one task's log to the observers, each from its own place, exactly once.

A batch is read once for all observers that stand at its beginning. What an observer notes and
its new place are one savepoint of one transaction: one that raises loses nothing and holds
nobody up. Files are found anew at each turn: rotated, compressed, replaced, removed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from runtime.datasets.log_files import LogFile, list_log_files
from runtime.steward.cursors import FileKey, move, read_offsets
from runtime.steward.epoch import read_epoch
from runtime.steward.file_reader import MAX_LINES, FileReader, Piece, looks
from runtime.steward.observer import Batch, LogObserver
from runtime.steward.state import State
from runtime.steward.turns import Turns

#: Turns between two looks at files of days gone by, which hardly ever change.
TURNS_BETWEEN_FULL_LOOKS = 20

logger = logging.getLogger("loopai.steward")


class PlacesChangedError(Exception):
    """Somebody else has changed places in the log since they were read."""


@dataclass(eq=False)
class _Open:
    """A file as it is known: what it is, and where each observer stands in it."""

    looks: tuple[int, int, int, int]
    reader: FileReader
    key: FileKey
    offsets: dict[str, int]
    unread: int = 0
    #: What follows the last line end, of a line that is not written to its end.
    torn: int = 0
    #: When the last line that was handed out was written; "" for none yet.
    last_timestamp: str = ""


class Follower:
    """The log of one task, for all observers."""

    def __init__(
        self,
        task: str,
        folder: Path,
        state: State,
        observers: Sequence[LogObserver],
        turns: Turns,
    ) -> None:
        self.task = task
        self.folder = folder
        self._state = state
        self._observers = {observer.name: observer for observer in observers}
        self._turns = turns
        self._open: dict[str, _Open] = {}
        self._turn = 0
        self._epoch = 0

    @property
    def lag_bytes(self) -> int:
        """Bytes of content that the slowest observer has not read yet."""
        return sum(max(0, known.unread) for known in self._open.values())

    @property
    def last_timestamp(self) -> str | None:
        """When the oldest unread line was written, as nearly as is known: the time of the one
        before it, or of its day's beginning. None when everything is read.
        """
        behind = [known for known in self._open.values() if known.unread > 0]
        return min(
            (known.last_timestamp or f"{known.key.day}T00:00:00.000000Z" for known in behind),
            default=None,
        )

    def turn(self, today: date, *, at_once: bool = False) -> int:
        """Read one batch of each file that has something new; returns how many lines.

        Observers that rest are asked too, and old files looked at, when it must be `at_once`.
        Raises OSError and `sqlite3.Error`; everything then is as it was.
        """
        self._look_at_epoch()
        full = at_once or self._turn % TURNS_BETWEEN_FULL_LOOKS == 0
        self._turn += 1
        files = list_log_files(self.folder)
        self._drop({file.name for file in files})
        lines = most = 0
        able = self._turns.able(self._observers, self.task)
        if not at_once:
            able = [name for name in able if not self._turns.rests(name, self.task)]
        for file in files:
            known = self._open.get(file.name)
            if known and not full and not known.unread and file.day < today - timedelta(days=1):
                continue
            try:
                taken = self._turn_of(file, able)
            except FileNotFoundError:  # removed or replaced since it was listed
                continue
            except PlacesChangedError:  # the next turn begins with the new ones
                return lines
            lines += taken
            most = max(most, taken)
        if most < MAX_LINES:
            for name in able:
                if seconds := getattr(self._observers[name], "rests_seconds", 0.0):
                    self._turns.rest(name, self.task, seconds)
        return lines

    def close(self) -> None:
        self._drop(set())

    def _drop(self, names: set[str]) -> None:
        for name in self._open.keys() - names:
            self._open.pop(name).reader.close()

    def _turn_of(self, file: LogFile, able: list[str]) -> int:
        known = self._known(file)
        if known is None:
            return 0
        self._measure(known)
        if known.unread <= 0:
            known.reader.close()
            return 0
        at = {name: known.offsets[name] for name in able}
        start = min(at.values(), default=0)
        # Those ahead are met again where they stand, so that all soon read as one.
        stop = min((offset for offset in at.values() if offset > start), default=None)
        if not at:
            return 0
        piece = known.reader.read(start, stop)
        if piece.end == start:
            if start == min(known.offsets.values()):
                known.torn, known.unread = known.unread, 0
            return 0
        self._hand_over(known, piece, start, [name for name in able if at[name] == start])
        self._measure(known)
        return piece.lines

    def _hand_over(self, known: _Open, piece: Piece, start: int, names: list[str]) -> None:
        batch = Batch(piece.records, day=known.key.day, malformed=piece.malformed)
        failed: list[tuple[str, Exception]] = []
        handed: list[str] = []
        try:
            with self._state.transaction() as connection:
                if read_epoch(connection) != self._epoch:
                    raise PlacesChangedError
                for name in names:
                    handed.append(name)
                    connection.execute("SAVEPOINT observer")
                    try:
                        self._observers[name].observe(self.task, batch, connection)
                        move(connection, known.key, name, piece.end)
                        connection.execute("RELEASE observer")
                    except Exception as error:
                        connection.execute("ROLLBACK TO observer")
                        connection.execute("RELEASE observer")
                        failed.append((name, error))
        except BaseException:
            for name in handed:
                self._observers[name].rolled_back()
            raise
        for name, fault in failed:
            self._observers[name].rolled_back()
            self._turns.failed(name, self.task, fault)
        refused = {name for name, _ in failed}
        for name in names:
            if name not in refused:
                known.offsets[name] = piece.end
                self._turns.went_well(name, self.task)
        if piece.records and len(refused) < len(names):
            known.last_timestamp = piece.records[-1]["timestamp"]

    def _look_at_epoch(self) -> None:
        """Forget all places when somebody else has changed some."""
        epoch = read_epoch(self._state.connection)
        if epoch != self._epoch:
            self._epoch = epoch
            self._drop(set())
            for observer in self._observers.values():
                observer.rolled_back()

    def _known(self, file: LogFile) -> _Open | None:
        """What is known of a file, looked at anew when another stands in its place."""
        there = looks(file)
        known = self._open.get(file.name)
        if known is not None and known.looks == there:
            return known
        reader = FileReader(file)
        identity = reader.identity()
        if known is not None:
            if identity == known.key.identity and reader.file == known.reader.file:
                known.looks = there
                return known
            known.reader.close()
            del self._open[file.name]
        if identity is None:
            return None
        key = FileKey(self.task, file.name, identity, file.day)
        offsets = read_offsets(self._state.connection, key, self._observers)
        fresh = self._open[file.name] = _Open(there, reader, key, offsets)
        return fresh

    def _measure(self, known: _Open) -> None:
        """How much of a file the slowest observer has not read."""
        slowest = min(known.offsets.values(), default=0)
        unread = known.reader.unread(slowest)
        if unread < 0 <= known.unread:
            logger.error("%s is shorter than what was read of it", known.reader.file.path)
        known.unread, known.torn = unread, 0
