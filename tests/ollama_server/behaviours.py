"""How the server misbehaves: each behaviour turns a good answer into what a bad one looks like."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .answers import Answerer, Question, pieces, words


class Stall:
    """From here on nothing comes, and the connection stays open."""


class Disconnect:
    """The connection is cut here."""


@dataclass(frozen=True)
class Refuse:
    """An HTTP error instead of an answer."""

    status: int
    message: str


@dataclass(frozen=True)
class Complain:
    """An error line in the middle of a stream, as Ollama sends it."""

    message: str


Event = str | Stall | Disconnect | Refuse | Complain
Behaviour = Callable[[Question, Answerer], Iterator[Event]]

WRONG_PROGRAM = '''Here you are:
```python
def run(input_data):
    """Always the same."""
    return "no such answer"
```
'''


def good(question: Question, answerer: Answerer) -> Iterator[Event]:
    yield from answerer.say(question)


def broken_json(question: Question, answerer: Answerer) -> Iterator[Event]:
    yield from pieces("".join(answerer.say(question))[:-3] + ",,")


def prose(question: Question, answerer: Answerer) -> Iterator[Event]:
    text = "".join(answerer.say(question))
    fence = "json" if question.schema else "python"
    inside = text if "```" in text else f"```{fence}\n{text}\n```"
    yield from pieces(f"Sure! Happy to help. Here it is:\n\n{inside}\n\nI hope this helps!")


def wrong_schema(question: Question, answerer: Answerer) -> Iterator[Event]:
    yield from pieces(json.dumps({"completely": "different", "values": [1, 2, 3]}))


def endless(question: Question, answerer: Answerer) -> Iterator[Event]:
    yield from itertools.cycle(pieces("again and again and again\n"))


def stall(question: Question, answerer: Answerer) -> Iterator[Event]:
    yield from itertools.islice(answerer.say(question), 3)
    yield Stall()


def silent(question: Question, answerer: Answerer) -> Iterator[Event]:
    yield Stall()


def disconnect(question: Question, answerer: Answerer) -> Iterator[Event]:
    yield from itertools.islice(answerer.say(question), 3)
    yield Disconnect()


def missing(question: Question, answerer: Answerer) -> Iterator[Event]:
    yield Refuse(404, f"model '{question.model}' not found")


def failing(question: Question, answerer: Answerer) -> Iterator[Event]:
    yield Refuse(500, "llama runner process has terminated: exit status 2")


def complaint(question: Question, answerer: Answerer) -> Iterator[Event]:
    yield from itertools.islice(answerer.say(question), 3)
    yield Complain("an error was encountered while running the model")


def garbage(question: Question, answerer: Answerer) -> Iterator[Event]:
    """Fits no schema and is no program, and differs from call to call."""
    source = random.Random(f"garbage {question.seed} {question.prompt}")
    yield from pieces(words(source, source.randint(1, 60)) + " {[(")


def wrong_code(question: Question, answerer: Answerer) -> Iterator[Event]:
    """Programs that run and are always wrong; everything else as good."""
    if question.schema:
        yield from answerer.say(question)
    else:
        yield from pieces(WRONG_PROGRAM)


BEHAVIOURS: dict[str, Behaviour] = {
    "good": good,
    "broken-json": broken_json,
    "prose": prose,
    "wrong-schema": wrong_schema,
    "endless": endless,
    "stall": stall,
    "silent": silent,
    "disconnect": disconnect,
    "missing": missing,
    "failing": failing,
    "complaint": complaint,
    "garbage": garbage,
    "wrong-code": wrong_code,
}
