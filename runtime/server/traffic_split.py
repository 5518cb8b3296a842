"""Which of two loaded programs answers a request while a version is rolled out.

A pure function of the rollout and of what the caller sent, so all workers agree unasked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import getrandbits
from typing import TYPE_CHECKING, Any

from runtime.rollout.assignment import gets_candidate
from runtime.server.answers import Header, encode
from runtime.server.request_head import REQUEST_ID_HEADER

if TYPE_CHECKING:
    from runtime.server.execution import Serving


@dataclass(frozen=True, slots=True, eq=False)
class TrafficSplit:
    """The candidate, already loaded, and the share of the baseline's callers that it answers.

    The routing key is the input's `field` where it has one, else the `header` (in lower case),
    else the request's id with its input; without any, every request goes its own way.
    """

    candidate: Serving
    rollout_id: bytes
    percent: int
    header: bytes
    field: str | None

    def takes(self, headers: Sequence[Header], value: dict[str, Any], raw: bytes) -> bool:
        """Whether the candidate answers this input; `raw` is its JSON as it came."""
        key = self._key(headers, value, raw)
        if key is None:
            key = getrandbits(64).to_bytes(8, "big")
        return gets_candidate(self.rollout_id, key, self.percent)

    def _key(self, headers: Sequence[Header], value: dict[str, Any], raw: bytes) -> bytes | None:
        if self.field is not None and self.field in value:
            found = value[self.field]
            return found.encode() if isinstance(found, str) else encode(found)
        request_id = None
        for name, given in headers:
            if name == self.header:
                return given
            if name == REQUEST_ID_HEADER:
                request_id = given
        # Rows of one batch share its id: each has its own way by its input.
        return None if request_id is None else b"%b %b" % (request_id, raw)
