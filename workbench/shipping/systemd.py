"""The unit with which systemd serves a task; installs and starts nothing."""

from __future__ import annotations

import re
import shutil
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError, Problem

USER_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
HOST = re.compile(r"[A-Za-z0-9.:_-]{1,255}\Z")
#: What systemd would read as more than a path.
UNUSUAL = re.compile(r"[^\w@/.+,:=-]")
#: Folders that `ProtectHome=` hides.
HOMES = ("/home", "/root", "/run/user")


def unit(task: str, data_dir: DataDir, config: DeploymentConfig, user: str, program: Path) -> str:
    """The text of the unit. Raises InvalidInputError for what cannot stand in one."""
    host = config.runtime.host
    wrong = [
        Problem(f"{what} {value!r} cannot stand in a unit.", remedy=remedy)
        for what, value, fits, remedy in (
            ("the user", user, USER_NAME.match(user), "Name one such as loopai with --user."),
            ("the host", host, HOST.match(host), "Change runtime.host in deployment.yaml."),
            ("the folder", str(data_dir.root), _is_usual(data_dir.root), "Move it."),
            ("the program", str(program), _is_usual(program), "Install Loopai elsewhere."),
        )
        if not fits
    ]
    if wrong:
        raise InvalidInputError(wrong)
    in_home = any(path.is_relative_to(home) for path in (data_dir.root, program) for home in HOMES)
    template = files("workbench.shipping").joinpath("loopai.service").read_text()
    return Template(template).substitute(
        data_dir=data_dir.root,
        host=host,
        port=config.runtime.port,
        program=program,
        protect_home="read-only" if in_home else "yes",
        release=version("loopai-workbench"),
        stop=round(config.runtime.drain_sec) + 10,
        task=task,
        user=user,
    )


def installed_program() -> Path:
    """Where `loopai-runtime` is installed. Raises LoopaiError."""
    beside = Path(sys.prefix) / "bin" / "loopai-runtime"
    found = beside if beside.exists() else Path(shutil.which("loopai-runtime") or "")
    if not found.is_file():
        raise LoopaiError(Problem("loopai-runtime is not installed.", remedy="Use --program."))
    return found.absolute()


def _is_usual(path: Path) -> bool:
    return not UNUSUAL.search(str(path))
