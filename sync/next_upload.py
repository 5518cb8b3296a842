"""The next uploads as a person reads them: their very bytes, a row a piece, redactions marked.

Only looks: nothing is sent, made or changed.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from json import JSONDecoder

from runtime.clock import Clock, utc_now
from runtime.data_dir import DataDir
from sync.box_key import deployment_id, identity_file
from sync.outbox import Outbox, OutboxBatch, OutboxStatus
from sync.telemetry_observer import outbox_file

#: What stands in the place of a value that stays here: a token for it, or its keyed hash.
MARK = re.compile(r"\[([A-Z_]+):[0-9a-f]{12}\]|hmac-sha256:[0-9a-f]{64}")
HASHED = "HASHED"
ROWS = ',"rows":['

_decoder = JSONDecoder()


@dataclass(frozen=True)
class Upload:
    """One batch that waits: `text` is what its gzip'd bytes hold, to the letter."""

    batch: OutboxBatch

    @property
    def made(self) -> bool:
        """Whether it is made already and never changes; else more rows may join it."""
        return self.batch.number > 0

    @cached_property
    def text(self) -> str:
        return gzip.decompress(self.batch.payload).decode()

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """The text in pieces: what comes before the rows, each row, and the end."""
        return tuple(split_rows(self.text))

    @cached_property
    def redacted(self) -> Mapping[str, int]:
        """How often each kind of value was replaced."""
        return Counter(match[1] or HASHED for match in MARK.finditer(self.text))


@dataclass(frozen=True, slots=True)
class Waiting:
    """The queue as of one moment: its counts, and the uploads that would leave first."""

    status: OutboxStatus
    uploads: tuple[Upload, ...]


def look_at_queue(data_dir: DataDir, most: int = 20, clock: Clock = utc_now) -> Waiting | None:
    """What waits, at most so many uploads of it; None where nothing was ever queued.

    Raises LoopaiError and `sqlite3.Error` when the database cannot be read.
    """
    from sync.agent import BATCH_VERSION  # needs the HTTP client, which takes its time

    file = outbox_file(data_dir)
    if not file.exists():
        return None
    outbox = Outbox(file, clock=clock)
    try:
        name = deployment_id(data_dir) if identity_file(data_dir).exists() else ""
        header = {"v": BATCH_VERSION, "deployment_id": name}
        uploads = tuple(Upload(batch) for batch in outbox.preview(header, most))
        return Waiting(outbox.status(), uploads)
    finally:
        outbox.close()


def split_rows(text: str) -> list[str]:
    """An upload's text cut between its rows; joined, the pieces are the text again."""
    start = text.find(ROWS)
    if start < 0:
        return [text]
    at = start + len(ROWS)
    pieces = [text[:at]]
    while text.startswith("{", at):
        _, end = _decoder.raw_decode(text, at)
        end += text.startswith(",", end)
        pieces.append(text[at:end])
        at = end
    return [*pieces, text[at:]]
