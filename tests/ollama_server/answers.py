"""What the server says when it has no real model: recorded answers, and ones made from a schema.

The same request and seed always give the same answer.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

WORDS = ("blue", "lamp", "quick", "river", "seven", "stone", "apple", "window", "under", "cloud")
PIECE = re.compile(r"\S{1,6}\s*|\s+")


@dataclass(frozen=True)
class Question:
    """One chat or generate request, reduced to what decides the answer."""

    model: str
    prompt: str
    schema: Mapping[str, Any] | str | None
    seed: int
    temperature: float
    max_tokens: int
    messages: tuple[Mapping[str, str], ...] = ()

    def schema_options(self) -> list[Any]:
        """The values that the schema of a single property allows."""
        assert isinstance(self.schema, Mapping)
        (only,) = self.schema["properties"].values()
        return list(only["enum"])


class Answerer(Protocol):
    """Anything that says something to a question, piece by piece."""

    def say(self, question: Question) -> Iterator[str]: ...


@dataclass(frozen=True)
class Recorded:
    """Answers to prompts that hold a pattern, the first that fits; else one made to the schema.

    `rules` are (pattern, answer) pairs; a text answer is said as it is, any other as JSON.
    """

    rules: Sequence[tuple[str, Any]] = ()

    @classmethod
    def read(cls, file: Path) -> Recorded:
        """From JSON lines `{"when": pattern, "answer": ...}`."""
        lines = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
        return cls([(line["when"], line["answer"]) for line in lines])

    def say(self, question: Question) -> Iterator[str]:
        yield from pieces(self.text(question))

    def text(self, question: Question) -> str:
        for pattern, answer in self.rules:
            if re.search(pattern, question.prompt, re.DOTALL):
                return answer if isinstance(answer, str) else json.dumps(answer)
        source = random.Random(f"{question.seed} {question.prompt}")
        if question.schema:
            schema = question.schema if isinstance(question.schema, Mapping) else {}
            return json.dumps(instance(schema, source))
        return words(source, 12)


def pieces(text: str) -> Iterator[str]:
    """A text in tokens of a few characters, as a model would stream it."""
    yield from PIECE.findall(text)


def words(source: random.Random, count: int) -> str:
    return " ".join(source.choice(WORDS) for _ in range(count))


def instance(schema: Mapping[str, Any], source: random.Random) -> Any:
    """A value that fits a plain JSON schema (types, enum, required, minItems), else null."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return source.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: instance(inner, source) for name, inner in properties.items()}
    if kind == "array":
        count = max(2, schema.get("minItems", 0))
        return [instance(schema.get("items", {"type": "string"}), source) for _ in range(count)]
    if kind == "string":
        return words(source, 3)
    if kind == "boolean":
        return source.random() < 0.5
    return source.randint(0, 9) if kind in ("integer", "number") else None
