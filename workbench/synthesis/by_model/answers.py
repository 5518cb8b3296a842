"""What can be used of a model's answer: JSON that fits a schema, or one whole Python program.

A schema is not always honoured, so an answer is always checked, and asked for again with what
was wrong, a bounded number of times.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from runtime.schema_check import SchemaCheck
from runtime.strict_json import parse_strictly
from workbench.language_model.failures import CallFailedError
from workbench.language_model.messages import Message
from workbench.synthesis.by_model.calls import ModelCalls

TRIES = 3
MAX_QUOTED = 1500
FENCED = re.compile(r"```[A-Za-z]*[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
FIRST_LINE = re.compile(r"^(?:import |from |def |@|[A-Z][A-Z0-9_]* ?=|\"\"\")", re.MULTILINE)


class UnusableAnswerError(Exception):
    """No answer could be used; the message says what was wrong with the last."""


def ask_json(
    calls: ModelCalls,
    stage: str,
    prompt: str,
    schema: Mapping[str, Any],
    *,
    temperature: float | None = None,
    max_tokens: int | None = None,
    variant: int = 0,
    accepted: Mapping[str, Any] | None = None,
) -> Any:
    """An answer that fits `schema`; or `accepted`, where less than what is asked for will do.

    Raises UnusableAnswerError after three that do not; ModelUnavailableError as `answer` does.
    """
    check = SchemaCheck(dict(accepted or schema), stage)
    messages = [Message("user", prompt)]
    reason = ""
    for attempt in range(TRIES):
        try:
            answer = calls.answer(
                stage,
                messages,
                schema=schema,
                temperature=temperature,
                max_tokens=max_tokens,
                variant=variant + attempt,
            )
        except CallFailedError as failure:
            reason = str(failure)
            continue
        try:
            return _fitting(answer.text, check)
        except ValueError as error:
            reason = str(error)
        if not answer.complete:
            reason = f"it was cut off after {answer.answer_tokens} tokens, and {reason}"
        messages = [
            Message("user", prompt),
            Message("assistant", answer.text[:MAX_QUOTED]),
            Message("user", f"That cannot be used: {reason}. Answer again, with the JSON only."),
        ]
    raise UnusableAnswerError(reason)


def ask_list(
    calls: ModelCalls,
    stage: str,
    prompt: str,
    what: str,
    most: int,
    *,
    temperature: float | None = None,
    max_tokens: int | None = None,
) -> list[str]:
    """At most `most` different short texts, in an object under `what`; more are cut off.

    Raises UnusableAnswerError or ModelUnavailableError.
    """
    answer = ask_json(
        calls,
        stage,
        prompt,
        list_schema(what, most),
        temperature=temperature,
        max_tokens=max_tokens,
        accepted=list_schema(what, None),
    )
    return list(dict.fromkeys(answer[what]))[:most]


def list_schema(what: str, most: int | None) -> dict[str, Any]:
    """The schema of an object with one list of short texts, called `what`."""
    items = {"type": "string", "minLength": 1, "maxLength": 300}
    listed: dict[str, Any] = {"type": "array", "items": items, "minItems": 1}
    if most is not None:
        listed["maxItems"] = most
    return {"type": "object", "properties": {what: listed}, "required": [what]}


def ask_python(calls: ModelCalls, stage: str, prompt: str, *, variant: int = 0) -> str:
    """One whole Python file; the gate has not seen it yet.

    Raises UnusableAnswerError; ModelUnavailableError as `answer` does.
    """
    reason = ""
    for attempt in range(TRIES - 1):
        try:
            answer = calls.answer(stage, [Message("user", prompt)], variant=variant * 10 + attempt)
            return python_in(answer.text)
        except CallFailedError as failure:
            reason = str(failure)
        except ValueError as error:
            reason = str(error)
    raise UnusableAnswerError(reason)


def _fitting(text: str, check: SchemaCheck) -> Any:
    """The JSON in a text; raises ValueError when there is none, or it does not fit."""
    unread, unfit = "it is not JSON", ""
    for part in _json_parts(text):
        try:
            value = parse_strictly(part)
        except ValueError as error:
            unread = f"it is {error}"
            continue
        failures = check.errors(value)
        if not failures:
            return value
        first = failures[0]
        unfit = unfit or f"{first.path or 'it'}: {first.message}"
    raise ValueError(unfit or unread)


def _json_parts(text: str) -> Iterator[str]:
    """Where the JSON may stand: the whole text, a fenced block, the widest braces."""
    yield text.strip()
    yield from (block.strip() for block in FENCED.findall(text))
    for opening, closing in ("{}", "[]"):
        start, end = text.find(opening), text.rfind(closing)
        if 0 <= start < end:
            yield text[start : end + 1]


def python_in(text: str) -> str:
    """The source of the program in an answer, prose and fences around it left out.

    Raises ValueError in words when nothing in it is Python that defines `run`.
    """
    return _found(text, "run")[0]


def program_in(text: str, function: str) -> ast.Module:
    """The same for a program that defines `function`, as its tree."""
    return _found(text, function)[1]


def _found(text: str, function: str) -> tuple[str, ast.Module]:
    reason = "it holds no Python"
    for part in _python_parts(text):
        source = part.expandtabs(4).strip("\n") + "\n"
        try:
            tree = _parsed(source)
        except SyntaxError as error:
            reason = f"line {error.lineno} is not Python: {error.msg}"
            continue
        except (ValueError, RecursionError, MemoryError):
            reason = "it cannot be read as Python"
            continue
        if any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body):
            return source, tree
        reason = f"it defines no function {function}(input_data)"
    raise ValueError(reason)


def _python_parts(text: str) -> Iterator[str]:
    blocks: list[str] = FENCED.findall(text)
    if len(blocks) > 1:
        yield "\n".join(blocks)
    yield from blocks
    if not blocks:
        yield text
        first = FIRST_LINE.search(text)
        if first:
            yield from _shorter_and_shorter(text[first.start() :])


def _shorter_and_shorter(text: str) -> Iterator[str]:
    """A text without its last lines: a program without the prose that follows it."""
    lines = text.split("\n")
    for end in range(len(lines), max(0, len(lines) - 30), -1):
        yield "\n".join(lines[:end])


def _parsed(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)
