"""Where a runtime is and how it is asked: what the plain and the asynchronous client share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from runtime.client.answers import failure_of, no_runtime
from runtime.client.errors import error_of
from runtime.tls.contexts import client_context
from runtime.tls.settings import ClientTls

DEFAULT_URL = "http://127.0.0.1:8080"
KEY_VARIABLE = "LOOPAI_SERVE_KEY"
REQUEST_ID = "x-request-id"
SECONDS_TO_WAIT = 30.0
SECONDS_TO_CONNECT = 5.0
SECONDS_BETWEEN_LOOKS = 0.05


def settings(url: str, key: str | None, timeout: float, tls: ClientTls | None) -> dict[str, Any]:
    """Arguments for either kind of httpx client. Raises InvalidInputError for a bad certificate."""
    key = key if key is not None else os.environ.get(KEY_VARIABLE, "").strip()
    return {
        "base_url": url,
        "headers": {"authorization": f"Bearer {key}"} if key else {},
        "timeout": httpx.Timeout(timeout, connect=min(timeout, SECONDS_TO_CONNECT)),
        "verify": True if tls is None else client_context(tls),
    }


def path_of(task: str | None, *, batch: bool = False) -> str:
    """Where the task's inputs are posted; the runtime's default task when None."""
    path = "/execute" if task is None else f"/v1/execute/{quote(task, safe='')}"
    return f"{path}/batch" if batch else path


def headers_of(request_id: str | None) -> Mapping[str, str]:
    """Headers of one execution; all its tries have the same id."""
    json = {"content-type": "application/json"}
    return json if request_id is None else {**json, REQUEST_ID: request_id}


def decode_health(response: httpx.Response) -> dict[str, Any]:
    """What a runtime says of itself. Raises ProblemError when it is not one that answers."""
    if response.status_code != 200:
        raise error_of(failure_of(response))
    try:
        health = msgspec.json.decode(response.content)
    except ValueError:
        health = None
    if not isinstance(health, dict):
        raise error_of(no_runtime(response))
    return health
