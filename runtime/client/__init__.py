"""Calls a Loopai runtime over HTTP: one input, or millions, from plain or asynchronous code.

It needs httpx, which the runtime itself does not. It never runs a program here.
"""

from __future__ import annotations

try:
    import httpx as _httpx  # noqa: F401
except ImportError as error:
    raise ImportError(
        "runtime.client needs httpx: pip install 'loopai-workbench[client]'."
    ) from error

from runtime.client.answers import Execution, Failure, FieldError
from runtime.client.asynchronous import AsyncClient
from runtime.client.errors import (
    AccessDeniedError,
    OverloadedError,
    ProblemError,
    ProgramFailedError,
    RefusedInputError,
    UnavailableError,
    UnknownTaskError,
)
from runtime.client.retries import Retries
from runtime.client.synchronous import Client
from runtime.tls.settings import ClientTls

__all__ = [
    "AccessDeniedError",
    "AsyncClient",
    "Client",
    "ClientTls",
    "Execution",
    "Failure",
    "FieldError",
    "OverloadedError",
    "ProblemError",
    "ProgramFailedError",
    "RefusedInputError",
    "Retries",
    "UnavailableError",
    "UnknownTaskError",
]
