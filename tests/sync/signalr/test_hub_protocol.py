"""Calls, streams, cancellation and errors of the JSON hub protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sync.signalr.messages import SEPARATOR, ProtocolError, check_handshake, decode_message, encode
from tests.sync.signalr.test_transports import HANDSHAKE, records, socket_url


class Client:
    """A client that speaks the protocol by hand."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[Any] = []

    def send(self, **message: Any) -> None:
        self.socket.send(json.dumps(message) + "\x1e")

    def next(self, kind: int) -> Any:
        """The next message of a type."""
        while True:
            for at, message in enumerate(self.seen):
                if message.get("type") == kind:
                    return self.seen.pop(at)
            self.seen += records(self.socket.recv(timeout=5))

    def call(self, target: str, *arguments: Any, kind: int = 1) -> Any:
        self.send(type=kind, invocationId="1", target=target, arguments=arguments)
        return self.next(3)


@pytest.fixture
def client(hub: Any) -> Iterator[Client]:
    with connect(socket_url(hub)) as socket:
        socket.send(HANDSHAKE)
        assert records(socket.recv()) == [{}]
        yield Client(socket)


def test_a_call_is_answered_and_one_without_an_id_is_not(client: Client) -> None:
    client.send(type=1, target="add", arguments=[1, 1])
    client.send(type=1, target="unknown", arguments=[])
    assert client.call("add", 20, 22) == {"type": 3, "invocationId": "1", "result": 42}
    assert client.call("nothing") == {"type": 3, "invocationId": "1", "result": None}
    assert client.seen == []


@pytest.mark.parametrize(
    ("target", "arguments", "kind", "error"),
    [
        ("gone", [], 1, "Unknown hub method 'gone'."),
        ("add", [1], 1, "missing"),
        ("add", [1, 2, 3], 1, "unexpected positional"),
        ("add", ["x", 2], 1, "valid integer"),
        ("refuse", ["not today"], 1, "not today"),
        ("crash", [], 1, "An unexpected error occurred invoking 'crash'."),
        ("count", [3], 1, "only by stream"),
        ("add", [1, 2], 4, "not by stream"),
    ],
)
def test_a_call_that_cannot_be_is_an_error_of_that_call(
    client: Client, target: str, arguments: list[Any], kind: int, error: str
) -> None:
    answer = client.call(target, *arguments, kind=kind)
    assert error in answer["error"]
    assert "result" not in answer
    assert "secret" not in answer["error"]
    assert client.call("add", 1, 2)["result"] == 3


def test_a_stream_gives_its_items_and_an_end(client: Client) -> None:
    assert client.call("count", 3, kind=4) == {"type": 3, "invocationId": "1"}
    assert [client.next(2)["item"] for _ in range(3)] == [0, 1, 2]


def test_a_stream_that_is_cancelled_ends_with_a_completion(client: Client) -> None:
    client.send(type=4, invocationId="s", target="forever", arguments=[])
    client.next(2)
    client.send(type=5, invocationId="s")
    assert client.next(3) == {"type": 3, "invocationId": "s"}
    assert client.next(1)["target"] == "stopped"
    client.send(type=5, invocationId="s")  # too late, and no matter
    assert client.call("add", 1, 2)["result"] == 3


def test_a_call_that_is_cancelled_still_gets_its_completion(client: Client) -> None:
    client.send(type=1, invocationId="h", target="hang", arguments=[])
    client.send(type=5, invocationId="h")
    assert client.next(3)["invocationId"] == "h"


def test_items_uploaded_in_a_stream_reach_the_method(client: Client) -> None:
    client.send(type=1, invocationId="u", target="total", arguments=[], streamIds=["1"])
    for number in (1, 2, 3):
        client.send(type=2, invocationId="1", item=number)
    client.send(type=3, invocationId="1")
    assert client.next(3) == {"type": 3, "invocationId": "u", "result": 6}


def test_a_message_reaches_every_client(client: Client, hub: Any) -> None:
    with connect(socket_url(hub)) as socket:
        socket.send(HANDSHAKE)
        socket.recv()
        assert client.call("tell", "news")["result"] >= 2
        assert records(socket.recv(timeout=5)) == [
            {"type": 1, "target": "told", "arguments": ["news"]}
        ]


@pytest.mark.parametrize(
    "sent",
    [
        "not json",
        "[]",
        "{}",
        '{"type":"1"}',
        '{"type":1,"target":"add"}',
        '{"type":1,"arguments":[]}',
        '{"type":2,"item":1}',
        '{"type":3,"invocationId":"a","error":"x","result":1}',
        '{"type":1,"target":"add","arguments":[],"invocationId":7}',
        '{"type":1,"target":"add","arguments":[],"invocationId":"%s"}' % ("x" * 200),
        '{"type":1,"target":"add","arguments":["%s"]}' % ("x" * 40_000),
    ],
)
def test_what_is_not_of_the_protocol_closes_the_connection_with_a_reason(
    client: Client, sent: str
) -> None:
    client.socket.send(sent + "\x1e")
    assert client.next(7)["error"]
    with pytest.raises(ConnectionClosed):
        client.socket.recv(timeout=5)


def test_an_id_that_is_in_use_is_against_the_protocol(client: Client) -> None:
    for _ in range(2):
        client.send(type=1, invocationId="h", target="hang", arguments=[])
    assert "in use" in client.next(7)["error"]


def test_headers_and_unknown_types_are_disregarded(client: Client) -> None:
    client.send(type=99)
    client.send(type=8, sequenceId=1)
    client.send(type=1, invocationId="1", target="add", arguments=[1, 2], headers={"a": "b"})
    assert client.next(3)["result"] == 3


@pytest.mark.parametrize(
    ("first", "error"),
    [
        ('{"protocol":"messagepack","version":1}', "not supported"),
        ('{"protocol":"json","version":2}', "version"),
        ('{"type":6}', "handshake"),
        ("nonsense", "JSON"),
    ],
)
def test_a_wrong_handshake_is_answered_with_its_error(hub: Any, first: str, error: str) -> None:
    with connect(socket_url(hub)) as socket:
        socket.send(first + "\x1e")
        assert error in records(socket.recv(timeout=5))[0]["error"]
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["type", "target", "arguments", "invocationId", "streamIds", "error"])


@settings(max_examples=100)
@given(st.binary(max_size=60) | st.dictionaries(NAMES, JSON).map(lambda m: encode(m)[:-1]))
def test_any_bytes_are_a_message_or_a_protocol_error(record: bytes) -> None:
    for read in (decode_message, check_handshake):
        try:
            read(record)
        except ProtocolError as error:
            assert str(error)


@given(st.dictionaries(st.text(), JSON))
def test_a_message_has_one_separator_and_it_is_last(message: dict[str, Any]) -> None:
    assert encode(message).index(SEPARATOR) == len(encode(message)) - 1
