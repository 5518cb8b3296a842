"""A runtime that serves by certificate files: who gets in, what is refused, what a reload does."""

from __future__ import annotations

import signal
import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from runtime.client import Client, ClientTls, Retries, UnavailableError
from runtime.errors import InvalidInputError
from runtime.tls.contexts import server_context
from runtime.tls.settings import ServerTls
from tests.certificates import Authority, Pair
from tests.support import RunningRuntime, server_folder, wait_until

ONCE = Retries(attempts=1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secured(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[RunningRuntime]:
    """A runtime that asks its clients for certificates, by deployment.yaml."""
    data_dir = server_folder(tmp_path_factory.mktemp("secured"))
    server = authority.issue("server")
    data_dir.deployment_file.parent.mkdir()
    data_dir.deployment_file.write_text(
        f"runtime:\n  tls: {{cert: {server.cert}, key: {server.key}, client_ca: {authority.ca}}}\n"
    )
    with RunningRuntime(data_dir) as running:
        yield running


def client_of(running: RunningRuntime, authority: Authority, shown: Pair | None) -> Client:
    tls = ClientTls(
        ca=authority.ca, cert=shown and shown.cert, key=shown.key if shown is not None else None
    )
    return Client(running.url, retries=ONCE, tls=tls)


def served_certificate(url: str, authority: Authority) -> bytes:
    """What a server shows to whoever connects."""
    context = ssl.create_default_context(cafile=str(authority.ca))
    host, port = url.removeprefix("https://").split(":")
    with (
        socket.create_connection((host, int(port)), 10) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        assert secure.version() == "TLSv1.3"
        shown = secure.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def test_a_client_that_shows_its_certificate_is_answered(secured, authority):
    assert secured.url.startswith("https://")
    with client_of(secured, authority, authority.issue("till", client=True)) as client:
        assert client.execute({"text": "buy now"}).output == "spam"
        answers = list(client.execute_batch([{"text": "hello"}] * 3))
        assert [answer.output for answer in answers] == ["ham"] * 3


@pytest.mark.parametrize("shown", ["none", "strange"])
def test_a_client_without_the_right_certificate_is_refused(secured, authority, tmp_path, shown):
    pair = None if shown == "none" else Authority(tmp_path, "Another").issue("till", client=True)
    with (
        client_of(secured, authority, pair) as client,
        pytest.raises(UnavailableError, match="client certificate"),
    ):
        client.execute({"text": "buy now"})


def test_a_client_of_tls_1_2_is_refused(secured, authority):
    context = ssl.create_default_context(cafile=str(authority.ca))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    port = int(secured.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_a_client_says_why_it_does_not_trust_a_runtime(secured, tmp_path):
    stranger = Authority(tmp_path, "Another")
    with (
        client_of(secured, stranger, stranger.issue("till", client=True)) as client,
        pytest.raises(UnavailableError, match="certificate is not trusted here"),
    ):
        client.execute({"text": "buy now"})


def test_renewed_certificates_are_taken_up_at_sighup_and_faulty_ones_change_nothing(
    tmp_path, authority
):
    data_dir = server_folder(tmp_path)
    pair = authority.issue("renewed")
    flags = ("--tls-cert", str(pair.cert), "--tls-key", str(pair.key))
    with RunningRuntime(data_dir, *flags) as running:
        first = served_certificate(running.url, authority)
        expired = authority.issue("renewed", lasts=timedelta(days=-1))
        assert expired == pair
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "not reloaded" in running.errors())
        assert f"{pair.cert}: the certificate is refused: certificate has expired" in (
            running.errors()
        )
        assert served_certificate(running.url, authority) == first
        authority.issue("renewed")
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: served_certificate(running.url, authority) != first)


def test_files_that_cannot_be_used_are_named_with_what_to_do(tmp_path, authority):
    good, other = authority.issue("good"), authority.issue("other")
    locked = authority.issue("locked", password=b"secret")
    for_clients = authority.issue("for-clients", client=True)
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate\n")
    cases: list[tuple[Path, Path, str]] = [
        (tmp_path / "nowhere.pem", good.key, "nowhere.pem: the certificate cannot be read"),
        (junk, good.key, "junk.pem: the certificate is not in it. It must be in PEM form"),
        (good.cert, junk, "junk.pem: the private key is not in it"),
        (good.cert, other.key, "other.key: the key does not belong to the first certificate in"),
        (locked.cert, locked.key, "locked.key: the private key is locked with a password"),
        (for_clients.cert, for_clients.key, "refused: unsuitable certificate purpose"),
    ]
    for cert, key, message in cases:
        with pytest.raises(InvalidInputError) as refused:
            server_context(ServerTls(cert=cert, key=key))
        assert message in str(refused.value)
    with pytest.raises(AssertionError, match=r"it ended with 2: .*junk.pem: the cert"):
        RunningRuntime(server_folder(tmp_path), "--tls-cert", str(junk), "--tls-key", str(good.key))
