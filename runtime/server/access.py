"""Who may ask for what: the serving keys of `runtime.keys`, presented as `Authorization: Bearer`.

Keys are never logged. Once a key was needed it stays needed until the server ends, so revoking
the last one locks the door instead of opening it.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Iterable
from contextlib import suppress

from runtime.errors import InvalidInputError
from runtime.keys import KeyCheck, Scope
from runtime.server.answers import Answer, Header, problem

logger = logging.getLogger("loopai.server")


class Access:
    """Decides over each request. Cheap when no key is needed, and for a key seen before."""

    def __init__(self, keys: KeyCheck, *, always: bool = False) -> None:
        """With `always` a key is needed even where none is set up."""
        self._keys = keys
        #: Whether callers must present a key.
        self.required = always or keys.required

    def refresh(self) -> None:
        """Take up keys made or revoked since; a damaged key file changes nothing."""
        try:
            self._keys.refresh()
        except (InvalidInputError, OSError) as error:
            logger.error("the keys stay as they were: %s", error)
        self.required = self.required or self._keys.required

    def admits(self, headers: Iterable[Header], wanted: Scope) -> bool:
        """Whether the request's key is known and allows `wanted`. Says no rather than think long:
        `refusal` has the last word."""
        presented = _key(headers, False)
        return (
            presented is not None
            and self._keys.is_known(presented)
            and wanted in self._keys.scopes(presented)
        )

    async def refusal(
        self, headers: Iterable[Header], wanted: Scope, *, by_browser: bool = False
    ) -> Answer | None:
        """401 or 403, or None when the request's key allows `wanted`.

        `by_browser` lets the key be the password a browser asks for. Only for pages that change
        nothing: a browser sends it with whatever another site's page makes it ask.
        """
        if not self.required:
            return None
        presented = _key(headers, by_browser)
        if presented is None:
            detail = "Send a serving key as 'Authorization: Bearer <key>'."
            return _unauthorized(detail, b"Basic" if by_browser else b"Bearer")
        if self._keys.is_known(presented):
            scopes = self._keys.scopes(presented)
        else:
            scopes = await asyncio.to_thread(self._keys.scopes, presented)
        if wanted in scopes:
            return None
        if not scopes:
            return _unauthorized("This key is not valid here, or no longer.")
        return problem("forbidden", f"This key may not {wanted}; it may {', '.join(scopes)}.")


def _key(headers: Iterable[Header], by_browser: bool) -> str | None:
    for name, value in headers:
        if name != b"authorization":
            continue
        scheme, _, given = value.partition(b" ")
        if scheme.lower() == b"bearer":
            return given.strip().decode("latin-1")
        if scheme.lower() == b"basic" and by_browser:
            with suppress(ValueError):
                return base64.b64decode(given, validate=True).decode().partition(":")[2]
        return None
    return None


def _unauthorized(detail: str, scheme: bytes = b"Bearer") -> Answer:
    challenge = (b"www-authenticate", scheme + b' realm="loopai"')
    return problem("unauthorized", detail, challenge)
