"""Learns one property of an output, whatever its kind; knows nothing of whole programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.synthesis.fragment import RankedFragment
from workbench.synthesis.kinds import InputField, OutputKind
from workbench.synthesis.ml.classifier import learn_classes
from workbench.synthesis.ml.outputs import Property, constant_fragment
from workbench.synthesis.ml.regression import learn_numbers
from workbench.synthesis.strategy import NotApplicableError, Progress


def learn_property(
    item: Property,
    inputs: Sequence[Any],
    fields: Sequence[InputField],
    *,
    function: str,
    seed: int,
    latency_ms: float,
    max_bytes: int,
    progress: Progress,
) -> Iterator[RankedFragment]:
    """Yield fragments that answer this property, the best first.

    Raises NotApplicableError in words for free text and where nothing can be learned.
    """
    if item.path and item.is_constant:
        fragment = constant_fragment(item.values[0], function)
        yield RankedFragment(fragment, 1.0, "constant", (f"{item.name} is always the same.",))
    elif item.kind is OutputKind.CLASS:
        for classifier in learn_classes(
            inputs,
            item.values,
            fields,
            seed=seed,
            latency_ms=latency_ms,
            max_bytes=max_bytes,
            progress=progress,
        ):
            made = classifier.fragment(function)
            yield RankedFragment(
                made, classifier.accuracy, classifier.title, made.notes, classifier
            )
    elif item.kind is OutputKind.NUMBER:
        for regression in learn_numbers(
            inputs,
            item.values,
            fields,
            item.schema,
            function=function,
            seed=seed,
            latency_ms=latency_ms,
            max_bytes=max_bytes,
            progress=progress,
        ):
            made = regression.fragment
            yield RankedFragment(
                made, regression.accuracy, regression.title, made.notes, regression
            )
    else:
        raise NotApplicableError(
            f"{item.name} is {_KINDS[item.kind]}: a model chooses among classes or estimates "
            "numbers, it does not write text"
        )


_KINDS = {
    OutputKind.TEXT: "free text",
    OutputKind.OBJECT: "an object in some examples only",
    OutputKind.OTHER: "a list or of mixed kinds",
}
