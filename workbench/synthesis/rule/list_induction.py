"""Decision lists by separate and conquer: the most trustworthy rule first, then the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.synthesis.rule.groups import Family, propose_groups, word_families
from workbench.synthesis.rule.literals import Literal
from workbench.synthesis.rule.table import Codes, FeatureTable, Mask, strongest_columns

BEAM = 6
MAX_RULES = 60
MAX_COLUMNS = 3000
LEAST_GAIN = 0.01  # in estimated precision, for which a rule takes on one condition more


@dataclass(frozen=True, slots=True)
class ListSettings:
    """`caution` is m of the m-estimate: how many prior examples stand against a rule.

    With `least_value` any rule whose estimated precision reaches it will do, and the one that
    decides most is taken; without, the most precise is. `at_least` says how many words of a
    group may be asked for.
    """

    caution: float = 2.0
    min_support: int = 2
    max_conditions: int = 3
    rule_cost: float = 1.0
    at_least: tuple[int, ...] = (1, 2, 3)
    least_value: float | None = None


@dataclass(frozen=True, slots=True)
class DraftRule:
    """All literals must hold; `label` is a class number."""

    literals: tuple[Literal, ...]
    label: int

    def mask(self, table: FeatureTable) -> Mask:
        found = np.ones(table.inputs, dtype=bool)
        for literal in self.literals:
            found &= literal.mask(table)
        return found


@dataclass(frozen=True, slots=True)
class DraftList:
    rules: tuple[DraftRule, ...]
    default: int

    def decide(self, table: FeatureTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(class number, number of the deciding rule) of each input; the default comes last."""
        labels = np.full(table.inputs, self.default, dtype=np.int64)
        deciding = np.full(table.inputs, len(self.rules), dtype=np.int64)
        open_rows = np.ones(table.inputs, dtype=bool)
        for number, rule in enumerate(self.rules):
            found = rule.mask(table) & open_rows
            labels[found], deciding[found] = rule.label, number
            open_rows &= ~found
        return labels, deciding


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A rule being built, its estimated precision, and how many open rows it decides.

    `within` are the rows where it holds, but for its last literal when `settled` is false; for
    a group, where it would hold had the row itself not been seen.
    """

    rule: DraftRule
    value: float
    decided: int
    within: Mask
    settled: bool

    def rows(self, table: FeatureTable) -> Mask:
        """(n,) where the rule holds."""
        return self.within if self.settled else self.within & self.rule.literals[-1].mask(table)


def induce_list(
    table: FeatureTable, classes: Codes, count: int, settings: ListSettings
) -> DraftList:
    """Learn a list from rows with class numbers `classes` (n,) out of `count`."""
    onehot = np.eye(count)[classes]
    columns = strongest_columns(table, onehot, MAX_COLUMNS)
    strong = table.columns(columns)
    families = word_families(strong)
    open_rows = np.ones(table.inputs, dtype=bool)
    rules: list[DraftRule] = []
    while len(rules) < MAX_RULES and np.unique(classes[open_rows]).size > 1:
        best = _best_rule(strong, families, onehot, open_rows, settings)
        covered = best.mask(strong) & open_rows if best else None
        if best is None or covered is None or not covered.any():
            break
        rules.append(best)
        open_rows &= ~covered
    rest = open_rows if open_rows.any() else np.ones_like(open_rows)
    default = int(np.argmax(onehot[rest].sum(axis=0)))
    pruned = _prune(DraftList(tuple(rules), default), strong, classes, settings.rule_cost)
    return replace(pruned, rules=tuple(_renumbered(rule, columns) for rule in pruned.rules))


def _renumbered(rule: DraftRule, columns: Codes) -> DraftRule:
    literals = tuple(
        replace(literal, columns=tuple(int(columns[place]) for place in literal.columns))
        for literal in rule.literals
    )
    return DraftRule(literals, rule.label)


def _best_rule(
    table: FeatureTable,
    families: list[Family],
    onehot: NDArray[np.float64],
    open_rows: Mask,
    settings: ListSettings,
) -> DraftRule | None:
    prior = onehot[open_rows].mean(axis=0)
    attempts = list(_singles(table, onehot, open_rows, prior, settings))
    for literal, label, unseen in propose_groups(families, onehot, open_rows, settings.at_least):
        value = _value(onehot[unseen], label, prior, settings)
        rule = DraftRule((literal,), label)
        attempts.append(_Attempt(rule, value, int(unseen.sum()), unseen, settled=True))
    frontier = _best(attempts, BEAM)
    for _ in range(settings.max_conditions - 1):
        extended = [
            longer
            for attempt in frontier
            for longer in _extensions(attempt, table, onehot, prior, settings)
        ]
        attempts.extend(extended)
        frontier = _best(extended, BEAM)
    if settings.least_value is None:
        best = _best(attempts, 1)
        if not best or best[0].value <= prior.max():  # no better than answering the commonest
            return None
        return best[0].rule
    good = _best([each for each in attempts if each.value >= settings.least_value], len(attempts))
    widest = max(good, key=lambda each: each.decided, default=None)
    return widest.rule if widest else None


def _singles(
    table: FeatureTable,
    onehot: NDArray[np.float64],
    open_rows: Mask,
    prior: NDArray[np.float64],
    settings: ListSettings,
) -> Iterator[_Attempt]:
    """The most promising rules of one literal, of any class."""
    held = table.counts(open_rows, onehot)
    total = onehot[open_rows].sum(axis=0)
    alone = table.families < 0  # "does not say X" is no reason on its own
    for negated, counts in ((False, held), (True, (total - held) * alone[:, None])):
        support = counts.sum(axis=1)
        values = (counts + settings.caution * prior) / (support + settings.caution)[:, None]
        values[support < settings.min_support] = 0
        for place in _largest(values.ravel()):
            column, label = divmod(place, len(prior))
            rule = DraftRule((Literal((column,), negated=negated),), label)
            value, decided = float(values[column, label]), int(support[column])
            yield _Attempt(rule, value, decided, open_rows, settled=False)


def _extensions(
    attempt: _Attempt,
    table: FeatureTable,
    onehot: NDArray[np.float64],
    prior: NDArray[np.float64],
    settings: ListSettings,
) -> Iterator[_Attempt]:
    """The rule with one literal more, where that makes it more precise."""
    label = attempt.rule.label
    within = attempt.rows(table)
    correct_or_not = np.column_stack([onehot[:, label], 1 - onehot[:, label]])
    total = correct_or_not[within].sum(axis=0)
    if total[1] == 0:
        return
    held = table.counts(within, correct_or_not)
    for negated, counts in ((False, held), (True, total - held)):
        support = counts.sum(axis=1)
        values = (counts[:, 0] + settings.caution * prior[label]) / (support + settings.caution)
        values[support < settings.min_support] = 0
        for column in _largest(values):
            value, decided = float(values[column]), int(support[column])
            if value > attempt.value + LEAST_GAIN:
                literals = (*attempt.rule.literals, Literal((column,), negated=negated))
                yield _Attempt(DraftRule(literals, label), value, decided, within, settled=False)


def _largest(values: NDArray[np.float64]) -> list[int]:
    """The places of the BEAM largest positive values, largest first, of equals the first."""
    if len(values) > BEAM:
        least = np.partition(values, -BEAM)[-BEAM]
        places = np.flatnonzero((values >= least) & (values > 0))
    else:
        places = np.flatnonzero(values > 0)
    order = np.argsort(-values[places], kind="stable")[:BEAM]
    return [int(place) for place in places[order]]


def _value(
    rows: NDArray[np.float64], label: int, prior: NDArray[np.float64], settings: ListSettings
) -> float:
    if len(rows) < settings.min_support:
        return 0.0
    correct = rows[:, label].sum()
    return float((correct + settings.caution * prior[label]) / (len(rows) + settings.caution))


def _best(attempts: list[_Attempt], many: int) -> list[_Attempt]:
    """The highest values; of equals the most examples, then the fewest conditions, first made."""
    order = sorted(
        range(len(attempts)),
        key=lambda place: (
            -round(attempts[place].value, 9),
            -attempts[place].decided,
            len(attempts[place].rule.literals),
            place,
        ),
    )
    return [attempts[place] for place in order[:many]]


def _prune(
    draft: DraftList, table: FeatureTable, classes: NDArray[np.int64], rule_cost: float
) -> DraftList:
    """Drop rules, last first, that save fewer than `rule_cost` training errors each."""
    masks = [rule.mask(table) for rule in draft.rules]

    def errors(kept: list[int]) -> tuple[int, int]:
        open_rows = np.ones(len(classes), dtype=bool)
        wrong = 0
        for number in kept:
            found = masks[number] & open_rows
            wrong += int((classes[found] != draft.rules[number].label).sum())
            open_rows &= ~found
        left = np.bincount(classes[open_rows], minlength=draft.default + 1)
        default = int(left.argmax()) if open_rows.any() else draft.default
        return wrong + int(left.sum() - left[default]), default

    kept = list(range(len(draft.rules)))
    wrong, default = errors(kept)
    for number in reversed(range(len(draft.rules))):
        shorter = [other for other in kept if other != number]
        without, default_without = errors(shorter)
        if without - wrong < rule_cost:
            kept, wrong, default = shorter, without, default_without
    return DraftList(tuple(draft.rules[number] for number in kept), default)
