"""The hub's tables, the same on SQLite and PostgreSQL. Every row belongs to one tenant.

Times are RFC 3339 text in UTC, so that they sort and compare alike on both.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()
# SQLite counts only an INTEGER primary key up by itself.
Number = BigInteger().with_variant(Integer, "sqlite")

facts = Table(
    "facts", metadata, Column("name", String(64), primary_key=True), Column("value", Text)
)
tenants = Table(
    "tenants",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("created_at", String(32), nullable=False),
)


def _tenant() -> ForeignKey:
    return ForeignKey("tenants.name")


keys = Table(
    "keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("tenant", _tenant(), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("revoked_at", String(32)),
)
packages = Table(
    "packages",
    metadata,
    Column("tenant", _tenant(), primary_key=True),
    Column("task", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("specification", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("signature", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("uploaded_by", String(16), nullable=False),
    Column("uploaded_at", String(32), nullable=False),
)
deployments = Table(
    "deployments",
    metadata,
    Column("tenant", _tenant(), primary_key=True),
    Column("id", String(128), primary_key=True),
    Column("mode", String(16), nullable=False),
    Column("privacy_mode", String(16), nullable=False),
    Column("tasks", JSON, nullable=False),
    Column("status", JSON, nullable=False),
    Column("registered_at", String(32), nullable=False),
    Column("seen_at", String(32), nullable=False),
)
batches = Table(
    "batches",
    metadata,
    Column("tenant", _tenant(), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("deployment", String(128), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("answer", JSON, nullable=False),
    Column("received_at", String(32), nullable=False, index=True),
)
executions = Table(
    "executions",
    metadata,
    Column("tenant", _tenant(), primary_key=True),
    #: That of `at`, such as 20261122. First the day, so that what is new is written side by side.
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("execution_id", String(64), primary_key=True),
    Column("deployment", String(128), nullable=False),
    Column("task", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("latency_ms", Float, nullable=False),
    Column("sampled", Boolean, nullable=False),
    Column("input_hash", String(96)),
    Column("input", JSON),
    Column("output", JSON),
    Column("error", JSON),
    Index("executions_by_task", "tenant", "task", "at"),
    postgresql_partition_by="RANGE (day)",
)
validations = Table(
    "validations",
    metadata,
    Column("tenant", _tenant(), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("execution_id", String(64), nullable=False),
    Column("deployment", String(128), nullable=False),
    Column("task", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", String(32), nullable=False),
    Column("match", Boolean, nullable=False),
    Column("similarity", Float, nullable=False),
    Column("probability", Float, nullable=False),
    Column("oracle", String(64)),
    Column("status", String(16)),
    Column("input_key", String(64)),
    Column("input", JSON),
    Column("output", JSON),
    Column("oracle_output", JSON),
    Index("validations_by_task", "tenant", "task", "version"),
    Index("validations_by_input", "tenant", "task", "input_key"),
    Index("validations_by_time", "at"),
)
tickets = Table(
    "tickets",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("tenant", _tenant(), nullable=False, index=True),
    Column("task", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", String(32), nullable=False),
    Column("closed_at", String(32)),
)
audit = Table(
    "audit",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("tenant", String(64), nullable=False, index=True),
    Column("at", String(32), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("facts", JSON, nullable=False),
)

#: What to tell connected boxes, also by processes that hold no connection.
announcements = Table(
    "announcements",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("tenant", _tenant(), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("body", JSON, nullable=False),
    Column("at", String(32), nullable=False),
    Column("told_at", String(32), index=True),
)
#: A task in words and examples, as its owner last gave it: what programs are made from here.
specifications = Table(
    "specifications",
    metadata,
    Column("tenant", _tenant(), primary_key=True),
    Column("task", String(64), primary_key=True),
    Column("specification", Text, nullable=False),
    Column("examples", Text, nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("updated_by", String(16), nullable=False),
)
improvement_settings = Table(
    "improvement_settings",
    metadata,
    Column("tenant", _tenant(), primary_key=True),
    Column("settings", JSON, nullable=False),
    Column("paused", Boolean, nullable=False),
)
#: How the improvement of a task stands. `tries` are unsuccessful ones in a row at `version`.
improvements = Table(
    "improvements",
    metadata,
    Column("tenant", _tenant(), primary_key=True),
    Column("task", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("specification_digest", String(64), nullable=False),
    Column("ticket", Integer),
    Column("paused", Boolean, nullable=False),
    Column("wanted", Boolean, nullable=False),
    Column("looked_at", String(32)),
)
improvement_runs = Table(
    "improvement_runs",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("tenant", _tenant(), nullable=False),
    Column("task", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("made_version", Integer),
    Column("hypothesis", JSON, nullable=False),
    Column("report", JSON, nullable=False),
    Column("started_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Index("improvement_runs_by_task", "tenant", "task", "number"),
)
#: Failing inputs, by their hash, that earlier tries have used.
improvement_tried = Table(
    "improvement_tried",
    metadata,
    Column("tenant", _tenant(), primary_key=True),
    Column("task", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
)
