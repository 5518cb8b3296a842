"""A task whose traffic has drifted: what is served, and what oracles said of it."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from support import TASK, make_task, promote

from runtime.data_dir import DataDir
from runtime.models import Example

PROGRAM = """
def run(input_data):
    return ("spam" if "buy" in input_data["text"] else "ham", 0.8)
"""
WORDS = ["green", "report", "lunch", "monday", "garden", "invoice", "walk", "train", "paper"]


def message(number: int, word: str) -> str:
    chosen = random.Random(number).sample(WORDS, 4)
    return " ".join([*chosen[:2], word, *chosen[2:], str(number)])


def old_traffic(count: int, start: int = 0) -> list[tuple[str, str]]:
    """Texts as the examples have them: `buy` is spam, `meet` is not."""
    kinds = (("buy", "spam"), ("meet", "ham"))
    return [(message(n, kinds[n % 2][0]), kinds[n % 2][1]) for n in range(start, start + count)]


def new_traffic(count: int, start: int = 1000) -> list[tuple[str, str]]:
    """Spam of a kind the examples do not know."""
    return [(message(n, "jackpot"), "spam") for n in range(start, start + count)]


def a_drifted_task(data_dir: DataDir, program: str = PROGRAM) -> None:
    """The spam task with a program that knows the old spam only, and it serves."""
    examples = tuple(Example(input={"text": t}, output=o) for t, o in old_traffic(24))
    promote(data_dir, make_task(data_dir, examples=examples), program)


def validate(data_dir: DataDir, answers: list[tuple[str, str]], **fields: Any) -> None:
    """Write validations of these texts, with the output an oracle gave."""
    folder = data_dir.validations(TASK)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "sampled-2026-11-22.jsonl").open("ab") as file:
        start = file.tell()
        for number, (text, output) in enumerate(answers):
            got = "spam" if "buy" in text else "ham"
            line = {
                "v": 1,
                "id": f"00000000-0000-5000-8000-{start + number:012d}",
                "execution_id": f"00000000-0000-7000-8000-{start + number:012d}",
                "program_id": f"{TASK}/v1",
                "program_version": 1,
                "strategy": "random",
                "inclusion_probability": 0.5,
                "input": {"text": text},
                "output": got,
                "status": "success",
                "confidence": 0.8,
                "oracle": "file",
                "oracle_output": output,
                "match": got == output,
                "similarity_score": float(got == output),
                "comparison_method": "exact",
                "validated_at": "2026-11-22T10:00:00.000000Z",
                "timestamp": "2026-11-22T10:00:00.000000Z",
                **fields,
            }
            file.write(msgspec.json.encode(line) + b"\n")
