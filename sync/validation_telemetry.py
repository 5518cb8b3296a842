"""Reads what oracles said and queues what may be told of it, each line once, in file order.

The place in the file moves in the transaction that queues, as for executions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from runtime.datasets.content_lock import try_reading
from runtime.datasets.log_files import list_log_files
from runtime.errors import LoopaiError
from runtime.steward.cursors import FileKey, move, read_offsets
from runtime.steward.file_reader import FileReader, looks
from runtime.steward.observer import StewardContext
from runtime.validation.settle import PREFIX
from sync.outbox import put_rows
from sync.privacy.filtering import PrivacyFilter

#: The key of its places, beside those of the observer of executions.
NAME = "telemetry-validations"
#: The stream of a task's validations at the hub.
STREAM = "{task}/validations"


logger = logging.getLogger("loopai.sync")


class ValidationTelemetry:
    """The validations of all tasks. `filter_of` gives a task's privacy filter."""

    def __init__(
        self,
        context: StewardContext,
        filter_of: Callable[[str], PrivacyFilter],
        max_bytes: int,
    ) -> None:
        self._context = context
        self._filter_of = filter_of
        self._max_bytes = max_bytes
        #: What a file looked like when it was read to its end: most never change again.
        self._ended: dict[tuple[str, str], object] = {}
        self._faults: dict[str, str] = {}

    def read(self) -> None:
        """Queue a bounded piece of what is new of each file. Raises OSError."""
        folder = self._context.data_dir.root / "datasets"
        with try_reading(self._context.data_dir) as may_read:
            for task in sorted(path.parent.name for path in folder.glob("*/validations")):
                if not may_read:
                    return
                try:
                    self._read(task)
                except LoopaiError as error:  # such as a task.yaml that is being edited
                    if self._faults.get(task) != str(error):
                        logger.error("what oracles said of %s is not told: %s", task, error)
                    self._faults[task] = str(error)

    def _read(self, task: str) -> None:
        for file in list_log_files(self._context.data_dir.validations(task), prefix=PREFIX):
            place = (task, file.name)
            reader = FileReader(file)
            try:
                there = looks(file)
                if self._ended.get(place) == there:
                    continue
                identity = reader.identity()
                if identity is None:
                    continue
                key = FileKey(task, file.name, identity, file.day)
                with self._context.state.transaction() as transaction:
                    offset = read_offsets(transaction, key, [NAME])[NAME]
                    piece = reader.read(offset)
                    if piece.end == offset:
                        self._ended[place] = there
                        continue
                    rows = [self._row(task, record) for record in piece.records]
                    told = [row for row in rows if row is not None]
                    now = self._context.clock().timestamp()
                    put_rows(transaction, STREAM.format(task=task), told, now, self._max_bytes)
                    move(transaction, key, NAME, piece.end)
            except FileNotFoundError:  # removed or compressed since it was listed
                continue
            finally:
                reader.close()

    def _row(self, task: str, record: dict[str, Any]) -> dict[str, Any] | None:
        if record.get("erased") or "id" not in record:
            return None
        return self._filter_of(task).validation(record)
