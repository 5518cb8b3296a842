"""What a person may see of this box's edge: its link to the hub, what left, and what the hub tells.

Each function reads one thing and changes nothing; only `ask_hub` uses the network.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from sync.audit import AuditLog, Verified
from sync.status import read_link

if TYPE_CHECKING:
    from sync.hub_client import HubClient


@dataclass(frozen=True, slots=True)
class Left:
    """All that ever left: whether its chain of hashes holds, and the newest entries."""

    verified: Verified
    bytes: int
    newest: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class AtHub:
    """What the hub tells of all boxes; `problem` where it was not to be had, or refuses."""

    deployments: tuple[dict[str, Any], ...] = ()
    tickets: tuple[dict[str, Any], ...] = ()
    problem: LoopaiError | None = None


def read_agent(data_dir: DataDir) -> dict[str, Any] | None:
    """What the agent last wrote of itself, and whether it still `runs`; None: it never ran."""
    link = read_link(data_dir)
    return None if link is None else {**link, "runs": _is_running(link.get("pid"))}


def read_left(data_dir: DataDir, most: int = 500) -> Left:
    """Go through the whole audit log. Raises OSError."""
    from sync.agent import AUDIT_FILE  # needs the HTTP client, which takes its time

    log = AuditLog(data_dir.state / AUDIT_FILE)
    verified = log.verify()
    newest: deque[dict[str, Any]] = deque(maxlen=most)
    sent = 0
    if verified.problem is None:
        for entry in log.entries():
            newest.append(entry)
            sent += entry.get("bytes", 0)
    return Left(verified, sent, tuple(reversed(newest)))


def ask_hub(config: DeploymentConfig) -> AtHub | None:
    """Deployments and tickets, asked of the configured hub; None where none is configured.

    Waits as long as the hub client allows, so never on a thread that somebody waits for.
    """
    try:
        client = _client(config)
        if client is None:
            return None
        with client:
            boxes = client.look("/api/v1/deployments")["deployments"]
            return AtHub(tuple(boxes), tuple(client.look("/api/v1/tickets")["tickets"]))
    except LoopaiError as error:
        return AtHub(problem=error)
    except (KeyError, TypeError):
        return AtHub(problem=LoopaiError("The hub's answer is not what this release reads."))


def close_ticket(config: DeploymentConfig, number: int) -> None:
    """Tell the hub that a person has dealt with a ticket. Raises LoopaiError."""
    client = _client(config)
    if client is not None:
        with client:
            client.change(f"/api/v1/tickets/{number}/close")


def _client(config: DeploymentConfig) -> HubClient | None:
    from sync.hub_client import HubClient, hub_tls

    url = config.text("cloud", "api_url")
    if url is None:
        return None
    return HubClient(url, config.text("cloud", "api_key") or "", tls=hub_tls(config.cloud.tls))


def _is_running(pid: Any) -> bool:
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
