"""Forks a child process that ends when its parent does, whatever ends the parent.

Only a process with a single thread may fork so; it imports no server and starts no thread.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
#: Signals that mean something to the parent, and by default to a child.
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

_prctl = ctypes.CDLL(None, use_errno=True).prctl


def fork_child(body: Callable[[], int]) -> int:
    """Run `body` in a child, which exits with what it returns; returns the child's pid.

    Raises OSError when no process can be had.
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    # Blocked, so that no signal to the child is taken by a handler it has inherited.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            _become_child(body, parent)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def _become_child(body: Callable[[], int], parent: int) -> None:
    code = 1
    try:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            return  # it ended before the kernel knew
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        # Ctrl-C reaches the whole group; the parent alone decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        code = body()
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def end_with_parent(parent: int) -> None:
    """Have this process killed when the thread of process `parent` that started it ends.

    Raises SystemExit when it has ended already: the kernel tells nothing of what was before.
    """
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)
