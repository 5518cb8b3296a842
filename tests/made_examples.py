"""Small sets of examples for the tests of `ml` and `hybrid`, made here by seeded chance."""

from __future__ import annotations

import random
from typing import Any

from runtime.models import Example, TaskSpecification

FRUIT = [
    "apple",
    "pear",
    "plum",
    "cherry",
    "orchard",
    "ripe",
    "juicy",
    "peel",
    "harvest",
    "basket",
    "sweet",
    "stalk",
]
TOOLS = [
    "hammer",
    "saw",
    "chisel",
    "bench",
    "screw",
    "drill",
    "timber",
    "workshop",
    "blade",
    "handle",
    "clamp",
    "glue",
]
MUSIC = [
    "violin",
    "chord",
    "melody",
    "concert",
    "choir",
    "rhythm",
    "tune",
    "singer",
    "piano",
    "stage",
    "drum",
    "song",
]
FILLER = [
    "the",
    "a",
    "of",
    "and",
    "with",
    "my",
    "our",
    "was",
    "is",
    "very",
    "today",
    "it",
    "this",
    "in",
    "on",
    "for",
    "again",
    "new",
]
TOPICS = {"fruit": FRUIT, "tools": TOOLS, "music": MUSIC}


def topic_texts(count: int, seed: int = 0) -> tuple[list[dict[str, Any]], list[str]]:
    """Sentences about one of three topics, mostly of words that every topic has."""
    chance = random.Random(seed)
    names = sorted(TOPICS)
    inputs, topics = [], []
    for number in range(count):
        topic = names[number % len(names)]
        words = chance.choices(TOPICS[topic], k=2) + chance.choices(FILLER, k=7)
        words += chance.choices(TOPICS[chance.choice(names)], k=1)
        chance.shuffle(words)
        inputs.append({"text": " ".join(words).capitalize() + chance.choice((".", "!", "?"))})
        topics.append(topic)
    return inputs, topics


def orders(count: int, seed: int = 0) -> tuple[list[dict[str, Any]], list[str]]:
    """Orders of four kinds of field, some null, with a risk that follows mostly from them."""
    chance = random.Random(seed)
    inputs, risks = [], []
    for _ in range(count):
        amount = round(chance.lognormvariate(4, 1.2), 2)
        age = chance.choice((None, *range(0, 900, 7)))
        country = chance.choice(("DE", "FR", "PL", "US"))
        member = chance.random() < 0.4
        risky = (amount > 90) + (age is None or age < 60) + (country == "US") - 2 * member
        inputs.append({"amount": amount, "age": age, "country": country, "member": member})
        risks.append(("low", "low", "medium", "high")[max(0, min(3, risky + chance.randint(0, 1)))])
    return inputs, risks


def random_orders(count: int, seed: int) -> list[dict[str, Any]]:
    """Inputs of the same fields, most unlike any order: missing, of other kinds, enormous."""
    chance = random.Random(seed)
    odd = (None, "", "DE", "XX", True, -1, 0, 1e300, 10**400, 3.5, "12", [], {})
    return [
        {
            name: chance.choice(odd) if chance.random() < 0.3 else value
            for name, value in fields.items()
            if chance.random() < 0.9
        }
        for fields in orders(count, seed)[0]
    ]


def task_of(output_schema: dict[str, Any], **changes: Any) -> TaskSpecification:
    """A task with any object as input and this output."""
    return TaskSpecification(
        name="a-task",
        description="A task made for a test.",
        input_schema={"type": "object"},
        output_schema=output_schema,
        **changes,
    )


def examples_of(inputs: list[dict[str, Any]], outputs: list[Any]) -> list[Example]:
    """Inputs and outputs, paired."""
    return [
        Example(input=data, output=output) for data, output in zip(inputs, outputs, strict=True)
    ]
