"""A data directory with a key, for the tests of encryption at rest."""

from __future__ import annotations

from pathlib import Path

from runtime.data_dir import DataDir
from runtime.encryption.keys import keyring_of, new_key


def write_key(file: Path) -> Path:
    """A new key in a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(new_key())
    return file


def configure(data_dir: DataDir, key: Path | None, *old: Path, more: str = "") -> None:
    """Write deployment.yaml with these keys, and have this process read it."""
    olds = ", ".join(f"{{file: {file}}}" for file in old)
    current = "null" if key is None else f"{{file: {key}}}"
    data_dir.deployment_file.parent.mkdir(parents=True, exist_ok=True)
    before = data_dir.deployment_file.stat().st_mtime_ns if data_dir.deployment_file.exists() else 0
    text = f"encryption:\n  key: {current}\n  old_keys: [{olds}]\n{more}"
    while True:  # two writes may fall into one tick of the file system's clock
        data_dir.deployment_file.write_text(text)
        if data_dir.deployment_file.stat().st_mtime_ns != before:
            break
    keyring_of(data_dir.root, look=True)


def encrypted_dir(folder: Path, *, more: str = "") -> DataDir:
    """A data directory whose key is beside it."""
    data_dir = DataDir(folder / "data")
    configure(data_dir, write_key(folder / "keys" / "log.key"), more=more)
    return data_dir
