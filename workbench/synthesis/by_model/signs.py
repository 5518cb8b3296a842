"""Signs: small functions of an input, proposed by a model, that speak for a class.

Each is Python of its own that passed the gate and ran on training examples; what is kept of them
stands in the input as further fields, for rules and models to use or leave.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.models import TaskSpecification
from runtime.sandbox import check_source
from workbench.synthesis.by_model.answers import UnusableAnswerError
from workbench.synthesis.by_model.calls import ModelCalls
from workbench.synthesis.kinds import FieldKind, InputField, class_label
from workbench.synthesis.stages.sign_conditions import sign_conditions
from workbench.synthesis.stages.sign_function import sign_function
from workbench.synthesis.stages.sign_patterns import sign_patterns
from workbench.synthesis.stages.sign_words import sign_words
from workbench.synthesis.strategy import Progress

MAX_CLASSES = 12
IMPORTS = ("datetime", "json", "math", "re", "string", "unicodedata")
# Written without spaces between words, so that a word is found anywhere.
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Sign:
    """`source` defines `name(input_data, text)`, which gives a truth value or a count;
    `text` is all the input's texts, lower-cased. `about` says in words what it looks for."""

    name: str
    source: str
    about: str
    label: str


def propose_signs(
    calls: ModelCalls,
    task: TaskSpecification,
    labels: Sequence[Any],
    fields: Sequence[InputField],
    progress: Progress,
) -> Iterator[Sign]:
    """Signs for each class that fit the gate, the plainest first.

    The model sees the description and no example. Raises ModelUnavailableError.
    """
    has_text = any(field.kind is FieldKind.TEXT for field in fields)
    names = [field.path[0] for field in fields if len(field.path) == 1]
    variables = [name for name in dict.fromkeys(names) if name.isidentifier() and name != "text"]
    if has_text:
        variables.insert(0, "text")
    number = 1
    for label in labels[:MAX_CLASSES]:
        progress(f"asks for signs of {class_label(label)}")
        for kind in (_words, _patterns, _conditions, _function)[0 if has_text else 2 :]:
            try:
                bodies = kind(calls, task, label, variables)
            except UnusableAnswerError as error:
                progress(f"gets nothing that can be used: {error}")
                continue
            for body, about in bodies:
                name = f"model_sign_{number}"
                source = f"def {name}(input_data, text):\n{body}"
                sign = Sign(name, source, about, class_label(label))
                if not check_source(program_of([sign], fields)):
                    number += 1
                    yield sign


def program_of(signs: Sequence[Sign], fields: Sequence[InputField]) -> str:
    """A program whose output is the values of these signs by name."""
    return f"{imports()}\n\n\n{reading_code(signs, fields)}\n\n\n{RUN}"


RUN = "def run(input_data):\n    return read_signs(input_data)\n"


def imports() -> str:
    return "\n".join(f"import {module}" for module in IMPORTS)


def reading_code(signs: Sequence[Sign], fields: Sequence[InputField]) -> str:
    """Python that defines `read_signs(input_data)` and all that it needs but imports."""
    paths = [field.path for field in fields if field.kind is FieldKind.TEXT]
    parts = f"""def text_of_input(input_data):
    paths = {tuple(paths)!r}
    texts = []
    for path in paths:
        value = input_data
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            texts.append(value)
    return "\\n".join(texts).lower()"""
    listed = "".join(f'        ("{sign.name}", {sign.name}),\n' for sign in signs)
    reader = (
        "def read_signs(input_data):\n"
        '    """What each sign says of the input; a sign that fails says nothing."""\n'
        "    text = text_of_input(input_data)\n"
        f"    signs = (\n{listed}    )\n"
        "    found = {}\n"
        "    for name, sign in signs:\n"
        "        try:\n"
        "            value = sign(input_data, text)\n"
        "        except Exception:\n"
        "            value = 0\n"
        "        found[name] = min(int(value), 9) if isinstance(value, (bool, int)) else 0\n"
        "    return found"
    )
    return "\n\n\n".join([parts, *(sign.source for sign in signs), reader])


Bodies = list[tuple[str, str]]


def _words(
    calls: ModelCalls, task: TaskSpecification, label: Any, variables: Sequence[str]
) -> Bodies:
    words = sign_words(calls, task, label)
    usable = [word for word in words if word and len(word) <= 60]
    if not usable:
        return []
    pattern = "|".join(_word_pattern(word) for word in sorted(usable, key=len, reverse=True))
    shown = ", ".join(sorted(usable)[:12])
    body = f'    """How many of these words: {_plain(shown)}."""\n'
    return [(body + f"    return len(set(re.findall({pattern!r}, text)))\n", f"words: {shown}")]


def _word_pattern(word: str) -> str:
    escaped = re.escape(word)
    return escaped if UNSPACED.search(word) else rf"(?<!\w){escaped}(?!\w)"


def _patterns(
    calls: ModelCalls, task: TaskSpecification, label: Any, variables: Sequence[str]
) -> Bodies:
    found = []
    for pattern in sign_patterns(calls, task, label):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                re.compile(pattern)
        except (re.error, Warning, OverflowError, RecursionError):
            continue
        body = f"    return re.search({pattern!r}, text, re.IGNORECASE) is not None\n"
        found.append((body, f"pattern: {pattern}"))
    return found


def _conditions(
    calls: ModelCalls, task: TaskSpecification, label: Any, variables: Sequence[str]
) -> Bodies:
    found = []
    for condition in sign_conditions(calls, task, label, variables):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(condition.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        lines = [
            f'    {name} = input_data.get("{name}")\n'
            for name in variables
            if name in used and name != "text"
        ]
        expression = ast.unparse(tree)
        found.append(("".join(lines) + f"    return bool({expression})\n", expression))
    return found


def _function(
    calls: ModelCalls, task: TaskSpecification, label: Any, variables: Sequence[str]
) -> Bodies:
    function = sign_function(calls, task, label)
    if len(function.args.args) != 1 or function.decorator_list:
        return []
    given = function.args.args[0].arg
    head = [] if given == "input_data" else [f"    {given} = input_data\n"]
    body = ast.unparse(ast.Module(function.body, []))
    indented = "".join(f"    {line}\n" for line in body.split("\n"))
    return [("".join(head) + indented, "a function of the model's")]


def _plain(text: str) -> str:
    return text.replace("\\", " ").replace('"', " ")
