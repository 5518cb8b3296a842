"""The build context of a container image: Dockerfile, wheels, and the tasks it starts with.

Writes a folder; builds and runs nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

import yaml

from runtime.artifacts import ArtifactStore
from runtime.config import load_deployment
from runtime.data_dir import DataDir, write_atomic
from runtime.errors import NotFoundError, Problem
from runtime.models import Mode
from runtime.tasks import load_task
from workbench.shipping.new_folder import new_folder
from workbench.shipping.plain_secrets import refuse_plain_secrets
from workbench.shipping.wheelhouse import Target, gather

#: The Python of the image, which is Debian's.
PYTHON = "3.11"
#: The user everything in it runs as.
USER = 10001
HUB, EDGE = "hub", "sync"
#: Where compose.yaml has the hub.
HUB_URL = "http://hub:8090"


def image_name() -> str:
    """What the image is called where nothing else is said."""
    return f"loopai-runtime:{version('loopai-workbench')}"


def write_context(
    folder: Path,
    data_dir: DataDir,
    tasks: Sequence[str],
    extra: str,
    platform: str,
    on_line: Callable[[str], None] = lambda line: None,
) -> None:
    """Fill `folder`, which must not be there or be empty, all at once or not at all.

    Raises LoopaiError or OSError.
    """
    with new_folder(folder) as made:
        # compose.yaml puts settings into the seed's folder, which a read-only root must have.
        (made / "seed" / "config").mkdir(parents=True)
        for task in tasks:
            _copy_task(data_dir, task, DataDir(made / "seed"))
        if tasks and data_dir.deployment_file.exists():
            refuse_plain_secrets(
                load_deployment(data_dir.deployment_file), str(data_dir.deployment_file)
            )
            target = DataDir(made / "seed").deployment_file
            write_atomic(target, data_dir.deployment_file.read_bytes())
        gather(made / "wheels", (extra,), Target(PYTHON, (platform,)), on_line)
        names = {
            "image": image_name(),
            "release": version("loopai-workbench"),
            "task": tasks[0] if tasks else "TASK",
            "user": USER,
        }
        if extra == HUB:
            (made / "edge.yaml").write_text(_edge_settings(DataDir(made / "seed")))
        for name in ("Dockerfile", *(("compose.yaml",) if extra == HUB else ())):
            template = files("workbench.shipping").joinpath(name).read_text()
            (made / name).write_text(Template(template).substitute(names))
        (made / ".dockerignore").write_text("*\n!wheels\n!seed\n")


def _edge_settings(seed: DataDir) -> str:
    """The settings the image starts with, and the hub beside it in compose.yaml."""
    file = seed.deployment_file
    settings = (yaml.safe_load(file.read_text()) if file.exists() else None) or {}
    settings["cloud"] = {**(settings.get("cloud") or {}), "api_url": HUB_URL}
    if (settings.get("runtime") or {}).get("mode") == Mode.EDGE:
        settings["runtime"]["mode"] = Mode.HYBRID.value
    made: str = yaml.safe_dump(settings, sort_keys=False)
    return f"# What each edge box of compose.yaml starts with.\n{made}"


def _copy_task(data_dir: DataDir, name: str, seed: DataDir) -> None:
    """The task with the version that serves; its examples stay at home."""
    load_task(data_dir, name, with_examples=False)
    store = ArtifactStore(data_dir)
    active = store.active(name)
    if active is None:
        raise NotFoundError(
            Problem(f"no version of {name!r} serves.", remedy=f"First: loopai promote {name} v1")
        )
    store.program_source(name, active)  # its digest is checked
    shutil.copytree(data_dir.artifact(name, active), seed.artifact(name, active))
    seed.active_link(name).symlink_to(f"v{active}")
    seed.task(name).mkdir(parents=True)
    shutil.copy(data_dir.task_file(name), seed.task_file(name))
