"""The system-call wall: a small seccomp filter that allows what a running worker needs.

Everything not listed fails with EPERM, so a new kernel adds nothing to what is reachable.
It is installed last, when no file, process or socket will be needed any more.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_IF_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_JUMP_IF_BITS = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_ALLOW = 0x7FFF0000
_FAIL = 0x00050000 | errno.EPERM
_KILL_PROCESS = 0x80000000

_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_PROT_EXEC = 0x4
_MAP_ANONYMOUS = 0x20
_X32_BIT = 0x40000000

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

# By machine: its audit number, and the calls by number from the kernel's own table, the
# frequent ones first.
_TABLES: dict[str, tuple[int, str]] = {
    "x86_64": (
        0xC000003E,
        """recvfrom=45 sendto=44 read=0 write=1 mmap=9 mprotect=10 munmap=11 brk=12 madvise=28
        mremap=25 futex=202 clock_gettime=228 gettimeofday=96 time=201 clock_getres=229
        getrandom=318 close=3 rt_sigreturn=15 rt_sigaction=13 rt_sigprocmask=14 sigaltstack=131
        sched_yield=24 restart_syscall=219 getpid=39 gettid=186 exit=60 exit_group=231""",
    ),
    "aarch64": (
        0xC00000B7,
        """recvfrom=207 sendto=206 read=63 write=64 mmap=222 mprotect=226 munmap=215 brk=214
        madvise=233 mremap=216 futex=98 clock_gettime=113 gettimeofday=169 clock_getres=114
        getrandom=278 close=57 rt_sigreturn=139 rt_sigaction=134 rt_sigprocmask=135
        sigaltstack=132 sched_yield=124 restart_syscall=128 getpid=172 gettid=178 exit=93
        exit_group=94""",
    ),
}


class UnsupportedMachineError(Exception):
    """The filter has no system-call table for this machine."""


def install_filter(connection: int) -> None:
    """Allow this thread only the listed calls, and I/O on the descriptor `connection` alone.

    Raises OSError, or UnsupportedMachineError.
    """
    program = _assemble(connection)
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _assemble(connection: int) -> bytes:
    try:
        architecture, table = _TABLES[platform.machine()]
    except KeyError:
        raise UnsupportedMachineError(f"no filter for {platform.machine()}") from None
    instructions = [
        _instruction(_LOAD_WORD, _ARCHITECTURE),
        _instruction(_JUMP_IF_EQUAL, architecture, 1, 0),
        _instruction(_RETURN, _KILL_PROCESS),
        _instruction(_LOAD_WORD, _NUMBER),
        _instruction(_JUMP_IF_AT_LEAST, _X32_BIT, 0, 1),
        _instruction(_RETURN, _FAIL),
    ]
    for entry in table.split():
        name, number = entry.split("=")
        body = _conditions(name, connection)
        instructions.append(_instruction(_JUMP_IF_EQUAL, int(number), 0, len(body)))
        instructions += body
    instructions.append(_instruction(_RETURN, _FAIL))
    return b"".join(instructions)


def _conditions(name: str, connection: int) -> list[bytes]:
    """What follows when the call is `name`: checks on its arguments, then the verdict."""
    allow, fail = _instruction(_RETURN, _ALLOW), _instruction(_RETURN, _FAIL)
    if name in ("read", "write", "recvfrom"):
        return [*_if_argument(0, _JUMP_IF_EQUAL, connection), allow, fail]
    if name == "sendto":  # no address to send to
        to_us = _if_argument(0, _JUMP_IF_EQUAL, connection, otherwise=5)
        return [
            *to_us,
            _instruction(_LOAD_WORD, _ARGUMENTS + 8 * 4),
            _instruction(_JUMP_IF_EQUAL, 0, 0, 3),
            _instruction(_LOAD_WORD, _ARGUMENTS + 8 * 4 + 4),
            _instruction(_JUMP_IF_EQUAL, 0, 0, 1),
            allow,
            fail,
        ]
    if name == "mprotect":
        return [*_unless_argument(2, _PROT_EXEC), allow]
    if name == "mmap":  # memory, never a file, never code
        return [
            *_unless_argument(2, _PROT_EXEC),
            *_if_argument(3, _JUMP_IF_BITS, _MAP_ANONYMOUS),
            allow,
            fail,
        ]
    return [allow]


def _if_argument(position: int, test: int, value: int, otherwise: int = 1) -> list[bytes]:
    """Go on when the low word passes the test, else skip `otherwise` instructions."""
    return [
        _instruction(_LOAD_WORD, _ARGUMENTS + 8 * position),
        _instruction(test, value, 0, otherwise),
    ]


def _unless_argument(position: int, bits: int) -> list[bytes]:
    """Fail when the argument has any of `bits`, else go on."""
    return [
        _instruction(_LOAD_WORD, _ARGUMENTS + 8 * position),
        _instruction(_JUMP_IF_BITS, bits, 0, 1),
        _instruction(_RETURN, _FAIL),
    ]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
