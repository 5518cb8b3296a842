"""The oracles and comparators of a task, found by name: our own, and installed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, Problem
from runtime.models import TaskSpecification
from runtime.validation.comparison import Comparator, Comparisons, Exact
from runtime.validation.labelled_file import LabelledFile
from runtime.validation.model_oracle import ModelOracle
from runtime.validation.ollama import api_of
from runtime.validation.oracle import Oracle, OracleContext
from runtime.validation.reference_program import ReferenceProgram

ORACLES = "loopai.oracles"
COMPARATORS = "loopai.comparators"
#: People answer through the queue, so they are no object that is asked.
PERSON = "person"

MAKERS: Mapping[str, Callable[[OracleContext], Oracle]] = {
    "file": LabelledFile,
    "ollama": ModelOracle,
    "program": ReferenceProgram,
}


def make_oracles(
    data_dir: DataDir, config: DeploymentConfig, task: TaskSpecification
) -> list[tuple[str, Oracle]]:
    """The task's oracles by kind, in the order they are asked, people left out.

    Raises InvalidInputError for a kind that is not installed or not told what it needs.
    """
    made = []
    for choice in task.validation.oracles:
        if choice.kind == PERSON:
            continue
        maker = MAKERS.get(choice.kind) or _installed(ORACLES, choice.kind, data_dir, task)
        if maker is None:
            known = [PERSON, *MAKERS, *_names(ORACLES)]
            raise _unknown(data_dir, task, "oracle", choice.kind, known)
        made.append((choice.kind, maker(OracleContext(data_dir, config, task, choice))))
    return made


def make_comparisons(
    data_dir: DataDir, config: DeploymentConfig, task: TaskSpecification
) -> Comparisons:
    """How the task's answers are compared. Raises InvalidInputError for a comparator that
    is unknown or lacks its library."""
    settings = task.validation
    wanted = {settings.comparison, *(rule.comparison for rule in settings.fields.values())}
    comparators: dict[str, Comparator] = {}
    for name in sorted(wanted):
        try:
            comparator = _comparator(name, config)
        except ModuleNotFoundError as error:
            raise InvalidInputError(
                Problem(
                    f"comparison {name!r} needs {error.name}, which is not installed.",
                    data_dir.task_file(task.name),
                    field="validation.comparison",
                    remedy="Install it: pip install 'loopai-workbench[fuzzy]'.",
                )
            ) from None
        if comparator is None:
            maker = _installed(COMPARATORS, name, data_dir, task)
            if maker is None:
                known = ["exact", "fuzzy", "semantic", *_names(COMPARATORS)]
                raise _unknown(data_dir, task, "comparison", name, known)
            comparator = maker()
        comparators[name] = comparator
    return Comparisons(settings, task.output_schema, comparators)


def _comparator(name: str, config: DeploymentConfig) -> Comparator | None:
    if name == "exact":
        return Exact()
    if name == "fuzzy":
        from runtime.validation.fuzzy import Fuzzy

        return Fuzzy()
    if name == "semantic":
        from runtime.validation.semantic import Semantic

        def embed(texts: Any) -> list[list[float]]:
            return api_of(config).embed(config.validation.embedding_model, texts)

        return Semantic(embed)
    return None


def _names(group: str) -> list[str]:
    return sorted(entry_points(group=group).names)


def _installed(group: str, name: str, data_dir: DataDir, task: TaskSpecification) -> Any:
    """What is installed under a name, or None; raises InvalidInputError where it cannot be had."""
    for point in entry_points(group=group, name=name):
        try:
            return point.load()
        except Exception as error:
            raise InvalidInputError(
                Problem(
                    f"{point.value} cannot be loaded: {type(error).__name__}: {error}.",
                    data_dir.task_file(task.name),
                    field="validation",
                    remedy="Install it anew, or take another.",
                )
            ) from None
    return None


def _unknown(
    data_dir: DataDir, task: TaskSpecification, what: str, name: str, known: list[str]
) -> InvalidInputError:
    field = "validation.oracles" if what == "oracle" else "validation.comparison"
    return InvalidInputError(
        Problem(
            f"there is no {what} {name!r} here.",
            data_dir.task_file(task.name),
            field=field,
            remedy=f"Known: {', '.join(known)}.",
        )
    )
