"""So many requests a minute for each key: one caller never takes the hub from the others."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from sync.hub.answers import problem

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
OPEN_PATHS = frozenset({"/health", "/ready"})


class RateLimit:
    """Plain ASGI. Counts by key, or by address where no key is given."""

    def __init__(self, app: App, per_minute: int) -> None:
        self._app = app
        self._item: RateLimitItem = RateLimitItemPerMinute(per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            caller = _caller(scope)
            if not self._limiter.hit(self._item, caller):
                reset = self._limiter.get_window_stats(self._item, caller).reset_time
                wait = max(1, round(reset - time.time()))
                answer = problem(429, "Too many requests", f"Try again in {wait} s.")
                answer.headers["retry-after"] = str(wait)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _caller(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            # The id of a key, not its secret: `Bearer lh_<id>_<secret>`.
            return str(value[:22].decode("latin-1"))
    return str((scope.get("client") or ("unknown",))[0])
