"""What the app and the process that reads a file for it say to one another.

Offsets and counts travel as the bytes of an `array("Q")`: a message costs the app one copy.
"""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import TypeVar

import msgspec

Said = TypeVar("Said")


class Filter(msgspec.Struct, tag=True):
    """From now on look for what a query wants; None looks for nothing. `turn` marks the news."""

    turn: int
    query: str | None


class Find(msgspec.Struct, tag=True):
    """The next row from `first` on (or before it) that a query wants."""

    turn: int
    query: str
    first: int
    backwards: bool
    #: The rows that are shown, where they are neither all lines nor those of the filter.
    offsets: bytes | None


class Sort(msgspec.Struct, tag=True):
    """A window of the rows from `first` on, sorted by a field."""

    turn: int
    field: str
    first: int
    descending: bool


class Stop(msgspec.Struct, tag=True):
    """What was asked for in a turn is no longer wanted."""

    turn: int


class News(msgspec.Struct, tag=True):
    """What was counted and found since the last news."""

    blocks: int
    lines: int
    rest_bytes: int
    open_line: bool
    unpacked_share: float
    #: For each block counted since: how many line ends stand before the one after it.
    before: bytes
    #: Of which filter the rest is: where its lines begin, and how far it has got in bytes.
    turn: int
    offsets: bytes
    scanned: int


class FoundRow(msgspec.Struct, tag=True):
    """The answer to `Find`."""

    turn: int
    row: int | None


class SortedRows(msgspec.Struct, tag=True):
    """The answer to `Sort`: where the lines begin."""

    turn: int
    offsets: bytes


class Trouble(msgspec.Struct, tag=True):
    """The file cannot be read to its end; what came before it can."""

    problem: str


Request = Filter | Find | Sort | Stop
Report = News | FoundRow | SortedRows | Trouble

requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
reports: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)
encode = msgspec.msgpack.Encoder().encode


def receive(pipe: Connection, decoder: msgspec.msgpack.Decoder[Said]) -> Said:
    """Wait for the next message. Raises EOFError or OSError when the other side is gone."""
    return decoder.decode(pipe.recv_bytes())
