"""The sentence over each picture: what it shows, or what has to happen before it shows anything."""

from __future__ import annotations

from workbench.report import quality_figures
from workbench.report.facts import CHARACTERS_A_TOKEN, Facts
from workbench.report.formats import empty, interval, money, percent, words


def if_any(facts: Facts, text: str) -> str:
    if not facts.series.steps:
        return empty("Nothing was executed in these days.")
    return words(text)


def outputs_words(facts: Facts) -> str:
    series = facts.series
    if not series.steps:
        return if_any(facts, "")
    what = f"The property {series.part!r} of the output" if series.part else "Outputs"
    if series.kind == "numbers":
        return words(f"{what}: a tenth are below p10, half below the median.")
    return words(f"{what}, in shares of what was answered.")


def accuracy_words(facts: Facts) -> str:
    if not facts.series.validated:
        return empty(
            "No execution has been validated in these days. Oracles answer by themselves once "
            f"task.yaml names one; a person answers with: loopai label {facts.task.name}"
        )
    parts = [
        f"v{version} {percent(sums.share())} ({interval(sums.share())})"
        for version, sums in sorted(facts.series.versions.items())
    ]
    return words(
        f"Agreement with the oracles, 95 % intervals; weighed by how likely each of the "
        f"{facts.series.validated:,} was to be sampled: {'; '.join(parts)}. The dotted line is the "
        f"target, {facts.task.accuracy_target:.0%}."
    )


def confusion_words(facts: Facts) -> str:
    series = facts.series
    if not series.validated:
        return empty("Shown once executions are validated.")
    if series.kind == "numbers":
        return empty("Outputs are numbers: there are no classes to mix up.")
    wrong = sum(count for (right, got), count in series.mixed_up.items() if right != got)
    if quality_figures.confusion(series) is None:
        return empty("Only one answer was ever right: there is nothing to mix up.")
    what = f" (property {series.part!r})" if series.part else ""
    return words(
        f"{wrong:,} of {sum(series.mixed_up.values()):,} validated answers{what} were others than "
        "the oracle's. Counts, unweighed."
    )


def drift_words(facts: Facts) -> str:
    measure = facts.drift
    if measure is None:
        return empty("Measured once executions are there to compare with the examples.")
    if not measure.get("enough"):
        return empty(
            f"Too little to tell: {measure.get('records', 0):,} executions against "
            f"{measure.get('reference', 0):,} examples (100 and 20 are needed)."
        )
    on = f" of {measure['day']}" if "day" in measure else ""
    return words(
        f"How far {measure['records']:,} executions{on} have moved from the "
        f"{measure['reference']:,} examples, beyond chance: below 0.1 is stable, from 0.25 on an "
        "alert."
    )


def rollout_words(facts: Facts) -> str:
    if not facts.rollouts:
        return empty(
            "No version has been rolled out in stages yet. Begin with: "
            f"loopai promote {facts.task.name} VERSION --staged"
        )
    last = facts.rollouts[0]
    return words(
        f"v{last.candidate} over v{last.baseline}: {last.state.replace('_', ' ')} ({last.reason})"
    )


def savings_words(facts: Facts) -> str:
    saved = facts.savings
    if saved is None:
        return empty(
            "Shown once deployment.yaml has prices: per_call, or input_per_million and "
            "output_per_million tokens."
        )
    by_token = f" ({CHARACTERS_A_TOKEN} characters counted as a token)"
    tokens = by_token if saved.by_token else ""
    return words(
        f"A model called each time would have cost {money(saved.model, saved.currency)} at "
        f"{money(saved.a_call, saved.currency)} a call{tokens}; oracles cost "
        f"{money(saved.oracles, saved.currency)}."
    )
