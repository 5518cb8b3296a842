"""A PostgreSQL of the tests' own, in a temporary folder, on a socket only."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

USER = "loopai"


def find_tools() -> Path | None:
    """The folder of initdb and pg_ctl; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def running_postgres(tools: Path, *, fsync: bool = False) -> Iterator[str]:
    """Start a server, which survives no power cut unless `fsync`; gives the URL of its first
    database."""
    as_user: list[str] = []
    # In /tmp: a socket's path must be short. PostgreSQL refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    initdb = [*as_user, str(tools / "initdb"), "-D", str(data), "-U", USER, "-A", "trust", "-N"]
    control = [*as_user, str(tools / "pg_ctl"), "-D", str(data), "-w"]
    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    if not fsync:
        options += " -c fsync=off"
    try:
        subprocess.run(initdb, **run)
        subprocess.run([*control, "-l", str(folder / "log"), "-o", options, "start"], **run)
        try:
            yield f"postgresql://{USER}@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pid_of(url: str) -> int:
    """The process of a server that `running_postgres` gave the URL of."""
    folder = Path(url.partition("host=")[2])
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def new_database(url: str, name: str) -> str:
    """Make an empty database in that server; returns its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return url.replace("/postgres?", f"/{name}?")
