"""The second wall: what a worker process may do, whatever the code in it.

Each wall is raised on its own and reported: one the kernel lacks is named with the reason,
and the others still go up.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from runtime.sandbox.protocol import Wall

from .files import deny_files
from .syscalls import UnsupportedMachineError, install_filter

NOBODY = 65534
CPU_SECONDS = 3600  # cumulative, so only a backstop that recycles a worker

_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_CAPABILITY_VERSION = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


class Jail:
    """Raises the walls of one worker, in the order that each still can be."""

    def __init__(self, connection: int, server: int, memory_bytes: int) -> None:
        self._connection = connection
        self._server = server
        self._memory_bytes = memory_bytes

    def enter(self) -> list[Wall]:
        """Raise every wall; for good. Exits at once when the fork server is gone already."""
        steps: list[tuple[str, Callable[[], None]]] = [
            ("descriptors", self._close_descriptors),
            ("limits", self._set_limits),
            ("user", _leave_user),
            ("parent", self._die_with_server),
            ("privileges", _drop_privileges),
            ("files", _close_files),
            ("system calls", self._filter_calls),
        ]
        return [_raise(name, step) for name, step in steps]

    def _close_descriptors(self) -> None:
        os.closerange(3, self._connection)
        os.closerange(self._connection + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])

    def _set_limits(self) -> None:
        bare = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        for kind, value in (
            (resource.RLIMIT_AS, bare + self._memory_bytes),
            (resource.RLIMIT_CPU, CPU_SECONDS),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_MEMLOCK, 0),
            (resource.RLIMIT_MSGQUEUE, 0),
        ):
            resource.setrlimit(kind, (value, value))

    def _die_with_server(self) -> None:
        _prctl(_PR_SET_DUMPABLE, 0)  # no other process of this user may look in
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # cleared by a change of user: so after it
        if os.getppid() != self._server:
            os._exit(0)

    def _filter_calls(self) -> None:
        for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):
            resource.setrlimit(kind, (0, 0))
        install_filter(self._connection)
        _expect_refusal(lambda: socket.socket().close())
        _expect_refusal(lambda: os.kill(self._server, 0))


def leave_shared_namespaces() -> list[Wall]:
    """Move this process, and so all its workers, to a network of its own with nothing in it."""
    return [_raise("network", _leave_network)]


def _leave_network() -> None:
    own_user = 0 if os.geteuid() == 0 else _CLONE_NEWUSER
    if _libc.unshare(own_user | _CLONE_NEWNET | _CLONE_NEWIPC):
        raise _last_error()
    others = [name for _, name in socket.if_nameindex() if name != "lo"]
    if others:
        raise OSError(f"the network still has {', '.join(others)}")


def _leave_user() -> None:
    if os.geteuid() != 0:
        return  # a plain user already: what it may do, the other walls take away
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def _drop_privileges() -> None:
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    if _libc.capset(header, bytes(24)):
        raise _last_error()
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _close_files() -> None:
    deny_files()
    _expect_refusal(lambda: os.close(os.open("/", os.O_RDONLY)))


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0):
        raise _last_error()


def _last_error() -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))


def _expect_refusal(attempt: Callable[[], None]) -> None:
    """Try what the wall is there to stop: a wall that lets it through does not hold."""
    with contextlib.suppress(PermissionError):
        attempt()
        raise OSError("raised, but it lets through what it should stop")


def _raise(name: str, step: Callable[[], None]) -> Wall:
    try:
        step()
    except (OSError, ValueError, UnsupportedMachineError) as error:
        return Wall(name, False, str(error))
    return Wall(name, True)
