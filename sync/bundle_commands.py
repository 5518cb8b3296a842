"""`bundle export|import|verify`: across an air gap in one signed file, at a box or at a hub."""

from __future__ import annotations

import hashlib
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runtime.command_line import EXIT_NO, data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError, Problem
from sync.hub_place import HubPlace, hub_options

if TYPE_CHECKING:
    from sync.bundle_contents import Taken
    from sync.bundle_file import Bundle
    from sync.signing import TrustStore

_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.group("bundle", help="Versions and telemetry across an air gap, in one signed file.")
def command() -> None:
    pass


@command.command("export", help="Write a bundle: versions for boxes, or telemetry for a hub.")
@click.argument("kind", type=click.Choice(["artifacts", "telemetry"]))
@_file
@click.option("--task", "tasks", multiple=True, help="Only this task; may be given several times.")
@click.option("--keep", is_flag=True, help="Leave telemetry queued; a hub counts it once anyway.")
@hub_options
@data_dir_option
@json_option
def export(
    kind: str, file: Path, tasks: tuple[str, ...], keep: bool, hub: HubPlace | None,
    data_dir: DataDir, as_json: bool,
) -> int:  # fmt: skip
    if kind == "artifacts":
        made = _export_artifacts(data_dir, file, tasks, hub)
        said = "".join(f"\n  {one['task']} v{one['version']}" for one in made["versions"])
    elif hub is not None or tasks:
        raise InvalidInputError(Problem("telemetry is a box's own: give no --hub and no --task."))
    else:
        made = _export_telemetry(data_dir, file, keep)
        said = f"\n  {made['rows']} rows in {made['batches']} batches"
    if as_json:
        print_json(made)
    elif "key_id" not in made:
        click.echo("Nothing waits to be sent: no bundle was written.")
    else:
        click.echo(f"{file} is written, signed with the key {made['key_id']}:{said}")
    return 0 if "key_id" in made else EXIT_NO


@command.command("import", help="Take a bundle in: versions at a box, either kind at a hub.")
@_file
@click.option("--trust", "named", metavar="KEY_ID", help="Trust this key, if it signed the bundle.")
@click.option("--no-activate", is_flag=True, help="Store versions only; what serves stays.")
@hub_options
@data_dir_option
@json_option
def import_(
    file: Path, named: str | None, no_activate: bool, hub: HubPlace | None,
    data_dir: DataDir, as_json: bool,
) -> int:  # fmt: skip
    from sync.updates import trust_store

    if hub is None:
        trust = trust_store(data_dir)
    else:
        from sync.hub.bundles import hub_trust

        trust = hub_trust(hub.folder, hub.tenant)
    known = set(trust.keys)
    # At a hub there are many boxes: a key is only trusted by name.
    bundle = _read(file, trust, named, first_use=hub is None)
    learnt = sorted(set(trust.keys) - known)
    if not as_json:
        for name in learnt:
            click.echo(f"The key {name} is trusted from now on ({trust.keys[name]['how']}).")
    if bundle.kind == "telemetry":
        result = _import_telemetry(file, bundle, hub, as_json)
    else:
        result = _import_versions(data_dir, file, bundle, hub, no_activate, as_json)
    if as_json:
        print_json({**_described(file, bundle), "keys_learnt": learnt, **result})
    return 0 if result["complete"] else EXIT_NO


@command.command("verify", help="Say what a bundle holds and whether it may be believed.")
@_file
@hub_options
@data_dir_option
@json_option
def verify(file: Path, hub: HubPlace | None, data_dir: DataDir, as_json: bool) -> int:
    from sync.bundle_file import read_bundle
    from sync.signing import TrustStore
    from sync.updates import trust_file

    if hub is None:
        trust = TrustStore(trust_file(data_dir), read_only=True)
    else:
        from sync.hub.bundles import hub_trust

        trust = hub_trust(hub.folder, hub.tenant, read_only=True)
    known = set(trust.keys)
    try:
        bundle = read_bundle(file, trust, first_use=hub is None)
    except LoopaiError as error:
        if as_json:
            print_json({"file": str(file), "valid": False, "problem": str(error)})
        else:
            click.echo(f"Not to be believed: {error}", err=True)
        return EXIT_NO
    how = trust.keys[bundle.key_id]["how"]
    new = bundle.key_id not in known
    if as_json:
        members = [{"name": n, "bytes": len(content)} for n, content in bundle.members.items()]
        said = {"valid": True, "trust": how, "already_trusted": not new, "members": members}
        print_json({**_described(file, bundle), **said})
        return 0
    click.echo(f"{file}: {bundle.kind}, made {bundle.made_at} by {bundle.made_by}")
    state = f"would be trusted: {how}" if new else f"trusted: {how}"
    click.echo(f"signed with the key {bundle.key_id} ({state}); all of it is what was signed")
    for name, content in bundle.members.items():
        click.echo(f"  {name}  {len(content):,} bytes")
    return 0


def _read(file: Path, trust: TrustStore, named: str | None, *, first_use: bool) -> Bundle:
    from sync.bundle_file import read_bundle, read_signer
    from sync.signing import TrustStore, UntrustedError, key_id

    try:
        if named is not None and named not in trust.keys:
            public = read_signer(file)
            if key_id(public) != named:
                raise UntrustedError(f"It was signed with the key {key_id(public)}, not {named}.")
            # Only once all of the bundle holds: a damaged one makes nothing trusted.
            probe = TrustStore(trust.file, read_only=True)
            probe.trust(public, "named at import")
            read_bundle(file, probe, first_use=False)
            trust.trust(public, "named at import")
        return read_bundle(file, trust, first_use=first_use)
    except UntrustedError as error:
        remedy = None
        if "not trusted" in str(error):
            remedy = (
                "Compare the key's id with what `trust list` shows where the bundle was made;"
                " if it is the same, import it with --trust and that id."
            )
        raise InvalidInputError(Problem(str(error), file, remedy=remedy)) from None


def _export_artifacts(
    data_dir: DataDir, file: Path, tasks: tuple[str, ...], hub: HubPlace | None
) -> dict[str, Any]:
    from sync.bundle_contents import own_versions, version_members
    from sync.bundle_file import write_bundle
    from sync.own_key import OwnKey

    if hub is None:
        from sync.box_key import deployment_id

        versions, key = own_versions(data_dir, tasks), OwnKey(data_dir.state)
        made_by = deployment_id(data_dir)
    else:
        from sync.hub.app import open_hub
        from sync.hub.bundles import published_versions
        from sync.hub.packages import Packages

        store, key = open_hub(hub.folder, hub.database)
        with closing(store):
            versions = published_versions(Packages(store, key), hub.tenant, tasks)
        made_by = f"hub/{hub.tenant}"
    write_bundle(file, "artifacts", version_members(versions), key, made_by=made_by)
    shown = [{"task": one.task, "version": one.version} for one in versions]
    return {"file": str(file), "kind": "artifacts", "key_id": key.id, "versions": shown}


def _export_telemetry(data_dir: DataDir, file: Path, keep: bool) -> dict[str, Any]:
    from sync.agent import AUDIT_FILE, BATCH_VERSION
    from sync.audit import AuditLog
    from sync.box_key import deployment_id
    from sync.bundle_contents import telemetry_members, waiting_telemetry
    from sync.bundle_file import write_bundle
    from sync.outbox import Outbox
    from sync.own_key import OwnKey
    from sync.telemetry_observer import outbox_file

    name, key = deployment_id(data_dir), OwnKey(data_dir.state)
    outbox, audit = Outbox(outbox_file(data_dir)), AuditLog(data_dir.state / AUDIT_FILE)
    try:
        batches = waiting_telemetry(outbox, {"v": BATCH_VERSION, "deployment_id": name})
        made = {"file": str(file), "kind": "telemetry", "batches": len(batches)}
        made["rows"] = sum(one.rows for one in batches)
        if not batches:
            return made
        # Noted before it leaves, and forgotten here only once the file is on the disk: whatever
        # is killed in between, the same batches go out again and the hub counts them once.
        for one in batches:
            audit.append(
                "telemetry", to=f"bundle {file.name}", key=one.key, stream=one.stream,
                rows=one.rows, bytes=len(one.payload), sha256=one.digest,
            )  # fmt: skip
        write_bundle(file, "telemetry", telemetry_members(batches), key, made_by=name)
        for one in () if keep else batches:
            outbox.sent(one)
    finally:
        outbox.close()
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return {**made, "key_id": key.id, "sha256": digest}


def _import_versions(
    data_dir: DataDir, file: Path, bundle: Bundle, hub: HubPlace | None, only_store: bool,
    as_json: bool,
) -> dict[str, Any]:  # fmt: skip
    from runtime.config import load_deployment
    from sync.activation import Activation
    from sync.bundle_contents import take_versions, versions_in

    versions = versions_in(file, bundle)
    if hub is None:
        config = load_deployment(data_dir.deployment_file)
        activate = None if only_store else Activation(data_dir, config)
        taken = take_versions(data_dir, versions, activate)
    else:
        from sync.hub.app import open_hub
        from sync.hub.bundles import publish_versions
        from sync.hub.packages import Packages

        store, key = open_hub(hub.folder, hub.database)
        with closing(store):
            packages = Packages(store, key)
            taken = publish_versions(store, packages, hub.tenant, versions, bundle.key_id)
    if not as_json:
        _print_taken(taken)
    complete = all(one.outcome != "refused" for one in taken)
    return {"versions": [asdict(one) for one in taken], "complete": complete}


def _import_telemetry(
    file: Path, bundle: Bundle, hub: HubPlace | None, as_json: bool
) -> dict[str, Any]:
    if hub is None:
        raise InvalidInputError(
            Problem(
                "holds telemetry, which is for a hub.",
                file,
                remedy="Import it there: bundle import FILE --hub FOLDER --tenant NAME.",
            )
        )
    from sync.hub.app import open_hub
    from sync.hub.bundles import take_telemetry

    store, _ = open_hub(hub.folder, hub.database)
    bar: Any = click.progressbar(
        length=len(bundle.members), label="batches", file=sys.stderr, hidden=not sys.stderr.isatty()
    )
    with closing(store), bar:
        result = take_telemetry(store, hub.tenant, bundle, lambda: bar.update(1))
    if not as_json:
        click.echo(
            f"{result['batches']} batches of {bundle.made_by}: {result['accepted']} rows are new,"
            f" {result['known']} were here already, {result['rejected']} were rejected."
        )
        for problem in result["problems"][:20]:
            click.echo(f"  {problem}", err=True)
    return {**result, "complete": not result["problems"]}


def _print_taken(taken: list[Taken]) -> None:
    for one in taken:
        reason = f": {one.reason}" if one.reason else ""
        click.echo(f"  {one.task} v{one.version}  {one.outcome}{reason}", err=bool(reason))


def _described(file: Path, bundle: Bundle) -> dict[str, Any]:
    return {
        "file": str(file),
        "kind": bundle.kind,
        "made_at": bundle.made_at,
        "made_by": bundle.made_by,
        "key_id": bundle.key_id,
    }
