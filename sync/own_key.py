"""The key a hub or a box signs with, in its folder, and the statements by which others follow it.

A key is changed by the one before it naming it, so nobody has to be told by hand. The private
key of before is not kept.
"""

from __future__ import annotations

import json
from pathlib import Path

from runtime.data_dir import write_atomic
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.format_version import check_format
from runtime.strict_json import parse_strictly
from sync.signing import (
    Purpose,
    Signature,
    SigningKey,
    Statement,
    key_id,
    revocation_statement,
    rotation_statement,
)

KEY_FILE = "signing.key"
NEXT_FILE = "signing.key.next"
STATEMENTS_FILE = "signing-statements.json"
FORMAT_VERSION = 1


class OwnKey:
    """Signs with the key that stands in the folder now, also where a command has changed it."""

    def __init__(self, folder: Path) -> None:
        """Makes a key where there is none. Raises InvalidInputError for a file that holds none."""
        self._folder = folder
        self._stamp: object = None
        self._key = self.current()

    @property
    def id(self) -> str:
        return self.current().id

    @property
    def public(self) -> str:
        return self.current().public

    def sign(self, data: bytes, purpose: Purpose) -> Signature:
        return self.current().sign(data, purpose)

    def current(self) -> SigningKey:
        """The key, read again when its file has changed."""
        file = self._folder / KEY_FILE
        if self._stamp is None or self._stamp != _stamp(file):
            self._finish_rotation()
            self._key = SigningKey.open(file, create=True)
            self._stamp = _stamp(file)
        return self._key

    def statements(self) -> list[Statement]:
        """All that this key and those before it said of keys, oldest first. Raises
        InvalidInputError for a file that cannot be read or that a later release wrote."""
        file = self._folder / STATEMENTS_FILE
        try:
            data = parse_strictly(file.read_bytes())
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise InvalidInputError(Problem(f"cannot be read: {error}.", file)) from None
        check_format(data, file, FORMAT_VERSION)
        # Before its format had a number, the file was the list alone.
        listed = data.get("statements") if isinstance(data, dict) else data
        if not isinstance(listed, list):
            raise InvalidInputError(Problem("is no list of statements.", file))
        return [Statement.parse(one) for one in listed]

    def rotate(self) -> SigningKey:
        """Make a new key, named by the one there was, which is then gone."""
        old = self.current()
        beside = self._folder / NEXT_FILE
        beside.unlink(missing_ok=True)
        new = SigningKey.open(beside, create=True)
        self._add(old, rotation_statement(new))
        self._finish_rotation()
        return self.current()

    def revoke(self, name: str, reason: str) -> None:
        """Say that a key is not to be trusted any more. Raises InvalidInputError for this one."""
        if name == self.id:
            raise InvalidInputError(
                Problem(
                    f"{name} is the key that signs here: nobody would believe anything more.",
                    remedy="Rotate it first: trust rotate.",
                )
            )
        self._add(self.current(), revocation_statement(name, reason))

    def _add(self, key: SigningKey, text: bytes) -> None:
        made = [*self.statements(), Statement(text, key.sign(text, "rotation"))]
        data = {"v": FORMAT_VERSION, "statements": [one.as_json() for one in made]}
        shown = json.dumps(data, indent=1)
        write_atomic(self._folder / STATEMENTS_FILE, shown + "\n")

    def _finish_rotation(self) -> None:
        """A new key takes its place once it is named; one that a crash left unnamed does not."""
        beside = self._folder / NEXT_FILE
        named = {_new_key(one) for one in self.statements()}
        try:
            if SigningKey.open(beside).id in named:
                beside.replace(self._folder / KEY_FILE)
        except (FileNotFoundError, NotFoundError):  # none, or another process was faster
            return


def _new_key(statement: Statement) -> str | None:
    public = parse_strictly(statement.text).get("new_key")
    return None if public is None else key_id(public)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
