"""This box's own secret and name, made once: what its hashes are keyed with never leaves it."""

from __future__ import annotations

import secrets
from pathlib import Path

from runtime.data_dir import DataDir, write_atomic
from runtime.errors import InvalidInputError, Problem
from runtime.format_version import check_format
from runtime.strict_json import parse_strictly

KEY_BYTES = 32


def box_key(data_dir: DataDir) -> bytes:
    """The secret, made on first use. Raises InvalidInputError for a damaged file."""
    return bytes.fromhex(_identity(data_dir)["key"])


def deployment_id(data_dir: DataDir) -> str:
    """The name by which the hub knows this box."""
    return _identity(data_dir)["deployment_id"]


def identity_file(data_dir: DataDir) -> Path:
    return data_dir.state / "identity.json"


def _identity(data_dir: DataDir) -> dict[str, str]:
    file = identity_file(data_dir)
    try:
        found = parse_strictly(file.read_bytes())
        check_format(found, file)
        if len(bytes.fromhex(found["key"])) == KEY_BYTES and found["deployment_id"]:
            return {"key": found["key"], "deployment_id": str(found["deployment_id"])}
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(
            Problem(f"is damaged ({error}).", file, remedy="Restore it from a backup.")
        ) from None
    made = {"key": secrets.token_hex(KEY_BYTES), "deployment_id": f"box-{secrets.token_hex(6)}"}
    text = '{{"v": 1, "deployment_id": "{deployment_id}", "key": "{key}"}}\n'.format(**made)
    write_atomic(file, text, private=True)
    return _identity(data_dir)
