"""So many requests a minute for each key: one caller never takes the hub from the others."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import HTTPConnection

from sync.hub.answers import problem
from sync.hub.hub_keys import HubKeys
from sync.signalr.endpoint import read_token

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
EXECUTIONS = "/v1/execute/"
OPEN_PATHS = frozenset({"/health", "/ready"})


class RateLimit:
    """Plain ASGI. Counts by key, or by address where no key that was ever good is presented, and
    executions apart from all else."""

    def __init__(self, app: App, keys: HubKeys, per_minute: int, executions: int) -> None:
        self._app = app
        self._keys = keys
        self._item: RateLimitItem = RateLimitItemPerMinute(per_minute)
        self._executions: RateLimitItem = RateLimitItemPerMinute(executions, namespace="execute")
        # Not the one for threads: it starts one every few milliseconds, and the loop waits for it.
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            caller = self._caller(scope)
            item = self._executions if scope["path"].startswith(EXECUTIONS) else self._item
            if not await self._limiter.hit(item, caller):
                reset = (await self._limiter.get_window_stats(item, caller)).reset_time
                wait = max(1, round(reset - time.time()))
                answer = problem(429, "Too many requests", f"Try again in {wait} s.")
                answer.headers["retry-after"] = str(wait)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _caller(self, scope: Scope) -> str:
        known = self._keys.known(read_token(HTTPConnection(scope)), math.inf)
        if known is not None:
            return f"key {known.key_id}"
        return str((scope.get("client") or ("unknown",))[0])
