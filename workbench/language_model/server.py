"""One Ollama server: what it has, and one streamed answer at a time, with every wait bounded.

Keeps no conversation and retries nothing; whoever asks decides about that.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

import httpx
import pydantic

from runtime.config import DeploymentConfig
from runtime.config_sections import SynthesisConfig
from workbench.language_model.failures import (
    BadAddressError,
    CallFailedError,
    ModelAbsentError,
    ServerAbsentError,
)
from workbench.language_model.messages import ModelAnswer, ModelRequest

try:
    import ollama
except ValueError:  # it reads the variable as it is imported
    raise BadAddressError(os.environ.get("OLLAMA_HOST", "")) from None

DEFAULT_ADDRESS = "http://127.0.0.1:11434"
# A server that ignores the limit on tokens is cut off at so many characters for each.
CHARACTERS_PER_TOKEN = 16
# What a grammar made from a schema is slow at, or crashes on: checked by us when it is back.
UNSENT = ("maxLength", "minLength", "pattern", "minItems", "uniqueItems", "format")
# Without a bound a small model fills a list until its tokens are spent; a large one costs as much.
MOST_ITEMS_SENT = 40

T = TypeVar("T")
OnText = Callable[[str], None]
OnPull = Callable[[str, int, int], None]


class OllamaServer:
    """`address` is a URL or host; `settings` hold the timeouts and how models are kept."""

    def __init__(self, address: str, settings: SynthesisConfig | None = None) -> None:
        self.address = address
        self.settings = settings or SynthesisConfig()

    @classmethod
    def configured(
        cls, config: DeploymentConfig, environment: Mapping[str, str] = os.environ
    ) -> OllamaServer:
        """The server that OLLAMA_HOST names, or the configuration, or the usual local one."""
        named = environment.get("OLLAMA_HOST") or config.text("synthesis", "ollama_host")
        return cls(named or DEFAULT_ADDRESS, config.synthesis)

    def version(self) -> str:
        """The server's version; raises ServerAbsentError."""

        async def ask(client: ollama.AsyncClient) -> str:
            # The client has no call for it.
            answer = await client._request_raw("GET", "/api/version")  # type: ignore[no-untyped-call]
            return str(answer.json()["version"])

        return self._run(ask)

    def models(self) -> list[dict[str, Any]]:
        """name, bytes, parameters, quantization, modified_at and digest of each, by name."""

        async def ask(client: ollama.AsyncClient) -> list[dict[str, Any]]:
            listed = (await client.list()).models
            return sorted((_listed(model) for model in listed), key=lambda row: str(row["name"]))

        return self._run(ask)

    def show(self, model: str) -> dict[str, Any]:
        """What the server says of a model; raises ModelAbsentError."""

        async def ask(client: ollama.AsyncClient) -> dict[str, Any]:
            shown = (await client.show(model)).model_dump(mode="json", exclude_none=True)
            return {"name": model, **shown}

        return self._run(ask, model)

    def digest_of(self, model: str) -> str:
        """The digest of an installed model; raises ModelAbsentError with those that are there."""
        rows = self.models()
        full = model if ":" in model else f"{model}:latest"
        for row in rows:
            if row["name"] in (model, full):
                return str(row["digest"] or "")
        raise ModelAbsentError(model, [str(row["name"]) for row in rows])

    def pull(self, model: str, on_progress: OnPull) -> None:
        """Get a model; `on_progress(status, bytes so far, bytes in all)` is told of each step."""

        async def ask(client: ollama.AsyncClient) -> None:
            async for step in await client.pull(model, stream=True):
                on_progress(step.status or "", step.completed or 0, step.total or 0)

        self._run(ask, model, wait=self.settings.first_token_timeout_sec)

    def remove(self, model: str) -> None:
        """Delete a model from the server; raises ModelAbsentError."""

        async def ask(client: ollama.AsyncClient) -> None:
            await client.delete(model)

        self._run(ask, model)

    def answer(self, request: ModelRequest, on_text: OnText = lambda text: None) -> ModelAnswer:
        """Ask, tell `on_text` of each piece as it comes, and return the whole.

        An interrupt (Ctrl-C) closes the connection at once, so the server stops too. Raises
        CallFailedError, ModelAbsentError or ServerAbsentError.
        """
        heard: list[str] = []

        def hear(text: str) -> None:
            heard.append(text)
            on_text(text)

        async def ask(client: ollama.AsyncClient) -> ModelAnswer:
            async with asyncio.timeout(self.settings.answer_timeout_sec):
                return await self._streamed(client, request, hear)

        try:
            return self._run(ask, request.model, wait=None)
        except TimeoutError:
            limit = self.settings.answer_timeout_sec
            reason = f"the answer was not complete after {limit:g} s"
            raise CallFailedError("timeout", reason, "".join(heard), len(heard)) from None
        except CallFailedError as failure:
            failure.text, failure.answer_tokens = "".join(heard), len(heard)
            raise

    async def _streamed(
        self, client: ollama.AsyncClient, request: ModelRequest, hear: OnText
    ) -> ModelAnswer:
        started = time.monotonic()
        longest = request.max_tokens * CHARACTERS_PER_TOKEN
        pieces: list[str] = []
        length = 0
        stream = await client.chat(
            model=request.model,
            messages=[message.as_json() for message in request.messages],
            stream=True,
            format=sendable(request.schema) if request.schema else None,
            keep_alive=self.settings.keep_alive,
            options={
                "seed": request.seed,
                "temperature": request.temperature,
                "num_predict": request.max_tokens,
                "num_ctx": self.settings.context_tokens,
            },
        )
        async with aclosing(stream) as chunks:  # type: ignore[type-var]
            async for chunk in self._timely(chunks):
                text = chunk.message.content or ""
                if text:
                    pieces.append(text)
                    length += len(text)
                    hear(text)
                if chunk.done:
                    return ModelAnswer(
                        "".join(pieces),
                        complete=chunk.done_reason != "length",
                        prompt_tokens=chunk.prompt_eval_count or 0,
                        answer_tokens=chunk.eval_count or len(pieces),
                        seconds=time.monotonic() - started,
                    )
                if length > longest:
                    seconds = time.monotonic() - started
                    return ModelAnswer("".join(pieces), False, 0, len(pieces), seconds)
        raise CallFailedError("disconnected", "the answer ended before it was done")

    async def _timely(
        self, chunks: AsyncIterator[ollama.ChatResponse]
    ) -> AsyncIterator[ollama.ChatResponse]:
        """The same chunks; raises CallFailedError when the next one is too long in coming."""
        wait, what = self.settings.first_token_timeout_sec, "nothing came"
        while True:
            try:
                async with asyncio.timeout(wait):
                    chunk = await anext(chunks)
            except TimeoutError:
                raise CallFailedError("timeout", f"{what} for {wait:g} s") from None
            except StopAsyncIteration:
                return
            yield chunk
            wait, what = self.settings.token_timeout_sec, "no further word came"

    def _run(
        self,
        ask: Callable[[ollama.AsyncClient], Coroutine[Any, Any, T]],
        model: str = "",
        wait: float | None = 30.0,
    ) -> T:
        """Run one exchange; failures of the wire and of the server become ours."""

        async def exchange() -> T:
            connect = self.settings.connect_timeout_sec
            timeout = httpx.Timeout(wait, connect=connect)
            try:
                client = ollama.AsyncClient(self.address, timeout=timeout, verify=_certificates())
            except ValueError:
                raise BadAddressError(self.address) from None
            async with client:
                return await ask(client)

        try:
            return asyncio.run(exchange())
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise BadAddressError(self.address) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, ConnectionError) as error:
            reason = "timed out" if isinstance(error, httpx.ConnectTimeout) else "not running"
            raise ServerAbsentError(self.address, reason) from None
        except ollama.ResponseError as error:
            if model and (error.status_code == 404 or "file does not exist" in error.error):
                raise self._absent(model, error) from None
            if error.status_code == 404:
                raise self._other_protocol() from None
            raise CallFailedError("server", f"answered {_said(error)}") from None
        except httpx.TimeoutException:
            raise CallFailedError("timeout", "did not answer in time") from None
        except httpx.TransportError:
            raise CallFailedError("disconnected", "the connection was lost") from None
        except (json.JSONDecodeError, pydantic.ValidationError, KeyError):
            raise self._other_protocol() from None

    def _other_protocol(self) -> CallFailedError:
        return CallFailedError("protocol", f"what answers at {self.address} is not Ollama's API")

    def _absent(self, model: str, error: ollama.ResponseError) -> Exception:
        if "pull model manifest" in error.error:
            return CallFailedError("server", f"there is no model {model!r} to be had")
        return ModelAbsentError(model, [str(row["name"]) for row in self.models()])


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust, read once: a client of its own for each call would read it each time."""
    return ssl.create_default_context()


def sendable(schema: Any) -> Any:
    """A schema without the bounds that servers are bad at; answers are checked against all."""
    if isinstance(schema, Mapping):
        return {
            key: {name: sendable(inner) for name, inner in value.items()}
            if key == "properties"
            else sendable(value)
            for key, value in schema.items()
            if key not in UNSENT and not (key == "maxItems" and value > MOST_ITEMS_SENT)
        }
    return [sendable(item) for item in schema] if isinstance(schema, list) else schema


def _listed(model: Any) -> dict[str, Any]:
    details = model.details
    return {
        "name": model.model,
        "bytes": int(model.size or 0),
        "parameters": details.parameter_size if details else None,
        "quantization": details.quantization_level if details else None,
        "modified_at": model.modified_at.isoformat() if model.modified_at else None,
        "digest": model.digest,
    }


def _said(error: ollama.ResponseError) -> str:
    code = f"{error.status_code}: " if error.status_code and error.status_code > 0 else ""
    return f"{code}{error.error.strip()[:300]}"
