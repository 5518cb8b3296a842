"""The log as it lies on disk, read as strictly as can be and by none of the code it tests."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from kill.load import Answered, output_of

KEYS = {"v", "execution_id", "task_id", "program_version", "input", "output", "status"}


#: Opens a line, given its file and where it begins in it.
Opened = Callable[[Path, int, bytes], bytes]


def as_it_stands(file: Path, offset: int, line: bytes) -> bytes:
    """A line of a log that is not encrypted."""
    return line


class WrittenLog:
    """All whole lines of a folder's `.jsonl` files; reads on from where it was."""

    def __init__(self, folder: Path, opened: Opened = as_it_stands) -> None:
        self.folder = folder
        self._opened = opened
        #: The numbers of the inputs under each execution id; one each, unless something is wrong.
        self.numbers: dict[str, list[int]] = defaultdict(list)
        self.outputs: dict[str, str | None] = {}
        self.violations: list[str] = []
        self._read: dict[str, int] = {}
        self._checked = 0

    @property
    def torn_lines(self) -> int:
        """Lines that were set aside."""
        files = self.folder.glob("*.quarantine")
        return sum(file.read_bytes().count(b"\n") for file in files)

    def size(self) -> int:
        """Bytes written so far to the files that were there at the last check."""
        return sum((self.folder / name).stat().st_size for name in self._read)

    def read(self) -> None:
        """Take up what was written since; what follows the last line end may still grow."""
        for file in sorted(self.folder.glob("*.jsonl")):
            offset = self._read.get(file.name, 0)
            with file.open("rb") as content:
                content.seek(offset)
                data = content.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._read[file.name] = self._read.get(file.name, 0) + len(whole)
            for line in whole.split(b"\n")[:-1]:
                self._take(self._opened(file, offset, line))
                offset += len(line) + 1

    def check(self, answered: list[Answered]) -> None:
        """Hold what callers were told, up to now, against what is written now."""
        new = answered[self._checked :]
        self._checked += len(new)
        self.read()
        for answer in new:
            numbers = self.numbers.get(answer.execution_id, [])
            if numbers != [answer.number]:
                self.violations.append(f"{answer} stands in the log as {numbers}")
            elif self.outputs[answer.execution_id] != answer.output:
                self.violations.append(f"{answer} has another output in the log")

    def check_whole(self, answered: list[Answered]) -> None:
        """What can only be said of everything together."""
        self.violations += _doubled("id answered", [answer.execution_id for answer in answered])
        self.violations += _doubled("input answered", [answer.number for answer in answered])
        written = [number for numbers in self.numbers.values() for number in numbers]
        self.violations += _doubled("input logged", written)
        doubled = [key for key, numbers in self.numbers.items() if len(numbers) > 1]
        self.violations += [f"id logged more than once: {key}" for key in doubled]

    def _take(self, line: bytes) -> None:
        try:
            record = json.loads(line)
            missing = KEYS - record.keys()
            number = int(record["input"]["text"].split(" ")[1])
        except (ValueError, LookupError, AttributeError, TypeError):
            self.violations.append(f"a line of the log is no execution: {line[:200]!r}")
            return
        if missing:
            self.violations.append(f"a line of the log lacks {missing}: {line[:200]!r}")
        if record["status"] == "success" and record["output"] != output_of(number):
            self.violations.append(f"the output of another input is logged: {line[:200]!r}")
        self.numbers[record["execution_id"]].append(number)
        self.outputs[record["execution_id"]] = record["output"]


def _doubled(what: str, values: Iterable[object]) -> list[str]:
    return [f"{what} more than once: {value}" for value, n in Counter(values).items() if n > 1]
