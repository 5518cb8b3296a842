"""What a hub takes: executions at a steady rate, and versions and batches through a thin line.

`python -m tests.benchmarks.hub`. Executions are offered side by side to the hub itself, to a
central box that asks it, and to a box that executes by itself; latency counts from when a request
was due. The line has 50 ms each way and 10 Mbit/s.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx

from runtime.artifacts import ArtifactStore
from runtime.clock import format_time, utc_now
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.datasets.log import ExecutionLog
from runtime.steward.loop import Steward
from runtime.steward.observer import StewardContext
from runtime.steward.observers import make_observers
from runtime.steward.state import open_state
from sync.hub_client import HubClient
from sync.outbox import Outbox
from sync.telemetry_observer import TelemetryObserver, outbox_file
from tests.benchmarks.serving.steady import offer
from tests.network.proxy import Conditions, Network
from tests.support import TASK, RunningRuntime, add_version, log_line, make_task, promote
from tests.sync.hub_process import HubProcess

LINE = Conditions(delay_seconds=0.05, bits_per_second=10_000_000)
PATH = f"/v1/execute/{TASK}"
PROGRAM = 'def run(input_data):\n    return "spam" if "buy" in input_data["text"] else "ham"\n'


def executions(folder: Path, rate: float, seconds: float) -> None:
    """The same load on a hub, through a central box, and on a box alone."""
    hub = HubProcess(folder / "hub", "--executions-per-minute", "100000000")
    try:
        author = DataDir(folder / "author")
        upload(hub, author, add_version(author, make_task(author), PROGRAM))
        key = hub.new_key("execute")
        central = DataDir(folder / "central")
        settings(central, f"runtime: {{mode: central}}\ncloud: {{api_url: '{hub.url}'}}\n")
        edge = DataDir(folder / "edge")
        promote(edge, make_task(edge), PROGRAM)
        environment = {"LOOPAI_API_KEY": key}
        print(f"{rate:,.0f} executions a second for {seconds:.0f} s, latency in ms:")
        print(f"{'':34}{'p50':>8}{'p99':>8}{'p99.9':>8}{'failed':>8}")
        with (
            RunningRuntime(central, environment=environment) as box,
            RunningRuntime(edge) as alone,
        ):
            for name, url, path, sent in (
                ("a box alone", alone.url, "/execute", None),
                ("the hub", hub.url, PATH, key),
                ("a central box, which asks the hub", box.url, "/execute", None),
            ):
                offer(url, rate / 5, 2, path=path, key=sent)
                done = offer(url, rate, seconds, path=path, key=sent)
                figures = [done.percentile(share) for share in (0.5, 0.99, 0.999)]
                shown = "".join(f"{figure:8.2f}" for figure in figures)
                print(f"{name:34}{shown}{done.failed:8}", flush=True)
    finally:
        hub.stop()


def thin_line(folder: Path, repeats: int) -> None:
    """Seconds for a version down and a batch up, each over connections that were just opened."""
    hub = HubProcess(folder / "hub")
    try:
        author = DataDir(folder / "author")
        task = make_task(author)
        # Texts that no compression helps with: a version travels as it is.
        chance = random.Random(7)
        sizes = {}
        for kilobytes in (30, 300, 1000, 4000):
            noise = base64.b85encode(chance.randbytes(kilobytes * 800)).decode()
            noise = "".join(one if one not in "\"'\\{}" else "." for one in noise)
            version = add_version(author, task, f'NOISE = "{noise}"\n{PROGRAM}')
            upload(hub, author, version)
            sizes[version] = len(ArtifactStore(author).zip_bytes(TASK, version))
        key = hub.new_key("edge")
        port = int(hub.url.rpartition(":")[2])
        print("\nThrough 50 ms each way and 10 Mbit/s, seconds (median and most):")
        with Network(port, LINE) as network:
            for version, size in sizes.items():
                took = times(network, key, repeats, partial(_download, version=version))
                print(f"  a version of {size:>9,} bytes down   {took}", flush=True)
            for mode in ("strict", "balanced", "permissive"):
                payloads = batches(folder / mode, mode, repeats)
                took = times(network, key, repeats, partial(_send, left=iter(payloads)))
                size = len(payloads[0][1])
                print(f"  1,000 rows, {mode:10} {size:>9,} bytes up {took}", flush=True)
    finally:
        hub.stop()


def _download(client: HubClient, version: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        client.download(TASK, version, Path(folder) / "kept")


def _send(client: HubClient, left: Iterator[tuple[str, bytes]]) -> None:
    name, payload = next(left)
    answer = client.send_batch(payload, name)
    assert answer["accepted"] == 1000, answer


def times(network: Network, key: str, repeats: int, act: Callable[[HubClient], object]) -> str:
    taken = []
    for _ in range(repeats):
        with HubClient(network.url, key) as client:
            started = time.perf_counter()
            act(client)
            taken.append(time.perf_counter() - started)
    return f"{statistics.median(taken):8.2f}{max(taken):8.2f}"


def batches(folder: Path, mode: str, count: int) -> list[tuple[str, bytes]]:
    """What a box would send of so many thousand executions, as its outbox makes it."""
    data_dir = DataDir(folder)
    make_task(data_dir)
    settings(
        data_dir,
        "cloud: {api_url: 'http://127.0.0.1:1', api_key: none}\n"
        f"telemetry: {{privacy_mode: {mode}}}\n",
    )
    chance = random.Random(mode)
    words = ("please", "buy", "this", "order", "number", "hello", "invoice", "tomorrow", "thanks")
    log = ExecutionLog(data_dir.executions(TASK))
    lines = []
    for number in range(count * 1000):
        text = " ".join(chance.choices(words, k=20)) + f" {chance.randrange(10**9)}"
        identity = f"{chance.getrandbits(32):08x}-0000-7000-8000-{number:012d}"
        fields = {"execution_id": identity, "input": {"text": text}, "latency_ms": chance.random()}
        lines.append(log_line(number, format_time(utc_now()), **fields))
    log.append(lines, utc_now())
    log.close()
    config = load_deployment(data_dir.deployment_file)
    with open_state(data_dir) as state:
        context = StewardContext(data_dir, config, state)
        names = [f"{TelemetryObserver.__module__}:{TelemetryObserver.__name__}"]
        Steward(context, make_observers(context, names)).read_all()
    outbox = Outbox(outbox_file(data_dir), batch_rows=1000)
    outbox.make_batches({"v": 1, "deployment_id": f"box-{mode}"}, wait_seconds=0)
    made = []
    while (batch := outbox.next_batch()) is not None:
        made.append((batch.key, batch.payload))
        outbox.sent(batch)
    outbox.close()
    return made


def settings(data_dir: DataDir, text: str) -> None:
    data_dir.deployment_file.parent.mkdir(parents=True, exist_ok=True)
    data_dir.deployment_file.write_text(text)


def upload(hub: HubProcess, author: DataDir, version: int) -> None:
    package = ArtifactStore(author).zip_bytes(TASK, version)
    body = {
        "package": base64.b64encode(package).decode(),
        "specification": author.task_file(TASK).read_text(),
    }
    with hub.client("publish") as http:
        answer = http.post(f"/api/v1/artifacts/{TASK}/upload", content=json.dumps(body))
        assert answer.status_code == httpx.codes.CREATED, answer.text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        executions(Path(folder) / "executions", given.rate, given.seconds)
        thin_line(Path(folder) / "line", given.repeats)


if __name__ == "__main__":
    main()
