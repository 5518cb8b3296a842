"""Serving keys: shown once, stored hashed, good for what they were made for."""

import stat

import pytest

from runtime.errors import InvalidInputError, NotFoundError
from runtime.keys import KeyCheck, KeyFile


@pytest.fixture
def file(tmp_path):
    return KeyFile(tmp_path / "state" / "keys.json")


def test_a_key_opens_what_its_scopes_say_and_is_nowhere_on_disk(file):
    _, key = file.create("till 4", ["execute"])
    check = KeyCheck(file)
    assert check.required
    assert check.scopes(key) == ("execute",)
    assert check.scopes(key) == ("execute",)
    secret = key.rsplit("_", 1)[-1]
    assert secret not in file.path.read_text()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_wrong_secret_an_unknown_id_and_nonsense_open_nothing(file):
    stored, key = file.create("a", ["execute", "read", "admin"])
    check = KeyCheck(file)
    for wrong in (
        key[:-1] + ("A" if key[-1] != "A" else "B"),
        key.replace(stored.id, "0" * 12),
        "",
        "lk_",
        "Bearer",
        key + "x",
        "\udcff",
        "é" * 60,
        key.upper(),
    ):
        assert check.scopes(wrong) == ()


def test_a_revoked_key_is_refused_without_a_restart(file):
    stored, key = file.create("a", ["read"])
    check = KeyCheck(file)
    assert check.scopes(key) == ("read",)
    file.revoke(stored.id)
    check.refresh()
    assert check.scopes(key) == ()
    assert not check.required
    with pytest.raises(NotFoundError):
        file.revoke("nope")


def test_the_environment_key_executes_and_reads_but_does_not_administer(file):
    check = KeyCheck(file, "s3cret")
    assert check.scopes("s3cret") == ("execute", "read")
    assert check.scopes("s3cret ") == ()


def test_the_slow_hash_is_needed_only_the_first_time(file):
    _, key = file.create("a", ["execute"])
    check = KeyCheck(file)
    assert not check.is_known(key)
    check.scopes(key)
    assert check.is_known(key)
    assert check.is_known("nonsense")


def test_a_damaged_key_file_says_so_and_lets_nobody_in(file):
    file.create("a", ["execute"])
    file.path.write_text('{"v": 1}')
    with pytest.raises(InvalidInputError, match="no key file"):
        KeyCheck(file)
