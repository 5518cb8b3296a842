"""Ollama's documented HTTP API over an answerer and a behaviour. Holds its models in memory."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from .answers import Answerer, Question, Recorded
from .behaviours import (
    BEHAVIOURS,
    Complain,
    Disconnect,
    Event,
    Refuse,
    Stall,
    good,
)

LAYERS = 4
SIZE = 98_304_000
NANOSECONDS = 1_000_000_000


@dataclass
class OllamaState:
    """What the server knows and has seen.

    The `behaviour` holds for the first `faults` questions (None: for all), then it is good.
    `pause` is seconds between two tokens. `library` are the models that can be pulled.
    """

    answerer: Answerer = field(default_factory=Recorded)
    behaviour: str = "good"
    faults: int | None = None
    pause: float = 0.0
    models: dict[str, str] = field(default_factory=lambda: {"tiny:latest": _now()})
    library: frozenset[str] = frozenset({"tiny:latest", "smollm2:135m", "other:latest"})
    requests: list[dict[str, Any]] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)

    def events(self, question: Question) -> Iterator[Event]:
        """What to say to the question that has just come in."""
        bad = self.faults is None or len(self.requests) <= self.faults
        return (BEHAVIOURS[self.behaviour] if bad else good)(question, self.answerer)


def make_app(state: OllamaState) -> Starlette:
    """The application; `state` may be changed while it runs."""

    async def running(request: Request) -> Response:
        return PlainTextResponse("Ollama is running")

    async def version(request: Request) -> Response:
        return JSONResponse({"version": "0.12.0"})

    async def tags(request: Request) -> Response:
        return JSONResponse({"models": [_listed(name, at) for name, at in state.models.items()]})

    async def show(request: Request) -> Response:
        name = _full(await request.json())
        if name not in state.models:
            return _absent(name)
        shown = {
            "modelfile": f"FROM {name}",
            "parameters": "temperature 0.7",
            "template": "{{ .Prompt }}",
            "details": _details(),
            "model_info": {
                "general.architecture": "llama",
                "general.parameter_count": 134_515_008,
                "llama.context_length": 8192,
            },
            "capabilities": ["completion"],
        }
        return JSONResponse(shown)

    async def delete(request: Request) -> Response:
        name = _full(await request.json())
        if state.models.pop(name, None) is None:
            return _absent(name)
        return Response(status_code=200)

    async def pull(request: Request) -> Response:
        name = _full(await request.json())
        return StreamingResponse(_pulling(state, name), media_type="application/x-ndjson")

    async def embed(request: Request) -> Response:
        body = await request.json()
        if _full(body) not in state.models:
            return _absent(_full(body))
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        vectors = [_embedding(text) for text in texts]
        figures = {"total_duration": 1000, "load_duration": 100, "prompt_eval_count": 4}
        return JSONResponse({"model": body["model"], "embeddings": vectors, **figures})

    async def chat(request: Request) -> Response:
        return await _complete(state, await request.json(), chat=True)

    async def generate(request: Request) -> Response:
        return await _complete(state, await request.json(), chat=False)

    return Starlette(
        routes=[
            Route("/", running),
            Route("/api/version", version),
            Route("/api/tags", tags),
            Route("/api/show", show, methods=["POST"]),
            Route("/api/delete", delete, methods=["DELETE"]),
            Route("/api/pull", pull, methods=["POST"]),
            Route("/api/embed", embed, methods=["POST"]),
            Route("/api/chat", chat, methods=["POST"]),
            Route("/api/generate", generate, methods=["POST"]),
        ]
    )


async def _complete(state: OllamaState, body: dict[str, Any], *, chat: bool) -> Response:
    name = _full(body)
    if name not in state.models:
        return _absent(name)
    state.requests.append(body)
    events = state.events(_question(body))
    first = await asyncio.to_thread(next, events, None)
    if isinstance(first, Refuse):
        return JSONResponse({"error": first.message}, status_code=first.status)
    stream = _stream(state, body, first, events, chat=chat)
    if body.get("stream", True):
        return StreamingResponse(stream, media_type="application/x-ndjson")
    text = []
    async for line in stream:
        part = json.loads(line)
        if "error" in part:
            return JSONResponse(part, status_code=500)
        text.append(part["message"]["content"] if chat else part["response"])
    whole = "".join(text)
    held = {"message": {"role": "assistant", "content": whole}} if chat else {"response": whole}
    return JSONResponse({**part, **held})


async def _stream(
    state: OllamaState,
    body: dict[str, Any],
    first: Event | None,
    events: Iterator[Event],
    *,
    chat: bool,
) -> AsyncIterator[bytes]:
    question = _question(body)
    started = time.monotonic_ns()
    count, reason = 0, "stop"
    limited = state.behaviour != "endless"
    done = False
    try:
        async for event in _chained(first, events):
            if isinstance(event, Stall):
                while not state.stopping.is_set():
                    await asyncio.sleep(0.05)
                return
            if isinstance(event, Disconnect):
                raise ConnectionAbortedError("cut on purpose")
            if isinstance(event, Complain):
                done = True
                yield _line({"error": event.message})
                return
            assert isinstance(event, str)
            if (limited and 0 <= question.max_tokens <= count) or state.stopping.is_set():
                reason = "length"
                break
            count += 1
            yield _line({**_head(body), **_said(event, chat=chat), "done": False})
            await asyncio.sleep(state.pause)
        taken = time.monotonic_ns() - started
        figures = {
            "done": True,
            "done_reason": reason,
            "total_duration": taken,
            "load_duration": 1_000_000,
            "prompt_eval_count": max(1, len(question.prompt) // 4),
            "prompt_eval_duration": taken // 4,
            "eval_count": count,
            "eval_duration": taken // 2,
        }
        done = True
        yield _line({**_head(body), **_said("", chat=chat), **figures})
    finally:
        if not done:
            state.cancelled.set()


async def _chained(first: Event | None, events: Iterator[Event]) -> AsyncIterator[Event]:
    if first is not None:
        yield first
        async for event in iterate_in_threadpool(events):
            yield event


async def _pulling(state: OllamaState, name: str) -> AsyncIterator[bytes]:
    yield _line({"status": "pulling manifest"})
    if name not in state.library:
        yield _line({"error": "pull model manifest: file does not exist"})
        return
    digest = "sha256:" + hashlib.sha256(name.encode()).hexdigest()
    for part in range(LAYERS + 1):
        done = SIZE * part // LAYERS
        yield _line(
            {
                "status": f"pulling {digest[7:19]}",
                "digest": digest,
                "total": SIZE,
                "completed": done,
            }
        )
        await asyncio.sleep(state.pause)
    yield _line({"status": "verifying sha256 digest"})
    yield _line({"status": "writing manifest"})
    state.models[name] = _now()
    yield _line({"status": "success"})


def _question(body: dict[str, Any]) -> Question:
    options = body.get("options") or {}
    messages = tuple(body.get("messages") or ({"role": "user", "content": body.get("prompt", "")},))
    return Question(
        model=body["model"],
        prompt="\n".join(message["content"] for message in messages),
        schema=body.get("format"),
        seed=options.get("seed", 0),
        temperature=options.get("temperature", 0.8),
        max_tokens=options.get("num_predict", -1),
        messages=messages,
    )


def _full(body: dict[str, Any]) -> str:
    name = str(body.get("model") or body.get("name") or "")
    return name if ":" in name else f"{name}:latest"


def _absent(name: str) -> Response:
    return JSONResponse({"error": f"model '{name}' not found"}, status_code=404)


def _head(body: dict[str, Any]) -> dict[str, Any]:
    return {"model": body["model"], "created_at": _now()}


def _said(text: str, *, chat: bool) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text}} if chat else {"response": text}


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _listed(name: str, at: str) -> dict[str, Any]:
    digest = hashlib.sha256(name.encode()).hexdigest()
    listed = {"name": name, "model": name, "modified_at": at, "size": SIZE, "digest": digest}
    return {**listed, "details": _details()}


def _details() -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "134.52M",
        "quantization_level": "Q4_K_M",
    }


def _embedding(text: str) -> list[float]:
    digest = hashlib.sha256(text.encode()).digest()
    return [(byte - 127.5) / 127.5 for byte in digest[:16]]


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
