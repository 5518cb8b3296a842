"""Reads the log through the steward and queues what may be told of it, filtered before it is kept.

What is queued moves in one transaction with the place in the log, so every line is told once.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime
from pathlib import Path
from typing import Any

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from runtime.models import PrivacyMode
from runtime.steward.observer import Batch, StewardContext
from runtime.steward.state import Connection
from runtime.tasks import load_task
from sync.box_key import box_key
from sync.outbox import MEGABYTE, TABLES, put_rows
from sync.privacy.field_rules import Rule
from sync.privacy.filtering import PrivacyFilter
from sync.privacy.people import detectors_for
from sync.validation_telemetry import ValidationTelemetry

#: Of every hundred executions, in balanced mode, five are told with input and output.
BALANCED_SHARE = 0.05
SECONDS_OF_TASK = 5.0

logger = logging.getLogger("loopai.sync")


class TelemetryObserver:
    """An observer of the steward, there where telemetry is configured."""

    name = "telemetry"
    tables = TABLES

    def __init__(self, context: StewardContext) -> None:
        """Raises LoopaiError where no hub is configured."""
        if not telemetry_wanted(context.config):
            raise LoopaiError("no hub is configured, so nothing is told")
        self._clock = context.clock
        self._max_bytes = max_bytes(context.config)
        self._told = ToldRows(context.data_dir, context.config)
        self._validations = ValidationTelemetry(context, self._told.filter, self._max_bytes)

    def observe(self, task: str, records: Batch, transaction: Connection) -> None:
        rows = self._told.of(task, records)
        put_rows(transaction, task, rows, self._clock().timestamp(), self._max_bytes)

    def tick(self, moment: datetime) -> None:
        """What oracles said is read here; the agent sends."""
        self._validations.read()

    def rolled_back(self) -> None:
        """Nothing is kept in memory."""

    def close(self) -> None:
        """There is nothing to end."""


class ToldRows:
    """What may be told of executions, by the settings and each task's own rules."""

    def __init__(self, data_dir: DataDir, config: DeploymentConfig) -> None:
        """Raises LoopaiError where names must not leave and cannot be found: then nothing does."""
        if config.telemetry.privacy_mode is not PrivacyMode.STRICT:
            detectors_for(config.privacy)  # loaded now, not when a line waits for it
        self._config = config
        self._data_dir = data_dir
        self._key = box_key(data_dir)
        self._filters: dict[str, tuple[int, PrivacyFilter]] = {}

    def of(self, task: str, records: Batch) -> list[dict[str, Any]]:
        """A row for each line of the log that may be told of."""
        privacy = self.filter(task)
        mode = self._config.telemetry.privacy_mode
        rows = []
        for record in records:
            if record.get("erased"):
                continue
            sampled = mode is not PrivacyMode.STRICT and is_told(record["execution_id"])
            row = privacy.summary(record, sampled=sampled)
            if row is not None:
                rows.append({**row, "program_version": record["program_version"]})
        return rows

    def filter(self, task: str) -> PrivacyFilter:
        """The task's rules as of now; made anew when its file has changed."""
        try:
            changed = self._data_dir.task_file(task).stat().st_mtime_ns
        except OSError:
            changed = 0
        known = self._filters.get(task)
        if known is not None and known[0] == changed:
            return known[1]
        made = PrivacyFilter(
            self._config.telemetry.privacy_mode,
            self._key,
            settings=self._config.privacy,
            fields=field_rules(self._data_dir, task),
        )
        self._filters[task] = (changed, made)
        return made


def field_rules(data_dir: DataDir, task: str) -> dict[str, Rule]:
    """The task's own rules for fields (`privacy.fields` of task.yaml). Raises LoopaiError."""
    return dict(load_task(data_dir, task, with_examples=False).privacy.fields)


def is_told(execution_id: str, share: float = BALANCED_SHARE) -> bool:
    """Whether an execution is among those told with its input: always the same answer for it."""
    digest = hashlib.sha256(b"told:" + execution_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def telemetry_wanted(config: DeploymentConfig) -> bool:
    """Whether anything is to be told to anybody, over the wire or in bundles carried by hand."""
    return config.telemetry.enabled and (config.talks_to_hub or config.telemetry.by_bundle)


def max_bytes(config: DeploymentConfig) -> int:
    """How much may wait to leave this box."""
    return int(config.telemetry.outbox_mb * MEGABYTE)


def outbox_file(data_dir: DataDir) -> Path:
    """The database that holds the outbox: the steward's, so that both move together."""
    from runtime.steward.state import state_file

    return state_file(data_dir)
