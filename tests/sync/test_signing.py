"""Signatures and whose keys are trusted."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import InvalidInputError, NotFoundError
from sync.own_key import OwnKey
from sync.signing import (
    Signature,
    SigningKey,
    Statement,
    TrustStore,
    UntrustedError,
    rotation_statement,
)

DATA = b"the very bytes"


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey.open(tmp_path / "hub.key", create=True)


@pytest.fixture
def trust(tmp_path: Path) -> TrustStore:
    return TrustStore(tmp_path / "trusted-keys.json")


def test_a_key_stays_the_same_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "hub.key"
    with pytest.raises(NotFoundError):
        SigningKey.open(file)
    made = SigningKey.open(file, create=True)
    assert SigningKey.open(file).id == made.id
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("no key")
    with pytest.raises(InvalidInputError, match=r"hub\.key"):
        SigningKey.open(file, create=True)


def test_what_a_trusted_key_signed_is_accepted(key: SigningKey, trust: TrustStore) -> None:
    trust.trust(key.public, "pinned")
    TrustStore(trust.file).check(DATA, key.sign(DATA, "artifact"), "artifact")


@given(data=st.binary(max_size=40), at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_one_changed_bit_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("keys")
    key = SigningKey.open(folder / "key", create=True)
    trust = TrustStore(folder / "trust.json")
    trust.trust(key.public, "pinned")
    signature = key.sign(data, "artifact")
    for content, made in (
        (data + b"\0", signature),
        (_flipped(data, at, bit), signature),
        (data, Signature("artifact", key.id, _flipped(signature.value, at, bit))),
    ):
        if content != data or made != signature:
            with pytest.raises(UntrustedError):
                trust.check(content, made, "artifact")


def _flipped(data: bytes, at: int, bit: int) -> bytes:
    if not data:
        return data
    at %= len(data)
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]


def test_a_signature_is_for_one_purpose(key: SigningKey, trust: TrustStore) -> None:
    trust.trust(key.public, "pinned")
    signature = key.sign(DATA, "bundle")
    with pytest.raises(UntrustedError, match="as 'bundle'"):
        trust.check(DATA, signature, "artifact")
    relabelled = Signature("artifact", signature.key_id, signature.value)
    with pytest.raises(UntrustedError, match="does not hold"):
        trust.check(DATA, relabelled, "artifact")


def test_the_first_key_is_trusted_on_first_use_and_no_second_one(
    tmp_path: Path, key: SigningKey, trust: TrustStore
) -> None:
    other = SigningKey.open(tmp_path / "other.key", create=True)
    with pytest.raises(UntrustedError):
        trust.check(DATA, key.sign(b"something else", "artifact"), "artifact", key.public)
    assert trust.keys == {}, "a signature that does not hold makes nothing trusted"
    trust.check(DATA, key.sign(DATA, "artifact"), "artifact", key.public)
    trust.check(DATA, key.sign(DATA, "artifact"), "artifact")
    with pytest.raises(UntrustedError, match="not trusted"):
        trust.check(DATA, other.sign(DATA, "artifact"), "artifact", other.public)
    with pytest.raises(UntrustedError):
        trust.check(DATA, other.sign(DATA, "artifact"), "artifact", key.public)


def test_a_new_key_follows_by_a_statement_of_the_old_one(
    tmp_path: Path, key: SigningKey, trust: TrustStore
) -> None:
    new = SigningKey.open(tmp_path / "new.key", create=True)
    statement = rotation_statement(new)
    with pytest.raises(UntrustedError):
        trust.rotate(statement, key.sign(statement, "rotation"))
    trust.trust(key.public, "pinned")
    with pytest.raises(UntrustedError):
        trust.rotate(statement, new.sign(statement, "rotation"))
    assert trust.rotate(statement, key.sign(statement, "rotation")) == new.id
    trust.revoke(key.id, "it was lost")
    trust.check(DATA, new.sign(DATA, "artifact"), "artifact")
    with pytest.raises(UntrustedError, match="revoked"):
        trust.check(DATA, key.sign(DATA, "artifact"), "artifact", key.public)


def test_a_key_names_one_successor(tmp_path: Path, key: SigningKey, trust: TrustStore) -> None:
    new, thief = (SigningKey.open(tmp_path / name, create=True) for name in ("new", "thief"))
    trust.trust(key.public, "pinned")
    said = [
        Statement(text, key.sign(text, "rotation"))
        for text in (rotation_statement(new), rotation_statement(thief), b"[]", b"{}")
    ]
    trust.follow(said)
    assert set(TrustStore(trust.file).keys) == {key.id, new.id}
    with pytest.raises(UntrustedError, match="followed by"):
        trust.rotate(said[1].text, said[1].signature)
    for one in said:
        assert Statement.parse(one.as_json()) == one
    for wrong in (None, [], {}, {"statement": 1, "signature": "x"}):
        with pytest.raises(UntrustedError):
            Statement.parse(wrong)


def test_what_two_processes_change_at_once_is_not_lost(
    tmp_path: Path, key: SigningKey, trust: TrustStore
) -> None:
    trust.trust(key.public, "pinned")
    other = TrustStore(trust.file)
    other.revoke(key.id, "stolen")
    new = SigningKey.open(tmp_path / "new", create=True)
    trust.trust(new.public, "pinned")  # it has not seen the revocation
    found = TrustStore(trust.file)
    assert (set(found.keys), set(found.revoked)) == ({new.id}, {key.id})


@pytest.mark.parametrize("cut_after", ["nothing", "the new key", "the statement"])
def test_a_rotation_that_is_cut_off_leaves_one_key_that_others_can_follow(
    tmp_path: Path, trust: TrustStore, cut_after: str
) -> None:
    own = OwnKey(tmp_path / "hub")
    trust.trust(own.public, "pinned")
    before, key_file = own.id, tmp_path / "hub" / "signing.key"
    old = key_file.read_bytes()
    if cut_after == "the statement":
        own.rotate()
        key_file.replace(tmp_path / "hub" / "signing.key.next")
        key_file.write_bytes(old)
    elif cut_after == "the new key":
        SigningKey.open(tmp_path / "hub" / "signing.key.next", create=True)
    again = OwnKey(tmp_path / "hub")
    assert (again.id == before) == (cut_after != "the statement")
    again.rotate()
    trust.follow(again.statements())
    trust.check(DATA, again.sign(DATA, "artifact"), "artifact")


def test_statements_of_before_their_format_had_a_number_are_read_and_later_ones_refused(
    tmp_path: Path, trust: TrustStore
) -> None:
    own = OwnKey(tmp_path / "hub")
    trust.trust(own.public, "pinned")
    own.rotate()
    file = tmp_path / "hub" / "signing-statements.json"
    said = json.loads(file.read_bytes())
    assert said["v"] == 1
    file.write_text(json.dumps(said["statements"]))  # as it was before
    OwnKey(tmp_path / "hub").rotate()
    again = OwnKey(tmp_path / "hub")
    assert len(json.loads(file.read_bytes())["statements"]) == 2
    trust.follow(again.statements())
    trust.check(DATA, again.sign(DATA, "artifact"), "artifact")

    file.write_text(json.dumps({**said, "v": 2}))
    before = file.read_bytes()
    for refused in (lambda: OwnKey(tmp_path / "hub"), again.rotate):
        with pytest.raises(InvalidInputError, match="has format version 2; this release reads 1"):
            refused()
    assert file.read_bytes() == before


def test_a_revoked_key_is_not_trusted_again_even_as_the_first(
    key: SigningKey, trust: TrustStore
) -> None:
    trust.trust(key.public, "pinned")
    trust.revoke(key.id, "stolen")
    with pytest.raises(UntrustedError, match="revoked"):
        trust.trust(key.public, "again")
    with pytest.raises(NotFoundError):
        trust.revoke(key.id, "twice")
    with pytest.raises(UntrustedError):
        trust.check(DATA, key.sign(DATA, "artifact"), "artifact", key.public)


@given(st.text(max_size=60))
def test_any_text_is_a_signature_or_refused(text: str) -> None:
    try:
        Signature.parse(text)
    except UntrustedError as error:
        assert "malformed" in str(error)


def test_a_signature_survives_being_written(key: SigningKey) -> None:
    signature = key.sign(DATA, "artifact")
    assert Signature.parse(str(signature)) == signature
