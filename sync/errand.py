"""One thing the agent does again and again: when it is due, and what hinders it now.

No failure ends it; after each it waits longer, or as long as the hub asks for.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable

from runtime.errors import LoopaiError
from sync.backoff import seconds_to_wait
from sync.hub_client import HubUnavailableError

FIRST_WAIT, MOST_WAIT = 1.0, 60.0
#: A hub that asks for more patience than this is asked all the same.
MOST_PATIENCE = 3600.0

logger = logging.getLogger("loopai.sync")


class Errand:
    """`work` returns in how many seconds to come again."""

    def __init__(self, work: Callable[[], float]) -> None:
        self._work = work
        self._due_at = 0.0
        self._failures = 0
        #: Why it failed when it was last tried; None once it went well.
        self.problem: str | None = None

    def hurry(self) -> None:
        """Be due now, whatever failed before."""
        self._due_at = 0.0

    def run_if_due(self) -> None:
        """Never raises for what the hub, the network, the disk or the database does."""
        if time.monotonic() < self._due_at:
            return
        try:
            wait = self._work()
        except HubUnavailableError as error:
            wait = self._failed(error, error.retry_after)
        except (LoopaiError, OSError, sqlite3.Error) as error:
            wait = self._failed(error)
        except Exception as error:
            logger.exception("an error nobody foresaw")
            wait = self._failed(error)
        else:
            self._failures, self.problem = 0, None
        self._due_at = time.monotonic() + wait

    def _failed(self, error: Exception, asked: float | None = None) -> float:
        self.problem = str(error) or type(error).__name__
        wait = seconds_to_wait(self._failures, first=FIRST_WAIT, most=MOST_WAIT)
        self._failures += 1
        return wait if asked is None else max(wait, min(asked, MOST_PATIENCE))
