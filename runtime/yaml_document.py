"""YAML read so that an error can name the line of any field. Only plain data, never objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from runtime.errors import InvalidInputError, NotFoundError, Problem

MAX_BYTES = 4_000_000
MAX_DEPTH = 64
MAX_NODES = 200_000

Key = str | int
Place = tuple[Key, ...]
M = TypeVar("M", bound=BaseModel)


class YamlDocument:
    """Parsed YAML: `data` (plain Python values) and the line each key stands on."""

    def __init__(self, text: str, file: Path | str) -> None:
        self.file = file
        self._lines: dict[Place, int] = {}
        self._visited = 0
        try:
            node = yaml.compose(text, Loader=yaml.CSafeLoader)
            self.data: Any = None
            if node is not None:
                self._index(node, (), frozenset())
                loader = yaml.SafeLoader("")
                self.data = loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = mark.line + 1 if mark else None
            what = (error.problem or error.context or "not valid YAML").replace("\n", " ")
            raise InvalidInputError(
                Problem(f"not valid YAML: {what}.", file, where, remedy="Mend that line.")
            ) from None
        except (yaml.YAMLError, ValueError) as error:
            what = str(error).split("\n")[0]
            raise InvalidInputError(Problem(f"not valid YAML: {what}.", file)) from None
        except (LookupError, AttributeError, TypeError, OverflowError):
            # What PyYAML raises for a tag whose value does not fit, such as `!!int ""`.
            raise InvalidInputError(
                Problem("not valid YAML: a tagged value does not fit its tag.", file)
            ) from None
        except RecursionError:
            raise InvalidInputError(
                Problem(f"nested deeper than {MAX_DEPTH} levels.", file, remedy="Flatten it.")
            ) from None

    @classmethod
    def read(cls, file: Path) -> YamlDocument:
        """Parse `file` (UTF-8, at most 4 MB). Raises NotFoundError or InvalidInputError."""
        try:
            raw = file.read_bytes()
        except FileNotFoundError:
            raise NotFoundError(Problem("there is no such file.", file)) from None
        except OSError as error:
            raise InvalidInputError(Problem(f"cannot be read: {error.strerror}.", file)) from None
        if len(raw) > MAX_BYTES:
            raise InvalidInputError(
                Problem(f"is {len(raw):,} bytes; at most {MAX_BYTES:,} are read.", file)
            )
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            raise InvalidInputError(
                Problem("is not UTF-8 text.", file, line, remedy="Save it as UTF-8.")
            ) from None
        return cls(text, file)

    def line_of(self, place: Place) -> int | None:
        """The line (from 1) of the deepest part of `place` that the document holds."""
        while place:
            if place in self._lines:
                return self._lines[place]
            place = place[:-1]
        return self._lines.get(())

    def fail(self, message: str, place: Place = (), remedy: str | None = None) -> NoReturn:
        """Raise InvalidInputError that names the file, line and field of `place`."""
        raise InvalidInputError(self.problem(message, place, remedy))

    def problem(self, message: str, place: Place = (), remedy: str | None = None) -> Problem:
        field = ".".join(str(part) for part in place) or None
        return Problem(message, self.file, self.line_of(place), field, remedy)

    def as_model(self, model: type[M], data: Any = None) -> M:
        """`data` (the whole document when None) checked as `model`.

        Raises InvalidInputError with one problem for each field that is wrong.
        """
        content = self.data if data is None else data
        if not isinstance(content, dict):
            self.fail(f"must be a mapping, not {_kind(content)}.")
        try:
            return model.model_validate(content)
        except ValidationError as error:
            raise InvalidInputError(
                [
                    self.problem(*_explain(detail))
                    for detail in error.errors(include_url=False, include_context=True)
                ]
            ) from None

    def _index(self, node: yaml.Node, place: Place, above: frozenset[int]) -> None:
        if id(node) in above:
            raise ValueError("an anchor that contains itself")
        if len(place) > MAX_DEPTH:
            raise RecursionError
        self._lines.setdefault(place, node.start_mark.line + 1)
        self._visited += 1
        if self._visited > MAX_NODES:
            raise ValueError(f"more than {MAX_NODES:,} values, anchors counted each time")
        inside = above | {id(node)}
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
                if name in seen and name != "<<":
                    raise InvalidInputError(
                        Problem(
                            f"the key {name!r} stands twice.",
                            self.file,
                            key.start_mark.line + 1,
                            remedy="Keep one of them.",
                        )
                    )
                seen.add(name)
                self._lines[(*place, name)] = key.start_mark.line + 1
                self._index(value, (*place, name), inside)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._index(value, (*place, index), inside)


def _kind(value: Any) -> str:
    names = {
        dict: "a mapping",
        list: "a list",
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        type(None): "nothing",
    }
    return names.get(type(value), type(value).__name__)


def _explain(detail: ErrorDetails) -> tuple[str, Place, str | None]:
    """A pydantic error as (sentence, place, remedy)."""
    place = tuple(part for part in detail["loc"] if isinstance(part, str | int))
    kind, given = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return "there is no such key.", place, "Remove it, or check its spelling."
    if kind == "missing":
        return "is missing.", place, "Add it."
    reason = detail["msg"].removeprefix("Value error, ").removeprefix("Input ").rstrip(".")
    shown = repr(given) if isinstance(given, str | int | float | bool) else _kind(given)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    if shown in reason:
        return f"{reason}.", place, None
    return f"{reason}, not {shown}.", place, None
