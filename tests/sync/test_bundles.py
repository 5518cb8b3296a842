"""Bundles between a hub's folder and a box's, as files that are carried by hand."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.rollout.control import act
from runtime.rollout.document import read_rollout
from sync.agent import AUDIT_FILE
from sync.audit import AuditLog
from sync.bundle_contents import Version
from sync.cli import main
from sync.hub.app import open_hub
from sync.hub.bundles import publish_versions
from sync.hub.figures import task_figures
from sync.hub.hub_keys import HubKeys
from sync.hub.packages import Packages
from sync.outbox import Outbox
from sync.own_key import OwnKey
from sync.telemetry_observer import outbox_file
from sync.updates import trust_store
from tests.support import TASK, clean_environment, make_task, promote, wait_until
from tests.sync.hub.test_hub import execution
from tests.sync.test_agent import SPECIFICATION

TENANT = "acme"


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def sync(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`python -m sync`, from its command line to its exit code, in this process."""

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["sync", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code, *capsys.readouterr())

    return run


class Hub:
    """A hub's folder with one tenant; nothing runs."""

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self.folder = folder
        self.store, self.key = open_hub(folder, database)
        HubKeys(self.store).create(TENANT, "ci", ["publish"])
        self.place: tuple[object, ...] = ("--hub", folder, "--tenant", TENANT)
        if database:
            self.place += ("--database", database)

    def publish(self, content: bytes, version: int) -> None:
        packages = Packages(self.store, self.key)
        made = Version(TASK, version, content, SPECIFICATION)
        assert publish_versions(self.store, packages, TENANT, [made], "test")[0].outcome == "stored"


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str | None:
    """The embedded one, where a test does not say otherwise."""
    return None


@pytest.fixture
def hub(tmp_path: Path, packages: list[bytes]) -> Hub:
    made = Hub(tmp_path / "hub")
    made.publish(packages[0], 1)
    return made


@pytest.fixture
def box(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "box")


def at(box: DataDir) -> tuple[object, ...]:
    return ("--data-dir", box.root)


def test_a_version_crosses_by_hand_and_an_older_bundle_takes_nothing_back(
    tmp_path: Path, hub: Hub, box: DataDir, packages: list[bytes], sync: Run
) -> None:
    first, second = tmp_path / "first.loopai", tmp_path / "second.loopai"
    made = sync("bundle", "export", "artifacts", first, *hub.place, "--json").json
    assert made["versions"] == [{"task": TASK, "version": 1}]
    hub.publish(packages[1], 2)
    assert sync("bundle", "export", "artifacts", second, *hub.place).code == 0

    looked = sync("bundle", "verify", first, *at(box), "--json").json
    assert (looked["valid"], looked["already_trusted"]) == (True, False)
    assert trust_store(box).keys == {}, "to look at a bundle makes nothing trusted"

    taken = sync("bundle", "import", second, *at(box))
    assert taken.code == 0
    assert f"The key {hub.key.id} is trusted from now on (first use)" in taken.out
    store = ArtifactStore(box)
    assert (store.active(TASK), store.versions(TASK)) == (2, [2])
    assert "taken up" in taken.out

    old = sync("bundle", "import", first, *at(box))
    assert "older: v2 is here already" in old.err
    assert (store.active(TASK), store.versions(TASK)) == (2, [2])


def test_a_bundle_brought_again_changes_nothing_not_even_a_rollback(
    tmp_path: Path, hub: Hub, box: DataDir, packages: list[bytes], sync: Run
) -> None:
    first, second = tmp_path / "first.loopai", tmp_path / "second.loopai"
    sync("bundle", "export", "artifacts", first, *hub.place)
    hub.publish(packages[1], 2)
    sync("bundle", "export", "artifacts", second, *hub.place)
    assert sync("bundle", "import", first, *at(box)).code == 0
    stored = sync("bundle", "import", second, "--no-activate", *at(box), "--json").json
    assert [one["outcome"] for one in stored["versions"]] == ["stored"]
    store = ArtifactStore(box)
    assert store.active(TASK) == 1
    # What was never made to serve, such as after a power cut half-way, is taken up now.
    assert "taken up" in sync("bundle", "import", second, *at(box)).out
    store.rollback(TASK)
    again = sync("bundle", "import", second, *at(box), "--json").json
    assert [one["outcome"] for one in again["versions"]] == ["here already"]
    assert store.active(TASK) == 1


def test_a_rollout_that_a_bundle_began_and_a_person_ended_is_not_begun_again(
    tmp_path: Path, hub: Hub, box: DataDir, packages: list[bytes], sync: Run
) -> None:
    first, second = tmp_path / "first.loopai", tmp_path / "second.loopai"
    sync("bundle", "export", "artifacts", first, *hub.place)
    hub.publish(packages[1], 2)
    sync("bundle", "export", "artifacts", second, *hub.place)
    box.deployment_file.parent.mkdir(parents=True)
    box.deployment_file.write_text("cloud: {promote: staged}\n")
    assert "taken up" in sync("bundle", "import", first, *at(box)).out
    assert "cloud.promote says" in sync("bundle", "import", second, *at(box)).err
    begun = read_rollout(box, TASK)
    assert begun is not None
    assert (begun.live, begun.candidate) == (True, 2)
    act(box, TASK, "abort", reason="not now")
    again = sync("bundle", "import", second, *at(box), "--json").json
    assert [one["outcome"] for one in again["versions"]] == ["here already"]
    ended = read_rollout(box, TASK)
    assert ended is None or not ended.live


def _flip(content: bytes) -> bytes:
    at = content.index(b"def run")
    return content[:at] + b"DEF" + content[at + 3 :]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_flip, "damaged"),
        (lambda content: content[: len(content) // 2], "is no bundle"),
        (lambda content: b"", "is no bundle"),
        (lambda content: content.replace(b'"made_by"', b'"Made_by"'), "damaged"),
    ],
    ids=["tampered", "half-written", "empty", "another manifest"],
)
def test_a_bundle_that_is_not_what_was_signed_leaves_the_box_as_it_was(
    tmp_path: Path, hub: Hub, box: DataDir, sync: Run, change: Any, reason: str
) -> None:
    file = tmp_path / "release.loopai"
    sync("bundle", "export", "artifacts", file, *hub.place)
    file.write_bytes(change(file.read_bytes()))
    refused = sync("bundle", "import", file, *at(box))
    assert (refused.code, refused.out) == (2, "")
    assert reason in refused.err
    assert "release.loopai" in refused.err
    assert not box.tasks.exists()
    assert not (box.root / "artifacts").exists()
    assert sync("bundle", "verify", file, *at(box)).code == 1


def test_an_unknown_key_is_refused_until_it_is_named_or_pinned(
    tmp_path: Path, hub: Hub, box: DataDir, sync: Run
) -> None:
    file, stranger = tmp_path / "release.loopai", Hub(tmp_path / "stranger")
    sync("bundle", "export", "artifacts", file, *hub.place)
    assert sync("trust", "pin", stranger.key.public, *at(box)).code == 0
    refused = sync("bundle", "import", file, *at(box))
    assert refused.code == 2
    assert f"not trusted: {hub.key.id}" in refused.err
    assert "--trust" in refused.err
    wrong = sync("bundle", "import", file, "--trust", stranger.key.id + "0", *at(box))
    assert (wrong.code, ArtifactStore(box).active(TASK)) == (2, None)
    named = sync("bundle", "import", file, "--trust", hub.key.id, *at(box))
    assert "named at import" in named.out
    assert ArtifactStore(box).active(TASK) == 1
    assert sync("trust", "pin", "no key", *at(box)).code == 2


def test_a_revoked_key_is_refused_even_as_the_first(
    tmp_path: Path, hub: Hub, box: DataDir, sync: Run
) -> None:
    file = tmp_path / "release.loopai"
    sync("bundle", "export", "artifacts", file, *hub.place)
    sync("trust", "pin", hub.key.public, *at(box))
    done = sync("trust", "revoke", hub.key.id, "--reason", "the laptop was stolen", *at(box))
    assert done.code == 0
    assert "revoked key" in sync("bundle", "import", file, *at(box)).err
    assert "revoked" in sync("bundle", "import", file, "--trust", hub.key.id, *at(box)).err
    assert sync("trust", "pin", hub.key.public, *at(box)).code == 2
    assert "the laptop was stolen" in sync("trust", "list", *at(box)).out
    assert ArtifactStore(box).active(TASK) is None


def test_boxes_follow_a_hub_s_new_key_and_learn_which_is_revoked(
    tmp_path: Path, hub: Hub, box: DataDir, packages: list[bytes], sync: Run
) -> None:
    first, second, third = (tmp_path / f"{n}.loopai" for n in "123")
    sync("bundle", "export", "artifacts", first, *hub.place)
    assert sync("bundle", "import", first, *at(box)).code == 0
    old = hub.key.id
    rotated = sync("trust", "rotate", *hub.place, "--json").json
    assert (rotated["before"], rotated["signed_again"]) == (old, 1)
    assert hub.key.id == rotated["id"] != old, "whoever has the hub open signs with the new one"
    hub.publish(packages[1], 2)
    sync("bundle", "export", "artifacts", second, *hub.place)
    taken = sync("bundle", "import", second, *at(box))
    assert f"rotation by {old}" in taken.out
    assert ArtifactStore(box).active(TASK) == 2

    told = sync("trust", "revoke", old, "--reason", "stolen", *hub.place)
    assert "learns" in told.out
    sync("bundle", "export", "artifacts", third, *hub.place)
    assert sync("bundle", "import", third, *at(box)).code == 0
    assert trust_store(box).revoked[old]["reason"] == "stolen"
    late = sync("bundle", "import", first, *at(box))
    assert (late.code, "revoked" in late.err) == (2, True)
    own = sync("trust", "revoke", hub.key.id, "--reason", "by mistake", *hub.place)
    assert (own.code, "Rotate it first" in own.err) == (2, True)


def test_a_box_with_an_older_key_follows_two_rotations_at_once(
    tmp_path: Path, hub: Hub, box: DataDir, sync: Run
) -> None:
    sync("trust", "pin", hub.key.public, *at(box))
    for _ in range(2):
        sync("trust", "rotate", *hub.place)
    file = tmp_path / "release.loopai"
    sync("bundle", "export", "artifacts", file, *hub.place)
    looked = sync("bundle", "verify", file, *at(box), "--json").json
    assert looked["valid"]
    assert len(trust_store(box).keys) == 1, "to look at a bundle makes nothing trusted"
    assert sync("bundle", "import", file, *at(box)).code == 0
    assert len(trust_store(box).keys) == 3


def queue(box: DataDir, numbers: range) -> None:
    outbox = Outbox(outbox_file(box), batch_rows=50)
    outbox.put(TASK, [execution(number) for number in numbers])
    outbox.close()


def counted(hub: Hub) -> int:
    return sum(version["executions"] for version in task_figures(hub.store, TENANT, TASK))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_telemetry_crosses_by_hand_exactly_once(
    tmp_path: Path, box: DataDir, sync: Run, kind: str, request: pytest.FixtureRequest
) -> None:
    url = None
    if kind == "postgresql":
        from tests.sync.hub.postgres import new_database

        url = new_database(request.getfixturevalue("postgres"), "bundles")
    hub = Hub(tmp_path / "hub", url)
    file, kept = tmp_path / "box.loopai", tmp_path / "kept.loopai"
    nothing = sync("bundle", "export", "telemetry", file, *at(box))
    assert (nothing.code, file.exists()) == (1, False)
    queue(box, range(120))
    assert sync("bundle", "export", "telemetry", kept, "--keep", *at(box)).code == 0
    made = sync("bundle", "export", "telemetry", file, *at(box), "--json").json
    assert made["rows"] == 120
    assert sync("bundle", "export", "telemetry", tmp_path / "x", *at(box)).code == 1

    unknown = sync("bundle", "import", file, *hub.place)
    assert unknown.code == 2, "a hub trusts no box by itself"
    assert counted(hub) == 0
    own = sync("trust", "list", *at(box), "--json").json["own"]["id"]
    taken = sync("bundle", "import", file, "--trust", own, *hub.place, "--json").json
    assert (taken["accepted"], taken["known"], taken["complete"]) == (120, 0, True)
    for again in (file, kept):
        assert sync("bundle", "import", again, *hub.place, "--json").json["complete"]
    assert counted(hub) == 120
    log = AuditLog(box.state / AUDIT_FILE)
    assert log.verify().problem is None
    assert [entry["to"] for entry in log.entries()] == ["bundle kept.loopai", "bundle box.loopai"]
    # The box's own key may change as well.
    sync("trust", "rotate", *at(box))
    queue(box, range(120, 130))
    sync("bundle", "export", "telemetry", file, *at(box))
    assert sync("bundle", "import", file, *hub.place).code == 0
    assert counted(hub) == 130
    hub.store.close()


def test_an_import_that_is_killed_half_way_and_begun_again_counts_every_row_once(
    tmp_path: Path, box: DataDir, sync: Run
) -> None:
    hub, file = Hub(tmp_path / "hub"), tmp_path / "box.loopai"
    outbox = Outbox(outbox_file(box), batch_rows=10)
    outbox.put(TASK, [execution(number) for number in range(1000)])
    outbox.make_batches({"v": 1, "deployment_id": "box-1"}, wait_seconds=0)
    outbox.close()
    sync("bundle", "export", "telemetry", file, *at(box))
    own = sync("trust", "list", *at(box), "--json").json["own"]["public"]
    sync("trust", "pin", own, *hub.place)
    command = [sys.executable, "-m", "sync", "bundle", "import", file, *map(str, hub.place)]
    killed = subprocess.Popen(command, env=clean_environment(), stdout=subprocess.DEVNULL)
    wait_until(lambda: counted(hub), 30)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert 0 < counted(hub) < 1000
    assert sync("bundle", "import", file, *hub.place).code == 0
    assert counted(hub) == 1000


def test_each_kind_says_where_it_belongs(tmp_path: Path, hub: Hub, box: DataDir, sync: Run) -> None:
    queue(box, range(3))
    file = tmp_path / "box.loopai"
    sync("bundle", "export", "telemetry", file, *at(box))
    other = DataDir(tmp_path / "other")
    wrong = sync("bundle", "import", file, *at(other))
    assert (wrong.code, "which is for a hub" in wrong.err) == (2, True)
    for arguments, reason in (
        (("export", "telemetry", file, *hub.place), "give no --hub"),
        (("export", "artifacts", file, "--hub", hub.folder), "which tenant"),
        (("export", "artifacts", file, "--tenant", TENANT), "--hub FOLDER too"),
        (("export", "artifacts", file, "--hub", tmp_path / "none", "--tenant", "x"), "no hub"),
        (("export", "artifacts", file, *hub.place, "--task", "other"), "no version of other"),
        (("export", "artifacts", file, *at(other)), "no task here"),
        (("verify", tmp_path / "none"), "no such file"),
        (("import", tmp_path / "none"), "no such file"),
    ):
        done = sync("bundle", *arguments)
        assert done.code in (1, 2)
        assert reason in done.err, arguments


def test_an_author_s_bundle_is_published_by_the_hub_it_is_brought_to(
    tmp_path: Path, box: DataDir, sync: Run
) -> None:
    hub, author = Hub(tmp_path / "hub"), DataDir(tmp_path / "laptop")
    promote(author, make_task(author))
    file, onward = tmp_path / "laptop.loopai", tmp_path / "onward.loopai"
    assert sync("bundle", "export", "artifacts", file, *at(author)).code == 0
    sync("trust", "pin", OwnKey(author.state).public, *hub.place)
    assert "stored" in sync("bundle", "import", file, *hub.place).out
    assert "here already" in sync("bundle", "import", file, *hub.place).out
    sync("bundle", "export", "artifacts", onward, *hub.place)
    assert sync("bundle", "import", onward, *at(box)).code == 0
    assert ArtifactStore(box).program_source(TASK, 1) == ArtifactStore(author).program_source(
        TASK, 1
    )
