"""A hub as it is run: a process of `loopai hub start`, on one port however often it is stopped."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support import clean_environment, wait_until


class HubProcess:
    """A hub in a folder, with SQLite there unless the options name another database.

    `ca` is the file of who signed its certificate, where the options name one.
    """

    def __init__(self, folder: Path, *options: str, ca: Path | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"http{'s' if ca else ''}://127.0.0.1:{self.port}"
        self.trust = ssl.create_default_context(cafile=ca) if ca else None
        self._place = ["--folder", str(folder)]
        if "--database" in options:
            self._place += ["--database", options[options.index("--database") + 1]]
        self._options = ("start", "--port", str(self.port), *options)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        wait_until(self._answers, 60)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It is away during the block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def run(self, *arguments: str) -> str:
        """Run `loopai hub` on its folder; returns what it prints."""
        done = subprocess.run(
            self._command(*arguments), capture_output=True, text=True, env=clean_environment()
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def new_key(self, *scopes: str, tenant: str = "acme") -> str:
        wanted = [part for scope in scopes for part in ("--scope", scope)]
        made = self.run("keys", "create", "test", "--tenant", tenant, *wanted, "--json")
        return str(json.loads(made)["key"])

    def client(self, *scopes: str, tenant: str = "acme") -> httpx.Client:
        headers = {"authorization": f"Bearer {self.new_key(*scopes, tenant=tenant)}"}
        trust = self.trust or True
        return httpx.Client(base_url=self.url, headers=headers, timeout=20, verify=trust)

    def _command(self, name: str, *arguments: str) -> list[str]:
        named = [name, *arguments]
        if name == "keys":
            named = [name, arguments[0], *self._place, *arguments[1:]]
            return [sys.executable, "-m", "workbench", "hub", *named]
        return [sys.executable, "-m", "workbench", "hub", *named, "--folder", str(self.folder)]

    def _answers(self) -> bool:
        # While it was away its port may have been anybody's for a moment.
        if self._process is None or self._process.poll() is not None:
            with (self.folder / "hub.log").open("ab") as log:
                self._process = subprocess.Popen(
                    self._command(*self._options), stdout=log, stderr=log, env=clean_environment()
                )
        try:
            asked = httpx.get(self.url + "/ready", verify=self.trust or True)
            return asked.status_code == 200
        except httpx.TransportError:
            return False
