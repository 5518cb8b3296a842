"""The transports as the specification has them, over real HTTP and WebSockets."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from tests.support import wait_until
from tests.sync.signalr.hub_server import ORIGIN, PATH, TOKEN

HANDSHAKE = '{"protocol":"json","version":1}\x1e'
BEARER = {"authorization": f"Bearer {TOKEN}"}


def records(data: str | bytes) -> list[Any]:
    text = data.decode() if isinstance(data, bytes) else data
    assert text.endswith("\x1e") or not text
    return [json.loads(record) for record in text.split("\x1e")[:-1]]


@pytest.fixture
def http(hub: Any) -> Any:
    with httpx.Client(base_url=hub.url, headers=BEARER, timeout=10) as client:
        yield client


def negotiate(http: httpx.Client, version: int = 1) -> str:
    answer = http.post("/negotiate", params={"negotiateVersion": version}).json()
    return str(answer.get("connectionToken") or answer["connectionId"])


def socket_url(hub: Any, token: str | None = None) -> str:
    url = hub.url.replace("http://", "ws://") + f"?access_token={TOKEN}"
    return url + (f"&id={token}" if token else "")


@pytest.mark.parametrize(("asked", "given"), [(None, 0), ("0", 0), ("1", 1), ("7", 1)])
def test_the_version_is_negotiated(http: httpx.Client, asked: str | None, given: int) -> None:
    answer = http.post("/negotiate", params={"negotiateVersion": asked} if asked else {}).json()
    assert answer["negotiateVersion"] == given
    assert ("connectionToken" in answer) == (given == 1)
    assert [one["transport"] for one in answer["availableTransports"]] == [
        "WebSockets",
        "ServerSentEvents",
        "LongPolling",
    ]


def test_without_a_key_nobody_connects(hub: Any) -> None:
    assert httpx.post(hub.url + "/negotiate").status_code == 401
    with pytest.raises(InvalidStatus) as refusal, connect(hub.url.replace("http", "ws")):
        pass
    assert refusal.value.response.status_code == 401


def test_a_connection_belongs_to_who_negotiated_it(hub: Any, http: httpx.Client) -> None:
    token = negotiate(http)
    other = httpx.get(hub.url, params={"id": token, "access_token": "other"})
    assert other.status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_requests_without_or_with_an_unknown_id_are_400_and_404(
    http: httpx.Client, method: str
) -> None:
    assert http.request(method, "").status_code == 400
    assert http.request(method, "", params={"id": "nobody"}).status_code == 404


def test_the_first_poll_returns_at_once_empty_and_later_ones_bring_messages(
    http: httpx.Client,
) -> None:
    params = {"id": negotiate(http)}
    first = http.get("", params=params)
    assert (first.status_code, first.content) == (200, b"")
    assert http.post("", params=params, content=HANDSHAKE).status_code == 200
    assert records(http.get("", params=params).content) == [{}]
    call = {"type": 1, "invocationId": "a", "target": "add", "arguments": [1, 2]}
    http.post("", params=params, content=json.dumps(call) + "\x1e")
    assert records(http.get("", params=params).content) == [
        {"type": 3, "invocationId": "a", "result": 3}
    ]
    assert http.delete("", params=params).status_code == 202
    assert http.get("", params=params).status_code == 404


def test_a_second_poll_ends_the_first_with_204_and_a_delete_ends_the_last(
    http: httpx.Client,
) -> None:
    params = {"id": negotiate(http, 0)}
    http.get("", params=params)
    http.post("", params=params, content=HANDSHAKE)
    http.get("", params=params)
    with ThreadPoolExecutor(2) as pool:
        polls = [pool.submit(http.get, "", params=params) for _ in range(2)]
        wait_until(lambda: any(poll.done() for poll in polls))
        ended = next(poll for poll in polls if poll.done())
        assert ended.result().status_code == 204
        http.delete("", params=params)
        assert {poll.result().status_code for poll in polls} == {204}


def test_a_poll_without_news_ends_empty_in_time(run_hub: Any) -> None:
    hub = run_hub(poll_seconds=0.05)
    with httpx.Client(base_url=hub.url, headers=BEARER) as http:
        params = {"id": negotiate(http)}
        http.get("", params=params)
        poll = http.get("", params=params)
        assert (poll.status_code, poll.content) == (200, b"")


def test_messages_split_at_any_byte_are_understood(http: httpx.Client) -> None:
    params = {"id": negotiate(http)}
    http.get("", params=params)
    call = json.dumps({"type": 1, "invocationId": "é", "target": "nothing", "arguments": []})
    sent = (HANDSHAKE + call + "\x1e").encode()
    for at in range(len(sent)):
        assert http.post("", params=params, content=sent[at : at + 1]).status_code == 200
    seen: list[Any] = []
    while len(seen) < 2:
        seen += records(http.get("", params=params).content)
    assert seen == [{}, {"type": 3, "invocationId": "é", "result": None}]


def test_server_sent_events_carry_messages(http: httpx.Client) -> None:
    params = {"id": negotiate(http)}
    with http.stream("GET", "", params=params, headers={"accept": "text/event-stream"}) as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        pieces = events.iter_raw()
        assert next(pieces) == b":\r\n\r\n"
        http.post("", params=params, content=HANDSHAKE)
        assert next(pieces) == b"data: {}\x1e\r\n\r\n"
        polled = http.get("", params=params)
        assert polled.status_code == 409


def test_a_second_socket_on_one_connection_is_409_and_an_unknown_id_404(
    hub: Any, http: httpx.Client
) -> None:
    token = negotiate(http)
    with connect(socket_url(hub, token)) as socket:
        socket.send(HANDSHAKE)
        assert records(socket.recv()) == [{}]
        for wrong, status in ((token, 409), ("nobody", 404)):
            with pytest.raises(InvalidStatus) as refusal, connect(socket_url(hub, wrong)):
                pass
            assert refusal.value.response.status_code == status
        assert http.post("", params={"id": token}, content=HANDSHAKE).status_code == 405
        socket.send('{"type":6}\x1e')


def test_a_socket_needs_no_negotiation_and_takes_text_and_binary_frames(hub: Any) -> None:
    with connect(socket_url(hub)) as socket:
        socket.send(HANDSHAKE.encode())
        assert records(socket.recv()) == [{}]
        socket.send('{"type":1,"invocationId":"1","target":"who","arguments":[]}\x1e')
        assert records(socket.recv()) == [{"type": 3, "invocationId": "1", "result": TOKEN}]


def test_a_page_of_an_allowed_origin_may_call_and_others_may_not(hub: Any) -> None:
    ask = {"access-control-request-method": "POST", "access-control-request-headers": "x-a"}
    for path in ("/negotiate", ""):
        ours = httpx.options(hub.url + path, headers={**ask, "origin": ORIGIN})
        assert ours.status_code == 200
        assert ours.headers["access-control-allow-origin"] == ORIGIN
        assert ours.headers["access-control-allow-credentials"] == "true"
        other = httpx.options(hub.url + path, headers={**ask, "origin": "http://evil.example"})
        assert "access-control-allow-origin" not in other.headers


def test_a_client_that_takes_nothing_is_closed_and_others_get_everything(run_hub: Any) -> None:
    hub = run_hub(max_waiting_bytes=300_000)
    with connect(socket_url(hub), max_size=None) as good, connect(socket_url(hub)) as caller:
        for socket in (good, caller):
            socket.send(HANDSHAKE)
            socket.recv()
        with httpx.Client(base_url=hub.url, headers=BEARER) as http:
            slow = {"id": negotiate(http)}  # it polls once and never again
            http.get("", params=slow)
            http.post("", params=slow, content=HANDSHAKE)
            wait_until(lambda: len(hub.hub.connections) == 3)
            for number in range(5):
                call = {"type": 1, "invocationId": str(number), "target": "flood"}
                caller.send(json.dumps({**call, "arguments": [100_000]}) + "\x1e")
                while not any(m["type"] == 3 for m in records(caller.recv())):
                    pass
            got = 0
            while got < 5:
                got += len(records(good.recv(timeout=5)))
            wait_until(lambda: len(hub.hub.connections) == 2)
            assert http.get("", params=slow).status_code == 404


@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents"])
def test_a_client_that_reads_nothing_is_let_go_of_and_the_others_are_told_at_once(
    run_hub: Any, transport: str
) -> None:
    hub = run_hub(max_waiting_bytes=300_000, client_timeout_seconds=5.0)
    port = urlsplit(hub.url).port
    with connect(socket_url(hub), max_size=None) as good, socket.socket() as slow:
        good.send(HANDSHAKE)
        good.recv()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", port))
        with httpx.Client(base_url=hub.url, headers=BEARER) as http:
            token = negotiate(http)
            slow.sendall(_request_of(transport, f"{PATH}?id={token}&access_token={TOKEN}"))
            assert b"HTTP/1.1" in slow.recv(100)
            if transport == "WebSockets":
                frame = Frame(Opcode.TEXT, HANDSHAKE.encode()).serialize(mask=True)
                slow.sendall(frame)
            else:
                http.post("", params={"id": token}, content=HANDSHAKE)
        wait_until(lambda: len(hub.hub.connections) == 2)
        told = 0
        while len(hub.hub.connections) == 2:
            good.send(_flood(told))
            while not any(m["type"] == 3 for m in records(good.recv(timeout=10))):
                pass
            told += 1
            assert told < 200
        assert len(hub.hub.connections) == 1
        wait_until(lambda: len(hub.server.server_state.tasks) == 1, 60)


def _request_of(transport: str, target: str) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "Host: 127.0.0.1"]
    if transport == "WebSockets":
        lines += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    else:
        lines += ["Accept: text/event-stream"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _flood(number: int) -> str:
    call = {"type": 1, "invocationId": str(number), "target": "flood", "arguments": [100_000]}
    return json.dumps(call) + "\x1e"


def test_a_silent_client_is_ended_and_a_quiet_one_is_pinged(run_hub: Any) -> None:
    hub = run_hub(client_timeout_seconds=2.5, keep_alive_seconds=0.5)
    with connect(socket_url(hub)) as socket:
        socket.send(HANDSHAKE)
        seen = records(socket.recv())
        with pytest.raises(ConnectionClosed):
            while True:
                seen += records(socket.recv(timeout=10))
        assert {"type": 6} in seen
        assert seen[-1] == {"type": 7, "error": "The client was silent for too long."}


def test_a_stopping_hub_tells_its_clients_to_come_back(run_hub: Any) -> None:
    hub = run_hub()
    with connect(socket_url(hub)) as socket:
        socket.send(HANDSHAKE)
        socket.recv()
        hub.stop()
        assert records(socket.recv(timeout=5)) == [{"type": 7, "allowReconnect": True}]
