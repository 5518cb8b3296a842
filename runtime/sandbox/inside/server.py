"""The fork server: a clean, single-threaded interpreter that forks worker processes.

It is started once with everything a program may need already imported, so that a new worker
is ready in milliseconds and shares its memory. It runs no program itself.
"""

from __future__ import annotations

# ruff: noqa: SIM905 - word lists read better as words
import codecs
import datetime
import gc
import hashlib
import mmap
import os
import signal
import socket
import sys
from typing import NoReturn

import msgspec

from runtime.sandbox import protocol
from runtime.sandbox.protocol import Kind

from .jail import Jail, leave_shared_namespaces
from .worker import Worker

CLOCK_BYTES = 24
POLL_SECONDS = 1.0

_CODECS = """ascii latin_1 utf_8 utf_8_sig utf_16 utf_16_le utf_16_be utf_32 utf_32_le utf_32_be
    utf_7 cp437 cp850 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 iso8859_2
    iso8859_3 iso8859_5 iso8859_7 iso8859_9 iso8859_15 koi8_r mac_roman big5 gb2312 gbk gb18030
    shift_jis euc_jp iso2022_jp euc_kr idna punycode unicode_escape raw_unicode_escape""".split()


class ForkRequest(msgspec.Struct):
    """What the parent asks for, along with two descriptors: a socket and the clock."""

    memory_bytes: int
    output_bytes: int


class Forked(msgspec.Struct):
    """The answer, along with a pidfd when it worked."""

    pid: int
    error: str = ""


def main() -> None:
    """Serve fork requests on the descriptor named by the last argument until hung up on."""
    control = socket.socket(fileno=int(sys.argv[-1]))
    parent = os.getppid()
    _preload()
    shared_walls = leave_shared_namespaces()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps: nobody waits for workers
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    gc.collect()
    gc.freeze()  # workers share these pages
    control.settimeout(POLL_SECONDS)
    control.send(b"ready")
    while True:
        try:
            data, descriptors, _, _ = socket.recv_fds(control, 4096, 2)
        except TimeoutError:
            if os.getppid() != parent:  # a fork of the parent may hold the other end open
                return
            continue
        if not data:
            return
        request = msgspec.json.decode(data, type=ForkRequest)
        _fork(control, request, descriptors, shared_walls)


def _fork(
    control: socket.socket,
    request: ForkRequest,
    descriptors: list[int],
    shared_walls: list[protocol.Wall],
) -> None:
    server = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        control.send(protocol.encode(Forked(0, str(error))))
    else:
        if pid == 0:
            control.close()
            _become_worker(request, descriptors, shared_walls, server)
        pidfd = os.pidfd_open(pid)
        socket.send_fds(control, [protocol.encode(Forked(pid))], [pidfd])
        os.close(pidfd)
    for descriptor in descriptors:
        os.close(descriptor)


def _become_worker(
    request: ForkRequest,
    descriptors: list[int],
    shared_walls: list[protocol.Wall],
    server: int,
) -> NoReturn:
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        connection = socket.socket(fileno=descriptors[0])
        memory = mmap.mmap(descriptors[1], CLOCK_BYTES)
        os.close(descriptors[1])
        jail = Jail(connection.fileno(), server, request.memory_bytes)
        walls = [*shared_walls, *jail.enter()]
        ready = protocol.encode(protocol.Ready(walls))
        connection.sendall(protocol.frame(Kind.READY, ready))
        clock = memoryview(memory).cast("Q")
        Worker(connection, clock, request.output_bytes).serve()
    finally:
        os._exit(0)


def _preload() -> None:
    """Do once what programs may do later, when no file can be opened any more."""
    for name in _CODECS:
        codecs.lookup(name)
    datetime.datetime.strptime("2020-01-01", "%Y-%m-%d").strftime("%A %B")
    datetime.datetime.now().astimezone()
    for algorithm in ("md5", "sha1", "sha256", "sha3_256", "blake2b"):
        getattr(hashlib, algorithm)(b"").hexdigest()
