"""Takes telemetry in: each batch once, each row once, and says of every row that it cannot take.

A batch is one gzip'd JSON object with a key of its own; sent again it gets the same answer.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from typing import Annotated, Any

import msgspec
from sqlalchemy import insert, select

from runtime.clock import format_time, utc_now
from runtime.data_dir import checked_slug
from runtime.errors import InvalidInputError
from runtime.strict_json import canonical, depth
from sync.hub import tables
from sync.hub.days import KeptDays, kept_days
from sync.hub.deployments import DEPLOYMENT_ID
from sync.hub.hub_keys import Caller
from sync.hub.packages import ConflictError
from sync.hub.retention import TRUSTED
from sync.hub.store import Store

MAX_UNPACKED = 50_000_000
MAX_ROWS = 10_000
MAX_REASON = 200
MAX_DEPTH = 100
VALIDATIONS = "validations"

# What fits the tables of every database, so that no row is taken by one and refused by another.
Identity = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,64}\Z")]
Version = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Moment = Annotated[
    str,
    msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}([.][0-9]{1,6})?(Z|[+]00:00)\Z"),
]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Batch(msgspec.Struct):
    """One upload. `rows` are checked one by one."""

    deployment_id: Annotated[str, msgspec.Meta(pattern=DEPLOYMENT_ID[:-1] + r"\Z")]
    stream: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    key: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{8,64}\Z")]
    rows: list[msgspec.Raw]
    v: int = 1


class ExecutionRow(msgspec.Struct):
    """One execution, as far as the box tells it."""

    execution_id: Identity
    program_version: Version
    latency_ms: Annotated[float, msgspec.Meta(ge=0, le=1e12)]
    status: Annotated[str, msgspec.Meta(pattern="^(success|error|timeout)$")]
    timestamp: Moment
    sampled: bool = False
    input_hash: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{0,96}\Z")] | None = None
    input: Any = None
    output: Any = None
    error: Any = None


class ValidationRow(msgspec.Struct):
    """What an oracle said at the box."""

    id: Identity
    execution_id: Identity
    program_version: Version
    match: bool
    similarity_score: Share
    validated_at: Moment
    inclusion_probability: Share = 1.0
    oracle: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    status: Annotated[str, msgspec.Meta(pattern="^(success|error|timeout)$")] = "success"
    input: Any = None
    output: Any = None
    oracle_output: Any = None


class Collector:
    """The telemetry of all tenants. A stream is `<task>` or `<task>/validations`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, caller: Caller, body: bytes, key: str | None = None) -> dict[str, Any]:
        """Take one batch in; returns `{"accepted", "known", "rejected": [{"row", "reason"}]}`.

        Raises InvalidInputError for what is no batch or is not called `key`, ConflictError when
        its key was used for another one.
        """
        batch = _decode(body)
        if key is not None and key != batch.key:
            raise InvalidInputError("The header Idempotency-Key is not the batch's key.")
        digest = hashlib.sha256(body).hexdigest()
        task, _, what = batch.stream.partition("/")
        if what not in ("", VALIDATIONS) or batch.stream.endswith("/"):
            raise InvalidInputError("A stream is <task> or <task>/validations.")
        checked_slug(task)
        kept = kept_days(self._store.keep_days, utc_now())
        accepted, rejected = _read_rows(caller, batch, task, what, kept)
        table = tables.validations if what == VALIDATIONS else tables.executions
        if table is tables.executions:
            self._store.cover({row["day"] for row in accepted})
        with self._store.write() as connection:
            known = connection.execute(
                select(tables.batches.c.digest, tables.batches.c.answer).where(
                    tables.batches.c.tenant == caller.tenant, tables.batches.c.key == batch.key
                )
            ).first()
            if known is not None:
                if known.digest != digest:
                    raise ConflictError("This key was used for a batch with other content.")
                return dict(known.answer)
            new = self._store.insert_new(connection, table, accepted)
            answer = {
                "accepted": new,
                "known": len(accepted) - new,
                "rejected": rejected,
                "rejected_count": len(rejected),
            }
            connection.execute(
                insert(tables.batches).values(
                    tenant=caller.tenant,
                    key=batch.key,
                    deployment=batch.deployment_id,
                    digest=digest,
                    answer=answer,
                    received_at=format_time(utc_now()),
                )
            )
        return answer


def _decode(body: bytes) -> Batch:
    try:
        unpacked = zlib.decompressobj(wbits=31)
        content = unpacked.decompress(body, MAX_UNPACKED)
        if unpacked.unconsumed_tail or not unpacked.eof:
            raise InvalidInputError(f"A batch unpacks to at most {MAX_UNPACKED:,} bytes, whole.")
        batch = msgspec.json.decode(content, type=Batch)
    except zlib.error:
        raise InvalidInputError("A batch is a gzip file.") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"That is no batch: {error}.") from None
    if len(batch.rows) > MAX_ROWS:
        raise InvalidInputError(f"A batch has at most {MAX_ROWS:,} rows.")
    return batch


def _read_rows(
    caller: Caller, batch: Batch, task: str, what: str, kept: KeptDays
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    accepted: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, raw in enumerate(batch.rows, start=1):
        try:
            _check_depth(raw)
            if what == VALIDATIONS:
                made = _validation(msgspec.json.decode(raw, type=ValidationRow), kept)
                identity = made["id"]
            else:
                made = execution_columns(msgspec.json.decode(raw, type=ExecutionRow), kept)
                identity = made["execution_id"]
        except (ValueError, RecursionError) as error:
            rejected.append({"row": number, "reason": str(error)[:MAX_REASON]})
            continue
        if identity not in seen:
            seen.add(identity)
            owner = {"tenant": caller.tenant, "deployment": batch.deployment_id, "task": task}
            accepted.append({**made, **owner})
    return accepted, rejected


def _check_depth(raw: msgspec.Raw) -> None:
    """Raises ValueError for what is nested deeper than the next encoder may go."""
    row = bytes(raw)
    containers = row.count(b"[") + row.count(b"{")
    if containers > MAX_DEPTH and depth(msgspec.json.decode(row)) > MAX_DEPTH:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")


def input_key(given: Any) -> str | None:
    """By which equal inputs are found; None for what is no input."""
    if not isinstance(given, dict):
        return None
    return hashlib.sha256(canonical(given).encode(errors="surrogatepass")).hexdigest()


def execution_columns(row: ExecutionRow, kept: KeptDays) -> dict[str, Any]:
    """Raises ValueError for one of a day that is not taken in."""
    return {
        "day": kept.check(row.timestamp),
        "execution_id": row.execution_id,
        "version": row.program_version,
        "at": row.timestamp,
        "status": row.status,
        "latency_ms": row.latency_ms,
        "sampled": row.sampled,
        "input_hash": row.input_hash,
        "input": row.input,
        "output": row.output,
        "error": row.error,
    }


def _validation(row: ValidationRow, kept: KeptDays) -> dict[str, Any]:
    if row.oracle not in TRUSTED:
        kept.check(row.validated_at)
    return {
        "id": row.id,
        "execution_id": row.execution_id,
        "version": row.program_version,
        "at": row.validated_at,
        "match": row.match,
        "similarity": row.similarity_score,
        "probability": row.inclusion_probability,
        "oracle": row.oracle,
        "status": row.status,
        "input_key": input_key(row.input),
        "input": row.input,
        "output": row.output,
        "oracle_output": row.oracle_output,
    }


def pack(batch: dict[str, Any]) -> bytes:
    """A batch as it travels; for tests and bundles."""
    return gzip.compress(json.dumps(batch).encode(), mtime=0)
