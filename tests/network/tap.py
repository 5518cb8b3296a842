"""What passed on a connection, as someone who listens on the wire would read it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from websockets.frames import Frame
from websockets.server import ServerProtocol

GZIP = b"\x1f\x8b\x08"


@dataclass
class Stream:
    """One connection: the bytes the caller sent, and those it received."""

    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)

    def readable(self) -> Iterator[bytes]:
        """The bytes as they are, everything packed in them, and frames without their masks."""
        for data in (bytes(self.sent), bytes(self.received)):
            yield from readable(data)
        if b"sec-websocket-key" in bytes(self.sent[:4096]).lower():
            yield from _unmasked(bytes(self.sent))


def readable(data: bytes) -> Iterator[bytes]:
    """`data`, and all that is gzip'd in it, as far as it goes: a cut body is read too."""
    yield data
    at = data.find(GZIP)
    while at >= 0:
        unpacked = bytearray()
        unpacker = zlib.decompressobj(wbits=31)
        try:
            for start in range(at, len(data), 4096):
                unpacked += unpacker.decompress(data[start : start + 4096])
        except zlib.error:
            pass
        if unpacked:
            yield bytes(unpacked)
        at = data.find(GZIP, at + 1)


def _unmasked(sent: bytes) -> Iterator[bytes]:
    protocol = ServerProtocol()
    protocol.receive_data(sent)
    for event in protocol.events_received():
        if isinstance(event, Frame):
            yield event.data
        else:
            protocol.send_response(protocol.accept(event))
            protocol.receive_data(b"")
    for event in protocol.events_received():
        if isinstance(event, Frame):
            yield event.data
