"""Frames are cut from any stream of bytes the same way, and bounded; messages are validated."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.sandbox import protocol
from runtime.sandbox.protocol import FrameReader, Kind, ProtocolError, frame

FRAMES = st.lists(st.tuples(st.sampled_from(Kind), st.binary(max_size=300)), max_size=6)


@given(FRAMES, st.lists(st.integers(1, 40), min_size=1))
def test_frames_survive_being_cut_anywhere(
    frames: list[tuple[Kind, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(frame(kind, payload) for kind, payload in frames)
    reader, received, at = FrameReader(), [], 0
    for step in cuts * (len(stream) + 1):
        if at >= len(stream):
            break
        received += list(reader.feed(stream[at : at + step]))
        at += step
    assert received == frames


@given(st.binary(min_size=5, max_size=200))
def test_any_bytes_give_frames_or_a_protocol_error(data: bytes) -> None:
    reader = FrameReader()
    with contextlib.suppress(ProtocolError):
        for kind, payload in reader.feed(data):
            assert isinstance(kind, Kind)
            assert len(payload) < len(data)


@given(st.binary(max_size=200), st.sampled_from([protocol.Results, protocol.Loaded]))
def test_any_payload_gives_a_message_or_a_protocol_error(payload: bytes, kind: type) -> None:
    with contextlib.suppress(ProtocolError):
        assert isinstance(protocol.decode(payload, kind), kind)


def test_a_frame_over_the_bound_is_refused_before_its_bytes_arrive() -> None:
    header = struct.pack("<IB", protocol.MAX_FRAME_BYTES + 1, Kind.RESULTS)
    with pytest.raises(ProtocolError, match="is over"):
        list(FrameReader().feed(header))
    with pytest.raises(ProtocolError, match="is over"):
        frame(Kind.RUN, bytes(protocol.MAX_FRAME_BYTES + 1))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"{}",
        b'{"answers": 1}',
        b'{"answers": [[1]], "spent": 1}',
        b'{"answers": [[-1, 1]]}',
        b'{"answers": [["1", 1]]}',
        b'{"answers": [[1, 1, 2]]}',
        b'{"answers": [[1, NaN]]}',
        b'{"answers": [[1, null, null, ["E"]]]}',
        b'{"answers": [[1, null, null, ["E", "m", "line"]]]}',
        b'{"answers": [[1, ' + b"[" * 100_000 + b"]" * 100_000 + b"]]}",
        b'{"answers": [[1, "\xff"]]}',
    ],
    ids=lambda payload: payload[:40].decode("latin-1"),
)
def test_forged_results_are_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError, match="a malformed Results message"):
        protocol.decode(payload, protocol.Results)


def test_a_run_message_holds_the_inputs_as_they_were_encoded() -> None:
    payload = protocol.run_payload("abc", [b'{"a":1}', b"null"])
    message = protocol.decode(payload, protocol.Run)
    assert (message.program, list(map(bytes, message.inputs))) == ("abc", [b'{"a":1}', b"null"])
    empty = protocol.decode(protocol.run_payload("abc", []), protocol.Run)
    assert empty.inputs == []
