"""Keys that callers of this runtime present, and what each may do. Only hashes are stored.

A key is shown once, when it is made: `lk_<id>_<secret>`, the secret 256 random bits.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from runtime.clock import Clock, format_time, utc_now
from runtime.data_dir import write_atomic
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.format_version import newer
from runtime.models import FORMAT_VERSION

Scope = Literal["execute", "read", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
KEY = re.compile(r"lk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})\Z")
# RFC 7914's interactive parameters: 16 MB and about 50 ms for one guess.
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 2**20}
CACHE_SIZE = 1024


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What the file holds of a key; `salt` and `hash` are base64, times RFC 3339."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    salt: str
    hash: str
    created_at: str
    revoked_at: str | None = None

    @property
    def usable(self) -> bool:
        return self.revoked_at is None


class KeyFile:
    """`state/keys.json`: readable by its owner only, written whole or not at all."""

    def __init__(self, path: Path, clock: Clock = utc_now) -> None:
        self.path = path
        self._clock = clock

    def create(self, name: str, scopes: Iterable[Scope]) -> tuple[StoredKey, str]:
        """Make a key; returns what is stored and the key itself, which is nowhere else."""
        identity, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        salt = secrets.token_bytes(16)
        stored = StoredKey(
            id=identity,
            name=name,
            scopes=tuple(scope for scope in SCOPES if scope in set(scopes)),
            salt=base64.b64encode(salt).decode(),
            hash=base64.b64encode(_digest(secret, salt)).decode(),
            created_at=format_time(self._clock()),
        )
        with self._locked():
            self._write([*self.read(), stored])
        return stored, f"lk_{identity}_{secret}"

    def revoke(self, identity: str) -> StoredKey:
        """Refuse a key from now on. Raises NotFoundError when there is none with this id."""
        with self._locked():
            keys = self.read()
            found = next((key for key in keys if key.id == identity), None)
            if found is None:
                known = ", ".join(key.id for key in keys) or "none"
                raise NotFoundError(Problem(f"there is no key {identity!r} (there: {known})."))
            if found.usable:
                revoked = replace(found, revoked_at=format_time(self._clock()))
                self._write([revoked if key is found else key for key in keys])
                found = revoked
        return found

    def read(self) -> list[StoredKey]:
        """All keys, revoked ones too. Raises InvalidInputError when the file is damaged."""
        try:
            data = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise self._damaged(str(error)) from None
        try:
            if data["v"] != FORMAT_VERSION:
                raise newer(self.path, data["v"], FORMAT_VERSION)
            return [StoredKey(**{**key, "scopes": tuple(key["scopes"])}) for key in data["keys"]]
        except (TypeError, KeyError) as error:
            raise self._damaged(f"{error} is wrong or missing") from None

    def _damaged(self, reason: str) -> InvalidInputError:
        remedy = "Restore it, or remove it and make new keys."
        return InvalidInputError(Problem(f"is no key file: {reason}.", self.path, remedy=remedy))

    def _write(self, keys: list[StoredKey]) -> None:
        data = {"v": FORMAT_VERSION, "keys": [asdict(key) for key in keys]}
        write_atomic(self.path, json.dumps(data, indent=2) + "\n", private=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


class KeyCheck:
    """Answers what a presented key may do. The slow hash is worked out once for each key."""

    def __init__(self, file: KeyFile, serve_key: str | None = None) -> None:
        """`serve_key` (LOOPAI_SERVE_KEY) may execute and read. Raises InvalidInputError."""
        self._file = file
        self._serve_key = serve_key.encode() if serve_key else None
        self._stamp: tuple[int, int] | None = None
        self._keys: dict[str, StoredKey] = {}
        self._verified: dict[bytes, str] = {}
        self.refresh()

    @property
    def required(self) -> bool:
        """Whether any key is set up at all; without one, everybody on loopback may call."""
        return self._serve_key is not None or any(key.usable for key in self._keys.values())

    def refresh(self) -> None:
        """Take up keys made or revoked since; cheap when the file has not changed."""
        try:
            status = self._file.path.stat()
        except FileNotFoundError:
            stamp = None
        else:
            stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp or stamp is None:
            self._keys = {key.id: key for key in self._file.read()}
            self._stamp = stamp

    def scopes(self, presented: str) -> tuple[Scope, ...]:
        """What the bearer of this key may do; nothing for a wrong or revoked one.

        May take 50 ms the first time a key is seen; call it off the event loop then
        (`is_known` tells).
        """
        token = presented.encode("utf-8", "replace")
        if self._serve_key is not None and hmac.compare_digest(token, self._serve_key):
            return ("execute", "read")
        match = KEY.match(presented)
        stored = self._keys.get(match.group(1)) if match else None
        if match is None or stored is None or not stored.usable:
            return ()
        fingerprint = hashlib.sha256(token).digest()
        if self._verified.get(fingerprint) != stored.hash:
            digest = _digest(match.group(2), base64.b64decode(stored.salt))
            if not hmac.compare_digest(digest, base64.b64decode(stored.hash)):
                return ()
            if len(self._verified) >= CACHE_SIZE:
                self._verified.clear()
            self._verified[fingerprint] = stored.hash
        return stored.scopes

    def is_known(self, presented: str) -> bool:
        """Whether `scopes` answers at once."""
        match = KEY.match(presented)
        stored = self._keys.get(match.group(1)) if match else None
        if stored is None or not stored.usable:
            return True
        fingerprint = hashlib.sha256(presented.encode("utf-8", "replace")).digest()
        return self._verified.get(fingerprint) == stored.hash


def _digest(secret: str, salt: bytes) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, dklen=32, **SCRYPT)
