"""Which versions of the hub's this box has received and taken up, so that a crash in between is
made good and what a person rolled back stays so.

Only a note: where it is lost or damaged, the versions on disk and their history decide.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from runtime.data_dir import write_atomic
from runtime.strict_json import parse_strictly

FORMAT_VERSION = 1

logger = logging.getLogger("loopai.sync")


class TakenUp:
    """One small JSON file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._received: dict[str, int] = {}
        self._taken: dict[str, int] = {}
        try:
            data = parse_strictly(file.read_bytes())
            if data["v"] != FORMAT_VERSION:
                raise ValueError(f"its format version is {data['v']}")
            self._received = {str(task): int(v) for task, v in data["received"].items()}
            self._taken = {str(task): int(v) for task, v in data["taken_up"].items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("%s cannot be read (%s): begun anew", file, error)

    def received(self, task: str) -> int:
        """The last version that came and was checked; 0 is none."""
        return self._received.get(task, 0)

    def taken_up(self, task: str) -> int:
        """The last version that was made to serve, put in stages or offered; 0 is none."""
        return self._taken.get(task, 0)

    def note_received(self, task: str, version: int) -> None:
        self._received[task] = version
        self._save()

    def note_taken_up(self, task: str, version: int) -> None:
        self._taken[task] = version
        self._save()

    def _save(self) -> None:
        data = {"v": FORMAT_VERSION, "received": self._received, "taken_up": self._taken}
        write_atomic(self._file, json.dumps(data) + "\n")
