"""Between this box and its hub, always outbound, never in serving's way.

It takes up versions when the hub says there are some and asks every while in case it was not
heard, and sends the outbox's batches. The hub may be down, slow or absent at any time, and what
fails is said in the status and tried again.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import ssl
import threading
from typing import Any

from runtime.artifacts import ArtifactStore
from runtime.clock import format_time, utc_now
from runtime.config import DeploymentConfig, load_deployment
from runtime.data_dir import DataDir, write_atomic
from runtime.models import Mode
from sync.activation import Activation
from sync.audit import AuditLog
from sync.box_key import deployment_id
from sync.errand import Errand
from sync.hub_client import HubClient, HubRefusedError, HubUnavailableError, hub_tls
from sync.listener import Listener
from sync.outbox import Outbox, OutboxBatch
from sync.status import STATUS_FILE
from sync.telemetry_observer import max_bytes, outbox_file, telemetry_wanted
from sync.updates import Activate, Updates

AUDIT_FILE = "sent.jsonl"
TICK_SECONDS = 0.2
SECONDS_BETWEEN_BATCHES = 1.0
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
        self._updates = Updates(data_dir, client, activate or Activation(data_dir, config))
        self._audit = AuditLog(data_dir.state / AUDIT_FILE)
        self._outbox = Outbox(
            outbox_file(data_dir),
            max_bytes=max_bytes(config),
            batch_rows=config.telemetry.batch_size,
        )
        self._listener: Listener | None = None
        self._ask = threading.Event()
        self._registered = False
        self._talking, self._sending = Errand(self._talk), Errand(self._send)
        self._reached_at: str | None = None
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
        """Whatever is due. Never raises for what the hub, the network or the disk does."""
        if self._ask.is_set():
            self._ask.clear()
            self._talking.hurry()
        self._talking.run_if_due()
        self._sending.run_if_due()
        try:
            failing = self._outbox.failing()
            self._note(self._talking.problem or self._sending.problem or failing)
            self._write_status()
        except (OSError, sqlite3.Error) as error:
            self._note(f"the status cannot be written: {error}")

    def close(self) -> None:
        """End the listener and the database's connection."""
        if self._listener is not None:
            self._listener.stop()
        self._outbox.close()
        self._client.close()

    def _talk(self) -> float:
        """Register or give a sign of life, and take up what is new."""
        try:
            latest = self._greet()
        except HubUnavailableError:
            self._registered = False
            raise
        self._reached_at = format_time(utc_now())
        if self._outbox.failing() is not None:
            # It was away: what waits for it need wait no longer.
            self._outbox.try_now()
            self._sending.hurry()
        if self._config.mode is not Mode.CENTRAL and self._updates.take_up(latest):
            self._client.heartbeat(self._id, self._beat())
        return min(self._config.cloud.poll_sec, self._updates.seconds_to_next_try())

    def _greet(self) -> dict[str, int]:
        """Returns each task's newest version at the hub."""
        beat = self._beat()
        if self._registered:
            try:
                return self._client.heartbeat(self._id, beat)
            except HubRefusedError as error:
                if error.status != 404:
                    raise  # else a hub that was set up anew
        registration = {
            "deployment_id": self._id,
            "mode": self._config.mode.value,
            "privacy_mode": self._config.telemetry.privacy_mode.value,
            "tasks": beat["tasks"],
        }
        latest = self._client.register(registration)
        self._registered = True
        self._outbox.try_now()  # as a process before this one may have failed
        self._sending.hurry()
        return latest

    def _running(self) -> dict[str, int | None]:
        """Which version of which task this box executes; none where the hub does."""
        if self._config.mode is Mode.CENTRAL:
            return {}
        return {name: self._store.active(name) for name in self._data_dir.task_names()}

    def _beat(self) -> dict[str, Any]:
        status = self._outbox.status()
        return {
            "tasks": self._running(),
            "status": {"outbox": status.rows, "dropped": status.dropped_rows},
        }

    def _send(self) -> float:
        """Make batches and send those that are due."""
        if telemetry_wanted(self._config):
            header = {"v": BATCH_VERSION, "deployment_id": self._id}
            self._outbox.make_batches(
                header, wait_seconds=self._config.telemetry.upload_interval_sec
            )
            while (batch := self._outbox.next_batch()) is not None:
                self._send_batch(batch)
        return SECONDS_BETWEEN_BATCHES

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
                raise
            logger.error("the hub will not take batch %s: %s", batch.key, error)
            self._outbox.refused(batch, str(error))
            return
        self._reached_at = format_time(utc_now())
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
                task: {"version": missed.version, "reason": missed.reason}
                for task, missed in self._updates.missed.items()
            },
            "let_go": self._outbox.let_go(),
            "last_success": self._reached_at,
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
