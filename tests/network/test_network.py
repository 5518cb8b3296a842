"""The network of the tests does what its conditions say: else the tests on it would say nothing."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect
from websockets.sync.server import serve

from tests.network import Conditions, Network
from tests.support import wait_until

BIG = b"x" * 400_000


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._answer(BIG if self.path == "/big" else b"the good one")

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self._answer(b"taken")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_link_is_as_slow_and_as_narrow_as_it_is_said_to_be(server: Server) -> None:
    link = Conditions(delay_seconds=0.025, bits_per_second=10e6)
    with Network(server.server_port, link) as network, httpx.Client(base_url=network.url) as http:
        started = time.monotonic()
        assert http.get("/").text == "the good one"
        assert time.monotonic() - started >= 0.1  # there and back, twice: to open, and to ask
        started = time.monotonic()
        assert http.get("/big").content == BIG
        assert time.monotonic() - started >= 0.05 + len(BIG) * 8 / 10e6


@pytest.mark.parametrize("bad", [Conditions(refuse=0.5), Conditions(cut=0.5, cut_within_bytes=0)])
def test_what_is_lost_is_lost_by_chance_and_again_the_same_for_the_same_seed(
    server: Server, bad: Conditions
) -> None:
    def outcomes(seed: int) -> str:
        with Network(server.server_port, bad, seed) as network:
            return "".join("+" if _gets(network.url) else "-" for _ in range(20))

    first = outcomes(7)
    assert set(first) == {"+", "-"}
    assert outcomes(7) == first


def _gets(url: str, path: str = "/", **options: Any) -> bool:
    try:
        return httpx.get(url + path, **options).status_code == 200
    except httpx.TransportError:
        return False


def test_a_network_that_is_down_cuts_what_stands_and_comes_back(server: Server) -> None:
    with Network(server.server_port) as network, httpx.Client(base_url=network.url) as http:
        assert http.get("/").status_code == 200
        network.change(Conditions(down=True))
        assert not _gets(network.url)
        network.change(Conditions())
        wait_until(lambda: _gets(network.url))


def test_a_stall_answers_nothing_for_a_while(server: Server) -> None:
    stall = Conditions(stall=1.0, stall_seconds=30, cut_within_bytes=0)
    with Network(server.server_port, stall) as network:
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(network.url, timeout=0.2)
        assert network.happened["stall"] == 1


def test_a_request_that_is_duplicated_arrives_twice_as_it_was(server: Server) -> None:
    server.bodies.clear()
    with Network(server.server_port, Conditions(duplicate=1.0)) as network:
        with httpx.Client(base_url=network.url) as http:
            for body in (b"one", b"two" * 5000):
                assert http.post("/", content=body).text == "taken"
        wait_until(lambda: len(server.bodies) == 4)
    assert sorted(server.bodies) == sorted([b"one", b"one", b"two" * 5000, b"two" * 5000])


def test_an_answer_is_changed_on_its_way(server: Server) -> None:
    evil = Conditions(replaced={b"good": b"evil"})
    with Network(server.server_port, evil) as network:
        assert httpx.get(network.url).text == "the evil one"


def test_the_tap_reads_packed_bodies_and_masked_frames(server: Server) -> None:
    with Network(server.server_port) as network:
        httpx.post(network.url, content=gzip.compress(b"a secret in a body"))
        read = [text for stream in network.streams for text in stream.readable()]
    assert any(b"a secret in a body" in text for text in read)

    def echo(socket: Any) -> None:
        for message in socket:
            socket.send(message)

    with serve(echo, "127.0.0.1", 0) as sockets:
        thread = threading.Thread(target=sockets.serve_forever)
        thread.start()
        port = sockets.socket.getsockname()[1]
        with Network(port) as network:
            with connect(network.url.replace("http", "ws"), compression=None) as socket:
                socket.send("a secret in a frame")
                assert socket.recv() == "a secret in a frame"
            (stream,) = network.streams
            assert b"a secret" not in stream.sent
            assert any(b"a secret in a frame" in text for text in stream.readable())
        sockets.shutdown()
        thread.join()
