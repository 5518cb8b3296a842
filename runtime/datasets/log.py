"""The execution log's writing end: whole JSON lines, appended in one write, one writer a file.

It never rewrites a line, and answers a disk that refuses with an error instead of losing data.

Days. A line goes to the file of its own UTC day. When the clock goes back over midnight by
less than an hour (a correction), the newer file stays in use, so a finished day does not grow
again; when it goes back further (somebody set it), lines go to the end of that day's file, or
to a further writer's file where that one is compressed already.

Keys. A file is plain or encrypted with one key, to its end: whoever writes under another key, or
none, writes to a further writer's file.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from runtime.clock import Clock, utc_now
from runtime.data_dir import make_folder, sync_folder
from runtime.datasets.log_files import COMPRESSED, file_name, list_log_files
from runtime.datasets.owned_file import OwnedFile, is_same_file, open_owned
from runtime.encryption.keys import keyring_of
from runtime.encryption.lines import HEAD, MARK, LineSeal, root_of
from runtime.errors import LoopaiError, Problem

Durability = Literal["process", "disk", "none"]
CLOCK_CORRECTION = timedelta(hours=1)
MAX_WRITERS = 1000
SECONDS_BETWEEN_CHECKS = 1.0

logger = logging.getLogger("loopai.log")


class LogUnwritableError(LoopaiError):
    """The disk refused. The first `written` lines of the call are in the log, the rest are not."""

    def __init__(self, place: Path, error: OSError, written: int = 0) -> None:
        self.reason = error.strerror or str(error)
        self.written = written
        super().__init__(Problem(f"the execution log cannot be written: {self.reason}.", place))


class ExecutionLog:
    """The log of one task, as one writer appends to it. One thread at a time.

    Durability `disk` has every line on the disk (fdatasync) when `append` returns; `process`
    and `none` have it in the kernel, where it outlives this process but not a power cut.
    """

    def __init__(
        self,
        folder: Path,
        *,
        durability: Durability = "process",
        clock: Clock = utc_now,
        prefix: str = "",
    ) -> None:
        self.folder = folder
        self.durability = durability
        #: Why the last append failed; None while the log can be written.
        self.problem: str | None = None
        #: Torn tails of crashed writers that were set aside.
        self.quarantined = 0
        self._clock = clock
        self._prefix = prefix
        self._handle = -1
        self._path = folder
        self._day = date.min
        self._end = 0
        self._seal: LineSeal | None = None
        self._torn = False
        self._next_check = 0.0
        self._recovered = False

    @property
    def file(self) -> Path | None:
        """The file in use; None before the first append."""
        return self._path if self._handle >= 0 else None

    def recover(self) -> None:
        """Set aside the torn tails of all writers that are gone. The first append does it too.

        Raises OSError when the folder or a file in it cannot be read or changed.
        """
        for file in list_log_files(self.folder, prefix=self._prefix):
            if file.compressed:
                continue
            owned = open_owned(file.path, create=False)
            if owned is not None:
                os.close(owned.handle)
                self._count_torn_tail(owned, file.path)
        self._recovered = True

    def append(self, lines: Sequence[bytes], moment: datetime | None = None) -> None:
        """Append lines (JSON without a line end) whose timestamp is `moment`, in one write.

        Raises LogUnwritableError when the disk refuses; the next call tries again.
        """
        if not lines:
            return
        written, refusal = self._try_append(lines, moment or self._clock())
        if refusal is not None:
            failure = LogUnwritableError(self._path, refusal, written)
            if self.problem is None:
                logger.error("%s", failure)
            self.problem = failure.reason
            raise failure
        if self.problem is not None:
            logger.warning("the execution log can be written again: %s", self._path)
            self.problem = None

    def close(self) -> None:
        """Close the file and give up its lock. A later append opens it again."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _try_append(self, lines: Sequence[bytes], moment: datetime) -> tuple[int, OSError | None]:
        """How many lines are in the log for certain, and what the disk said if not all are."""
        try:
            self._open_for(moment)
            self._cut_torn_end()
        except OSError as error:
            return 0, error
        if self._seal is not None:
            lines = self._seal.seal(lines, self._end)
        data = b"\n".join(lines) + b"\n"
        done = 0
        refusal: OSError | None = None
        try:
            while done < len(data):
                taken = os.write(self._handle, data[done:] if done else data)
                if not taken:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                done += taken
        except OSError as error:
            refusal = error
        # Whole lines stay: a reader may have seen them already. Only the torn end goes.
        whole = len(data) if refusal is None else data.rfind(b"\n", 0, done) + 1
        self._end += whole
        self._torn = done > whole
        with contextlib.suppress(OSError):  # the next append tries again, and reports it
            self._cut_torn_end()
        if self.durability == "disk":
            try:
                os.fdatasync(self._handle)
            except OSError as error:
                # What the disk holds is unknown, and the kernel reports it only once.
                self.close()
                return 0, error
        return (len(lines) if refusal is None else data.count(b"\n", 0, whole)), refusal

    def _cut_torn_end(self) -> None:
        if self._torn:
            os.ftruncate(self._handle, self._end)
            self._torn = False

    def _open_for(self, moment: datetime) -> None:
        day = moment.date()
        if self._handle >= 0:
            if self._keeps_file(day, moment) and self._file_is_there():
                return
            self.close()
        make_folder(self.folder, sync=self.durability == "disk")
        if not self._recovered:
            self.recover()
        self._open(day)

    def _keeps_file(self, day: date, moment: datetime) -> bool:
        if day == self._day:
            return True
        midnight = datetime(self._day.year, self._day.month, self._day.day, tzinfo=UTC)
        return day < self._day and midnight - moment < CLOCK_CORRECTION

    def _file_is_there(self) -> bool:
        """False once somebody moved or removed the file under us; looks once a second."""
        now = time.monotonic()
        if now < self._next_check:
            return True
        self._next_check = now + SECONDS_BETWEEN_CHECKS
        return is_same_file(self._handle, self._path)

    def _open(self, day: date) -> None:
        key = keyring_of(root_of(self.folder / file_name(day))).current
        for number in range(1, MAX_WRITERS):
            writer = str(number) if number > 1 else ""
            path = self.folder / file_name(day, writer, self._prefix)
            self._path = path
            if path.with_name(path.name + COMPRESSED).exists():
                continue
            owned = open_owned(path)
            if owned is None:
                continue
            seal = None if key is None else LineSeal(key, path)
            if not _goes_on(os.pread(owned.handle, HEAD, 0), seal):
                os.close(owned.handle)
                continue
            self._seal = seal
            self._handle, self._end, self._day = owned.handle, owned.end, day
            self._torn = False
            self._next_check = time.monotonic() + SECONDS_BETWEEN_CHECKS
            self._count_torn_tail(owned, path)
            if self.durability == "disk":
                sync_folder(self.folder)
            return
        raise OSError(errno.EUSERS, f"all {MAX_WRITERS} files of the day have a writer")

    def _count_torn_tail(self, owned: OwnedFile, path: Path) -> None:
        if owned.set_aside:
            self.quarantined += 1
            logger.warning(
                "set aside a torn line of %d bytes that a crash left in %s", owned.set_aside, path
            )


def _goes_on(begins: bytes, seal: LineSeal | None) -> bool:
    """Whether a file that begins so may be gone on with under a key, or none."""
    if not begins:
        return True
    return not begins.startswith(MARK) if seal is None else begins == seal.head
