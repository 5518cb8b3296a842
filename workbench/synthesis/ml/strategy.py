"""The strategy `ml`: a scikit-learn model chosen by cross-validation, as plain Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runtime.models import Example, Strategy, TaskSpecification
from workbench.synthesis.fragment import Fragment, RankedFragment, write_program
from workbench.synthesis.kinds import OutputKind, Path, input_fields
from workbench.synthesis.ml.classifier import Classifier
from workbench.synthesis.ml.outputs import function_names, output_properties
from workbench.synthesis.ml.properties import learn_property
from workbench.synthesis.strategy import Candidate, NotApplicableError, Progress

MAX_BYTES = 290_000
# What a program may have beside its models: docstring, imports, rules or formulas, `run`.
FRAME_BYTES = 24_000


class MlStrategy:
    """Learns classes and numbers, and objects that consist of these."""

    name = Strategy.ML

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
        fields = input_fields(task, train)
        inputs = [example.input for example in train]
        properties = output_properties(task.output_schema, [example.output for example in train])
        if not properties:
            raise NotApplicableError("the output is an object without properties")
        unfit = [item.name for item in properties if item.kind is OutputKind.TEXT]
        if unfit:
            raise NotApplicableError(
                f"{', '.join(unfit)}: free text. A model chooses among classes or estimates "
                "numbers, it does not write text"
            )
        names = function_names(properties)
        share = (MAX_BYTES - FRAME_BYTES) // len(properties)
        chosen: dict[Path, RankedFragment] = {}
        for item, function in zip(properties, names, strict=True):
            learned = learn_property(
                item,
                inputs,
                fields,
                function=function if item.path else "answer",
                seed=seed,
                latency_ms=task.latency_target_ms / len(properties),
                max_bytes=share,
                progress=progress,
            )
            if not item.path:
                for ranked in learned:
                    yield _candidate(task, ranked.fragment, [ranked], len(train))
                return
            best = next(learned, None)
            if best is None:
                raise NotApplicableError(f"no model of {item.name} is small enough")
            chosen[item.path] = best
        parts = {path: ranked.fragment for path, ranked in chosen.items()}
        yield _candidate(task, parts, list(chosen.values()), len(train))


def _candidate(
    task: TaskSpecification,
    parts: Fragment | dict[Path, Fragment],
    ranked: Sequence[RankedFragment],
    examples: int,
) -> Candidate:
    titles = list(dict.fromkeys(one.title for one in ranked))
    least = min(one.score for one in ranked)
    judged = "at least " if len(ranked) > 1 else ""
    about = (
        f"Answers by {'; '.join(titles)}, trained on {examples} examples and compiled to plain "
        f"Python: {judged}{least:.1%} right in cross-validation."
    )
    errors = [
        one.structure.calibration_error for one in ranked if isinstance(one.structure, Classifier)
    ]
    return Candidate(
        Strategy.ML,
        label="; ".join(titles),
        source=write_program(task, parts, about),
        notes=tuple(note for one in ranked for note in one.notes),
        parameters={
            "examples": examples,
            "cross_validated_accuracy": round(least, 4),
            "calibration_error": round(max(errors, default=0.0), 4),
        },
    )
