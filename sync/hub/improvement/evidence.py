"""What boxes told of one version: how often it fails, over all of them, and on which inputs.

What a box's privacy mode keeps back is not here, and that is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select

from runtime.sampling.estimate import Share, ShareSums
from runtime.validation.cases import MOST_CASES
from sync.hub import tables
from sync.hub.store import Store

#: Executions that one look counts at most: all of them would take minutes where there are billions.
MOST_COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """`failing` is the share of validated executions that were wrong or had no answer, weighted
    by how likely each was validated; `executed`, `broken` count the version's among the task's
    newest `MOST_COUNTED` that were told."""

    version: int
    failing: Share
    executed: int
    broken: int
    boxes: int
    #: Boxes by privacy mode.
    privacy: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "failing": self.failing.as_json(),
            "executions": self.executed,
            "errors_and_timeouts": self.broken,
            "deployments": self.boxes,
            "privacy_modes": dict(self.privacy),
        }

    def in_words(self) -> str:
        """The failure rate with its interval."""
        share = self.failing
        if share.value is None:
            return f"nothing of v{self.version} was validated"
        return (
            f"v{self.version} fails in {share.value:.1%} of its executions"
            f" (95 % interval {share.low:.1%} to {share.high:.1%},"
            f" {share.observed} validated on {self.boxes} boxes)"
        )

    def nothing_to_learn_from(self) -> str:
        """Why there is no input to learn from."""
        strict = self.privacy.get("strict", 0)
        if strict and strict == sum(self.privacy.values()):
            return (
                "every box is in strict privacy mode, which lets no input out: there is nothing"
                " to learn from here. Use `loopai improve` on a box, or balanced mode."
            )
        return (
            "no box told an input with its right output: there is nothing to learn from here."
            f" Boxes by privacy mode: {dict(self.privacy) or 'none registered'}."
        )


def gather(store: Store, tenant: str, task: str, version: int) -> Evidence:
    """Add up what all of a tenant's boxes told of a version."""
    judged, one, box = tables.validations.c, tables.executions.c, tables.deployments.c
    sums = ShareSums()
    with store.read() as connection:
        rows = connection.execute(
            select(judged.match, judged.probability, func.count())
            .where(judged.tenant == tenant, judged.task == task, judged.version == version)
            .group_by(judged.match, judged.probability)
        )
        for match, probability, count in rows:
            if probability > 0:
                _add(sums, not match, probability, count)
        newest = (
            select(one.version, one.status)
            .where(one.tenant == tenant, one.task == task)
            .order_by(one.at.desc())
            .limit(MOST_COUNTED)
            .subquery()
        ).c
        executed, broken = connection.execute(
            select(func.count(), func.sum(case((newest.status == "success", 0), else_=1))).where(
                newest.version == version
            )
        ).one()
        boxes = connection.execute(
            select(func.count(func.distinct(judged.deployment))).where(
                judged.tenant == tenant, judged.task == task, judged.version == version
            )
        ).scalar_one()
        modes = connection.execute(select(box.privacy_mode).where(box.tenant == tenant)).scalars()
        privacy = Counter(modes)
    return Evidence(version, sums.share(), executed, int(broken or 0), boxes, dict(privacy))


def validated_lines(store: Store, tenant: str, task: str) -> Iterator[dict[str, Any]]:
    """What oracles said of a task's inputs, of all versions, oldest first: lines as a box has
    them, those without an input left out."""
    judged = tables.validations.c
    with store.read() as connection:
        rows = connection.execute(
            select(tables.validations)
            .where(judged.tenant == tenant, judged.task == task)
            .order_by(judged.at.desc(), judged.id.desc())
            .limit(2 * MOST_CASES)
        ).all()
    for row in reversed(rows):
        if isinstance(row.input, dict):
            yield {
                "execution_id": row.execution_id,
                "program_version": row.version,
                "input": row.input,
                "output": row.output,
                "oracle": row.oracle,
                "oracle_output": row.oracle_output,
                "validated_at": row.at,
            }


def _add(sums: ShareSums, failed: bool, probability: float, count: int) -> None:
    """Count the same observation so many times."""
    weight = 1 / probability
    sums.observed += count
    sums.weight += count * weight
    sums.squares += count * weight * weight
    if failed:
        sums.matching += count * weight


def judged_rows(
    store: Store, tenant: str, task: str, version: int | None
) -> Iterator[dict[str, Any]]:
    """Every judged execution of a task, or of one version, one by one in flat memory; `input` is
    None where a box kept it back."""
    judged = tables.validations.c
    wanted = select(tables.validations).where(judged.tenant == tenant, judged.task == task)
    if version is not None:
        wanted = wanted.where(judged.version == version)
    with store.read() as connection:
        rows = connection.execution_options(yield_per=1000).execute(wanted.order_by(judged.id))
        for row in rows:
            yield {
                "input": row.input if isinstance(row.input, dict) else None,
                "output": row.oracle_output,
                "answered": row.output,
                "match": row.match,
                "ended": row.status or "success",
                "probability": row.probability,
                "task": row.task,
                "version": row.version,
                "deployment": row.deployment,
                "validated_at": row.at,
            }
