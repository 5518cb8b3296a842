"""Which inputs are worth labelling next: those the program is unsure of and that differ from the
examples and from each other. Chooses; runs and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.metrics.pairwise import euclidean_distances

from runtime.models import TaskSpecification
from runtime.sandbox import Result
from runtime.strict_json import canonical
from workbench.synthesis.kinds import class_label, input_fields
from workbench.synthesis.ml.space import Corpus, make_space
from workbench.synthesis.ml.views import row_parts, text_views

MAX_EXAMPLES = 3000
# An answer without a confidence says nothing: neither sure nor unsure.
UNKNOWN = 0.5
# What the program is quite sure of may still be unlike anything it has seen.
LEAST = 0.05
SURE = 0.9
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An input to label, what the program says of it now, and why it was picked, in words."""

    input: dict[str, Any]
    output: Any
    confidence: float | None
    why: str

    def as_json(self) -> dict[str, Any]:
        return {
            "input": self.input,
            "output": self.output,
            "confidence": self.confidence,
            "why": self.why,
        }

    def as_example(self) -> dict[str, Any]:
        """A line for examples.jsonl once a person has written its output."""
        origin = {"by": "loopai suggest", "answer": self.output, "confidence": self.confidence}
        return {"input": self.input, "output": None, "origin": {**origin, "why": self.why}}


def unlabelled(task: TaskSpecification, inputs: Sequence[Any]) -> list[dict[str, Any]]:
    """Those of `inputs` that no example has, each once; case and white space do not count."""
    seen = {_loosely(example.input) for example in task.examples}
    kept = []
    for data in inputs:
        key = _loosely(data)
        if isinstance(data, dict) and key not in seen:
            seen.add(key)
            kept.append(data)
    return kept


def suggest(
    task: TaskSpecification,
    pool: Sequence[dict[str, Any]],
    answers: Sequence[Result] | None,
    count: int,
    recalls: Mapping[str, float] | None = None,
) -> list[Suggestion]:
    """The `count` inputs of `pool` most worth labelling, the most useful first.

    Each is worth its uncertainty times its distance from the nearest example or input picked
    already (Shen et al. 2004: informative and diverse). `answers` are the program's, None where
    there is none yet; `recalls` (by class, as in an evaluation report) raise what is taken for
    a class that is badly known.
    """
    if not pool:
        return []
    doubts = _doubts(answers, len(pool), recalls or {})
    known = [example.input for example in task.examples[:MAX_EXAMPLES]]
    places = _places(task, [*known, *pool])
    own, labelled = places[len(known) :], places[: len(known)]
    nearest, scale = _distances(own, labelled)
    first = nearest.copy()
    picked: list[int] = []
    for _ in range(min(count, len(pool))):
        novelty = nearest / (nearest + scale)
        worth = (LEAST + doubts) * novelty
        worth[picked] = -1.0
        best = int(np.argmax(np.round(worth, 9)))
        picked.append(best)
        nearest = np.minimum(nearest, euclidean_distances(own, own[best : best + 1]).ravel())
    far = float(np.median(first))
    return [
        _suggestion(pool[row], answers[row] if answers else None, first[row] > far, known)
        for row in picked
    ]


def _suggestion(
    data: dict[str, Any], answer: Result | None, is_far: bool, known: Sequence[Any]
) -> Suggestion:
    reasons = []
    if answer is None:
        reasons.append("no program yet")
    elif not answer.ok:
        reasons.append(f"no answer ({answer.error or answer.status})")
    elif answer.confidence is None:
        reasons.append("gives no confidence")
    elif answer.confidence < SURE:
        reasons.append(f"only {answer.confidence:.0%} sure of {class_label(answer.output)}")
    if known and is_far:
        reasons.append("unlike the examples")
    output = answer.output if answer is not None and answer.ok else None
    confidence = answer.confidence if answer is not None else None
    return Suggestion(data, output, confidence, ", ".join(reasons) or "unlike those above")


def _doubts(answers: Sequence[Result] | None, count: int, recalls: Mapping[str, float]) -> Array:
    if answers is None:
        return np.full(count, UNKNOWN)
    doubts = []
    for answer in answers:
        if not answer.ok:
            doubts.append(1.0)
            continue
        doubt = UNKNOWN if answer.confidence is None else 1 - answer.confidence
        recall = recalls.get(class_label(answer.output), 1.0)
        doubts.append(doubt * (2 - recall))
    return np.array(doubts)


def _distances(own: Any, labelled: Any) -> tuple[Array, float]:
    """Each input's distance from the nearest example, and a scale for it."""
    if labelled.shape[0]:
        nearest = euclidean_distances(own, labelled).min(axis=1)
    else:
        centre = sparse.csr_matrix(own.mean(axis=0)) if sparse.issparse(own) else own.mean(axis=0)
        nearest = euclidean_distances(own, centre.reshape(1, -1)).ravel()
    return nearest, float(np.median(nearest)) or 1.0


def _places(task: TaskSpecification, inputs: Sequence[Any]) -> Any:
    """A row of numbers for each input: words weighed by rarity, and scaled columns."""
    known = task.examples or ()
    fields = input_fields(task, known)
    views = text_views(fields, inputs, task.latency_target_ms)
    parts = row_parts(fields, inputs)
    if not views and not parts:
        return np.zeros((len(inputs), 1))
    corpus = Corpus(inputs)
    every = np.arange(len(inputs))
    space = make_space(corpus, every, views[0] if views else (), parts, rare=True)
    return space.place(corpus, every)


def _loosely(data: Any) -> str:
    return " ".join(canonical(data).casefold().replace("\\n", " ").split())
