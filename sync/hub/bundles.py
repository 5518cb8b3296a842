"""Bundles at the hub: its versions for boxes that cannot reach it, and their telemetry in return.

What comes in is counted as over the wire: a batch once, a row once, whoever brings it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from runtime.data_dir import checked_slug
from runtime.errors import LoopaiError, NotFoundError, Problem
from sync.bundle_contents import Taken, Version
from sync.bundle_file import Bundle
from sync.hub.announcements import ARTIFACT, announce
from sync.hub.collector import Collector
from sync.hub.hub_keys import Caller
from sync.hub.packages import Packages
from sync.hub.store import Store
from sync.signing import TrustStore


def hub_trust_file(folder: Path, tenant: str) -> Path:
    """Where the keys stand whose bundles this hub takes for a tenant."""
    return folder / "trusted-keys" / f"{checked_slug(tenant)}.json"


def hub_trust(folder: Path, tenant: str, *, read_only: bool = False) -> TrustStore:
    """The keys whose bundles this hub takes for a tenant."""
    return TrustStore(hub_trust_file(folder, tenant), read_only=read_only)


def published_versions(packages: Packages, tenant: str, tasks: Sequence[str]) -> list[Version]:
    """The newest version of these tasks, or of all. Raises NotFoundError where there is none."""
    latest = packages.latest(tenant)
    wanted = list(tasks) or sorted(latest)
    missing = [task for task in wanted if task not in latest]
    if missing or not wanted:
        what = ", ".join(missing) or "anything"
        raise NotFoundError(Problem(f"the tenant {tenant} has published no version of {what}."))
    found = (packages.get(tenant, task, latest[task]) for task in wanted)
    return [Version(one.task, one.version, one.content, one.specification) for one in found]


def publish_versions(
    store: Store, packages: Packages, tenant: str, versions: Sequence[Version], signer: str
) -> list[Taken]:
    """Publish an author's versions; boxes that are connected to the running hub are told."""
    caller = Caller(tenant, signer, ("publish",))
    results = []
    for one in versions:
        known = one.version in {each["version"] for each in packages.versions(tenant, one.task)}
        try:
            task = checked_slug(one.task)
            with store.write() as connection:
                packages.publish_in(
                    connection, caller, task, one.content, one.specification, "by bundle"
                )
                if not known:
                    body = {"task": task, "version": one.version}
                    announce(connection, tenant, ARTIFACT, body)
        except LoopaiError as error:
            results.append(Taken(one.task, one.version, "refused", str(error)))
        else:
            results.append(Taken(one.task, one.version, "here already" if known else "stored"))
    return results


def take_telemetry(
    store: Store, tenant: str, bundle: Bundle, done_one: Callable[[], None]
) -> dict[str, Any]:
    """Take a bundle's batches in; returns how many rows were new, known and rejected.

    Stopped half-way and begun again it counts nothing twice. Raises LoopaiError.
    """
    caller = Caller(tenant, bundle.key_id, ("edge",))
    collector = Collector(store)
    totals = {"batches": 0, "accepted": 0, "known": 0, "rejected": 0}
    problems = []
    for name, content in bundle.members.items():
        try:
            answer = collector.take(caller, content)
            done_one()
        except LoopaiError as error:
            problems.append(f"{name}: {error}")
            continue
        totals["batches"] += 1
        totals["accepted"] += answer["accepted"]
        totals["known"] += answer["known"]
        totals["rejected"] += answer["rejected_count"]
        problems += [f"{name}: row {row['row']}: {row['reason']}" for row in answer["rejected"]]
    with store.write() as connection:
        store.note(
            connection, tenant, bundle.key_id, "bundle imported", made_by=bundle.made_by, **totals
        )
    return {**totals, "problems": problems}
