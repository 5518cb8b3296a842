"""Keeps a set of child processes running: starts them, restarts each alone, replaces and ends them.

It answers no request and reads no data itself, so there is little that could end it.

All children end with the supervisor, even when it is killed.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import FrameType

from runtime.child_process import SIGNALS, fork_child
from runtime.command_line import EXIT_WRONG
from runtime.errors import LoopaiError
from runtime.supervised_child import INFINITY, READY, RETIRE, Child, Plan, nothing
from runtime.systemd import notify, notify_reloading, watchdog_seconds

SECONDS_BETWEEN_CHECKS = 5.0
# Callers of a retired child have so long to notice that it closes their connections.
SECONDS_TO_MOVE_ON = 5.0

logger = logging.getLogger("loopai.supervisor")


class Supervisor:
    """Runs a plan until SIGTERM or SIGINT; SIGHUP asks `replan` for the plan to change to.
    Where it gives none, the children stay, and those that say they are ready get SIGHUP too.

    `on_ready` is called once, when every child of the first plan is ready; `on_restart` gets the
    name of a child each time it is to be started again. `replan` may raise LoopaiError.
    """

    def __init__(
        self,
        plan: Plan,
        replan: Callable[[], Plan | None],
        on_ready: Callable[[], None] = nothing,
        on_restart: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._plan = self._plan_before = plan
        self._replan = replan
        self._on_ready = on_ready
        self._on_restart = on_restart
        self._children = [Child(spec) for spec in plan.children]
        self._previous: list[Child] = []
        self._announced = self._stopping = self._reloading = False
        self._exit_code = 0
        self._selector = selectors.DefaultSelector()
        self._signals, self._wakeup = socket.socketpair()

    def run(self) -> int:
        """Returns the exit code: 0, or what a child that could never start ended with."""
        for end in (self._signals, self._wakeup):
            end.setblocking(False)
        previous = {number: signal.signal(number, _noticed) for number in SIGNALS}
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._signals, selectors.EVENT_READ)
        try:
            while not self._stopping or any(child.pid for child in self._children):
                self._start_due()
                for key, _ in self._selector.select(self._seconds_to_wait()):
                    if key.data is None:
                        self._take_signals()
                    else:
                        self._listen(key.data)
                self._reap()
                self._check()
        finally:
            self._end_all_now()
            signal.set_wakeup_fd(-1)
            for number, handler in previous.items():
                signal.signal(number, handler)
            self._close()
        return self._exit_code

    def _close(self) -> None:
        """Close what is this process's own; a child does so too."""
        self._selector.close()
        for end in (self._signals, self._wakeup, *(child.control for child in self._children)):
            if end is not None:
                end.close()

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if not child.pid and not child.retired and not self._stopping and child.start_at <= now:
                self._start(child)

    def _start(self, child: Child) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

        def body() -> int:
            self._close()
            ours.close()
            return child.spec.run(theirs)

        try:
            child.pid = fork_child(body)
        except OSError as error:
            ours.close()
            theirs.close()
            logger.error("cannot start %s: %s", child.spec.name, error.strerror)
            self._back_off(child, was_ready=False)
            return
        theirs.close()
        ours.setblocking(False)
        child.control, child.ready, child.started = ours, False, time.monotonic()
        self._selector.register(ours, selectors.EVENT_READ, child)

    def _listen(self, child: Child) -> None:
        if child.control is None:
            return
        try:
            message = child.control.recv(64)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if message == READY:
            child.ready = True
            self._note_ready()
        elif not message:
            self._hang_up(child)

    def _hang_up(self, child: Child) -> None:
        if child.control is not None:
            self._selector.unregister(child.control)
            child.control.close()
            child.control = None

    def _note_ready(self) -> None:
        current = [child for child in self._children if not child.retired]
        if not all(child.ready for child in current if child.spec.says_ready):
            return
        if not self._announced:
            self._announced = True
            notify("READY=1", f"MAINPID={os.getpid()}")
            self._on_ready()
        elif self._reloading:
            self._reloading = False
            self._retire(self._previous)
            notify("READY=1")
            logger.info("reloaded")

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            child = next((child for child in self._children if child.pid == pid), None)
            if child is not None:
                self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: Child, code: int) -> None:
        self._hang_up(child)
        child.pid, was_ready, child.ready = 0, child.ready, False
        child.spec.on_exit()
        if self._stopping or child.retired:
            return
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with {code}"
        logger.error("%s ended %s", child.spec.name, how)
        if code == EXIT_WRONG and child.spec.says_ready and not was_ready:
            if not self._announced:  # it has said why, and would say it again
                self._exit_code = code
                self._stop()
                return
            if self._reloading:
                self._give_up_reload()
                return
        self._back_off(child, was_ready=was_ready)

    def _back_off(self, child: Child, *, was_ready: bool) -> None:
        delay = child.crashed(time.monotonic(), was_ready=was_ready)
        self._on_restart(child.spec.name)
        logger.info("%s starts again in %.1f s", child.spec.name, delay)

    def _take_signals(self) -> None:
        with suppress(BlockingIOError):
            for number in self._signals.recv(4096):
                if number in (signal.SIGTERM, signal.SIGINT):
                    logger.info("%s: answering what is under way", signal.Signals(number).name)
                    self._stop()
                elif number == signal.SIGHUP and not self._stopping:
                    self._reload()

    def _stop(self) -> None:
        notify("STOPPING=1")
        for child in self._children:
            if child.pid:
                # Told twice: now.
                os.kill(child.pid, signal.SIGKILL if self._stopping else signal.SIGTERM)
                child.kill_at = time.monotonic() + self._plan.drain_seconds + 1
        self._stopping = True

    def _reload(self) -> None:
        if self._reloading or not self._announced:
            logger.warning("not reloading: it is still starting")
            return
        try:
            plan = self._replan()
        except LoopaiError as error:
            logger.error("not reloaded, everything stays as it was: %s", error)
            return
        if plan is None:
            self._pass_on_reload()
            return
        notify_reloading()
        self._previous = [child for child in self._children if not child.retired]
        # From now on a worker of before that ends is not started again: the new ones are coming.
        self._plan_before = self._plan
        self._plan = plan
        self._reloading = True
        self._children += [Child(spec) for spec in plan.children]
        for child in self._previous:
            if not child.spec.says_ready:  # two of them must not run at once
                self._retire([child])

    def _pass_on_reload(self) -> None:
        for child in self._children:
            if child.pid and child.ready:
                os.kill(child.pid, signal.SIGHUP)

    def _give_up_reload(self) -> None:
        logger.error("not reloaded: the new workers do not start; the old ones stay")
        self._reloading = False
        self._plan = self._plan_before
        self._retire([child for child in self._children if child not in self._previous])
        kept = [child for child in self._previous if not child.retired]
        gone = [child.spec for child in self._previous if child.retired]
        self._previous = kept
        self._children += [Child(spec) for spec in gone]
        notify("READY=1")

    def _retire(self, children: Iterable[Child]) -> None:
        for child in children:
            child.retired = True
            if not child.pid:
                continue
            drain = self._plan_before.drain_seconds
            child.kill_at = time.monotonic() + SECONDS_TO_MOVE_ON + drain + 1
            try:
                if not child.spec.says_ready or child.control is None:
                    raise BrokenPipeError
                child.control.send(RETIRE)
            except OSError:
                os.kill(child.pid, signal.SIGTERM)

    def _check(self) -> None:
        now = time.monotonic()
        self._children = [child for child in self._children if child.pid or not child.retired]
        for child in self._children:
            if not child.pid:
                continue
            stalled = child.has_stalled(now)
            if stalled or now > child.kill_at:
                logger.error(
                    "%s does not %s: killed", child.spec.name, "answer" if stalled else "end"
                )
                os.kill(child.pid, signal.SIGKILL)
                child.kill_at = INFINITY
        notify("WATCHDOG=1")

    def _seconds_to_wait(self) -> float:
        now = time.monotonic()
        waits = [watchdog_seconds() or SECONDS_BETWEEN_CHECKS, SECONDS_BETWEEN_CHECKS]
        for child in self._children:
            if child.pid:
                waits.append(child.kill_at - now)
            elif not self._stopping:
                waits.append(child.start_at - now)
        return max(0.0, min(waits))

    def _end_all_now(self) -> None:
        for child in self._children:
            if child.pid:
                with suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)


def _noticed(number: int, frame: FrameType | None) -> None:
    """The wake-up descriptor carries the signal to the loop."""
