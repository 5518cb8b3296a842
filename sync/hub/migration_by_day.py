"""Format 3: executions are known by their day too, and on PostgreSQL lie in parts by time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from runtime.clock import utc_now
from sync.hub.days import MOST_DAYS_AHEAD, number_of
from sync.hub.parts import make_first_part, make_parts

COLUMNS = (
    "tenant, execution_id, deployment, task, version, at, status, latency_ms, sampled,"
    " input_hash, input, output, error"
)
TABLE = """
CREATE TABLE executions (
    tenant VARCHAR(64) NOT NULL REFERENCES tenants (name), day INTEGER NOT NULL,
    execution_id VARCHAR(64) NOT NULL, deployment VARCHAR(128) NOT NULL,
    task VARCHAR(64) NOT NULL, version INTEGER NOT NULL, at VARCHAR(32) NOT NULL,
    status VARCHAR(16) NOT NULL, latency_ms FLOAT NOT NULL, sampled BOOLEAN NOT NULL,
    input_hash VARCHAR(96), input JSON, output JSON, error JSON,
    PRIMARY KEY (tenant, day, execution_id))
"""
DAY = "CAST(substr(at, 1, 4) || substr(at, 6, 2) || substr(at, 9, 2) AS INTEGER)"


def keep_executions_by_day(connection: Connection) -> None:
    """Copies every row: a day's part needs its own index. What lies far ahead, of which the table
    would have a part each, is kept under the last day that is taken in now."""
    run = connection.exec_driver_sql
    in_parts = connection.dialect.name == "postgresql"
    run("DROP INDEX executions_by_task")
    run("ALTER TABLE executions RENAME TO executions_of_before")
    if in_parts:  # the new index is to have this one's name
        run("ALTER TABLE executions_of_before DROP CONSTRAINT executions_pkey")
    run(TABLE + (" PARTITION BY RANGE (day)" if in_parts else ""))
    newest = number_of(utc_now().date() + timedelta(MOST_DAYS_AHEAD))
    day = f"CASE WHEN {DAY} > {newest} THEN {newest} ELSE {DAY} END"
    if in_parts:
        make_first_part(connection)
        found = run(f"SELECT DISTINCT {day} FROM executions_of_before")  # noqa: S608
        make_parts(connection, found.scalars().all(), by_day=False)
    run(
        f"INSERT INTO executions (day, {COLUMNS})"  # noqa: S608
        f" SELECT {day}, {COLUMNS} FROM executions_of_before"
    )
    run("DROP TABLE executions_of_before")
    run("CREATE INDEX executions_by_task ON executions (tenant, task, at)")
    run("CREATE INDEX validations_by_time ON validations (at)")
