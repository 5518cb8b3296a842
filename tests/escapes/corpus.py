"""Reads a corpus of attacks: `<folder>/<family>.txt`, one attack after another.

`cases` are for the gate, `ungated` for the jail with the gate switched off.

An attack begins with `=== name | expectation`. The expectation is one of
`refused WORDS` (by the gate, with these words in a reason), `error TYPE`, `timeout` and
`harmless JSON` (it runs to its end and gives this); several may be joined with `|`.
Source that defines no `run` is the body of one.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path

from runtime.sandbox import Result

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Attack:
    family: str
    name: str
    expectations: tuple[str, ...]
    source: str

    @property
    def refused(self) -> str | None:
        """The words of the refusal that is expected."""
        if self.expectations[0].startswith("refused"):
            return self.expectations[0].removeprefix("refused").strip()
        return None

    @property
    def may_time_out(self) -> bool:
        """Whether it is meant to run into its limit, and so should be given a short one."""
        return "timeout" in self.expectations

    def __str__(self) -> str:
        return f"{self.family}: {self.name}"


def read_attacks(folder: str) -> list[Attack]:
    attacks = []
    for path in sorted((HERE / folder).glob("*.txt")):
        for block in path.read_text().split("=== ")[1:]:
            title, _, source = block.partition("\n")
            name, *expectations = [part.strip() for part in title.split("|")]
            if "def run" not in source and not source.lstrip().startswith("run ="):
                source = "def run(x):\n" + textwrap.indent(source, "    ")
            attacks.append(Attack(path.stem, name, tuple(expectations), source))
    return attacks


def meets(result: Result, expectation: str) -> bool:
    kind, _, detail = expectation.partition(" ")
    if kind == "timeout":
        return result.status == "timeout"
    if kind == "harmless":
        return result.ok and (not detail or result.output == json.loads(detail))
    if result.status != "error" or result.error is None:
        return False
    return not detail or result.error.type == detail
