"""The file wall: a Landlock ruleset with no rules, so no file can be opened at all.

Where the kernel's Landlock knows them, TCP, signals and abstract sockets are denied too.
"""

from __future__ import annotations

import ctypes
import os
import struct

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same numbers on every machine
_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION

_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}  # by version, 5 and later alike
_NETWORK = 0x3  # bind and connect TCP, from version 4
_SCOPES = 0x3  # abstract Unix sockets and signals, from version 6


def deny_files() -> int:
    """Deny this thread every file; returns Landlock's version. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = _call(libc, _CREATE_RULESET, None, 0, _VERSION)
    attributes = struct.pack("=Q", _RIGHTS[min(version, 5)])
    if version >= 4:
        attributes += struct.pack("=Q", _NETWORK)
    if version >= 6:
        attributes += struct.pack("=Q", _SCOPES)
    ruleset = _call(libc, _CREATE_RULESET, attributes, len(attributes), 0)
    try:
        _call(libc, _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return version


def _call(libc: ctypes.CDLL, number: int, *arguments: object) -> int:
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(result)
