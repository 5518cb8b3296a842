"""The texts of the Sync tab: the link to the hub, the queue, how to connect to one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from textual.content import Content

from runtime.config import DeploymentConfig
from sync.audit import Verified
from sync.next_upload import Upload
from sync.outbox import OutboxStatus
from workbench.tui import drawing
from workbench.tui.version_views import Part

PRIVACY = {
    "strict": "hashes and figures only",
    "balanced": "5 % of inputs and outputs, redacted",
    "permissive": "all inputs and outputs as they are",
}
HOW_TO_CONNECT = """\
[bold]No hub is configured, so nothing leaves this box.[/] All else works without one.

To take versions from a hub and tell it how they do:

  1  at the hub, make a key for this box
     [$accent]loopai hub keys create till-4 --tenant acme --scope edge --scope read[/]

  2  here, name the hub in {file}
     [$accent]cloud: {{api_url: "https://hub.example:8090"}}[/]

  3  give the key to the runtime, whose agent connects
     [$accent]LOOPAI_API_KEY=… loopai-runtime start[/]

Where there is no network, [bold $accent]b[/] carries the same in one signed file."""


def connection_view(
    status: Mapping[str, Any], agent: Mapping[str, Any] | None, *, narrow: bool
) -> Content:
    """Which hub, whether it is reached, and under which rules; two lines where it is narrow."""
    mode = str(status["privacy_mode"])
    hub: list[Part] = [("hub      ", "$soft"), status["hub_url"] or "none configured"]
    link: list[Part] = [*_link(status, agent)]
    if status["hub_configured"] and not status["hub_key_set"]:
        link.append(("   no key: set LOOPAI_API_KEY", "$error"))
    runs: list[Part] = [("mode     ", "$soft"), str(status["mode"])]
    rules: list[Part] = [(mode, "bold"), (f"  {PRIVACY.get(mode, '')}", "$soft")]
    if narrow:
        parts = [*hub, "   ", *link, "\n", *runs, ("   privacy  ", "$soft"), *rules]
    else:
        parts = [*hub, "\n", ("link     ", "$soft"), *link, "\n", *runs, "\n"]
        parts += [("privacy  ", "$soft"), *rules]
    if status["note"] and status["hub_configured"]:
        parts += ["\n", (status["note"], "$soft")]
    for task, missed in (agent or {}).get("not_taken_up", {}).items():
        reason = f"\n{task} v{missed['version']} was not taken up: {missed['reason']}"
        parts.append((reason, "$error"))
    return Content.assemble(*parts)


def _link(status: Mapping[str, Any], agent: Mapping[str, Any] | None) -> list[Part]:
    if not status["hub_configured"]:
        return [("○ nothing leaves", "$soft")]
    if agent is None or not agent["runs"]:
        return [("○ the agent does not run", "$warning"), ("  loopai-runtime start", "$soft")]
    if agent["problem"]:
        return [("! ", "bold $error"), (str(agent["problem"]), "$error")]
    if not agent["registered"]:
        return [("○ connecting …", "$warning")]
    how = "told at once" if agent["notified"] else "asks every while"
    return [("● connected", "$success"), (f"  {how}", "$soft")]


def queue_view(status: OutboxStatus | None, config: DeploymentConfig, *, narrow: bool) -> Content:
    """What waits, what was sent, what was let go; two lines where it is narrow."""
    if status is None:
        return Content.assemble(("waiting  ", "$soft"), "nothing was ever queued")
    between = "   " if narrow else "\n"
    ready = f"{count(status.batches, 'upload')} ready, {status.bytes:,} bytes"
    pace = f"{config.telemetry.upload_interval_sec:g} s or {config.telemetry.batch_size:,} rows"
    parts: list[Part] = [("waiting  ", "$soft"), (count(status.rows, "row"), "bold"), f", {ready}"]
    if status.oldest_seconds:
        oldest = drawing.duration(status.oldest_seconds)
        parts += [between, ("oldest " if narrow else "oldest   ", "$soft"), oldest]
    sent = f"{count(status.sent_rows, 'row')} in {count(status.sent_batches, 'upload')}"
    parts += [("\nsent     ", "$soft"), sent]
    parts += [between, ("leaves every " if narrow else "leaves   every ", "$soft"), pace]
    if status.dropped_rows:
        parts.append((f"\n{count(status.dropped_rows, 'row')} let go: it was full", "$warning"))
    if status.last_error:
        parts.append((f"\n{status.last_error}", "$error"))
    return Content.assemble(*parts)


def upload_title(uploads: Sequence[Upload], place: int, ready: int) -> tuple[str, str]:
    """What stands above an upload, and below it."""
    upload = uploads[place]
    of = max(len(uploads), ready)
    state = "ready" if upload.made else "not full yet"
    title = f"Next upload, {place + 1} of {of:,}" if of > 1 else "Next upload"
    batch = upload.batch
    tries = f", tried {batch.attempts} times" if batch.attempts else ""
    redacted = ", ".join(f"{count:,} {kind}" for kind, count in sorted(upload.redacted.items()))
    return (
        f"{title}: {count(batch.rows, 'row')} of {batch.stream}, {state}{tries}",
        f"{len(batch.payload):,} bytes of gzip   redacted: {redacted or 'nothing'}",
    )


def nothing_waits(status: Mapping[str, Any], file: Path) -> str:
    """Why there is no upload to show, in Textual's markup."""
    if not status["hub_configured"]:
        return HOW_TO_CONNECT.format(file=str(file).replace("[", r"\["))
    if not status["telemetry_enabled"]:
        return "Nothing waits: telemetry is off in the settings (telemetry.enabled)."
    return (
        "[bold]Nothing waits to be sent.[/]\n\nRows come as the steward reads new executions "
        "while [$accent]loopai-runtime start[/] runs."
    )


def audit_title(verified: Verified, sent: int) -> str:
    """Whether the chain holds."""
    if verified.problem is not None:
        line = verified.problem.line
        where = "" if line is None else f" at line {line}"
        return f"Audit log: BROKEN{where}, {verified.problem.message}"
    if not verified.entries:
        return "Audit log: nothing has left yet"
    return (
        f"Audit log: the chain holds, {verified.entries:,} entries, {sent:,} bytes"
        f", last hash {verified.last_hash[:12]}…"
    )


def audit_row(entry: Mapping[str, Any]) -> tuple[Content, ...]:
    """One entry of the audit log as a row."""
    tried = int(entry.get("attempt", 1))
    return (
        Content(f"{entry['sequence']:,}"),
        Content(str(entry["timestamp"])[:19].replace("T", " ")),
        Content(str(entry["kind"]) + (f", try {tried}" if tried > 1 else "")),
        Content(str(entry.get("stream", "-"))),
        Content(f"{entry.get('rows', 0):,}"),
        Content(f"{entry.get('bytes', 0):,}"),
        Content(str(entry.get("to", "-"))),
        Content.styled(str(entry.get("sha256", ""))[:16], "$soft"),
    )


def deployment_row(
    box: Mapping[str, Any], own: str | None, moment: datetime
) -> tuple[Content, ...]:
    """One box of the hub as a row; this one is marked."""
    runs = ", ".join(
        f"{task} {'v' + str(version) if version else '-'}"
        for task, version in sorted((box.get("tasks") or {}).items())
    )
    alive = bool(box.get("alive"))
    mark = "◆ " if box["id"] == own else ""
    return (
        Content(f"{mark}{box['id']}"),
        Content.styled("● alive", "$success") if alive else Content.styled("○ silent", "$warning"),
        Content(_ago(box.get("seen_at"), moment)),
        Content(str(box.get("mode", "-"))),
        Content(str(box.get("privacy_mode", "-"))),
        Content(str((box.get("status") or {}).get("outbox", "-"))),
        Content(runs or "-"),
    )


def ticket_row(ticket: Mapping[str, Any], moment: datetime) -> tuple[Content, ...]:
    """One ticket of the hub as a row."""
    is_open = ticket.get("state") == "open"
    return (
        Content(f"{ticket['number']}"),
        Content.styled(str(ticket.get("state")), "$warning" if is_open else "$soft"),
        Content(str(ticket.get("task", "-"))),
        Content(_ago(ticket.get("opened_at"), moment)),
        Content(str(ticket.get("title", ""))),
    )


def count(number: int, what: str) -> str:
    """So many of something, in words."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _ago(moment: Any, now: datetime) -> str:
    try:
        return (
            drawing.duration((now - datetime.fromisoformat(str(moment))).total_seconds()) + " ago"
        )
    except ValueError:
        return "-"
