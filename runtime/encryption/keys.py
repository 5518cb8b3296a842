"""The keys of a data directory, read once a process; each place it seals has a cipher of its own.

A key never reaches a log, an error or a command line.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import hmac
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.encryption.settings import KeySource

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
ID_BYTES = 6
COMMAND_SECONDS = 30.0
HEX = re.compile(r"[0-9a-fA-F]{64}")


class SealError(OSError):
    """A key is missing or another's. An OSError: whoever reads or writes files copes with those,
    and loses nothing over them."""

    def __init__(self, reason: str, place: Path | str | None = None) -> None:
        super().__init__(errno.EACCES, reason, *([str(place)] if place is not None else []))


@dataclass(frozen=True)
class Key:
    """256 bits. `id` tells keys apart and says nothing of them."""

    id: bytes
    _secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> Key:
        return cls(hashlib.sha256(b"loopai key id\0" + secret).digest()[:ID_BYTES], secret)

    def cipher(self, scope: str) -> AESGCM:
        """The cipher for one place, such as a file: with a key of its own, random nonces of 96
        bits may be used for 2^32 records in each (NIST SP 800-38D)."""
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise SealError(
                "encryption is configured, but cryptography is not installed: "
                "pip install 'loopai-workbench[encryption]'"
            ) from None
        return AESGCM(hmac.digest(self._secret, b"loopai at rest 1\0" + scope.encode(), "sha256"))


@dataclass(frozen=True)
class Keyring:
    """What seals now (None: nothing does), and all that can be opened."""

    current: Key | None = None
    known: dict[bytes, Key] = field(default_factory=dict)


_rings: dict[Path, tuple[int, Keyring]] = {}


def keyring_of(root: Path, *, look: bool = False) -> Keyring:
    """The keys of the data directory at `root`, as of the first time this process (or its parent)
    asked; with `look` read again when deployment.yaml has changed. Raises SealError."""
    known = _rings.get(root)
    if known is not None and not look:
        return known[1]
    changed = _changed(root)
    if known is not None and known[0] == changed:
        return known[1]
    ring = _read_keyring(root) if changed else Keyring()
    _rings[root] = (changed, ring)
    return ring


def key_of(root: Path, identity: bytes, place: Path | str) -> Key:
    """The key of that id. Raises SealError where it is not among those that are configured."""
    key = keyring_of(root).known.get(identity) or keyring_of(root, look=True).known.get(identity)
    if key is None:
        raise SealError(
            f"it was encrypted with the key {identity.hex()}, which is not configured "
            "(encryption.key, encryption.old_keys)",
            place,
        )
    return key


def new_key() -> str:
    """A key as a key file or variable holds it."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def _changed(root: Path) -> int:
    from runtime.data_dir import DataDir

    try:
        return DataDir(root).deployment_file.stat().st_mtime_ns
    except OSError:
        return 0


def _read_keyring(root: Path) -> Keyring:
    from runtime.config import load_deployment
    from runtime.data_dir import DataDir
    from runtime.errors import LoopaiError

    try:
        config = load_deployment(DataDir(root).deployment_file).encryption
    except LoopaiError as error:
        raise SealError(f"the encryption settings cannot be read: {error}") from None
    current = None if config.key is None else _read(config.key)
    keys = [current] if current is not None else []
    keys += [_read(source) for source in config.old_keys]
    return Keyring(current, {key.id: key for key in reversed(keys)})


def _read(source: KeySource) -> Key:
    if source.file is not None:
        text, place = _of_file(source.file), f"the file {source.file}"
    elif source.env is not None:
        found = os.environ.get(source.env, "")
        if not found:
            raise SealError(f"the encryption key is missing: the variable {source.env} is not set")
        text, place = found, f"the variable {source.env}"
    else:
        assert source.command is not None
        text, place = _of_command(source.command), f"what {source.command[0]} prints"
    try:
        text = text.strip()
        secret = (
            bytes.fromhex(text) if HEX.fullmatch(text) else base64.b64decode(text, validate=True)
        )
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise SealError(
            f"{place} is no encryption key: 32 random bytes in base64 or hex, as "
            "'loopai-runtime encryption new-key' makes them"
        )
    return Key.of(secret)


def _of_file(file: Path) -> str:
    try:
        return file.read_text("ascii")
    except OSError as error:
        raise SealError(f"the encryption key cannot be read: {error.strerror}", file) from None
    except ValueError:
        return ""


def _of_command(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or f"no answer in {COMMAND_SECONDS:g} s"
        raise SealError(
            f"the command for the encryption key failed: {reason}", command[0]
        ) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        raise SealError(
            f"the command for the encryption key ended with {done.returncode}: {said}", command[0]
        )
    return done.stdout.decode("ascii", "replace")
