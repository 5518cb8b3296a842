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
from runtime.errors import InvalidInputError
from sync.hub import tables
from sync.hub.hub_keys import Caller
from sync.hub.packages import ConflictError
from sync.hub.store import Store

MAX_UNPACKED = 50_000_000
MAX_ROWS = 10_000
MAX_REJECTED_SHOWN = 100

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Moment = Annotated[str, msgspec.Meta(min_length=20, max_length=32)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Batch(msgspec.Struct):
    """One upload. `rows` are checked one by one."""

    deployment_id: Short
    stream: Short
    key: Annotated[str, msgspec.Meta(min_length=8, max_length=64)]
    rows: list[msgspec.Raw]
    v: int = 1


class ExecutionRow(msgspec.Struct):
    """One execution, as far as the box tells it."""

    execution_id: Short
    program_version: Annotated[int, msgspec.Meta(ge=1)]
    latency_ms: Annotated[float, msgspec.Meta(ge=0)]
    status: Annotated[str, msgspec.Meta(pattern="^(success|error|timeout)$")]
    timestamp: Moment
    sampled: bool = False
    input_hash: Annotated[str, msgspec.Meta(max_length=96)] | None = None
    input: Any = None
    output: Any = None
    error: Any = None


class ValidationRow(msgspec.Struct):
    """What an oracle said at the box."""

    id: Short
    execution_id: Short
    program_version: Annotated[int, msgspec.Meta(ge=1)]
    match: bool
    similarity_score: Share
    validated_at: Moment
    inclusion_probability: Share = 1.0
    input: Any = None
    output: Any = None
    oracle_output: Any = None


class Collector:
    """The telemetry of all tenants. A stream is `<task>` or `<task>/validations`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, caller: Caller, body: bytes) -> dict[str, Any]:
        """Take one batch in; returns `{"accepted", "known", "rejected": [{"row", "reason"}]}`.

        Raises InvalidInputError for what is no batch, ConflictError when its key was used for
        another one.
        """
        batch = _decode(body)
        digest = hashlib.sha256(body).hexdigest()
        task, _, what = batch.stream.partition("/")
        accepted, rejected = _read_rows(caller, batch, task, what)
        table = tables.validations if what == "validations" else tables.executions
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
                "rejected": rejected[:MAX_REJECTED_SHOWN],
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
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"That is no batch: {error}.") from None
    if len(batch.rows) > MAX_ROWS:
        raise InvalidInputError(f"A batch has at most {MAX_ROWS:,} rows.")
    return batch


def _read_rows(
    caller: Caller, batch: Batch, task: str, what: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    accepted: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, raw in enumerate(batch.rows, start=1):
        try:
            if what == "validations":
                made = _validation(msgspec.json.decode(raw, type=ValidationRow))
                identity = made["id"]
            else:
                made = _execution(msgspec.json.decode(raw, type=ExecutionRow))
                identity = made["execution_id"]
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            rejected.append({"row": number, "reason": str(error)})
            continue
        if identity not in seen:
            seen.add(identity)
            owner = {"tenant": caller.tenant, "deployment": batch.deployment_id, "task": task}
            accepted.append({**made, **owner})
    return accepted, rejected


def _execution(row: ExecutionRow) -> dict[str, Any]:
    return {
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


def _validation(row: ValidationRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "execution_id": row.execution_id,
        "version": row.program_version,
        "at": row.validated_at,
        "match": row.match,
        "similarity": row.similarity_score,
        "probability": row.inclusion_probability,
        "input": row.input,
        "output": row.output,
        "oracle_output": row.oracle_output,
    }


def pack(batch: dict[str, Any]) -> bytes:
    """A batch as it travels; for tests and bundles."""
    return gzip.compress(json.dumps(batch).encode(), mtime=0)
