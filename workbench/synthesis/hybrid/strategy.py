"""The strategy `hybrid`: what can be said in rules is, and a trained model does the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from runtime.models import Example, Strategy, TaskSpecification
from workbench.synthesis.by_example import solve_number, solve_text
from workbench.synthesis.fragment import Fragment, RankedFragment, write_program
from workbench.synthesis.hybrid.classes import learn_classes_by_rules
from workbench.synthesis.hybrid.numbers import learn_numbers_by_formula
from workbench.synthesis.kinds import InputField, OutputKind, Path, input_fields
from workbench.synthesis.ml.outputs import Property, function_names, output_properties
from workbench.synthesis.ml.properties import learn_property
from workbench.synthesis.ml.strategy import FRAME_BYTES, MAX_BYTES
from workbench.synthesis.strategy import Candidate, NotApplicableError, Progress

# A property found by example this surely needs no model.
SOLVED = 0.9
# Classes that stand in the inputs of this share of examples are looked for by example first.
COPIED = 0.5


class HybridStrategy:
    """Classes: precise rules, then the model. Numbers: a formula, then the model. Objects:
    each property by whatever suits it, texts by example."""

    name = Strategy.HYBRID

    def propose(
        self,
        task: TaskSpecification,
        train: Sequence[Example],
        *,
        seed: int,
        progress: Progress = lambda message: None,
    ) -> Iterator[Candidate]:
        """See `SynthesisStrategy.propose`."""
        if not train:
            raise NotApplicableError("there are no examples to learn from")
        properties = output_properties(task.output_schema, [example.output for example in train])
        learner = _Learner(task, train, seed, len(properties), progress)
        if len(properties) == 1 and not properties[0].path:
            ranked = learner.combine(properties[0], "answer")
            yield _candidate(task, {(): ranked}, len(train))
            return
        named = list(zip(properties, function_names(properties), strict=True))
        chosen: dict[Path, RankedFragment] = {}
        # Texts last: only where something else needs a model are they worth the search here.
        for item, function in sorted(named, key=lambda pair: pair[0].kind is OutputKind.TEXT):
            if item.kind is OutputKind.TEXT and not learner.has_trained:
                break
            chosen[item.path] = learner.serve(item, function)
        if not learner.has_trained:
            raise NotApplicableError(
                "every property is found by example: there is nothing to train a model for"
            )
        in_order = {item.path: chosen[item.path] for item in properties}
        yield _candidate(task, in_order, len(train))


class _Learner:
    """Learns properties of one task's output from the same examples."""

    def __init__(
        self,
        task: TaskSpecification,
        train: Sequence[Example],
        seed: int,
        properties: int,
        progress: Progress,
    ) -> None:
        self.has_trained = False
        self._inputs: list[dict[str, Any]] = [example.input for example in train]
        self._fields: list[InputField] = input_fields(task, train)
        self._seed = seed
        self._progress = progress
        self._latency_ms = task.latency_target_ms / max(1, properties)
        self._max_bytes = (MAX_BYTES - FRAME_BYTES) // max(1, properties)

    def combine(self, item: Property, function: str) -> RankedFragment:
        """Rules and a model together. Raises NotApplicableError where one alone is better."""
        if item.kind is OutputKind.CLASS:
            return learn_classes_by_rules(
                self._inputs,
                item.values,
                self._fields,
                function=function,
                seed=self._seed,
                latency_ms=self._latency_ms,
                max_bytes=self._max_bytes,
                progress=self._progress,
            )
        if item.kind is OutputKind.NUMBER:
            return learn_numbers_by_formula(
                self._inputs,
                item.values,
                self._fields,
                item.schema,
                function=function,
                seed=self._seed,
                latency_ms=self._latency_ms,
                max_bytes=self._max_bytes,
                progress=self._progress,
            )
        raise NotApplicableError(
            f"{item.name} is neither a class nor a number: there is nothing to train a model for"
        )

    def serve(self, item: Property, function: str) -> RankedFragment:
        """The property by example where that does, by rules and a model, or by a model alone."""
        if not item.is_constant:
            found = self._solve(item, function)
            if found is not None and (item.kind is OutputKind.TEXT or found.score >= SOLVED):
                return found
            try:
                self.has_trained = True
                return self.combine(item, function)
            except NotApplicableError as reason:
                self._progress(f"{item.name}: {reason}")
        best = next(
            learn_property(
                item,
                self._inputs,
                self._fields,
                function=function,
                seed=self._seed,
                latency_ms=self._latency_ms,
                max_bytes=self._max_bytes,
                progress=self._progress,
            ),
            None,
        )
        if best is None:
            raise NotApplicableError(f"no model of {item.name} is small enough")
        return best

    def _solve(self, item: Property, function: str) -> RankedFragment | None:
        """The property found by example: a part of the input rewritten, or a formula of it."""
        solve: Callable[..., list[RankedFragment]]
        if item.kind is OutputKind.TEXT or self._stands_in_inputs(item):
            solve = solve_text
        elif item.kind is OutputKind.NUMBER:
            solve = solve_number
        else:
            return None
        self._progress(f"looking for {item.name} by example")
        found = solve(
            self._inputs,
            item.values,
            self._fields,
            function=function,
            seed=self._seed,
            progress=self._progress,
        )
        if item.kind is OutputKind.TEXT and not found:
            raise NotApplicableError(f"no way to write {item.name} was found in the examples")
        return found[0] if found else None

    def _stands_in_inputs(self, item: Property) -> bool:
        """Whether the classes are mostly words that stand in the inputs, and so may be copied."""
        pairs = [
            (value.casefold(), json.dumps(data, ensure_ascii=False).casefold())
            for data, value in zip(self._inputs, item.values, strict=True)
            if isinstance(value, str)
        ]
        return sum(value in data for value, data in pairs) >= COPIED * len(item.values)


def _candidate(
    task: TaskSpecification, chosen: dict[Path, RankedFragment], examples: int
) -> Candidate:
    least = min(ranked.score for ranked in chosen.values())
    if () in chosen:
        parts: Fragment | dict[Path, Fragment] = chosen[()].fragment
        title = chosen[()].title
        notes = chosen[()].notes
    else:
        named = {".".join(path): ranked for path, ranked in chosen.items()}
        title = "; ".join(f"{name}: {ranked.title}" for name, ranked in named.items())
        parts = {path: ranked.fragment for path, ranked in chosen.items()}
        notes = tuple(f"{name}: {note}" for name, ranked in named.items() for note in ranked.notes)
    judged = "at least " if len(chosen) > 1 else ""
    about = (
        f"Answers by {title}; learned from {examples} examples, {judged}{least:.1%} right in "
        "cross-validation."
    )
    return Candidate(
        Strategy.HYBRID,
        label=title,
        source=write_program(task, parts, about),
        notes=notes,
        parameters={"examples": examples, "cross_validated_accuracy": round(least, 4)},
    )
