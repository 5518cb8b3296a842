"""TLS 1.3 from certificate files, for what serves and for what calls; never an older version.

What is wrong with a file is said here, before anything is served, with its name and the remedy.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

from runtime.errors import InvalidInputError, LoopaiError, Problem
from runtime.tls.settings import ClientTls, ServerTls

CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
PRIVATE_KEY = b"PRIVATE KEY-----"
EXPIRED, NOT_YET_VALID, HOSTNAME_MISMATCH = 10, 9, 62

#: A server that ends the handshake over a certificate seldom says so.
MAYBE_CERTIFICATE = "over TLS that can mean that it wants a client certificate, or another one"

_BY_VERIFY_CODE = {
    EXPIRED: "its certificate has expired",
    NOT_YET_VALID: "its certificate is not valid yet (or this machine's clock is wrong)",
    HOSTNAME_MISMATCH: "its certificate is for another name",
}
_BY_REASON = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a client certificate, and none was given",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not trust the client certificate it was given",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the client certificate it was given has expired",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it does not speak TLS 1.3",
    "UNSUPPORTED_PROTOCOL": "it does not speak TLS 1.3",
    "WRONG_VERSION_NUMBER": "it speaks no TLS at this port",
}


def server_context(files: ServerTls) -> ssl.SSLContext | None:
    """What a server shakes hands with; None where no file is named.

    Raises InvalidInputError for a file that is missing, wrong, expired or another key's.
    """
    if files == ServerTls():
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    load_server_files(context, files)
    return context


def load_server_files(context: ssl.SSLContext, files: ServerTls) -> None:
    """Read the files into a context, in use or new. Raises as `server_context` does, and only
    before anything has changed."""
    cert, key = _pair(files.cert, files.key)
    if cert is None or key is None:
        raise InvalidInputError(
            Problem("there is a client CA but no certificate.", remedy="Name cert and key too.")
        )
    _check_pair(cert, key, of_server=True)
    if files.client_ca is not None:
        _load_authorities(context, files.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(cert, key)


def present_client_certificate(context: ssl.SSLContext, files: ClientTls) -> None:
    """Hold a client's context to TLS 1.3, to its own CA and to its certificate, where named.

    Raises InvalidInputError as `server_context` does.
    """
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    cert, key = _pair(files.cert, files.key)
    if cert is not None and key is not None:
        _check_pair(cert, key, of_server=False)
        context.load_cert_chain(cert, key)


def client_context(files: ClientTls) -> ssl.SSLContext:
    """What a client shakes hands with, trusting `ca` alone where it is named."""
    if files.ca is None:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _load_authorities(context, files.ca)
    present_client_certificate(context, files)
    return context


def explain(error: BaseException) -> str | None:
    """Why a handshake failed, in words about the other side; None when it was not TLS."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return None
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _BY_VERIFY_CODE.get(
                cause.verify_code, f"its certificate is not trusted here ({cause.verify_message})"
            )
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return _BY_REASON.get(cause.reason, f"the TLS handshake failed ({cause.reason})")
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _pair(cert: Path | None, key: Path | None) -> tuple[Path | None, Path | None]:
    if (cert is None) != (key is None):
        missing, there = ("key", "certificate") if key is None else ("certificate", "key")
        raise InvalidInputError(
            Problem(f"there is a {there} but no {missing}.", cert or key, remedy="Name both.")
        )
    return cert, key


def _read(file: Path, mark: bytes, what: str) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidInputError(
            Problem(f"{what} cannot be read: {error.strerror}.", file)
        ) from None
    if mark not in content:
        raise InvalidInputError(
            Problem(
                f"{what} is not in it.", file, remedy="It must be in PEM form (-----BEGIN ...)."
            )
        )
    return content


def _load_authorities(context: ssl.SSLContext, file: Path) -> None:
    _read(file, CERTIFICATE, "the CA's certificate")
    try:
        context.load_verify_locations(file)
    except ssl.SSLError as error:
        raise InvalidInputError(
            Problem(f"its certificates cannot be read ({error.reason or 'damaged'}).", file)
        ) from None


def _check_pair(cert: Path, key: Path, *, of_server: bool) -> None:
    """Have the files shake hands with themselves, in memory: that shows all that can be wrong."""
    _read(cert, CERTIFICATE, "the certificate")
    _read(key, PRIVATE_KEY, "the private key")
    server, client = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    judge = client if of_server else server
    try:
        for context in (server, client):
            context.load_cert_chain(cert, key, password=_locked)
        judge.load_verify_locations(cert)
    except LoopaiError:
        raise InvalidInputError(
            Problem(
                "the private key is locked with a password.",
                key,
                remedy=f"Unlock it once: openssl pkey -in {key.name} -out unlocked.key",
            )
        ) from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InvalidInputError(
                Problem(
                    f"the key does not belong to the first certificate in {cert}.",
                    key,
                    remedy="Name the key it was made with (in a chain, the first).",
                )
            ) from None
        raise InvalidInputError(
            Problem(
                f"is no certificate that {key.name} is the key of ({error.reason or 'damaged'}).",
                cert,
            )
        ) from None
    # Trusted for its own sake: what is left to refuse is its time and its purpose.
    judge.verify_mode = ssl.CERT_REQUIRED
    judge.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    fault = _handshake_fault(server, client)
    if fault is not None:
        raise InvalidInputError(
            Problem(f"the certificate is refused: {fault}.", cert, remedy="Renew it.")
        )


def _locked() -> str:
    raise LoopaiError("a password is wanted")


def _handshake_fault(server: ssl.SSLContext, client: ssl.SSLContext) -> str | None:
    """Why the two do not come together; None when they do."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)]
    for _ in range(3):  # flights of TLS 1.3
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
            except ssl.SSLError as error:
                return error.reason
    return None
