"""`state/steward.json`: how far the steward is, rewritten about once a second, read by the HTTP
workers and `loopai status`. It says nothing that a restart would not say again.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from runtime.data_dir import DataDir, write_atomic
from runtime.models import FORMAT_VERSION

# Silent for longer: it has ended, or hangs.
SECONDS_UNTIL_SILENT = 15.0


def report_file(data_dir: DataDir) -> Path:
    """Where the steward says how far it is."""
    return data_dir.state / "steward.json"


def write_report(data_dir: DataDir, report: dict[str, object]) -> None:
    """Replace the report. Raises OSError."""
    write_atomic(report_file(data_dir), msgspec.json.encode(report), durable=False)


def read_report(data_dir: DataDir) -> dict[str, Any] | None:
    """The last report; None when there is none that this release can read."""
    try:
        report = msgspec.json.decode(report_file(data_dir).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(report, dict) or report.get("v") != FORMAT_VERSION:
        return None
    return report


def is_silent(report: dict[str, Any], moment: datetime) -> bool:
    """Whether the steward has not been heard of for too long."""
    age = (moment - datetime.fromisoformat(report["at"])).total_seconds()
    return not -SECONDS_UNTIL_SILENT < age < SECONDS_UNTIL_SILENT
