"""A folder with every wheel an installation needs, each pinned and with its hash.

The versions and hashes are the released ones of `constraints.txt`; what is fetched and does not
have its released hash is refused.
"""

from __future__ import annotations

import hashlib
import platform as this_machine
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from runtime.errors import LoopaiError, Problem
from workbench.shipping.new_folder import new_folder
from workbench.shipping.own_wheel import NAME, write_own_wheel
from workbench.shipping.pip_process import run_pip

REQUIREMENTS = "requirements.txt"
#: Names for the tags of Linux wheels: glibc 2.28 (Debian 10, RHEL 8) or later.
GLIBC_MINORS = range(28, 16, -1)
LINUX = {"linux-x86_64": "x86_64", "linux-aarch64": "aarch64"}


@dataclass(frozen=True, slots=True)
class Target:
    """The machine the wheels are for; `platforms` are tags of pip, none for this machine's."""

    python: str | None = None
    platforms: tuple[str, ...] = ()

    def pip_options(self) -> list[str]:
        options = ["--python-version", self.python] if self.python else []
        here = f"{this_machine.system()}-{this_machine.machine()}".lower()
        named = self.platforms or ((here,) if self.python else ())
        for platform in named:
            machine = LINUX.get(platform)
            tags = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS] if machine else []
            older = [f"manylinux2014_{machine}", f"linux_{machine}"] if machine else [platform]
            for tag in (*tags, *older):
                options += ["--platform", tag]
        return options


@dataclass(frozen=True, slots=True)
class Wheelhouse:
    folder: Path
    wheels: tuple[str, ...]
    size: int


def gather(
    folder: Path,
    extras: Sequence[str],
    target: Target,
    on_line: Callable[[str], None] = lambda line: None,
) -> Wheelhouse:
    """Fill `folder`, which must be empty or not there, all at once or not at all.

    Raises LoopaiError or OSError.
    """
    with new_folder(folder) as made, tempfile.TemporaryDirectory() as temporary:
        own = write_own_wheel(made)
        released = files("workbench.shipping").joinpath("constraints.txt").read_text()
        pins = Path(temporary) / "constraints.txt"
        pins.write_text(re.sub(r" *\\\n +--hash=\S+", "", released))
        run_pip(
            "download",
            *("--dest", str(made), "--only-binary", ":all:", "--constraint", str(pins)),
            *target.pip_options(),
            f"{NAME}[{','.join(extras)}] @ {own.as_uri()}",
            on_line=on_line,
        )
        hashes = {path.name: _sha256(path) for path in sorted(made.glob("*.whl"))}
        _check_released({**hashes, own.name: ""}, released)
        (made / REQUIREMENTS).write_text(_requirements(hashes, extras, folder.name))
    size = sum(path.stat().st_size for path in folder.iterdir())
    return Wheelhouse(folder, tuple(hashes), size)


def _check_released(hashes: dict[str, str], released: str) -> None:
    for name, digest in hashes.items():
        if digest and f"sha256:{digest}" not in released:
            raise LoopaiError(
                Problem(
                    f"{name} is not the file this release was made with: its hash is {digest}.",
                    remedy="Ask whoever runs your package index what they changed.",
                )
            )


def _requirements(hashes: dict[str, str], extras: Sequence[str], folder: str) -> str:
    lines = [
        "# Install with no network, each file checked:",
        f"#   pip install --no-index --find-links {folder} --require-hashes"
        f" -r {folder}/{REQUIREMENTS}",
    ]
    for wheel, digest in hashes.items():
        name, version = wheel.split("-")[:2]
        name = name.replace("_", "-")
        chosen = f"[{','.join(extras)}]" if name == NAME and extras else ""
        lines.append(f"{name}{chosen}=={version} --hash=sha256:{digest}")
    return "\n".join(lines) + "\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
