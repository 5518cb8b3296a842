"""Bundles: what was signed comes out, and nothing else does."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runtime.errors import InvalidInputError, LoopaiError, NotFoundError
from sync.bundle_file import read_bundle, write_bundle
from sync.own_key import OwnKey
from sync.signing import TrustStore, UntrustedError

MEMBERS = {"spam-detection/v3.zip": b"zip bytes" * 50, "spam-detection/task.yaml": b"name: x\n"}


@pytest.fixture
def key(tmp_path: Path) -> OwnKey:
    return OwnKey(tmp_path / "key")


@pytest.fixture
def trust(tmp_path: Path, key: OwnKey) -> TrustStore:
    store = TrustStore(tmp_path / "trust.json")
    store.trust(key.public, "pinned")
    return store


@pytest.fixture
def bundle(tmp_path: Path, key: OwnKey) -> Path:
    file = tmp_path / "release.loopai"
    write_bundle(file, "artifacts", MEMBERS, key, made_by="hub", facts={"note": "first"})
    return file


def test_what_was_put_in_comes_out(bundle: Path, trust: TrustStore, key: OwnKey) -> None:
    found = read_bundle(bundle, trust)
    assert found.members == MEMBERS
    assert (found.kind, found.made_by, found.facts) == ("artifacts", "hub", {"note": "first"})
    assert found.key_id == key.id


def test_a_strange_key_is_refused(bundle: Path, tmp_path: Path) -> None:
    other = OwnKey(tmp_path / "other")
    strict = TrustStore(tmp_path / "strict.json")
    strict.trust(other.public, "pinned")
    with pytest.raises(UntrustedError, match="not trusted"):
        read_bundle(bundle, strict)


@given(at=st.integers(0, 100_000), bit=st.integers(0, 7))
@example(at=620, bit=2)  # a member that ends behind the file's end
def test_a_changed_byte_anywhere_is_refused_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("bundle")
    key = OwnKey(folder)
    trust = TrustStore(folder / "trust.json")
    trust.trust(key.public, "pinned")
    file = folder / "release.loopai"
    write_bundle(file, "artifacts", MEMBERS, key, made_by="hub")
    content = bytearray(file.read_bytes())
    content[at % len(content)] ^= 1 << bit
    file.write_bytes(content)
    try:
        found = read_bundle(file, trust)
    except LoopaiError as error:
        assert str(error)
    else:  # a byte of the container that means nothing, such as a time
        assert found.members == MEMBERS


@given(st.binary(max_size=300))
def test_any_bytes_are_a_bundle_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("bundle")
    file = folder / "release.loopai"
    file.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"release\.loopai"):
        read_bundle(file, TrustStore(folder / "trust.json"))


def _rewritten(file: Path, change) -> None:  # type: ignore[no-untyped-def]
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    change(content)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    file.write_bytes(buffer.getvalue())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update({"members/evil.zip": b"x"}), "does not name"),
        (lambda c: c.update({"../evil": b"x"}), "does not name"),
        (lambda c: c.pop("members/spam-detection/v3.zip"), "has no members"),
        (lambda c: c.pop("signature"), "has no signature"),
        (lambda c: c.update({"members/spam-detection/v3.zip": b"other"}), "not what was signed"),
        (lambda c: c.update({"manifest.json": b"{}"}), "does not hold"),
    ],
    ids=["more", "outside", "less", "unsigned", "swapped", "another manifest"],
)
def test_a_bundle_that_was_tampered_with_is_refused(
    bundle: Path,
    trust: TrustStore,
    change,
    message: str,  # type: ignore[no-untyped-def]
) -> None:
    _rewritten(bundle, change)
    with pytest.raises(LoopaiError, match=message):
        read_bundle(bundle, trust)


def test_a_bundle_that_is_not_there_is_said_so(tmp_path: Path, trust: TrustStore) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        read_bundle(tmp_path / "none", trust)
