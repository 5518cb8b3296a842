"""Builds an image's root file system from its Dockerfile without a container engine, and runs it.

Debian comes from debootstrap in place of the base image; the Dockerfile's own instructions are
carried out one by one in a chroot. A run has what an engine would give: its own mounts, processes
and host name, a read-only root, a volume, an unprivileged user with no capabilities.
"""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockerfile_parse import DockerfileParser

FROM_THE_HOST = (
    "/etc/resolv.conf",
    "/etc/apt/apt.conf.d",
    "/etc/apt/sources.list.d",
    "/etc/apt/sources.list",
    "/etc/ssl/certs",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
)


NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts")
#: What an engine does before the entry point: "$@" is that, after its variables.
RUN = """
mount --bind "$ROOT" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount --bind "$VOLUME" "$ROOT$PLACE"
mount -t tmpfs tmpfs "$ROOT/tmp"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs -o mode=755 tmpfs "$ROOT/dev"
mknod -m 666 "$ROOT/dev/null" c 1 3
mknod -m 666 "$ROOT/dev/zero" c 1 5
mknod -m 666 "$ROOT/dev/random" c 1 8
mknod -m 666 "$ROOT/dev/urandom" c 1 9
mkdir -m 1777 "$ROOT/dev/shm"
ln -s /proc/self/fd "$ROOT/dev/fd"
exec chroot "$ROOT" /usr/bin/setpriv --reuid "${OWNER%:*}" --regid "${OWNER#*:}" --clear-groups \\
    --no-new-privs --inh-caps=-all --bounding-set=-all /usr/bin/env -i "$@"
"""
BUILD = """
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
exec chroot "$0" sh -c "$1"
"""


def debian(folder: Path) -> None:
    """A minimal Debian, with the package sources of this machine."""
    subprocess.run(
        ["debootstrap", "--variant=minbase", "bookworm", str(folder)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for place in map(Path, FROM_THE_HOST):
        target = folder / place.relative_to("/")
        if place.is_dir():
            shutil.copytree(place, target, dirs_exist_ok=True, symlinks=True)
        elif place.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(place, target)


@dataclass
class Image:
    """A root file system with what its Dockerfile says of running it."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    volume: str = ""

    def start(
        self, volume: Path, environment: dict[str, str], *command: str
    ) -> subprocess.Popen[str]:
        """Run the entry point; the process group is the caller's to end."""
        variables = [
            f"{name}={value}" for name, value in {**self.environment, **environment}.items()
        ]
        arguments = [*self.entrypoint, *(command or self.command)]
        return subprocess.Popen(
            [*NAMESPACES, "sh", "-euc", RUN, "sh", *variables, *arguments],
            env={
                "PATH": os.environ["PATH"],
                "ROOT": str(self.root),
                "VOLUME": str(volume),
                "PLACE": self.volume,
                "OWNER": self.user,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def build(context: Path, base: Path, folder: Path) -> Image:
    """Carry out the Dockerfile of a context. Every stage starts from the same Debian, `base`."""
    stages: dict[str, Image] = {}
    image = Image(base)
    dockerfile = io.BytesIO((context / "Dockerfile").read_bytes())
    for step in DockerfileParser(fileobj=dockerfile).structure:
        instruction, value = step["instruction"], step["value"]
        if instruction == "FROM":
            name = value.split(" AS ")[1] if " AS " in value else "last"
            assert value.startswith("debian:bookworm-slim")
            image = stages[name] = Image(folder / name)
            subprocess.run(["cp", "-a", str(base), str(image.root)], check=True)
        elif instruction == "RUN":
            _run(image, value)
        elif instruction == "COPY":
            *source, target = value.split()
            origin = context
            if source[0].startswith("--from="):
                origin = stages[source.pop(0).removeprefix("--from=")].root
            place = image.root / target.lstrip("/")
            shutil.copytree(origin / source[0].lstrip("/"), place, symlinks=True)
        elif instruction in ("ENV", "LABEL"):
            kept = image.environment if instruction == "ENV" else image.labels
            kept.update(_pairs(value))
        elif instruction == "HEALTHCHECK":
            image.health = json.loads(value.partition(" CMD ")[2])
        elif instruction in ("ENTRYPOINT", "CMD"):
            name = "entrypoint" if instruction == "ENTRYPOINT" else "command"
            setattr(image, name, json.loads(value))
        elif instruction in ("USER", "VOLUME"):
            setattr(image, instruction.lower(), value)
        else:
            assert instruction in ("COMMENT", "EXPOSE", "WORKDIR"), step
    return image


def _run(image: Image, command: str) -> None:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "sh", "-euc", BUILD, str(image.root), command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


def _pairs(value: str) -> dict[str, Any]:
    return dict(part.split("=", 1) for part in shlex.split(value))
