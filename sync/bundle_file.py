"""A bundle: one signed file that carries artifacts one way and telemetry the other, by hand.

A ZIP whose `manifest.json` names every member with its size and SHA-256; the signature is over
the manifest's very bytes. Nothing is read from it before that signature and all digests hold.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from runtime.artifact_package import DAMAGED_ZIP
from runtime.clock import format_time, utc_now
from runtime.data_dir import write_atomic
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.format_version import check_format
from runtime.strict_json import parse_strictly
from sync.own_key import OwnKey
from sync.signing import Signature, Statement, TrustStore

Kind = Literal["artifacts", "telemetry"]
FORMAT_VERSION = 1
MANIFEST, SIGNATURE, SIGNER, STATEMENTS = "manifest.json", "signature", "signer", "statements"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
MAX_MEMBERS = 10_000
MAX_BYTES = 1_000_000_000
MAX_MANIFEST_BYTES = 8_000_000
MAX_STATEMENTS_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle says of itself and what it carries, all of it checked."""

    kind: Kind
    made_at: str
    made_by: str
    key_id: str
    facts: dict[str, Any]
    members: dict[str, bytes]


def write_bundle(
    file: Path,
    kind: Kind,
    members: Mapping[str, bytes],
    key: OwnKey,
    *,
    made_by: str,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write and sign a bundle, whole or not at all. Raises InvalidInputError, OSError.

    What the key and those before it said of keys goes along, for readers that know an older one.
    """
    if len(members) > MAX_MEMBERS - 4 or sum(map(len, members.values())) > MAX_BYTES:
        raise _bad(file, f"would be over {MAX_MEMBERS:,} members or {MAX_BYTES:,} bytes.")
    signing = key.current()
    statements = json.dumps([one.as_json() for one in key.statements()])
    manifest = {
        "v": FORMAT_VERSION,
        "kind": kind,
        "made_at": format_time(utc_now()),
        "made_by": made_by,
        "facts": dict(facts or {}),
        "members": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in sorted(members.items())
        },
    }
    described = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode()
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, MANIFEST, described)
        _add(archive, SIGNATURE, str(signing.sign(described, "bundle")).encode())
        _add(archive, SIGNER, signing.public.encode())
        _add(archive, STATEMENTS, statements.encode())
        for name, content in sorted(members.items()):
            _add(archive, f"members/{name}", content)
    write_atomic(file, buffer.getvalue())


def read_bundle(file: Path, trust: TrustStore, *, first_use: bool = True) -> Bundle:
    """A bundle whose signature a trusted key made and whose members are what it says.

    `first_use`: where no key is trusted yet, the one that signed it is from now on.
    Raises NotFoundError, InvalidInputError for what is no bundle, UntrustedError.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            infos = {info.filename: info for info in archive.infolist()}
            _check_size(file, archive, infos)
            described = _read(archive, infos, MANIFEST, MAX_MANIFEST_BYTES)
            signature = Signature.parse(_read(archive, infos, SIGNATURE, 1000).decode("ascii"))
            signer = _read(archive, infos, SIGNER, 1000).decode("ascii")
            said = parse_strictly(_read(archive, infos, STATEMENTS, MAX_STATEMENTS_BYTES))
            trust.follow([Statement.parse(one) for one in said])
            trust.check(described, signature, "bundle", signer if first_use else None)
            manifest = parse_strictly(described)
            members = {
                name: _read_member(file, archive, infos, name, wanted)
                for name, wanted in manifest["members"].items()
            }
            extra = infos.keys() - {f"members/{name}" for name in members}
            if extra != {MANIFEST, SIGNATURE, SIGNER, STATEMENTS}:
                unknown = ", ".join(sorted(extra - {MANIFEST, SIGNATURE, SIGNER, STATEMENTS}))
                raise _bad(file, f"holds what its manifest does not name: {unknown}.")
            check_format(manifest, file, FORMAT_VERSION)
            if manifest["kind"] not in ("artifacts", "telemetry"):
                raise _bad(file, "is of a format this release does not read.")
            return Bundle(
                manifest["kind"],
                manifest["made_at"],
                manifest["made_by"],
                signature.key_id,
                manifest["facts"],
                members,
            )
    except FileNotFoundError:
        raise NotFoundError(Problem("there is no such file.", file)) from None
    except (*DAMAGED_ZIP, KeyError, TypeError, ValueError) as error:
        raise _bad(file, f"is no bundle, was damaged, or cannot be read ({error}).") from None


def read_signer(file: Path) -> str:
    """The public key a bundle says it was signed with: believed by nobody yet.

    Raises NotFoundError, InvalidInputError.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            infos = {info.filename: info for info in archive.infolist()}
            return _read(archive, infos, SIGNER, 1000).decode("ascii")
    except FileNotFoundError:
        raise NotFoundError(Problem("there is no such file.", file)) from None
    except (*DAMAGED_ZIP, ValueError) as error:
        raise _bad(file, f"is no bundle, was damaged, or cannot be read ({error}).") from None


def _check_size(file: Path, archive: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo]) -> None:
    if len(infos) != len(archive.infolist()):
        raise _bad(file, "holds two members of one name.")
    if len(infos) > MAX_MEMBERS or sum(info.file_size for info in infos.values()) > MAX_BYTES:
        raise _bad(file, f"is over {MAX_MEMBERS:,} members or {MAX_BYTES:,} bytes.")
    if any(info.compress_type != zipfile.ZIP_STORED for info in infos.values()):
        raise _bad(file, "is compressed, which no bundle is.")


def _read(
    archive: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo], name: str, limit: int
) -> bytes:
    if name not in infos:
        raise ValueError(f"it has no {name}")
    if infos[name].file_size > limit:
        raise ValueError(f"its {name} is too large")
    return archive.read(name)


def _read_member(
    file: Path,
    archive: zipfile.ZipFile,
    infos: Mapping[str, zipfile.ZipInfo],
    name: str,
    wanted: Mapping[str, Any],
) -> bytes:
    content = _read(archive, infos, f"members/{name}", MAX_BYTES)
    if hashlib.sha256(content).hexdigest() != wanted["sha256"]:
        raise _bad(file, f"was damaged: {name} is not what was signed.")
    return content


def _bad(file: Path, message: str) -> InvalidInputError:
    return InvalidInputError(Problem(message, file))


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, ZIP_TIME)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
