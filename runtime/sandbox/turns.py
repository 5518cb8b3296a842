"""Whose turn it is: the queues in which something waits, served in rotation.

Decisions only: it hands out shares, and knows no worker.
"""

from __future__ import annotations

from collections import deque

from runtime.sandbox.share import Queue, Share


class Turns:
    """The queues of one pool."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._shares: dict[int, Share] = {}
        self._hungry: deque[Share] = deque()

    def add(self, queue: Queue) -> None:
        """Serve a queue."""
        self._shares[id(queue)] = Share(queue, self._workers)

    def remove(self, queue: Queue) -> None:
        """Forget a queue in which nothing waits or runs."""
        del self._shares[id(queue)]

    def wake(self, queue: Queue) -> None:
        """Something waits in a queue."""
        self.wake_share(self._shares[id(queue)])

    def wake_share(self, share: Share) -> None:
        """Something may wait in a share's queue."""
        if not share.is_hungry and share.queue.waiting():
            share.is_hungry = True
            self._hungry.append(share)

    def next(self, now: float, *, spare_slow: bool) -> Share | None:
        """The next share that may have a worker; with `spare_slow` none whose items take long."""
        for _ in range(len(self._hungry)):
            share = self._hungry.popleft()
            if not share.queue.waiting():
                share.is_hungry = False
                continue
            self._hungry.append(share)
            if share.may_begin(now) and not (spare_slow and share.is_slow):
                return share
        return None

    def anybody_waits(self) -> bool:
        """Whether something waits in any queue."""
        return any(share.queue.waiting() for share in self._hungry)

    def refuse_all(self, reason: str) -> None:
        """Have every queue answer what waits in it: it cannot be run."""
        for share in self._hungry:
            share.queue.refuse(reason)
