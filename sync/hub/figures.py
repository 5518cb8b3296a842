"""What all boxes of a tenant told of a task, added up: by version, status and agreement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Float, case, cast, func, select

from sync.hub import tables
from sync.hub.days import day_of
from sync.hub.store import Store


def task_figures(store: Store, tenant: str, task: str, since: str = "") -> list[dict[str, Any]]:
    """One entry for each version, oldest first; `since` is a time in RFC 3339.

    Agreement is weighted by 1 / inclusion probability (Horvitz and Thompson 1952); None where
    nothing was validated.
    """
    one, judged = tables.executions.c, tables.validations.c
    counted = select(
        one.version,
        func.count().label("executions"),
        func.sum(case((one.status == "error", 1), else_=0)).label("errors"),
        func.sum(case((one.status == "timeout", 1), else_=0)).label("timeouts"),
        func.avg(one.latency_ms).label("mean_latency_ms"),
        func.count(func.distinct(one.deployment)).label("deployments"),
        func.max(one.at).label("last_at"),
    ).where(one.tenant == tenant, one.task == task, one.at >= since)
    if since:  # the time says so already, but not which parts of the table hold none
        counted = counted.where(one.day >= day_of(since))
    weight = 1.0 / func.nullif(judged.probability, 0)
    agreed = select(
        judged.version,
        func.count().label("validated"),
        func.sum(case((judged.match, 0), else_=1)).label("mismatches"),
        (
            func.sum(cast(case((judged.match, 1.0), else_=0.0), Float) * weight) / func.sum(weight)
        ).label("agreement"),
    ).where(judged.tenant == tenant, judged.task == task, judged.at >= since)
    with store.read() as connection:
        found = {
            row.version: {
                **row._mapping, "errors": int(row.errors), "timeouts": int(row.timeouts),
                "validated": 0, "mismatches": 0, "agreement": None,
            }
            for row in connection.execute(counted.group_by(one.version))
        }  # fmt: skip
        for row in connection.execute(agreed.group_by(judged.version)):
            entry = found.setdefault(row.version, {"version": row.version, "executions": 0})
            entry.update(row._mapping, mismatches=int(row.mismatches))
    return [dict(found[version]) for version in sorted(found)]
