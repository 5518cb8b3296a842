"""The oracle that looks answers up in a file of labelled inputs. It never changes the file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from runtime.errors import InvalidInputError, Problem
from runtime.steward.samples import Sample
from runtime.strict_json import canonical, parse_strictly
from runtime.validation.oracle import OracleAnswer, OracleContext, OracleError

logger = logging.getLogger("loopai.validation")


class LabelledFile:
    """JSON lines `{"input": {...}, "output": ...}`; the last line for an input counts.

    The file is read again when it has changed, so labels may be appended at any time.
    """

    metered = False

    def __init__(self, context: OracleContext) -> None:
        if context.choice.file is None:
            raise InvalidInputError(
                Problem(
                    "the oracle `file` names no file.",
                    context.data_dir.task_file(context.task.name),
                    field="validation.oracles",
                    remedy="Write {kind: file, file: labels.jsonl}.",
                )
            )
        self._path = context.data_dir.task(context.task.name) / context.choice.file
        self._read_as: object = None
        self._outputs: dict[str, Any] = {}

    def answer(self, sample: Sample) -> OracleAnswer | None:
        seen = self.news()
        if seen != self._read_as:
            self._outputs = _read(self._path)
            self._read_as = seen
        key = canonical(sample.input)
        return OracleAnswer(self._outputs[key]) if key in self._outputs else None

    def news(self) -> object:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def close(self) -> None:
        self._outputs = {}


def _read(path: Path) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    malformed = 0
    try:
        with path.open("rb") as lines:
            for line in lines:
                try:
                    value = parse_strictly(line)
                    outputs[canonical(value["input"])] = value["output"]
                except (ValueError, KeyError, TypeError):
                    malformed += bool(line.strip())
    except OSError as error:
        raise OracleError(f"{path} cannot be read: {error.strerror}") from None
    if malformed:
        logger.warning("%s: %d lines are no labelled input and were left out", path, malformed)
    return outputs
