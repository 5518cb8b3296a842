"""Looks at one task and does what is due: nothing, a try, a version, or a ticket.

What follows from a run is one transaction with its end, so a run that is killed has changed
nothing, and one that ended is not made again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from runtime.errors import LoopaiError, NotFoundError
from runtime.sandbox import Sandbox
from runtime.validation.cases import confirm
from sync.hub.announcements import ALERT, ARTIFACT, announce
from sync.hub.hub_keys import Caller
from sync.hub.improvement.evidence import Evidence, gather, validated_lines
from sync.hub.improvement.improver import Improver
from sync.hub.improvement.ledger import Ledger, RunOutcome, Standing
from sync.hub.improvement.settings import ImprovementSettings
from sync.hub.improvement.trial import (
    LEAST_TO_JUDGE,
    LIMITS,
    Candidate,
    Situation,
    Trial,
    workplace,
)
from sync.hub.packages import ConflictError, Package, Packages
from sync.hub.specifications import Specifications, Specified
from sync.hub.store import Store
from sync.hub.tickets import Tickets
from sync.own_key import OwnKey

ACTOR = "improvement"
MOST_EXAMPLES_IN_TICKET = 20

logger = logging.getLogger("loopai.hub.improvement")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is looked at: the newest version of a task and how its improvement stands."""

    tenant: str
    task: str
    settings: ImprovementSettings
    standing: Standing
    package: Package
    specified: Specified


class Engine:
    """The improvement of all tenants' tasks, one look at a time."""

    def __init__(self, folder: Path, store: Store, key: OwnKey, improver: Improver) -> None:
        self._workplace = folder / "improvement"
        self._store = store
        self._packages = Packages(store, key)
        self._specifications = Specifications(store, self._packages)
        self._tickets = Tickets(store)
        self._improver = improver
        self.ledger = Ledger(store)

    def look(self, tenant: str, task: str, say: Say = logger.info, *, forced: bool = False) -> str:
        """Do what is due for a task; returns what came of it, in one sentence.

        `forced`: try, whatever the figures say. Only one process at a time may call it.
        """
        try:
            reason = self._look(tenant, task, say, forced)
        except (LoopaiError, OSError) as error:
            reason = f"it could not be looked at: {error}"
            logger.error("%s/%s: %s", tenant, task, reason)
        self.ledger.note(tenant, task, reason)
        return reason

    def _look(self, tenant: str, task: str, say: Say, forced: bool) -> str:
        settings, all_paused = self.ledger.settings(tenant)
        standing = self.ledger.standing(tenant, task)
        latest = self._packages.latest(tenant).get(task)
        specified = self._specifications.get(tenant, task)
        if latest is None or specified is None:
            return "no version is published"
        if (standing.paused or all_paused) and not forced:
            return "paused"
        package = self._packages.get(tenant, task, latest)
        standing = self._taken_up(tenant, task, standing, latest, specified)
        if standing.state == "waiting" and not forced:
            return (
                f"waiting for another specification after {standing.tries} unsuccessful tries"
                f" (ticket {standing.ticket})"
            )
        subject = _Subject(tenant, task, settings, standing, package, specified)
        evidence = gather(self._store, tenant, task, latest)
        if not forced and (enough := _not_due(evidence, settings)) is not None:
            return enough
        return self._consider(subject, evidence, say, forced)

    def _taken_up(
        self, tenant: str, task: str, standing: Standing, version: int, specified: Specified
    ) -> Standing:
        """Begin anew with another specification, or with another version while not waiting."""
        changed = standing.specification_digest != specified.digest
        if not changed and (standing.version == version or standing.state == "waiting"):
            return standing
        begun = {
            "state": "watching", "version": version, "tries": 0, "ticket": None,
            "specification_digest": specified.digest,
        }  # fmt: skip
        self._close_ticket(tenant, standing.ticket)
        with self._store.write() as connection:
            self.ledger.put(connection, tenant, task, **begun)
            if standing.state == "waiting":
                self._store.note(
                    connection, tenant, ACTOR, "improvement resumes: the specification changed",
                    task=task, ticket=standing.ticket,
                )  # fmt: skip
        return self.ledger.standing(tenant, task)

    def _close_ticket(self, tenant: str, ticket: int | None) -> None:
        if ticket is not None:
            with suppress(NotFoundError):  # somebody has closed it
                self._tickets.close(tenant, ticket, ACTOR)

    def _consider(self, subject: _Subject, evidence: Evidence, say: Say, forced: bool) -> str:
        """It fails too often: is there enough that is new to learn from?"""
        tenant, task = subject.tenant, subject.task
        specification = subject.specified.task()
        confirmed = confirm(validated_lines(self._store, tenant, task), specification)
        if not confirmed.cases:
            return f"{evidence.in_words()}, but {evidence.nothing_to_learn_from()}"
        with workplace(self._workplace) as folder, Sandbox(limits=LIMITS) as sandbox:
            say(f"{task} v{evidence.version} on {len(confirmed.cases)} confirmed inputs")
            trial = Trial(folder, specification, subject.package, sandbox)
            situation = trial.look(confirmed)
            failing = {case.key for case, _ in situation.failures}
            tried = self.ledger.tried(tenant, task)
            new, wanted = len(failing - tried), subject.settings.min_failures
            if not failing:
                return f"v{evidence.version} is right on all confirmed inputs"
            if new < wanted and not forced:
                return (
                    f"{evidence.in_words()}; {new} of the {wanted} new failing inputs that make a"
                    " try worth it"
                )
            if not situation.to_learn or situation.held_out_failures < LEAST_TO_JUDGE:
                return (
                    f"{evidence.in_words()}; of {len(failing)} failing inputs"
                    f" {situation.held_out_failures} are kept for judging, which is too few or"
                    " leaves none to learn from"
                )
            return self._try(subject, evidence, trial, situation, tried, say)

    def _try(
        self,
        subject: _Subject,
        evidence: Evidence,
        trial: Trial,
        situation: Situation,
        tried: set[str],
        say: Say,
    ) -> str:
        settings, attempt = subject.settings, subject.standing.tries + 1
        hypothesis = self._improver.describe(situation.failures, situation.successes)
        say(f"try {attempt}: {len(situation.failures)} failures; " + "; ".join(hypothesis))
        alert = {"kind": "failing", "task": subject.task, "message": evidence.in_words()}
        run = self.ledger.begin(
            subject.tenant, subject.task, evidence.version, attempt, hypothesis, alert
        )
        report: dict[str, Any] = {
            **evidence.as_json(),
            "failures": len(situation.failures),
            "learned_from": len(situation.to_learn),
            "contradictions": situation.contradictions,
        }
        keys = {case.key for case, _ in situation.failures}
        try:
            # Another seed for each try: the same one would make the same program again.
            candidate = trial.make(
                situation, tried, self._improver, attempt - 1, settings.strategies
            )
        except LoopaiError as error:
            short = [f"no program could be made: {error}"]
            report["error"] = str(error)[:1000]
            return self._failed(subject, run, "no program", report, short, keys, situation)
        short = candidate.shortcomings(settings.max_chance, settings.may_lose)
        report["candidate"] = candidate.as_json()
        if short:
            return self._failed(subject, run, "not better", report, short, keys, situation)
        return self._publish(subject, run, report, candidate, keys, hypothesis)

    def _publish(
        self,
        subject: _Subject,
        run: int,
        report: dict[str, Any],
        candidate: Candidate,
        keys: set[str],
        hypothesis: list[str],
    ) -> str:
        tenant, task, gain = subject.tenant, subject.task, candidate.held_out
        note = (
            f"improved by the hub: right on {gain.after} instead of {gain.before} of {gain.cases}"
            " held-out inputs"
        )
        if hypothesis:
            note += f"; v{subject.package.version} failed where: {hypothesis[0]}"
        caller = Caller(tenant, ACTOR, ("publish",))
        try:
            with self._store.write() as connection:
                package = self._packages.publish_in(
                    connection, caller, task, candidate.content, subject.specified.text, note
                )
                announce(connection, tenant, ARTIFACT, {"task": task, "version": package.version})
                self.ledger.end(connection, run, "published", report, package.version)
                self.ledger.add_tried(connection, tenant, task, keys)
                self.ledger.put(
                    connection, tenant, task,
                    state="watching", version=package.version, tries=0, ticket=None,
                )  # fmt: skip
        except ConflictError:
            with self._store.write() as connection:
                self.ledger.end(connection, run, "overtaken", report)
            return "somebody published a version meanwhile: looked at anew"
        self._close_ticket(tenant, subject.standing.ticket)
        logger.info("%s/%s: published v%d", tenant, task, package.version)
        return f"v{package.version} is published: {note}"

    def _failed(
        self,
        subject: _Subject,
        run: int,
        outcome: RunOutcome,
        report: dict[str, Any],
        short: list[str],
        keys: set[str],
        situation: Situation,
    ) -> str:
        tenant, task, tries = subject.tenant, subject.task, subject.standing.tries + 1
        report["shortcomings"] = short
        reason = f"try {tries} of {subject.settings.tries} made nothing better: " + "; ".join(short)
        with self._store.write() as connection:
            self.ledger.end(connection, run, outcome, report)
            self.ledger.add_tried(connection, tenant, task, keys)
            self.ledger.put(connection, tenant, task, tries=tries)
            if tries >= subject.settings.tries and subject.standing.state != "waiting":
                ticket = self._give_up(connection, subject, tries, reason, report, situation)
                reason += f"; ticket {ticket} is open, and it waits for another specification"
        return reason

    def _give_up(
        self,
        connection: Connection,
        subject: _Subject,
        tries: int,
        reason: str,
        report: dict[str, Any],
        situation: Situation,
    ) -> int:
        """Open a ticket with examples and wait until the specification changes."""
        tenant, task, version = subject.tenant, subject.task, subject.package.version
        described = self._improver.describe(situation.failures, situation.successes)
        title = f"{task} v{version} fails too often, and {tries} tries made nothing better"
        body = "\n".join(
            [
                title + ".",
                f"Failures: {len(situation.failures)} of "
                f"{len(situation.failures) + len(situation.successes)} confirmed inputs.",
                *(f"- {sentence}" for sentence in described),
                f"Last: {reason}.",
                "Change the specification or its examples, then: loopai hub specify "
                f"{task}. Until then nothing more is tried.",
            ]
        )
        examples = [
            {"input": case.input, "expected": case.expected, "answered": result.output,
             "status": result.status}
            for case, result in situation.failures[:MOST_EXAMPLES_IN_TICKET]
        ]  # fmt: skip
        facts = {"version": version, "hypothesis": described, "report": report}
        number = self._tickets.open_in(
            connection, tenant, task, title, body, {**facts, "examples": examples}
        )
        self.ledger.put(connection, tenant, task, state="waiting", ticket=number)
        alert = {"kind": "improvement", "task": task, "ticket": number, "message": title}
        announce(connection, tenant, ALERT, alert)
        logger.warning("%s/%s: %s (ticket %d)", tenant, task, title, number)
        return number


def _not_due(evidence: Evidence, settings: ImprovementSettings) -> str | None:
    """Why nothing has to be done; None where something has."""
    share = evidence.failing
    if share.observed < settings.min_validated:
        broken = ""
        if evidence.executed:
            broken = f"; {evidence.broken} of {evidence.executed} executions gave no answer"
        return (
            f"{evidence.in_words()}: {share.observed} of the {settings.min_validated} validated"
            f" executions that it takes{broken}"
        )
    if share.low <= settings.failure_rate:
        return f"{evidence.in_words()}: not shown to be above {settings.failure_rate:.0%}"
    return None
