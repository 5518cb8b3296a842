"""The app's settings, which a person edits, and its state, which the app keeps for next time.

Settings: `workbench.yaml` in the user's configuration folder. State: `state/workbench.json` of
the data directory. A broken state file is started afresh; a broken settings file is an error.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.data_dir import DataDir, write_atomic

STATE_VERSION = 1


@dataclass(frozen=True)
class Settings:
    """What `workbench.yaml` may say; `settings_document` checks it."""

    #: auto, dark, light, or any theme of Textual's.
    theme: str = "auto"
    #: Seconds between looks at the data directory.
    refresh_sec: float = 2.0
    #: Days that Analytics shows.
    days: int = 7
    #: Ask before a version is promoted or rolled back.
    confirm: bool = True


def settings_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the settings stand: `$XDG_CONFIG_HOME/loopai/workbench.yaml` or under `~/.config`."""
    folder = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder).expanduser() / "loopai" / "workbench.yaml"


def load_settings(file: Path | None = None) -> Settings:
    """The settings; all defaults without a file. Raises InvalidInputError with file and line."""
    path = file or settings_file()
    if not path.exists():
        return Settings()
    from workbench.tui.settings_document import read_settings  # takes a fifth of the app's start

    return read_settings(path)


class State:
    """Small things kept between two runs: open place, task, positions. Never anything of worth."""

    def __init__(self, data_dir: DataDir) -> None:
        self._file = data_dir.state / "workbench.json"
        self._values: dict[str, Any] = {}
        # A state that cannot be read is none: everything in it can be chosen again.
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._file.read_bytes())
            if isinstance(found, dict) and found.pop("v", None) == STATE_VERSION:
                self._values = found

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def put(self, name: str, value: Any) -> None:
        """Remember a JSON value until `save`."""
        self._values[name] = value

    def save(self) -> None:
        """Write the state when there is a data directory to write it to. Raises OSError."""
        if self._file.parent.parent.is_dir():
            text = json.dumps({"v": STATE_VERSION, **self._values}, ensure_ascii=False, indent=1)
            write_atomic(self._file, text + "\n", durable=False)
