"""Numbers by a formula found by example where one is exact, a trained model for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.synthesis.by_example import solve_number
from workbench.synthesis.fragment import Fragment, RankedFragment
from workbench.synthesis.kinds import InputField
from workbench.synthesis.ml.regression import Regression, learn_numbers
from workbench.synthesis.strategy import NotApplicableError, Progress

# A formula that is right less often than this is no law of the numbers.
LEAST_EXACT = 0.5
# A formula is simpler than a model: it may be behind by this much, as estimates are.
SIMPLER = 0.03


def learn_numbers_by_formula(
    inputs: Sequence[Mapping[str, Any]],
    values: Sequence[Any],
    fields: Sequence[InputField],
    schema: Mapping[str, Any],
    *,
    function: str,
    seed: int,
    latency_ms: float,
    max_bytes: int,
    progress: Progress,
) -> RankedFragment:
    """A formula, and behind it a model for inputs that the formula has no answer for.

    Where some of `values` are null the formula alone answers, null included. Raises
    NotApplicableError where no formula is exact, or a model is right more often.
    """
    progress("looking for a formula")
    formulas = solve_number(
        inputs, values, fields, function=f"{function}_by_formula", seed=seed, progress=progress
    )
    if not formulas or formulas[0].score < LEAST_EXACT:
        raise NotApplicableError("no formula is exact on most examples; use ml")
    formula = formulas[0]
    model = None
    if not any(value is None for value in values):
        model = next(
            learn_numbers(
                inputs,
                values,
                fields,
                schema,
                function=f"{function}_by_model",
                seed=seed,
                latency_ms=latency_ms,
                max_bytes=max_bytes,
                progress=progress,
            ),
            None,
        )
    if model is not None and model.accuracy > formula.score + SIMPLER:
        raise NotApplicableError(
            f"the best formula is exact on {formula.score:.1%} of the examples held out in turn, "
            f"a model on {model.accuracy:.1%}; use ml"
        )
    return _together(formula, model, function)


def _together(formula: RankedFragment, model: Regression | None, function: str) -> RankedFragment:
    sure = float(round(min(formula.score, 0.99), 3))
    by_formula = formula.fragment
    found = f"{by_formula.function}(input_data)" + ("[0]" if by_formula.gives_confidence else "")
    lines = [f"def {function}(input_data):"]
    if model is None:
        lines += ['    """What the formula gives."""', f"    return {found}, {sure!r}"]
    else:
        lines += [
            '    """What the formula gives; where it gives none, what the model estimates."""',
            f"    found = {found}",
            "    if found is None:",
            f"        return {model.fragment.function}(input_data)",
            f"    return found, {sure!r}",
        ]
    fragments = [by_formula, *([model.fragment] if model else [])]
    source = "\n\n\n".join(["\n".join(lines), *(each.source.strip() for each in fragments)]) + "\n"
    imports = tuple(sorted({line for each in fragments for line in each.imports}))
    title = formula.title if model is None else f"{formula.title}, then {model.title}"
    notes = (*formula.notes, *(model.fragment.notes if model else ()))
    fragment = Fragment(function, source, imports, True, notes)
    return RankedFragment(fragment, formula.score, title, notes, formula.structure)
