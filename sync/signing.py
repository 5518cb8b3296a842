"""Ed25519 signatures (RFC 8032) over the very bytes that travel, and whose keys are trusted.

A signature names its key and what it is for, so that one made for a bundle cannot be passed off
as one for an artifact. Private keys are files only their owner can read.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from runtime.clock import format_time, utc_now
from runtime.data_dir import make_folder, write_atomic
from runtime.errors import InvalidInputError, LoopaiError, NotFoundError, Problem
from runtime.format_version import check_format
from runtime.strict_json import parse_strictly

Purpose = Literal["artifact", "bundle", "rotation"]
FORMAT_VERSION = 1
ALGORITHM = "ed25519"
KEY_ID_HEX = 16


class UntrustedError(LoopaiError):
    """The bytes are not what a trusted key signed."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as it travels: `ed25519;<purpose>;<key id>;<base64>`."""

    purpose: str
    key_id: str
    value: bytes

    def __str__(self) -> str:
        encoded = base64.b64encode(self.value).decode()
        return f"{ALGORITHM};{self.purpose};{self.key_id};{encoded}"

    @classmethod
    def parse(cls, text: str) -> Signature:
        """Raises UntrustedError for what is no signature of ours."""
        parts = text.strip().split(";")
        if len(parts) == 4 and parts[0] == ALGORITHM:
            try:
                return cls(parts[1], parts[2], base64.b64decode(parts[3], validate=True))
            except binascii.Error:
                pass
        raise UntrustedError("The signature is malformed.")


class SigningKey:
    """A private key; `public` is what others check with, in base64."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = _encode_public(key.public_key())
        self.id = key_id(self.public)

    @classmethod
    def open(cls, file: Path, *, create: bool = False) -> SigningKey:
        """The key in `file`, made where it is not there and `create` says so.

        Raises NotFoundError, and InvalidInputError for a file that holds no key.
        """
        try:
            raw = base64.b64decode(file.read_text("ascii").strip(), validate=True)
            return cls(Ed25519PrivateKey.from_private_bytes(raw))
        except FileNotFoundError:
            if not create:
                raise NotFoundError(Problem("there is no signing key.", file)) from None
        except (ValueError, binascii.Error):
            raise InvalidInputError(Problem("is no Ed25519 key in base64.", file)) from None
        made = Ed25519PrivateKey.generate()
        write_atomic(file, base64.b64encode(made.private_bytes_raw()) + b"\n", private=True)
        return cls(made)

    def sign(self, data: bytes, purpose: Purpose) -> Signature:
        """Sign `data`, all of it."""
        return Signature(purpose, self.id, self._key.sign(_framed(data, purpose)))


def key_id(public: str) -> str:
    """A short name for a public key: the beginning of its SHA-256 in hex."""
    return sha256(base64.b64decode(public)).hexdigest()[:KEY_ID_HEX]


@dataclass(frozen=True, slots=True)
class Statement:
    """What a key says of keys, as it travels: a new one follows it, or one is revoked."""

    text: bytes
    signature: Signature

    def as_json(self) -> dict[str, str]:
        return {"statement": self.text.decode(), "signature": str(self.signature)}

    @classmethod
    def parse(cls, given: Any) -> Statement:
        """Raises UntrustedError for what is no statement."""
        try:
            return cls(given["statement"].encode(), Signature.parse(given["signature"]))
        except (KeyError, TypeError, AttributeError):
            raise UntrustedError("The statement about keys is malformed.") from None


class TrustStore:
    """The public keys this box trusts, in one JSON file that several processes may change.

    Empty, it trusts the first key it meets where that is offered, and only that one from then
    on. A revoked key is never trusted again, not even as a first one. Made `read_only`, it keeps
    what it learns in memory.
    """

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        self.file = file
        self._read_only = read_only
        self.keys: dict[str, dict[str, Any]] = {}
        self.revoked: dict[str, dict[str, Any]] = {}
        self._load()

    def trust(self, public: str, how: str) -> str:
        """Trust a public key from now on; returns its id. Raises UntrustedError when revoked."""
        try:
            name = key_id(public)
            Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        except (ValueError, binascii.Error):
            raise InvalidInputError("That is no Ed25519 public key in base64.") from None
        with self._changing():
            if name in self.revoked:
                raise UntrustedError(f"The key {name} was revoked on {self.revoked[name]['at']}.")
            entry = {"public": public, "how": how, "since": format_time(utc_now())}
            self.keys.setdefault(name, entry)
        return name

    def revoke(self, name: str, reason: str) -> None:
        """Never trust this key again. Raises NotFoundError for one that was not trusted."""
        with self._changing():
            if name not in self.keys:
                raise NotFoundError(f"There is no trusted key {name!r}.")
            entry = self.keys.pop(name)
            self.revoked[name] = {**entry, "at": format_time(utc_now()), "reason": reason}

    def introduced_by(self, name: str) -> list[str]:
        """The trusted keys that are trusted because this one named them."""
        return [other for other, entry in self.keys.items() if entry["how"] == _named_by(name)]

    def check(
        self, data: bytes, signature: Signature, purpose: Purpose, offered: str | None = None
    ) -> None:
        """Return when a trusted key signed `data` for `purpose`, else raise UntrustedError.

        `offered` is the signer's public key as it came along: it is trusted on first use when
        nothing else is, and only once its signature holds.
        """
        if signature.purpose != purpose:
            raise UntrustedError(f"It was signed as {signature.purpose!r}, not as {purpose!r}.")
        if signature.key_id in self.revoked:
            raise UntrustedError(f"It was signed with the revoked key {signature.key_id}.")
        known = self.keys.get(signature.key_id)
        first = known is None and not self.keys and not self.revoked and offered is not None
        public = known["public"] if known else offered if first else None
        if public is None:
            raise UntrustedError(
                f"It was signed with a key that is not trusted: {signature.key_id}."
            )
        if key_id(public) != signature.key_id:
            raise UntrustedError("The key that came with it is not the one that signed it.")
        try:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
            key.verify(signature.value, _framed(data, purpose))
        except (InvalidSignature, ValueError):
            raise UntrustedError("The signature does not hold: the bytes were changed.") from None
        if first:
            self.trust(public, "first use")

    def rotate(self, statement: bytes, signature: Signature) -> str:
        """Trust the new key that a trusted one names; returns the new key's id.

        A statement is JSON, `{"new_key": <public, base64>}`, signed as "rotation". A key names
        one successor: who gets hold of it later cannot name another.
        """
        self.check(statement, signature, "rotation")
        try:
            public = parse_strictly(statement)["new_key"]
            name = key_id(public)
        except (ValueError, KeyError, TypeError):
            raise UntrustedError("The statement names no new key.") from None
        named = self.keys[signature.key_id].get("successor", name)
        if named != name:
            raise UntrustedError(f"The key {signature.key_id} was followed by {named} already.")
        self.trust(public, _named_by(signature.key_id))
        with self._changing():
            self.keys[signature.key_id]["successor"] = name
        return name

    def follow(self, statements: Iterable[Statement]) -> None:
        """Do, in their order, what trusted keys say of keys; what others say is passed over."""
        for one in statements:
            if one.signature.key_id not in self.keys:
                continue
            try:
                said = parse_strictly(one.text)
                if "new_key" in said and key_id(said["new_key"]) not in self.keys:
                    self.rotate(one.text, one.signature)
                elif said.get("revoked_key") in self.keys:
                    self.check(one.text, one.signature, "rotation")
                    self.revoke(said["revoked_key"], str(said.get("reason", ""))[:200])
            except (LoopaiError, ValueError, TypeError, AttributeError):
                continue

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One who changes the file at a time, from what stands in it: no revocation is lost."""
        if self._read_only:
            yield
            return
        make_folder(self.file.parent)
        handle = os.open(self.file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._load()
            yield
            data = {"v": FORMAT_VERSION, "keys": self.keys, "revoked": self.revoked}
            write_atomic(self.file, json.dumps(data, indent=2) + "\n", private=True)
        finally:
            os.close(handle)

    def _load(self) -> None:
        try:
            data = parse_strictly(self.file.read_bytes())
        except FileNotFoundError:
            return
        except ValueError as error:
            raise InvalidInputError(Problem(f"cannot be read: {error}.", self.file)) from None
        check_format(data, self.file, FORMAT_VERSION)
        if not isinstance(data, dict):
            raise InvalidInputError(Problem("is no list of keys.", self.file))
        self.keys, self.revoked = data["keys"], data["revoked"]


def signed_package(task: str, version: int, content: bytes, specification: str) -> bytes:
    """What the signature of a package is over: its place, its ZIP and its task's specification.

    With its place, so that one task's program cannot be handed out as another's.
    """
    head = {
        "task": task,
        "version": version,
        "package": sha256(content).hexdigest(),
        "specification": sha256(specification.encode()).hexdigest(),
    }
    return json.dumps(head, sort_keys=True).encode() + b"\n" + content


def rotation_statement(new: SigningKey) -> bytes:
    """What the old key signs so that boxes take up the new one."""
    return json.dumps({"new_key": new.public}).encode()


def revocation_statement(name: str, reason: str) -> bytes:
    """What a key signs so that boxes trust another, such as the one before it, no more."""
    return json.dumps({"revoked_key": name, "reason": reason}).encode()


def _named_by(name: str) -> str:
    return f"rotation by {name}"


def _framed(data: bytes, purpose: str) -> bytes:
    return b"loopai " + purpose.encode() + b" v1\n" + data


def _encode_public(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
