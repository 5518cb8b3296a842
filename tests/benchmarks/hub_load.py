"""Many boxes on one hub: how soon all are told, what they cost in memory, how much is collected.

`python -m tests.benchmarks.hub_load --workers 1,2,4`. Clients are WebSockets of the JSON hub
protocol in one other process, on the same processors as the hub; delivery counts from before the
upload is sent until the client has the message. Memory is the hub's proportional set size.
Processor time is that of the hub's processes and of the database's, as the kernel counts it: unlike
the rates it depends little on what else the machine does. PostgreSQL writes to the disk as it does
in earnest (fsync).
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
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import psycopg
from websockets.asyncio.client import ClientConnection, connect

from runtime.artifacts import ArtifactStore
from runtime.clock import format_time, utc_now
from runtime.data_dir import DataDir
from tests.certificates import Authority
from tests.support import TASK, add_version, make_task
from tests.sync.hub.postgres import find_tools, new_database, pid_of, running_postgres
from tests.sync.hub_process import HubProcess

HANDSHAKE = '{"protocol":"json","version":1}\x1e'
PING = '{"type":6}\x1e'
CONNECTING_AT_ONCE = 50
AT_ONCE = 8
BOXES = 100
PROGRAM = "def run(input_data):\n    return 'ham'\n"
ROWS = 1000
#: Of a box that executes once a second and uploads once a minute.
FEW_ROWS = 60


class Measured:
    """A hub and its database's server, if that is a process of its own."""

    def __init__(self, hub: HubProcess, database: str | None, server: int | None) -> None:
        self.hub = hub
        self.database = database
        self._server = server
        self.tokens = {scope: hub.new_key(scope) for scope in ("edge", "publish", "execute")}

    def workers(self) -> list[psutil.Process]:
        """The processes that serve."""
        root = psutil.Process(self.hub.pid)
        return [one for one in root.children() if "start" in one.cmdline()] or [root]

    def memory_kb(self) -> float:
        """Proportional set size of all its processes."""
        root = psutil.Process(self.hub.pid)
        parts = [root, *root.children(recursive=True)]
        return sum(one.memory_full_info().pss for one in parts) / 1024

    @contextmanager
    def spent(self, what: str, count: int) -> Iterator[None]:
        """Print the processor time that the block takes of hub and database, for one of `count`."""
        spent = [0.0, 0.0]
        with self.adding(spent):
            yield
        self.say(what, count, spent)

    @contextmanager
    def adding(self, spent: list[float]) -> Iterator[None]:
        """Add the seconds that the block takes of hub and database."""
        before = self._seconds()
        yield
        for number, (now, then) in enumerate(zip(self._seconds(), before, strict=True)):
            spent[number] += now - then

    @staticmethod
    def say(what: str, count: int, spent: Sequence[float]) -> None:
        hub, server = (seconds / count * 1000 for seconds in spent)
        print(
            f"    processor time of {what}: {hub:,.3f} ms in the hub, {server:,.3f} in PostgreSQL"
        )

    def session(self, scope: str = "edge", *, keeps: bool = True) -> aiohttp.ClientSession:
        """A client, whose requests each have a connection of their own unless it `keeps` one."""
        return aiohttp.ClientSession(
            headers={"authorization": f"Bearer {self.tokens[scope]}"},
            connector=aiohttp.TCPConnector(force_close=not keeps, ssl=self.hub.trust or True),
        )

    def _seconds(self) -> tuple[float, float]:
        return processor_seconds(self.hub.pid), processor_seconds(self._server)


def processor_seconds(pid: int | None) -> float:
    """What a process and its children have used, those that have ended too."""
    if pid is None:
        return 0.0
    root = psutil.Process(pid)
    while True:
        with suppress(psutil.NoSuchProcess):  # one that ends now is among the ended ones then
            times = [one.cpu_times() for one in (root, *root.children(recursive=True))]
            return sum(t.user + t.system + t.children_user + t.children_system for t in times)


async def open_clients(measured: Measured, count: int) -> list[ClientConnection]:
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def open_one() -> ClientConnection:
        async with gate:
            socket = await connect(
                measured.hub.url.replace("http", "ws") + "/hubs/loopai",
                additional_headers={"authorization": f"Bearer {measured.tokens['edge']}"},
                compression=None,
                open_timeout=60,
                ssl=measured.hub.trust,
                ping_interval=None,
            )
            await socket.send(HANDSHAKE)
            assert await socket.recv() == "{}\x1e"
            return socket

    return list(await asyncio.gather(*(open_one() for _ in range(count))))


async def tell_all(
    measured: Measured, clients: Sequence[ClientConnection], uploads: Sequence[dict[str, Any]]
) -> list[list[float]]:
    """Publish one version after the other; for each, when every client had it, in ms."""
    path = f"{measured.hub.url}/api/v1/artifacts/{TASK}/upload"
    rounds = []
    spent = [0.0, 0.0]

    async def arrival(socket: ClientConnection) -> float:
        while "OnNewArtifactAvailable" not in str(await socket.recv()):
            pass
        return time.perf_counter()

    async with measured.session("publish") as http:
        for upload in uploads:
            # A client that says nothing for 30 s is ended.
            await asyncio.gather(*(socket.send(PING) for socket in clients))
            arrivals = [asyncio.create_task(arrival(socket)) for socket in clients]
            await asyncio.sleep(1.0)
            started = time.perf_counter()
            with measured.adding(spent):
                async with http.post(path, json=upload) as answer:
                    assert answer.status == 201, await answer.text()
                rounds.append([(at - started) * 1000 for at in await asyncio.gather(*arrivals)])
    measured.say(f"a version with all {len(clients):,} told", len(uploads), spent)
    return rounds


async def notifications(measured: Measured, count: int, folder: Path, versions: int) -> None:
    data_dir = DataDir(folder)
    task = make_task(data_dir)
    uploads = []
    for _ in range(versions):
        package = ArtifactStore(data_dir).zip_bytes(TASK, add_version(data_dir, task, PROGRAM))
        uploads.append(
            {
                "package": base64.b64encode(package).decode(),
                "specification": data_dir.task_file(task.name).read_text(),
            }
        )
    before = measured.memory_kb()
    started = time.perf_counter()
    with measured.spent("a connection", count):
        clients = await open_clients(measured, count)
    took = time.perf_counter() - started
    each = (measured.memory_kb() - before) / count
    shares = [
        sum(one.status == psutil.CONN_ESTABLISHED and one.laddr.port == measured.hub.port
            for one in worker.net_connections("tcp"))
        for worker in measured.workers()
    ]  # fmt: skip
    print(f"{count:,} clients connected in {took:.1f} s, at the workers {shares}")
    print(f"memory of it all: {before / 1024:.0f} MB before, {each:.1f} KB more for each client")
    rounds = await tell_all(measured, clients, uploads)
    every = sorted(one for arrived in rounds for one in arrived)
    print(
        f"all told of {versions} versions, ms from the upload's start:"
        f" p50 {statistics.median(every):.0f}, p99 {every[int(len(every) * 0.99)]:.0f},"
        f" last {every[-1]:.0f}"
    )
    await asyncio.gather(*(socket.close() for socket in clients))


def make_batch(number: int, count: int = ROWS) -> bytes:
    """As a box in balanced mode sends it: hashes, and every twentieth row with its input."""
    at = format_time(utc_now())
    rows: list[dict[str, Any]] = []
    for row in range(count):
        made: dict[str, Any] = {
            "execution_id": f"00000000-{number:08d}-7000-{row:012d}",
            "program_version": 1,
            "latency_ms": 0.25,
            "status": "success",
            "timestamp": at,
            "sampled": row % 20 == 0,
            "input_hash": f"hmac-sha256:{number:032x}{row:032x}",
        }
        if made["sampled"]:
            made |= {"input": {"text": f"text {row} to [EMAIL:{row:012x}]"}, "output": "ham"}
        rows.append(made)
    body = {"v": 1, "deployment_id": f"box-{number % BOXES}", "stream": TASK, "rows": rows}
    return gzip.compress(json.dumps({**body, "key": f"batch-{number:012d}"}).encode(), mtime=0)


def on_disk(database: str) -> int:
    """What the executions take in PostgreSQL, indexes and all."""
    sizes = "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('executions')"
    with psycopg.connect(database) as connection:
        (size,) = connection.execute(sizes).fetchone() or (0,)
        return int(size)


async def at_once(
    measured: Measured,
    what: str,
    count: int,
    act: Callable[[aiohttp.ClientSession, int], Awaitable[None]],
    *,
    scope: str = "edge",
    keeps: bool = True,
) -> float:
    """Do so many of something, some side by side; how many a second that was."""
    left, took = iter(range(count)), []

    async def go() -> None:
        async with measured.session(scope, keeps=keeps) as http:
            for number in left:
                started = time.perf_counter()
                await act(http, number)
                took.append((time.perf_counter() - started) * 1000)

    started = time.perf_counter()
    with measured.spent(what, count):
        await asyncio.gather(*(go() for _ in range(AT_ONCE)))
    took.sort()
    rate = count / (time.perf_counter() - started)
    print(
        f"{rate:,.1f} of {what} a second, {AT_ONCE} at once:"
        f" p50 {statistics.median(took):.0f} ms, p99 {took[int(count * 0.99)]:.0f} ms"
    )
    return rate


async def collecting(measured: Measured, batches: int) -> None:
    """Send batches from many boxes at once, and their signs of life."""
    url = measured.hub.url
    payloads = [make_batch(number) for number in range(batches)]
    small = [make_batch(batches + number, FEW_ROWS) for number in range(5 * batches)]

    async def send(http: aiohttp.ClientSession, number: int) -> None:
        async with http.post(url + "/api/v1/telemetry", data=payloads[number]) as answer:
            assert (await answer.json())["accepted"] == ROWS, await answer.text()

    async def send_small(http: aiohttp.ClientSession, number: int) -> None:
        async with http.post(url + "/api/v1/telemetry", data=small[number]) as answer:
            assert (await answer.json())["accepted"] == FEW_ROWS, await answer.text()

    async def register(http: aiohttp.ClientSession, number: int) -> None:
        box = {"deployment_id": f"box-{number}"}
        async with http.post(url + "/api/v1/deployments", json=box) as answer:
            assert answer.status == 201, await answer.text()

    async def live(http: aiohttp.ClientSession, number: int) -> None:
        beat = {"tasks": {TASK: 1}, "status": {"state": "well"}}
        path = f"{url}/api/v1/deployments/box-{number % BOXES}/heartbeat"
        async with http.post(path, json=beat) as answer:
            assert answer.status == 200, await answer.text()

    rate = await at_once(measured, "a batch of 1,000 rows", batches, send)
    size = sum(map(len, payloads)) / batches
    print(f"    that is {rate * ROWS:,.0f} rows and {rate * size / 1e6:.2f} MB of gzip a second")
    if measured.database is not None:
        print(f"    a row takes {on_disk(measured.database) / batches / ROWS:,.0f} bytes of disk")
    what = f"a batch of {FEW_ROWS} rows over a new connection"
    await at_once(measured, what, 5 * batches, send_small, keeps=False)
    await at_once(measured, "a registration", BOXES, register)
    await at_once(measured, "a sign of life", 10 * batches, live)
    # As boxes do, which do not keep a connection for the half minute between two.
    what = "a sign of life over a new connection"
    await at_once(measured, what, 10 * batches, live, keeps=False)


async def executing(measured: Measured, count: int) -> None:
    """Have the hub itself execute the newest version, for those that only ask."""
    path = f"{measured.hub.url}/v1/execute/{TASK}"

    async def execute(http: aiohttp.ClientSession, number: int) -> None:
        async with http.post(path, json={"input": {"text": f"text {number}"}}) as answer:
            assert (await answer.json())["output"] == "ham", await answer.text()

    await at_once(measured, "a first execution", 4 * AT_ONCE, execute, scope="execute")
    await at_once(measured, "an execution at the hub", count, execute, scope="execute")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--versions", type=int, default=10)
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--workers", default="1", help="of the hub, as 1,2,4; on PostgreSQL")
    parser.add_argument("--database", default="sqlite,postgresql")
    parser.add_argument("--tls", action="store_true")
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    tools = find_tools()
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        databases = given.database.split(",")
        if "postgresql" in databases and tools is not None:
            postgres = stack.enter_context(running_postgres(tools, fsync=True))
        for database in databases:
            for workers in map(int, given.workers.split(",")):
                if database == "sqlite" and workers > 1:
                    continue
                options = ["--per-minute", "100000000", "--workers", str(workers)]
                options += ["--executions-per-minute", "100000000"]
                # The engine reads what is collected, which is none of a batch's cost.
                options += ["--improve-every", "0"]
                name, server, url = f"{database}-{workers}", None, None
                if database == "postgresql":
                    url, server = new_database(postgres, name), pid_of(postgres)
                    options += ["--database", url]
                print(f"\n{database}, {workers} worker{'s' if workers > 1 else ''}", flush=True)
                ca = None
                if given.tls:
                    authority = Authority(folder / f"authority-{name}")
                    pair, ca = authority.issue("hub"), authority.ca
                    options += ["--tls-cert", str(pair.cert), "--tls-key", str(pair.key)]
                hub = HubProcess(folder / name, *options, ca=ca)
                try:
                    measured = Measured(hub, url, server)
                    author = folder / f"author-{name}"
                    asyncio.run(notifications(measured, given.clients, author, given.versions))
                    asyncio.run(collecting(measured, given.batches))
                    asyncio.run(executing(measured, 50 * given.batches))
                finally:
                    hub.stop()


if __name__ == "__main__":
    main()
