"""Calls and is told through signalrcore; writes what came of it as JSON."""

import json
import os
import sys
import threading

from signalrcore.hub_connection_builder import HubConnectionBuilder

SECONDS = 10


def main(url: str, token: str) -> None:
    """Do everything once."""
    opened, told, answered = threading.Event(), threading.Event(), threading.Event()
    found = {}

    def take_told(arguments):
        found["told"] = arguments
        told.set()

    def take_answer(message):
        found["add"] = message.result
        answered.set()

    options = {"access_token_factory": lambda: token}
    connection = HubConnectionBuilder().with_url(url, options=options).build()
    connection.on_open(opened.set)
    connection.on("told", take_told)
    connection.start()
    assert opened.wait(SECONDS)
    connection.send("add", [1, 2], take_answer)
    assert answered.wait(SECONDS)
    connection.send("tell", ["hello"])
    assert told.wait(SECONDS)
    print(json.dumps(found), flush=True)
    os._exit(0)  # its own stop waits for a ping to pass


if __name__ == "__main__":
    main(*sys.argv[1:])
