"""What a connection may do, tried with raw sockets: slow, large, many, for another host."""

from __future__ import annotations

import json
import socket
import time
from contextlib import closing

import pytest
from support import TASK, RunningRuntime, server_folder, wait_until

BODY = b'{"input": {"text": "buy"}}'
SETTINGS = """
runtime:
  header_timeout_sec: 0.7
  body_timeout_sec: 0.7
  send_timeout_sec: 1
  keep_alive_sec: 0.5
  max_connections: 12
  max_headers: 20
  max_header_bytes: 2000
  max_body_bytes: 100000
  allowed_hosts: [runtime.shop.example]
"""


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A runtime with tight limits."""
    data_dir = server_folder(tmp_path_factory.mktemp("strict"))
    data_dir.deployment_file.parent.mkdir()
    data_dir.deployment_file.write_text(SETTINGS)
    with RunningRuntime(data_dir) as running:
        yield running


def connect(runtime) -> socket.socket:
    client = socket.create_connection((runtime.http.base_url.host, runtime.http.base_url.port))
    client.settimeout(15)
    return client


def head(*lines: str, length: int = len(BODY)) -> bytes:
    wanted = ["POST /execute HTTP/1.1", *lines, f"content-length: {length}", "", ""]
    return "\r\n".join(wanted).encode()


def read_all(client) -> bytes:
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def ask(runtime, data: bytes) -> tuple[int, dict]:
    """Send bytes; returns status and problem of what comes until the connection is closed."""
    with closing(connect(runtime)) as client:
        client.sendall(data)
        return status_of(read_all(client))


def status_of(answer: bytes) -> tuple[int, dict]:
    first, _, body = answer.partition(b"\r\n\r\n")
    return int(first.split()[1]), json.loads(body)


def is_well(runtime) -> None:
    with closing(connect(runtime)) as client:
        client.sendall(head("host: localhost", "connection: close") + BODY)
        assert status_of(read_all(client))[0] == 200


def trickle(client, data: bytes, seconds: float) -> bytes:
    """Send a byte at a time; returns the answer that cut it short."""
    deadline = time.monotonic() + seconds
    client.settimeout(0.05)
    for byte in data:
        if time.monotonic() > deadline:
            break
        try:
            client.send(bytes([byte]))
            if part := client.recv(65536):
                client.settimeout(15)
                return part + read_all(client)
            return b""
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            return b""
    raise AssertionError("it let a slow client go on")


def test_a_client_that_sends_nothing_is_hung_up_on(strict):
    with closing(connect(strict)) as client:
        assert read_all(client) == b""


def test_a_head_that_trickles_in_is_408(strict):
    with closing(connect(strict)) as client:
        status, problem = status_of(trickle(client, head("host: localhost", "x: " + "y" * 500), 5))
    assert (status, problem["type"]) == (408, "urn:loopai:problem:request-timeout")
    is_well(strict)


def test_a_body_that_trickles_in_is_408(strict):
    with closing(connect(strict)) as client:
        client.sendall(head("host: localhost", length=1000))
        status, problem = status_of(trickle(client, b" " * 1000, 5))
    assert (status, problem["type"]) == (408, "urn:loopai:problem:request-timeout")
    assert "body" in problem["detail"]


def test_a_body_that_keeps_coming_may_take_longer(strict):
    filler = b" " * 1500
    with closing(connect(strict)) as client:
        client.sendall(head("host: localhost", "connection: close", length=len(BODY) + 9000))
        started = time.monotonic()
        for _ in range(6):
            client.sendall(filler)
            client.settimeout(0.25)
            with pytest.raises(TimeoutError):
                client.recv(1)
        client.settimeout(15)
        client.sendall(BODY)
        assert status_of(read_all(client))[0] == 200
        assert time.monotonic() - started > 1.4, "twice the time a silent body has"


def test_a_second_request_may_not_trickle_in_either(strict):
    with closing(connect(strict)) as client:
        client.sendall(head("host: localhost") + BODY)
        assert b"200 OK" in client.recv(65536)
        answer = trickle(client, head("host: localhost", "x: " + "y" * 500), 5)
        assert status_of(answer)[0] == 408


def test_line_ends_between_requests_hold_no_connection(strict):
    with closing(connect(strict)) as client:
        client.sendall(head("host: localhost") + BODY)
        assert b"200 OK" in client.recv(65536)
        client.sendall(b"\r\n")
        assert b"200 OK" not in read_all(client)


def test_requests_sent_at_once_are_answered_in_turn(strict):
    with closing(connect(strict)) as client:
        last = head("host: localhost", "connection: close") + BODY
        client.sendall((head("host: localhost") + BODY) * 20 + last)
        assert read_all(client).count(b"HTTP/1.1 200 OK") == 21


def test_an_idle_connection_is_closed_after_a_while(strict):
    with closing(connect(strict)) as client:
        client.sendall(head("host: localhost") + BODY)
        assert read_all(client).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "lines",
    [
        ["host: localhost", "x: " + "y" * 3000],
        ["host: localhost", *(f"x-{number}: y" for number in range(30))],
    ],
    ids=["too long", "too many"],
)
def test_a_head_that_is_too_large_is_431(strict, lines):
    status, problem = ask(strict, head(*lines) + BODY)
    assert (status, problem["type"]) == (431, "urn:loopai:problem:head-too-large")


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nx: "], ids=["path", "header"])
def test_a_head_without_end_is_431_before_it_is_held(strict, start):
    with closing(connect(strict)) as client:
        sent = 0
        client.sendall(start)
        try:
            while sent < 50_000_000:
                sent += client.send(b"a" * 10_000)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 20_000_000
    is_well(strict)


def test_a_body_that_is_too_large_is_413_before_it_has_come(strict):
    with closing(connect(strict)) as client:
        client.sendall(head("host: localhost", length=10**12))
        client.sendall(b" " * 120_000)
        status, problem = status_of(read_all(client))
    assert (status, problem["type"]) == (413, "urn:loopai:problem:body-too-large")


def test_what_is_not_http_is_400(strict):
    status, problem = ask(strict, b"\x16\x03\x01 hello\r\n\r\n")
    assert (status, problem["type"]) == (400, "urn:loopai:problem:malformed-http")
    two_lengths = head("host: localhost", "content-length: 5") + BODY
    assert ask(strict, two_lengths)[0] == 400


def test_more_connections_than_allowed_are_503_and_the_others_go_on(strict):
    first = connect(strict)
    clients = [first]
    try:
        first.sendall(head("host: localhost")[:-2])
        clients += [connect(strict) for _ in range(30)]
        refused = 0
        for client in clients[1:]:
            answer = read_all(client)  # the others are hung up on for their silence
            refused += b"too-many-connections" in answer
        assert refused >= 10
    finally:
        for client in clients:
            client.close()
    wait_until(lambda: strict.http.get("/health").status_code == 200)
    metrics = strict.http.get("/metrics").text
    assert 'loopai_connections_refused_total{reason="too-many-connections"}' in metrics


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8080", 200),
        ("127.0.0.1:8080", 200),
        ("127.9.9.9", 200),
        ("[::1]:8080", 200),
        ("runtime.shop.example", 200),
        ("attacker.example", 421),
        ("127.0.0.1.attacker.example", 421),
        ("localhost.attacker.example", 421),
        ("192.168.0.1", 421),
        ("", 421),
    ],
)
def test_on_loopback_without_keys_only_loopbacks_names_are_answered_for(strict, host, status):
    data = head(f"host: {host}", "connection: close") + BODY
    found, answer = ask(strict, data)
    assert found == status
    if status == 421:
        assert answer["type"] == "urn:loopai:problem:misdirected"


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://localhost:8080", 200), ("https://attacker.example", 403), ("null", 403)],
)
def test_a_page_of_another_site_may_not_call(strict, origin, status):
    lines = ("host: localhost:8080", f"origin: {origin}", "connection: close")
    assert ask(strict, head(*lines) + BODY)[0] == status


def test_with_a_key_any_name_will_do(served_dir):
    environment = {"LOOPAI_SERVE_KEY": "k" * 20}
    with RunningRuntime(served_dir, environment=environment) as runtime:
        lines = ("host: box.example", "authorization: Bearer " + "k" * 20, "connection: close")
        assert ask(runtime, head(*lines) + BODY)[0] == 200


def test_requests_have_ids(strict):
    given = {"x-request-id": "till-4/77"}
    answer = strict.http.post("/execute", json={"input": {"text": "buy"}}, headers=given)
    assert answer.headers["x-request-id"] == "till-4/77"
    wrong = strict.http.post("/execute", json={"input": {}}, headers=given)
    assert wrong.status_code == 422
    assert wrong.headers["x-request-id"] == wrong.json()["request_id"] == "till-4/77"
    for path in ("/health", "/nowhere"):
        made = strict.http.get(path).headers["x-request-id"]
        assert made
    unsound = strict.http.get("/nowhere", headers={"x-request-id": "a b;<script>"})
    assert unsound.json()["request_id"] == unsound.headers["x-request-id"] != "a b;<script>"
    batch = strict.http.post(f"/v1/execute/{TASK}/batch", json=[], headers=given)
    assert batch.headers["x-request-id"] == "till-4/77"


def test_a_slow_execution_is_named_in_the_servers_log(served_dir):
    served_dir.deployment_file.parent.mkdir()
    served_dir.deployment_file.write_text("execution: {timeout_ms: 300, slow_ms: 200}")
    with RunningRuntime(served_dir) as runtime:
        runtime.http.headers["x-request-id"] = "the-slow-one"
        runtime.execute({"text": "buy"})
        answer = runtime.execute({"text": "loop"}).json()
        (line,) = [line for line in runtime.errors().splitlines() if "slow: " in line]
        assert "the-slow-one" in line
        assert answer["execution_id"] in line
