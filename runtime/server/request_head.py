"""What is looked at in the headers of every request: its id, and whether a browser was tricked.

A runtime on loopback that asks for no key trusts whoever can reach it. A page in a browser on the
same machine can, so requests for another host's name (DNS rebinding) or from another site's page
(the Origin header) are refused there.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
import secrets
from collections.abc import Iterable

from runtime.server.answers import Answer, Header, problem

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}\Z")
REQUEST_ID_HEADER = b"x-request-id"
MAX_KNOWN_HOSTS = 1000


class RequestHead:
    """Reads the headers of each request once. On the event loop only."""

    def __init__(self, *, trusts_loopback: bool, allowed_hosts: Iterable[str] = ()) -> None:
        """With `trusts_loopback` only loopback's names and `allowed_hosts` are answered for."""
        self._trusts_loopback = trusts_loopback
        self._allowed = frozenset(name.lower() for name in allowed_hosts)
        self._known: set[bytes] = set()
        self._prefix = secrets.token_hex(6).encode()
        self._numbers = itertools.count(1)

    def read(self, headers: Iterable[Header]) -> tuple[bytes | None, Answer | None]:
        """The request id the caller gave, if any, and the refusal of a request not meant for us."""
        given = host = origin = None
        for name, value in headers:
            if name == b"host":
                host = value
            elif name == REQUEST_ID_HEADER:
                given = value if REQUEST_ID.match(value) else None
            elif name == b"origin":
                origin = value
        if not self._trusts_loopback:
            return given, None
        if host is not None and host not in self._known:
            if not self._is_ours(host):
                return given, problem(
                    "misdirected",
                    f"This runtime does not answer for {host.decode('latin-1')!r}; "
                    "runtime.allowed_hosts can name it.",
                )
            if len(self._known) < MAX_KNOWN_HOSTS:
                self._known.add(host)
        if origin is not None and origin.partition(b"://")[2] != host:
            return given, problem("cross-site", "Pages of other sites may not call this runtime.")
        return given, None

    def new_id(self) -> bytes:
        """An id for a request whose caller gave none."""
        return b"%b-%x" % (self._prefix, next(self._numbers))

    def _is_ours(self, host: bytes) -> bool:
        name = host.decode("latin-1").lower()
        bracketed = name.startswith("[")
        name = name[1:].partition("]")[0] if bracketed else name.partition(":")[0]
        name = name.removesuffix(".")
        if name in self._allowed or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False


def with_request_id(answer: Answer, request_id: bytes) -> Answer:
    """The same answer with its request's id: in a header, and in a problem's body too."""
    status, headers, body, kind = answer
    if kind is not None:
        body = body[:-1] + b',"request_id":"%b"}' % request_id
        length = (b"content-length", b"%d" % len(body))
        headers = [length if name == b"content-length" else (name, v) for name, v in headers]
    return Answer(status, [*headers, (REQUEST_ID_HEADER, request_id)], body, kind)
