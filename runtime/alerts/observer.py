"""Measures what alerts are about as the steward reads, raises and clears them, and has them sent.

Never on the way of an execution, and never waits for a network.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from runtime.alerts import deliveries, standings, window
from runtime.alerts.measures import Measure, of_disk, of_drift, of_executions, of_lag, of_sync
from runtime.alerts.settings import Webhook
from runtime.alerts.webhooks import Target, WebhookSender
from runtime.errors import LoopaiError
from runtime.steward.observer import Batch, StewardContext
from runtime.steward.state import Connection
from runtime.steward.task_cache import TaskCache

SECONDS_BETWEEN_LOOKS = 5.0

logger = logging.getLogger("loopai.alerts")


class AlertObserver:
    """See `runtime.steward.observer.LogObserver`."""

    name = "alerts"
    tables = ";".join((window.TABLES, deliveries.TABLES, standings.TABLES))

    def __init__(self, context: StewardContext) -> None:
        self._context = context
        self._config = context.config.alerts
        self._window = timedelta(minutes=self._config.window_minutes)
        self._next_look: datetime | None = None
        self._tasks = TaskCache(context.data_dir)
        self._targets = [
            self._target(number, webhook) for number, webhook in enumerate(self._config.webhooks)
        ]
        self._sender: WebhookSender | None = None

    def observe(self, task: str, records: Batch, transaction: Connection) -> None:
        since = self._context.clock() - self._window - timedelta(minutes=1)
        window.count(transaction, task, records, since)

    def tick(self, moment: datetime) -> None:
        if not self._config.enabled:
            return
        if self._targets and self._sender is None:
            self._sender = WebhookSender(self._context.state.path, self._targets)
            self._sender.start()
        ahead = self._next_look is not None and moment < self._next_look
        # A clock that was set back far must not silence the alerts.
        if ahead and self._next_look - moment <= timedelta(minutes=1):  # type: ignore[operator]
            return
        self._next_look = moment + timedelta(seconds=SECONDS_BETWEEN_LOOKS)
        measures = list(self._measures(moment))
        with self._context.state.transaction() as connection:
            changes = standings.take(connection, measures, self._config, moment)
            for change in changes:
                self._enqueue(connection, change)
            window.forget(connection, moment - self._window - timedelta(hours=1))
        standings.write_alerts(
            self._context.data_dir, standings.raised(self._context.state.connection)
        )
        for change in changes:
            of = f" {change['task']}:" if change["task"] else ""
            logger.warning(
                "alert %s is %s:%s %s", change["alert"], change["level"], of, change["message"]
            )
        if changes and self._sender is not None:
            self._sender.wake()

    def rolled_back(self) -> None:
        """Memory holds nothing of what was counted."""

    def close(self) -> None:
        if self._sender is not None:
            self._sender.close()

    def _measures(self, moment: datetime) -> Iterator[Measure]:
        config, data_dir = self._config, self._context.data_dir
        connection = self._context.state.connection
        yield from of_executions(connection, config, moment, self._latency_targets())
        yield from of_drift(data_dir, moment, config.drift)
        try:
            yield of_disk(data_dir.root, config.disk_used_percent)
        except OSError as error:
            logger.error("cannot see how full the disk is: %s", error)
        yield from of_lag(data_dir, config.steward_lag_sec)
        yield from of_sync(data_dir, moment, config.sync_stalled_minutes)

    def _latency_targets(self) -> dict[str, float]:
        targets = {}
        for name in self._context.data_dir.task_names():
            task = self._tasks.get(name)
            if task is not None:
                targets[name] = task.latency_target_ms
        return targets

    def _enqueue(self, connection: Connection, change: standings.Alert) -> None:
        body = msgspec.json.encode({"v": 1, "type": "alert", **change}).decode()
        now = self._context.clock().astimezone(UTC).timestamp()
        for number, target in enumerate(self._targets):
            if target is None:
                continue
            if not target.critical_only or "critical" in (change["level"], change["before"]):
                deliveries.enqueue(connection, number, body, now)

    def _target(self, number: int, webhook: Webhook) -> Target | None:
        config = self._context.config
        try:
            url = config.text("alerts", "webhooks", number, "url") or ""
            secret = config.text("alerts", "webhooks", number, "secret") or ""
        except LoopaiError as error:  # the others are told all the same
            logger.error("webhook %d is left out: %s", number + 1, error)
            return None
        return Target(url, secret, webhook.critical_only)
