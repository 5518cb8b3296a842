"""Calls and is told through pysignalr; writes what came of it as JSON."""

import asyncio
import json
import os
import sys

from pysignalr.client import SignalRClient

SECONDS = 10


async def main(url: str, token: str) -> None:
    """Do everything once."""
    client = SignalRClient(url, headers={"Authorization": f"Bearer {token}"})
    found = {}
    done = asyncio.Event()

    async def take_told(arguments):
        found["told"] = arguments
        done.set()

    async def take_answer(message):
        found["add"] = message.result
        await client.send("tell", ["hello"])

    async def ask():
        await client.send("add", [1, 2], on_invocation=take_answer)

    client.on("told", take_told)
    client.on_open(ask)
    running = asyncio.create_task(client.run())
    await asyncio.wait_for(done.wait(), SECONDS)
    print(json.dumps(found), flush=True)
    running.cancel()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
