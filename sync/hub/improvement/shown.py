"""How the improvement of a tenant's tasks stands, as commands and routes show it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sync.hub.improvement.ledger import Ledger


def shown_tenant(ledger: Ledger, tenant: str) -> dict[str, Any]:
    """The settings, and each task without its runs."""
    settings, paused = ledger.settings(tenant)
    tasks = [task for owner, task in ledger.tasks() if owner == tenant]
    return {
        "paused": paused,
        "settings": settings.model_dump(mode="json"),
        "tasks": [{"task": task, **asdict(ledger.standing(tenant, task))} for task in tasks],
    }


def shown_task(ledger: Ledger, tenant: str, task: str) -> dict[str, Any]:
    """One task with its last runs, newest first."""
    ledger.check_task(tenant, task)
    standing = asdict(ledger.standing(tenant, task))
    return {"task": task, **standing, "runs": ledger.runs(tenant, task)}
