"""The execution log over HTTP: its newest lines, and its statistics. Changes nothing.

Statistics may mean reading a whole day, so they are worked out in a process of their own, one at
a time, which requests for executions do not notice.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import sys
from contextlib import suppress
from itertools import groupby
from operator import attrgetter, itemgetter

from starlette.requests import Request
from starlette.responses import Response

from runtime.datasets.log_files import LogFile, list_log_files
from runtime.datasets.reader import Record, decode_record, open_log_file
from runtime.encryption.content import SealedLines
from runtime.server.answers import encode, problem
from runtime.server.page_answers import ProblemError, query_choice, query_number
from runtime.server.served_tasks import ServedTasks

MOST_LINES = 1000
# Bytes at the end of a file in which lines are looked for.
LOOKED_AT = 2_000_000
MOST_DAYS = 366
STATS_SECONDS = 60.0
STATUSES = ("success", "error", "timeout")


class DatasetPages:
    """The handlers of `/v1/datasets`."""

    def __init__(self, tasks: ServedTasks) -> None:
        self._tasks = tasks
        self._one_at_a_time = asyncio.Lock()

    def executions(self, request: Request) -> Response:
        """The newest executions, newest first. Reads the disk, so on a thread."""
        name = self._tasks.known(request.path_params["task"])
        limit = query_number(request, "limit", 50, MOST_LINES)
        status = query_choice(request, "status", STATUSES)
        found = self.newest(name, limit, STATUSES if status is None else (status,))
        return Response(encode({"task": name, "executions": found}), media_type="application/json")

    def newest(self, task: str, limit: int, statuses: tuple[str, ...] = STATUSES) -> list[Record]:
        """Up to `limit` newest lines of some statuses, newest first.

        Looks at the last 2 MB of each file that is not compressed yet. Raises OSError.
        """
        found: list[Record] = []
        files = list_log_files(self._tasks.data_dir.executions(task))
        for _, writers in groupby(reversed(files), key=attrgetter("day")):
            of_day: list[Record] = []
            for file in writers:
                if not file.compressed:
                    of_day += (
                        record for record in _last_records(file) if record["status"] in statuses
                    )
            found += sorted(of_day, key=itemgetter("timestamp"), reverse=True)
            if len(found) >= limit:
                break
        return found[:limit]

    async def stats(self, request: Request) -> Response:
        """Executions, latency, errors and outputs of the last days."""
        name = self._tasks.known(request.path_params["task"])
        days = query_number(request, "days", 7, MOST_DAYS)
        async with self._one_at_a_time:
            output = await _stats(name, days, str(self._tasks.data_dir.root))
        if output is None:
            detail = f"The statistics took longer than {STATS_SECONDS:g} s; ask for fewer days."
            raise ProblemError(problem("statistics-unavailable", detail))
        return Response(output, media_type="application/json")


def _last_records(file: LogFile) -> list[Record]:
    """The whole, well-formed lines among the last `LOOKED_AT` bytes of a plain file."""
    try:
        with open_log_file(file) as content:
            if isinstance(content, gzip.GzipFile):  # compressed since it was listed
                return []
            start = max(0, os.fstat(content.fileno()).st_size - LOOKED_AT)
            data = os.pread(content.fileno(), LOOKED_AT, start)
            lines = data.split(b"\n")[1 if start else 0 : -1]
            if isinstance(content, SealedLines):
                lines = content.opened(lines, start + data.rfind(b"\n") + 1)
    except FileNotFoundError:  # removed since it was listed
        return []
    records: list[Record] = []
    for line in lines:
        with suppress(ValueError, RecursionError):  # malformed: counted in the statistics
            record = decode_record(line)
            if record.get("status") in STATUSES:
                records.append(record)
    return records


async def _stats(task: str, days: int, root: str) -> bytes | None:
    command = ("-m", "runtime", "stats", task, "--json", "--days", str(days), "--data-dir", root)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), STATS_SECONDS)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output if process.returncode == 0 else None
