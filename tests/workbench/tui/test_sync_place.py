"""The Sync tab: what would leave, what left, what the hub tells; with a hub, without, with one
that does not answer."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from app_support import drive, screen_text, until, until_shown, write
from hypothesis import given
from hypothesis import strategies as st
from support import TASK, server_folder

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir, write_atomic
from runtime.models import PrivacyMode
from sync.agent import AUDIT_FILE
from sync.audit import AuditLog
from sync.box_key import box_key, deployment_id
from sync.hub.app import open_hub
from sync.hub.hub_keys import HubKeys
from sync.hub.tickets import Tickets
from sync.hub_client import HubClient
from sync.next_upload import look_at_queue, split_rows
from sync.outbox import Outbox
from sync.privacy.filtering import PrivacyFilter
from sync.telemetry_observer import outbox_file
from tests.sync.hub_process import HubProcess
from workbench.tui.upload_view import UploadView

MESSAGES = ("Write to ann@example.com", "Łódź, +49 151 23456789", "Lunch?")


@pytest.fixture
def data_dir(tmp_path) -> DataDir:
    return server_folder(tmp_path)


def connect(data_dir: DataDir, url: str, key: str) -> None:
    write_atomic(data_dir.deployment_file, json.dumps({"cloud": {"api_url": url, "api_key": key}}))


def queue_rows(data_dir: DataDir, count: int) -> None:
    """Queue executions the way the steward's observer does: filtered before they are kept."""
    privacy = PrivacyFilter(PrivacyMode.BALANCED, box_key(data_dir))
    rows = []
    for number in range(count):
        record = {
            "execution_id": f"00000000-0000-7000-8000-{number:012d}",
            "input": {"text": MESSAGES[number % 3]},
            "output": "ham",
            "latency_ms": 0.25,
            "status": "success",
            "timestamp": "2026-11-22T10:00:00.000000Z",
        }
        row = privacy.summary(record, sampled=True)
        assert row is not None
        rows.append({**row, "program_version": 1})
    with closing(Outbox(outbox_file(data_dir))) as outbox:
        outbox.put(TASK, rows)
        outbox.make_batches({"v": 1, "deployment_id": deployment_id(data_dir)})


@given(st.lists(st.dictionaries(st.text(), st.text() | st.none() | st.integers())), st.text())
def test_the_pieces_of_an_upload_are_its_text_again(rows, stream):
    text = json.dumps({"v": 1, "stream": stream, "rows": rows}, separators=(",", ":"))
    pieces = split_rows(text)
    assert "".join(pieces) == text
    assert [json.loads(piece.rstrip(",")) for piece in pieces[1:-1]] == rows


def test_without_a_hub_it_says_how_to_connect_one_and_leaves_no_trace(data_dir):
    async def journey(app, pilot):
        await pilot.press("7")
        await until_shown(pilot, "loopai hub keys create")
        await until_shown(pilot, "nothing leaves")
        for key, title in (("l", "nothing has left yet"), ("d", "Deployments"), ("t", "Tickets")):
            await pilot.press(key)
            await until_shown(pilot, title)
        await until_shown(pilot, "api_url")
        await pilot.press("b")
        await until_shown(pilot, "one signed file")

    drive(journey, data_dir)
    assert not outbox_file(data_dir).exists()
    assert not (data_dir.state / "identity.json").exists()


def test_the_next_upload_is_shown_to_the_letter_with_redactions_marked(data_dir):
    queue_rows(data_dir, 1010)

    async def journey(app, pilot):
        await pilot.press("7")
        await until_shown(pilot, "Next upload, 1 of 2: 1,000 rows")
        await until_shown(pilot, "333 PHONE")
        with closing(Outbox(outbox_file(data_dir))) as outbox:
            (batch,) = outbox.waiting_batches()
        text = gzip.decompress(batch.payload).decode()
        assert "ann@example.com" not in text
        await pilot.press("y")
        assert app.clipboard == text
        view = app.screen.query_one(UploadView)
        lines = [view.render_line(row) for row in range(view.size.height)]
        shown = "".join(line.text[6:].rstrip() for line in lines)
        assert shown and shown in text
        marked = {
            segment.text
            for line in lines
            for segment in line
            if segment.style == view.get_component_rich_style("upload--mark")
        }
        assert any(part.startswith("[EMAIL:") for part in marked)
        await pilot.press("full_stop")
        await until_shown(pilot, "2 of 2: 10 rows of spam-detection, not full yet")
        await pilot.press("comma")
        await until_shown(pilot, "1 of 2: 1,000 rows of spam-detection, ready")

    drive(journey, data_dir)


def test_a_look_at_the_queue_changes_nothing(data_dir):
    assert look_at_queue(data_dir) is None
    queue_rows(data_dir, 3)
    before = outbox_file(data_dir).read_bytes()
    waiting = look_at_queue(data_dir)
    assert waiting is not None
    assert [upload.made for upload in waiting.uploads] == [False]
    assert outbox_file(data_dir).read_bytes() == before


def test_what_ever_left_is_listed_and_a_changed_entry_is_said(data_dir):
    log = AuditLog(data_dir.state / AUDIT_FILE)
    for number in range(3):
        log.append(
            "telemetry", to="https://hub.example", stream=TASK, rows=7 + number, bytes=1000,
            sha256="ab" * 32, attempt=1,
        )  # fmt: skip

    async def journey(app, pilot):
        await pilot.press("7", "l")
        await until_shown(pilot, "the chain holds, 3 entries, 3,000 bytes")
        await until_shown(pilot, "https://hub.example")
        log.file.write_bytes(log.file.read_bytes().replace(b'"rows":8', b'"rows":9'))
        await until_shown(pilot, "BROKEN")
        await until_shown(pilot, "was changed after it was written")

    drive(journey, data_dir, size=(150, 36))


def test_telemetry_leaves_in_a_bundle_and_a_bundle_is_verified(data_dir, tmp_path, monkeypatch):
    queue_rows(data_dir, 5)
    monkeypatch.chdir(tmp_path)

    async def journey(app, pilot):
        await pilot.press("7", "b")
        await until_shown(pilot, "one signed file")
        await pilot.press("x")
        await until_shown(pilot, "telemetry that waits")
        await pilot.press("enter")
        await until_shown(pilot, "The file to write")
        write(pilot, "out.loopai")
        await pilot.press("enter")
        await until_shown(pilot, "5 rows in 1 upload")
        await pilot.press("v")
        await until_shown(pilot, "The bundle's file")
        write(pilot, "out.loopai")
        await pilot.press("enter")
        await until_shown(pilot, "trusted from its import on")
        await pilot.press("l")
        await until_shown(pilot, "bundle out.loopai")

    drive(journey, data_dir)
    assert (tmp_path / "out.loopai").is_file()


def test_versions_cross_to_another_box_in_a_bundle_and_a_changed_one_is_refused(
    data_dir, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    other = DataDir(tmp_path / "other-data")

    async def export(app, pilot):
        await pilot.press("7", "b")
        await until_shown(pilot, "one signed file")
        await pilot.press("x")
        await until_shown(pilot, "versions that serve")
        await pilot.press("down", "enter")
        await until_shown(pilot, "The file to write")
        write(pilot, "versions.loopai")
        await pilot.press("enter")
        await until_shown(pilot, f"is written: {TASK} v1")

    async def take_in(app, pilot):
        await pilot.press("7", "b")
        await until_shown(pilot, "one signed file")
        await pilot.press("i")
        await until_shown(pilot, "The bundle's file")
        write(pilot, "changed.loopai")
        await pilot.press("enter")
        await until_shown(pilot, "Import: not done")
        await until(pilot, lambda: app.last_notice)
        assert "changed.loopai" in app.last_notice.sentence
        await pilot.press("i")
        await until_shown(pilot, "The bundle's file")
        await pilot.press(*"vers")
        await until_shown(pilot, "versions.loopai")
        await pilot.press("right", "enter")
        await until_shown(pilot, f"{TASK} v1  ")
        await until_shown(pilot, "taken up")

    drive(export, data_dir)
    content = (tmp_path / "versions.loopai").read_bytes()
    middle = len(content) // 2
    changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    (tmp_path / "changed.loopai").write_bytes(changed)
    drive(take_in, other)
    assert ArtifactStore(other).active(TASK) == 1


@dataclass
class Hub:
    """Where a hub runs, and keys of one tenant by what they may do."""

    url: str
    keys: dict[str, str]


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub") / "hub"
    store, _ = open_hub(folder)
    keys = HubKeys(store)
    made = {
        name: keys.create("acme", name, scopes)[1]
        for name, scopes in {"edge": ["edge"], "all": ["edge", "read", "admin"]}.items()
    }
    body = "Three tries did not help.\n\n12 inputs in Polish are answered with ham."
    Tickets(store).open("acme", TASK, "Polish spam is not found", body, {})
    store.close()
    running = HubProcess(folder)
    yield Hub(running.url, made)
    running.stop()


def test_boxes_and_tickets_of_a_hub_are_shown_and_a_ticket_is_closed(data_dir, hub):
    connect(data_dir, hub.url, hub.keys["all"])
    own = deployment_id(data_dir)
    with HubClient(hub.url, hub.keys["edge"]) as client:
        for name in (own, "till-4"):
            box = {"deployment_id": name, "mode": "hybrid", "tasks": {TASK: 1, "order-risk": None}}
            client.register(box)

    async def journey(app, pilot):
        await pilot.press("7", "d")
        await until_shown(pilot, "Deployments: 2")
        await until_shown(pilot, f"◆ {own}")
        await until_shown(pilot, "order-risk -, spam-detection v1")
        await pilot.press("t")
        await until_shown(pilot, "Tickets: 1 open of 1")
        await until_shown(pilot, "12 inputs in Polish")
        await pilot.press("c")
        await until_shown(pilot, "Close ticket 1")
        await pilot.press("tab", "enter")
        await until_shown(pilot, "Tickets: 0 open of 1")

    drive(journey, data_dir, size=(150, 36))
    with HubClient(hub.url, hub.keys["all"]) as client:
        tickets = client.look("/api/v1/tickets")["tickets"]
    assert [ticket["state"] for ticket in tickets] == ["closed"]


def test_a_key_that_may_only_send_is_told_what_it_lacks(data_dir, hub):
    connect(data_dir, hub.url, hub.keys["edge"])

    async def journey(app, pilot):
        await pilot.press("7", "d")
        await until_shown(pilot, "--scope edge --scope read")

    drive(journey, data_dir)


def test_a_hub_that_never_answers_holds_up_neither_keys_nor_the_end(data_dir):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connect(data_dir, f"http://127.0.0.1:{silent.getsockname()[1]}", "key")
        pressed = []

        async def journey(app, pilot):
            await pilot.press("7", "d")
            await until_shown(pilot, "Asking http://127.0.0.1")
            await pilot.press("l")
            await until(pilot, lambda: "nothing has left yet" in screen_text(app))
            pressed.append(time.monotonic())
            await pilot.press("ctrl+q")

        drive(journey, data_dir)
        # The client itself would wait for ten seconds.
        assert time.monotonic() - pressed[0] < 8
