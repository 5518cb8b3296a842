"""Small tasks that a model can help with, what a good model says of them, and `loopai` to run."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ollama_server.answers import Question, pieces
from support import clean_environment

from runtime.data_dir import DataDir
from runtime.models import Example, TaskSpecification
from runtime.tasks import load_task, write_task

GOOD_WORDS = (
    "lovely", "wonderful", "superb", "delightful", "splendid", "charming", "pleasant", "excellent",
)  # fmt: skip
BAD_WORDS = (
    "awful", "dreadful", "horrid", "ghastly", "nasty", "dismal", "rotten", "lousy",
)  # fmt: skip
FILLER = ("the", "room", "and", "food", "with", "a", "view", "of", "street", "near", "our", "on")

WRONG_CODE = """Here is a first try:
```python
def run(input_data):
    return [letter for letter in input_data["word"] if letter in "aei"]
```
"""
RIGHT_CODE = '''```python
VOWELS = "aeiou"


def run(input_data):
    """The vowels of the word in their order."""
    found = []
    for letter in input_data["word"]:
        if letter in VOWELS:
            found.append(letter)
    return found
```'''
SHORT_CODE = """```python
def run(input_data):
    return [letter for letter in input_data["word"] if letter in "aeiou"]
```"""
LETTERS_ANSWERS: list[tuple[str, Any]] = [
    ("edge cases: kinds", {"restatement": "List the vowels.", "edge_cases": ["no vowel"]}),
    ("different ways", {"ideas": ["Go through the letters.", "Filter by a set."]}),
    ("Make it shorter", SHORT_CODE),
    ("is wrong here", RIGHT_CODE),
    ("one complete Python file", WRONG_CODE),
]
MOOD_ANSWERS: list[tuple[str, Any]] = [
    ('words.*output is "good"', {"words": list(GOOD_WORDS)}),
    ('words.*output is "bad"', {"words": list(BAD_WORDS)}),
    ("regular expressions", {"patterns": ["(unclosed", "qu+iet", "z{3}"]}),
    ("Python expression", {"conditions": ["len(text) > 3", "import os", "text.missing()"]}),
    ("short Python function", "```python\ndef sign(data):\n    return open(data)\n```"),
]


def make_letters(data_dir: DataDir) -> TaskSpecification:
    """Lists as output: no embedded strategy serves it."""
    words = ["river", "stone", "lamp", "cloud", "window", "apple", "brook", "tower"]
    examples = [
        Example(input={"word": word}, output=[c for c in word if c in "aeiou"]) for word in words
    ]
    return _make(
        data_dir,
        "letters",
        "List the vowels of the word in their order.",
        {"word": {"type": "string"}},
        {"type": "array", "items": {"type": "string"}},
        examples,
    )


def make_mood(data_dir: DataDir) -> TaskSpecification:
    """No word that tells stands in two examples: examples alone teach little."""
    source = random.Random(5)
    examples = []
    for good, bad in zip(GOOD_WORDS, BAD_WORDS, strict=True):
        for word, output in ((good, "good"), (bad, "bad")):
            words = source.choices(FILLER, k=6)
            words.insert(3, word)
            examples.append(Example(input={"text": " ".join(words)}, output=output))
    text = {"text": {"type": "string", "minLength": 1}}
    return _make(
        data_dir,
        "mood",
        "Is the guest's remark good or bad?",
        text,
        {"enum": ["good", "bad"]},
        examples,
    )


def _make(
    data_dir: DataDir,
    name: str,
    description: str,
    properties: Mapping[str, Any],
    output: Mapping[str, Any],
    examples: list[Example],
) -> TaskSpecification:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    given = {
        "name": name,
        "description": description,
        "input_schema": schema,
        "output_schema": output,
        "examples": examples,
    }
    write_task(data_dir, TaskSpecification.model_validate(given))
    return load_task(data_dir, name)


class Memoriser:
    """A model that writes the examples it is shown into its program, and nothing else."""

    def say(self, question: Question):
        rows = dict(
            line.split(" -> ", 1) for line in question.prompt.splitlines() if " -> " in line
        )
        table = {key: json.loads(value) for key, value in rows.items() if value[:1] in '"['}
        code = (
            f"import json\n\nKNOWN = {table!r}\n\n\ndef run(input_data):\n"
            '    return KNOWN.get(json.dumps(input_data), "good")\n'
        )
        yield from pieces(f"```python\n{code}```")


def loopai(
    data_dir: DataDir, host: str, *arguments: str, code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run `loopai` with this data directory and model server, and check its exit code."""
    done = subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        env=environment(data_dir, host),
        check=False,
        timeout=150,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "workbench", *arguments]


def environment(data_dir: DataDir, host: str) -> dict[str, str]:
    return {**clean_environment(), "LOOPAI_DATA_DIR": str(data_dir.root), "OLLAMA_HOST": host}


def configure(data_dir: DataDir, **synthesis: Any) -> None:
    """Write the synthesis section of `deployment.yaml`."""
    data_dir.deployment_file.parent.mkdir(parents=True, exist_ok=True)
    data_dir.deployment_file.write_text(json.dumps({"synthesis": synthesis}))


def program(data_dir: DataDir, task: str, version: int) -> str:
    """The source of a stored version."""
    return Path(data_dir.artifact(task, version) / "program.py").read_text()
