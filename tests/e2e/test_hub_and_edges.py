"""One hub and five edges on a network that drops, delays, duplicates and cuts."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from faker import Faker

from runtime.artifact_package import read_package
from runtime.artifacts import ArtifactStore
from sync.telemetry_observer import is_told
from tests.e2e.hub_and_edges import PATIENCE, Author, Edge, TappedHub
from tests.network import Conditions, Network
from tests.support import TASK, logged, wait_until

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]

#: Asked so seldom that what comes sooner came by notification.
NEVER = 100_000
POLL = 3.0
BAD = Conditions(
    delay_seconds=0.02,
    jitter_seconds=0.05,
    bits_per_second=5e6,
    refuse=0.2,
    cut=0.5,
    stall=0.03,
    stall_seconds=3.0,
    duplicate=0.3,
)
BATCHES, ROWS = 8, 60


@dataclass
class World:
    """Everything that runs. Boxes of one privacy mode share a network, so each can be tapped."""

    hub: TappedHub
    author: Author
    networks: dict[str, Network]
    edges: list[Edge] = field(default_factory=list)

    def publish(self, source: str) -> int:
        version = self.author.make(source)
        self.author.publish(version)
        return version

    def change_all(self, conditions: Conditions) -> None:
        for network in self.networks.values():
            network.change(conditions)

    def all_serve(self, version: int) -> None:
        for edge in self.edges:
            wait_until(lambda edge=edge: edge.active() == version, PATIENCE)  # type: ignore[misc]
            wait_until(lambda edge=edge: edge.serves() == version, PATIENCE)  # type: ignore[misc]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    hub = TappedHub(folder / "hub", "--per-minute", "1000000")
    networks = {mode: Network(hub.port) for mode in ("balanced", "strict")}
    made = World(hub, Author(folder / "author", hub), networks)
    try:
        key = hub.new_key("edge")
        plan = [("balanced", True), ("balanced", True), ("balanced", False)]
        plan += [("strict", True), ("strict", False)]
        for number, (mode, notified) in enumerate(plan):
            settings = (
                f"cloud: {{api_url: HUB, signalr_enabled: {str(notified).lower()},"
                f" poll_sec: {NEVER if notified else POLL}}}\n"
                f"telemetry: {{privacy_mode: {mode}, upload_interval_sec: 1, batch_size: 50}}\n"
            )
            place = folder / f"{mode}-{number}{'' if notified else '-polling'}"
            made.edges.append(Edge(place, networks[mode].url, key, settings))
        made.publish(answering("ham"))
        made.all_serve(1)
        yield made
    finally:
        for edge in made.edges:
            edge.runtime.stop()
        for network in networks.values():
            network.close()
        hub.stop()


def answering(word: str) -> str:
    return f"def run(input_data):\n    return {word!r}, 0.75\n"


def test_a_new_version_reaches_every_edge_told_or_by_its_next_question(world: World) -> None:
    version = world.author.make(answering("spam"))
    for edge in world.edges:
        wait_until(lambda edge=edge: edge.status()["registered"], PATIENCE)  # type: ignore[misc]
        told = "polling" not in edge.name
        wait_until(lambda edge=edge, told=told: edge.status()["notified"] == told, PATIENCE)  # type: ignore[misc]
    world.author.publish(version)
    published = time.monotonic()
    waiting = {edge.name: edge for edge in world.edges}
    while waiting:
        for name, edge in list(waiting.items()):
            if edge.serves() == version:
                print(f"{name}: {time.monotonic() - published:.2f} s after publishing")
                del waiting[name]
        assert time.monotonic() - published < PATIENCE, waiting


@dataclass
class Planted:
    """Texts with what must not leave, each with a word of its own."""

    texts: list[str] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    private: set[str] = field(default_factory=set)

    def make(self, faker: Faker, chance: random.Random, count: int) -> list[str]:
        made = []
        for _ in range(count):
            # Like a word, so that it is no secret; unlike any other.
            word = "".join(chance.choice("bdfglmnprst") + chance.choice("aeiou") for _ in range(6))
            email, card, iban = faker.email(), faker.credit_card_number("visa"), faker.iban()
            ssn, address = faker.ssn(), faker.ipv4_public()
            phone = f"+1212{chance.randint(2_000_000, 9_999_999)}"
            self.words.add(word)
            self.private |= {email, card, iban, ssn, address, phone}
            made.append(
                f"{word}: write to {email} or call {phone}, card {card}, account {iban},"
                f" SSN {ssn}, from {address}"
            )
        self.texts += made
        return made


def test_every_row_arrives_once_and_nothing_private_over_a_bad_network(world: World) -> None:
    faker, chance = Faker("en_US"), random.Random(5)
    faker.seed_instance(5)
    planted = {mode: Planted() for mode in world.networks}
    world.change_all(BAD)
    for turn in range(BATCHES):
        for edge in world.edges:
            mode = edge.name.partition("-")[0]
            edge.execute(planted[mode].make(faker, chance, ROWS))
        time.sleep(0.5)  # so that batches leave meanwhile, and what follows hits some of them
        if turn == 2:
            world.change_all(Conditions(down=True))
        if turn == 3:
            world.edges[0].kill("sync.agent_process")
            world.edges[3].kill("runtime.steward")
        if turn == 4:
            world.change_all(BAD)
        if turn == 6:
            world.hub.kill()
            world.hub.start()
    executed = {
        edge.name: {one["execution_id"]: one["input"]["text"] for one in logged(edge.data_dir)}
        for edge in world.edges
    }
    total = sum(map(len, executed.values()))
    assert total >= BATCHES * ROWS * len(world.edges)

    def arrived() -> int:
        return int(world.hub.rows("SELECT count(*) FROM executions")[0][0])

    # Most must come through the bad network itself; the rest once it is mended.
    deadline = time.monotonic() + PATIENCE / 2
    while arrived() < total and time.monotonic() < deadline:
        time.sleep(0.2)
    print(f"{arrived()} of {total} rows came over the bad network", end="; ")
    assert arrived() > total / 2
    happened: Counter[str] = Counter()
    for network in world.networks.values():
        happened.update(network.happened)
    print(dict(happened))
    assert {"refuse", "cut", "duplicate"} <= happened.keys()
    world.change_all(Conditions())
    for network in world.networks.values():
        network.cut_all()  # whoever is told comes back now, and need not wait any longer
    wait_until(lambda: arrived() >= total, PATIENCE)
    wait_until(lambda: not any(edge.waiting() for edge in world.edges), PATIENCE)

    stored = world.hub.rows("SELECT execution_id, sampled, input FROM executions")
    assert {row[0] for row in stored} == set().union(*executed.values())
    assert len(stored) == total
    answers = world.hub.rows("SELECT sum(json_extract(answer, '$.accepted')) FROM batches")
    assert answers == [(total,)]
    sampled = {
        identity: text.partition(":")[0]
        for name, texts in executed.items()
        for identity, text in texts.items()
        if "balanced" in name and is_told(identity)
    }
    assert {row[0] for row in stored if row[1]} == sampled.keys() != set()

    in_storage = b"\0".join(world.hub.everything_stored())
    wires = {
        mode: b"\0".join(text for stream in network.streams for text in stream.readable())
        for mode, network in world.networks.items()
    }
    # What was looked through holds what may be told: so it was read.
    told = found_in(in_storage, planted["balanced"].words)
    assert told == planted["balanced"].words & set(sampled.values()) != set()
    assert found_in(wires["balanced"], told) == told
    assert b"OnNewArtifactAvailable" in wires["strict"]
    private = planted["balanced"].private | planted["strict"].private
    for place, text in {"the hub": in_storage, **wires}.items():
        assert not found_in(text, private), f"what must not leave is in {place}"
    for place in (in_storage, wires["strict"]):
        assert not found_in(place, planted["strict"].words), "inputs of strict boxes left"


def found_in(text: bytes, wanted: set[str], size: int = 7) -> set[str]:
    """Those of many texts, none shorter than `size`, that stand in a long one; in one pass."""
    by_start: dict[bytes, list[bytes]] = {}
    for one in wanted:
        assert len(one) >= size
        by_start.setdefault(one.encode()[:size], []).append(one.encode())
    return {
        one.decode()
        for at in range(len(text))
        for one in by_start.get(text[at : at + size], ())
        if text.startswith(one, at)
    }


def test_a_tampered_version_is_taken_up_by_no_edge_and_the_last_good_one_serves(
    world: World,
) -> None:
    version = world.author.make(answering("ham"))
    before = {edge.name: edge.serves() for edge in world.edges}
    good = ArtifactStore(world.author.data_dir).zip_bytes(TASK, version)
    evil = evil_twin(good)
    assert read_package(evil).version == version  # sound, but for the signature
    swapped = {good: evil, **dict(zip(digests(good), digests(evil), strict=True))}
    world.change_all(Conditions(replaced=swapped))
    world.author.publish(version)
    for edge in world.edges:
        wait_until(lambda edge=edge: "does not hold" in edge.not_taken_up(), PATIENCE)  # type: ignore[misc]
        assert edge.serves() == before[edge.name]
        assert not edge.data_dir.artifact(TASK, version).exists()
    world.change_all(Conditions())
    world.all_serve(version)
    wait_until(lambda: all(edge.not_taken_up() == "" for edge in world.edges), PATIENCE)


def evil_twin(good: bytes) -> bytes:
    """A package of the same size that answers something else, its metadata made to agree."""
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist()}
        infos = archive.infolist()
    program = files["program.py"].replace(b"'ham'", b"'bad'")
    old, new = (hashlib.sha256(text).hexdigest() for text in (files["program.py"], program))
    files["program.py"] = program
    files["metadata.json"] = files["metadata.json"].replace(old.encode(), new.encode())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for info in infos:
            archive.writestr(info, files[info.filename])
    return buffer.getvalue()


def digests(content: bytes) -> list[bytes]:
    """As they stand in headers: of the entity tag, and of the bytes."""
    digest = hashlib.sha256(content)
    return [digest.hexdigest().encode(), base64.b64encode(digest.digest())]
