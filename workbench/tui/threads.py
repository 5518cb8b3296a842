"""The threads that the app's workers run in. Leaving the app waits a moment for them, never longer:
a server that does not answer must not hold a person up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

GRACE_SECONDS = 1.0


class AbandonedThreads(ThreadPoolExecutor):
    """A thread a job; one still busy at the end is left behind and ends with the process."""

    def __init__(self) -> None:
        super().__init__(1)
        self._busy: set[Future[object]] = set()

    def submit(
        self, work: Callable[Given, Answer], /, *given: Given.args, **named: Given.kwargs
    ) -> Future[Answer]:
        future: Future[Answer] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                answer = work(*given, **named)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(answer)

        self._busy.add(future)  # type: ignore[arg-type]
        future.add_done_callback(self._busy.discard)
        threading.Thread(target=run, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Give what is under way a moment to come to its end."""
        if wait:
            futures.wait(list(self._busy), GRACE_SECONDS)
