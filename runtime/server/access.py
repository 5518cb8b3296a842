"""Who may ask for what: the serving keys of `runtime.keys`, presented as `Authorization: Bearer`.

Keys are never logged. Once a key was needed it stays needed until the server ends, so revoking
the last one locks the door instead of opening it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

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

    async def refusal(self, headers: Iterable[Header], wanted: Scope) -> Answer | None:
        """401 or 403, or None when the request's key allows `wanted`."""
        if not self.required:
            return None
        presented = _bearer(headers)
        if presented is None:
            return _unauthorized("Send a serving key as 'Authorization: Bearer <key>'.")
        if self._keys.is_known(presented):
            scopes = self._keys.scopes(presented)
        else:
            scopes = await asyncio.to_thread(self._keys.scopes, presented)
        if wanted in scopes:
            return None
        if not scopes:
            return _unauthorized("This key is not valid here, or no longer.")
        return problem("forbidden", f"This key may not {wanted}; it may {', '.join(scopes)}.")


def _bearer(headers: Iterable[Header]) -> str | None:
    for name, value in headers:
        if name == b"authorization":
            scheme, _, key = value.partition(b" ")
            return key.strip().decode("latin-1") if scheme.lower() == b"bearer" else None
    return None


def _unauthorized(detail: str) -> Answer:
    return problem("unauthorized", detail, (b"www-authenticate", b'Bearer realm="loopai"'))
