"""The SignalR hub at /hubs/loopai: boxes are told of new versions, figures and alerts at once.

A client hears only of its own tenant.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pydantic
from starlette.concurrency import run_in_threadpool

from runtime.errors import LoopaiError
from sync.hub.deployments import Deployments, Heartbeat
from sync.signalr import Connection, Hub, HubError, Limits

PATH = "/hubs/loopai"
NEW_ARTIFACT, METRIC_UPDATE, ALERT = (
    "OnNewArtifactAvailable",
    "OnMetricUpdate",
    "OnAlertTriggered",
)
MAX_METRICS = 200

logger = logging.getLogger("loopai.hub")


class Notifications:
    """What is sent to clients, and what they may call."""

    def __init__(
        self,
        deployments: Deployments,
        limits: Limits | None = None,
        pass_on: Callable[[str, str, list[Any]], None] = lambda tenant, target, arguments: None,
    ) -> None:
        """`pass_on` tells other processes what clients here are told."""
        self.hub = Hub(limits)
        self._pass_on = pass_on
        self._deployments = deployments
        self.hub.method("Heartbeat", self.heartbeat)
        self.hub.method("ReportMetrics", self.report_metrics)

    def new_artifact(self, tenant: str, task: str, version: int) -> int:
        """Tell a tenant's boxes; returns how many of this process's were told."""
        return self._tell(tenant, NEW_ARTIFACT, [task, version])

    def metric_update(self, tenant: str, task: str, metrics: Any) -> int:
        return self._tell(tenant, METRIC_UPDATE, [task, metrics])

    def alert(self, tenant: str, alert: dict[str, Any]) -> int:
        return self._tell(tenant, ALERT, [alert])

    def tell_here(self, tenant: str, target: str, arguments: list[Any]) -> int:
        """Tell the clients of this process; returns how many."""
        return self.hub.send_all(target, *arguments, to=_of(tenant))

    def _tell(self, tenant: str, target: str, arguments: list[Any]) -> int:
        self._pass_on(tenant, target, arguments)
        return self.tell_here(tenant, target, arguments)

    async def heartbeat(
        self, connection: Connection, deployment_id: str, status: dict[str, Any] | str
    ) -> None:
        """A box's sign of life: `{"tasks": {task: version}, "status": {...}}`, or one word."""
        caller = connection.identity
        given = {"status": {"state": status}} if isinstance(status, str) else status
        try:
            beat = Heartbeat.model_validate(given)
            await run_in_threadpool(self._deployments.heartbeat, caller.tenant, deployment_id, beat)
        except (pydantic.ValidationError, LoopaiError) as error:
            raise HubError(str(error).splitlines()[0]) from None
        connection.notes["deployment"] = deployment_id

    async def report_metrics(self, connection: Connection, metrics: dict[str, Any]) -> None:
        """Figures of a box, `{"task": …, …}`, passed on to whoever watches the tenant."""
        if len(metrics) > MAX_METRICS:
            raise HubError(f"At most {MAX_METRICS} metrics are taken at once.")
        task = str(metrics.get("task", ""))
        told = {**metrics, "deployment": connection.notes.get("deployment")}
        self.metric_update(connection.identity.tenant, task, told)


def _of(tenant: str) -> Callable[[Connection], bool]:
    return lambda connection: connection.identity.tenant == tenant
