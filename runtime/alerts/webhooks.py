"""Sends alerts to webhooks from a thread of its own, signed, again and again until they arrive.

The steward never waits for it; what is not sent when it is killed is sent after the next start.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from runtime.alerts.deliveries import Delivery, settle, take_due
from runtime.alerts.signature import DELIVERY, SIGNATURE, TIMESTAMP, sign
from runtime.steward.state import State

TIMEOUT_SECONDS = 10.0
SECONDS_BETWEEN_LOOKS = 1.0

logger = logging.getLogger("loopai.alerts")


@dataclass(frozen=True, slots=True)
class Target:
    """Where alerts go, with its variables filled in."""

    url: str
    secret: str
    critical_only: bool = False


class WebhookSender:
    """A thread that delivers what waits in the database of `path`."""

    def __init__(
        self,
        path: Path,
        targets: Sequence[Target | None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._targets = targets
        self._now = now
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There is something new to send."""
        self._wake.set()

    def close(self) -> None:
        """Stop after the message under way; does not wait for it."""
        self._stop.set()
        self._wake.set()

    def _run(self) -> None:
        with State(self._path) as state:
            while not self._stop.is_set():
                try:
                    self.send_due(state)
                except sqlite3.Error as error:
                    logger.error("cannot read what is to be sent: %s", error)
                self._wake.wait(SECONDS_BETWEEN_LOOKS)
                self._wake.clear()

    def send_due(self, state: State) -> int:
        """Try every message that is due once; returns how many arrived."""
        arrived = 0
        for delivery in take_due(state.connection, self._now()):
            if self._stop.is_set():
                break
            problem = self._send(delivery)
            with state.transaction() as connection:
                goes_on = settle(connection, delivery, problem, self._now())
            if problem is None:
                arrived += 1
            else:
                logger.warning(
                    "webhook %d: %s; %s",
                    delivery.webhook + 1,
                    problem,
                    "tried again later" if goes_on else "given up",
                )
        return arrived

    def _send(self, delivery: Delivery) -> str | None:
        """Send one message; returns what went wrong."""
        configured = delivery.webhook < len(self._targets)
        target = self._targets[delivery.webhook] if configured else None
        if target is None:
            return "it is not configured"
        body = delivery.body.encode()
        timestamp = int(self._now())
        request = urllib.request.Request(  # noqa: S310 - the settings allow http and https only
            target.url,
            data=body,
            method="POST",
            headers={
                "Content-Type": "application/json",
                "User-Agent": "loopai-runtime",
                TIMESTAMP: str(timestamp),
                DELIVERY: delivery.id,
                SIGNATURE: sign(target.secret, timestamp, body),
            },
        )
        try:
            with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
                answer.read(1000)
        except urllib.error.HTTPError as error:
            with error:
                return f"answered {error.code}"
        except (OSError, HTTPException, ValueError) as error:
            return f"cannot be reached: {error}"
        return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A signed message goes where the settings say, or nowhere."""

    def redirect_request(self, *arguments: Any, **named: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)
