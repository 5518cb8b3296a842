"""Many boxes on one hub: how soon all are told, what they cost in memory, how much is collected.

`python -m tests.benchmarks.hub_load`. Clients are WebSockets of the JSON hub protocol in one other
process, on the same processors as the hub; delivery counts from before the upload is sent until
the client has the message. Memory is the hub's proportional set size.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gzip
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from tests.support import TASK, add_version, children_of, make_task
from tests.sync.hub.postgres import find_tools, new_database, running_postgres
from tests.sync.hub_process import HubProcess

HANDSHAKE = '{"protocol":"json","version":1}\x1e'
PING = '{"type":6}\x1e'
CONNECTING_AT_ONCE = 50
PROGRAM = "def run(input_data):\n    return 'ham'\n"
ROWS = 1000


def memory_kb(pid: int) -> int:
    """Proportional set size of a process and its children."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return own + sum(memory_kb(child) for child in children_of(pid))


async def open_clients(hubs: Sequence[HubProcess], count: int) -> list[ClientConnection]:
    key = hubs[0].new_key("edge")
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def open_one(hub: HubProcess) -> ClientConnection:
        async with gate:
            socket = await connect(
                hub.url.replace("http", "ws") + "/hubs/loopai",
                additional_headers={"authorization": f"Bearer {key}"},
                compression=None,
                open_timeout=60,
                ping_interval=None,
            )
            await socket.send(HANDSHAKE)
            assert await socket.recv() == "{}\x1e"
            return socket

    return list(await asyncio.gather(*(open_one(hubs[n % len(hubs)]) for n in range(count))))


async def tell_all(
    hub: HubProcess, clients: Sequence[ClientConnection], uploads: Sequence[dict[str, Any]]
) -> list[list[float]]:
    """Publish one version after the other; for each, when every client had it, in ms."""
    headers = {"authorization": f"Bearer {hub.new_key('publish')}"}
    path = f"{hub.url}/api/v1/artifacts/{TASK}/upload"
    rounds = []

    async def arrival(socket: ClientConnection) -> float:
        while "OnNewArtifactAvailable" not in str(await socket.recv()):
            pass
        return time.perf_counter()

    async with aiohttp.ClientSession(headers=headers) as http:
        for upload in uploads:
            # A client that says nothing for 30 s is ended.
            await asyncio.gather(*(socket.send(PING) for socket in clients))
            arrivals = [asyncio.create_task(arrival(socket)) for socket in clients]
            await asyncio.sleep(1.0)
            started = time.perf_counter()
            async with http.post(path, json=upload) as answer:
                assert answer.status == 201, await answer.text()
            rounds.append([(at - started) * 1000 for at in await asyncio.gather(*arrivals)])
    return rounds


async def notifications(
    hubs: Sequence[HubProcess], count: int, folder: Path, versions: int
) -> None:
    data_dir = DataDir(folder)
    task = make_task(data_dir)
    uploads = []
    for _ in range(versions):
        package = ArtifactStore(data_dir).zip_bytes(TASK, add_version(data_dir, task, PROGRAM))
        uploads.append(
            {
                "package": base64.b64encode(package).decode(),
                "specification": data_dir.task_file(TASK).read_text(),
            }
        )
    before = sum(memory_kb(hub.pid) for hub in hubs)
    started = time.perf_counter()
    clients = await open_clients(hubs, count)
    took = time.perf_counter() - started
    each = (sum(memory_kb(hub.pid) for hub in hubs) - before) / count
    print(f"{count:,} clients connected in {took:.1f} s, {count / took:,.0f} a second")
    print(f"memory of it all: {before / 1024:.0f} MB before, {each:.1f} KB more for each client")
    rounds = await tell_all(hubs[0], clients, uploads)
    every = sorted(one for arrived in rounds for one in arrived)
    print(
        f"all told of {versions} versions, ms from the upload's start:"
        f" p50 {statistics.median(every):.0f}, p99 {every[int(len(every) * 0.99)]:.0f},"
        f" last {every[-1]:.0f}"
    )
    await asyncio.gather(*(socket.close() for socket in clients))


def make_batch(number: int) -> bytes:
    """As a box in balanced mode sends it: hashes, and every twentieth row with its input."""
    rows: list[dict[str, Any]] = []
    for row in range(ROWS):
        made: dict[str, Any] = {
            "execution_id": f"00000000-{number:08d}-7000-{row:012d}",
            "program_version": 1,
            "latency_ms": 0.25,
            "status": "success",
            "timestamp": "2026-11-22T10:00:00.000000Z",
            "sampled": row % 20 == 0,
            "input_hash": f"hmac-sha256:{number:032x}{row:032x}",
        }
        if made["sampled"]:
            made |= {"input": {"text": f"text {row} to [EMAIL:{row:012x}]"}, "output": "ham"}
        rows.append(made)
    body = {"v": 1, "deployment_id": f"box-{number % 100}", "stream": TASK, "rows": rows}
    return gzip.compress(json.dumps({**body, "key": f"batch-{number:012d}"}).encode(), mtime=0)


async def collecting(hubs: Sequence[HubProcess], batches: int, at_once: int) -> None:
    """Send batches from many boxes at once."""
    payloads = [make_batch(number) for number in range(batches)]
    headers = {"authorization": f"Bearer {hubs[0].new_key('edge')}"}
    left, took = iter(payloads), []

    async def send(http: aiohttp.ClientSession, hub: HubProcess) -> None:
        for payload in left:
            started = time.perf_counter()
            async with http.post(hub.url + "/api/v1/telemetry", data=payload) as answer:
                assert (await answer.json())["accepted"] == ROWS
            took.append((time.perf_counter() - started) * 1000)

    async with aiohttp.ClientSession(headers=headers) as http:
        started = time.perf_counter()
        await asyncio.gather(*(send(http, hubs[n % len(hubs)]) for n in range(at_once)))
        seconds = time.perf_counter() - started
    took.sort()
    print(
        f"{batches / seconds:.1f} batches a second of {ROWS:,} rows"
        f" ({batches * ROWS / seconds:,.0f} rows, {sum(map(len, payloads)) / seconds / 1e6:.2f} MB"
        f" of gzip), {at_once} at once: p50 {statistics.median(took):.0f} ms,"
        f" p99 {took[int(len(took) * 0.99)]:.0f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--versions", type=int, default=10)
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--processes", default="1", help="of the hub, as 1,2,4; on PostgreSQL")
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    tools = find_tools()
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        databases = ["sqlite"]
        if tools is not None:
            postgres = stack.enter_context(running_postgres(tools))
            databases.append("postgresql")
        for database in databases:
            for processes in map(int, given.processes.split(",")):
                if database == "sqlite" and processes > 1:
                    continue
                options = ["--per-minute", "100000000"]
                name = f"{database}-{processes}"
                if database == "postgresql":
                    options += ["--database", new_database(postgres, name)]
                print(f"\n{database}, {processes} hub process{'es' if processes > 1 else ''}")
                hubs = [HubProcess(folder / name, *options) for _ in range(processes)]
                try:
                    author = folder / f"author-{name}"
                    asyncio.run(notifications(hubs, given.clients, author, given.versions))
                    asyncio.run(collecting(hubs, given.batches, 8))
                finally:
                    for hub in hubs:
                        hub.stop()


if __name__ == "__main__":
    main()
