"""Between this box and its hub, always outbound, never in serving's way.

It takes up versions when the hub says there are some and asks every while in case it was not
heard, and sends the outbox's batches. The hub may be down, slow or absent at any time.
"""

from __future__ import annotations

import json
import logging
import os
import ssl
import threading
import time
from typing import Any

from runtime.artifacts import ArtifactStore
from runtime.clock import format_time, utc_now
from runtime.config import DeploymentConfig, load_deployment
from runtime.data_dir import DataDir, write_atomic
from runtime.errors import LoopaiError
from runtime.models import Mode
from sync.audit import AuditLog
from sync.box_key import deployment_id
from sync.hub_client import HubClient, HubRefusedError, HubUnavailableError, hub_tls
from sync.listener import Listener
from sync.outbox import Outbox, OutboxBatch
from sync.status import STATUS_FILE
from sync.telemetry_observer import outbox_file, telemetry_wanted
from sync.updates import Activate, Updates, activate_at_once

AUDIT_FILE = "sent.jsonl"
HEARTBEAT_SECONDS = 30.0
TICK_SECONDS = 0.2
BATCH_VERSION = 1
# Refusals that say "not now" or "not so", and not "never this batch".
KEPT_STATUSES = frozenset({401, 403, 404})

logger = logging.getLogger("loopai.sync")


class Agent:
    """One box's link to one hub. `turn` does what is due and returns at once."""

    def __init__(
        self,
        data_dir: DataDir,
        config: DeploymentConfig,
        client: HubClient,
        activate: Activate | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._config = config
        self._client = client
        self._store = ArtifactStore(data_dir)
        self._id = deployment_id(data_dir)
        self._updates = Updates(data_dir, client, activate or activate_at_once(data_dir))
        self._audit = AuditLog(data_dir.state / AUDIT_FILE)
        self._outbox = Outbox(outbox_file(data_dir), batch_rows=config.telemetry.batch_size)
        self._listener: Listener | None = None
        self._ask = threading.Event()
        self._registered = False
        self._failures = 0
        self._next_heartbeat = self._next_batches = 0.0
        self._problem: str | None = None
        self._status: dict[str, Any] = {}

    def listen(self, key: str, tls: ssl.SSLContext | None = None) -> None:
        """Hear from the hub from now on, and ask it whenever a connection is made."""
        told = {"OnNewArtifactAvailable"}

        def hear(target: str, arguments: list[Any]) -> None:
            if target in told:
                self._ask.set()

        self._listener = Listener(self._client.url, key, hear, self._ask.set, tls)
        self._listener.start()

    def turn(self) -> None:
        """Whatever is due. Never raises for what the hub or the network does."""
        now = time.monotonic()
        try:
            if self._ask.is_set() or now >= self._next_heartbeat:
                self._next_heartbeat = now + HEARTBEAT_SECONDS
                self._ask.clear()
                self._talk()
            self._send(now)
        except HubUnavailableError as error:
            self._note(str(error))
            self._registered = False
            self._failures += 1
            wait = error.retry_after or min(HEARTBEAT_SECONDS, 0.5 * 2 ** min(self._failures, 8))
            self._next_heartbeat = now + wait
        except (LoopaiError, OSError) as error:
            self._note(str(error))
        else:
            self._failures = 0
            self._note(None)
        self._write_status()

    def close(self) -> None:
        """End the listener and the database's connection."""
        if self._listener is not None:
            self._listener.stop()
        self._outbox.close()
        self._client.close()

    def _talk(self) -> None:
        tasks = self._running()
        beat = {"tasks": tasks, "status": {"outbox": self._outbox.status().rows}}
        latest: dict[str, int]
        if self._registered:
            try:
                latest = self._client.heartbeat(self._id, beat)
            except HubRefusedError as error:
                if error.status != 404:
                    raise
                self._registered = False  # a hub that was set up anew
        if not self._registered:
            latest = self._client.register(
                {
                    "deployment_id": self._id,
                    "mode": self._config.mode.value,
                    "privacy_mode": self._config.telemetry.privacy_mode.value,
                    "tasks": tasks,
                }
            )
            self._registered = True
            self._outbox.try_now()
        if self._config.mode is not Mode.CENTRAL and self._updates.take_up(latest):
            self._client.heartbeat(self._id, {**beat, "tasks": self._running()})

    def _running(self) -> dict[str, int | None]:
        """Which version of which task this box executes; none where the hub does."""
        if self._config.mode is Mode.CENTRAL:
            return {}
        return {name: self._store.active(name) for name in self._data_dir.task_names()}

    def _send(self, now: float) -> None:
        if not telemetry_wanted(self._config):
            return
        if now >= self._next_batches:
            self._next_batches = now + 1.0
            header = {"v": BATCH_VERSION, "deployment_id": self._id}
            self._outbox.make_batches(
                header, wait_seconds=self._config.telemetry.upload_interval_sec
            )
        while (batch := self._outbox.next_batch()) is not None:
            self._send_batch(batch)

    def _send_batch(self, batch: OutboxBatch) -> None:
        # Noted before it leaves: what left without a trace would be worse than a trace too many.
        self._audit.append(
            "telemetry", to=self._client.url, key=batch.key, stream=batch.stream, rows=batch.rows,
            bytes=len(batch.payload), sha256=batch.digest, attempt=batch.attempts + 1,
        )  # fmt: skip
        try:
            answer = self._client.send_batch(batch.payload, batch.key)
        except HubUnavailableError as error:
            self._outbox.failed(batch, str(error), error.retry_after)
            raise
        except HubRefusedError as error:
            if error.status in KEPT_STATUSES:
                self._outbox.failed(batch, str(error))
            else:
                logger.error("the hub will not take batch %s: %s", batch.key, error)
                self._outbox.refused(batch, str(error))
            raise
        if answer.get("rejected_count"):
            logger.warning("the hub rejected rows of batch %s: %s", batch.key, answer["rejected"])
        self._outbox.sent(batch)

    def _note(self, problem: str | None) -> None:
        if problem != self._problem:
            if problem is None:
                logger.info("the hub %s answers", self._client.url)
            else:
                logger.warning("%s", problem)
            self._problem = problem

    def _write_status(self) -> None:
        listener = self._listener
        status = {
            "v": BATCH_VERSION,
            "deployment_id": self._id,
            "hub": self._client.url,
            "registered": self._registered,
            "notified": listener is not None and listener.connected,
            "problem": self._problem,
            "not_taken_up": {
                task: {"version": version, "reason": reason}
                for task, (version, reason) in self._updates.problems.items()
            },
            "pid": os.getpid(),
        }
        if status != self._status:
            self._status = status
            shown = {**status, "at": format_time(utc_now())}
            write_atomic(self._data_dir.state / STATUS_FILE, json.dumps(shown, indent=2) + "\n")


def run(data_dir: DataDir, stop: threading.Event) -> int:
    """Be the agent of a data directory until `stop` is set. Raises LoopaiError."""
    config = load_deployment(data_dir.deployment_file)
    url = config.text("cloud", "api_url")
    if url is None or not config.talks_to_hub:
        logger.info("no hub is configured (cloud.api_url), or the mode is edge: nothing to do")
        stop.wait()
        return 0
    key = config.text("cloud", "api_key") or ""
    tls = hub_tls(config.cloud.tls)
    agent = Agent(data_dir, config, HubClient(url, key, tls=tls))
    if config.cloud.signalr_enabled:
        agent.listen(key, tls)
    try:
        while not stop.is_set():
            agent.turn()
            stop.wait(TICK_SECONDS)
    finally:
        agent.close()
    return 0
