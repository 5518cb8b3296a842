"""The two calls of Ollama's HTTP API that oracles need, with the standard library alone.

It asks only the server it was given, follows no redirect, and reads no more than it must.
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from runtime.config import DeploymentConfig
from runtime.strict_json import parse_strictly
from runtime.validation.oracle import OracleError, OracleUnavailableError

MOST_BYTES = 16_000_000
DEFAULT_HOST = "http://127.0.0.1:11434"


def api_of(config: DeploymentConfig, environment: Mapping[str, str] = os.environ) -> OllamaApi:
    """The server of OLLAMA_HOST or `synthesis.ollama_host`, or Ollama's own default."""
    named = environment.get("OLLAMA_HOST") or config.text("synthesis", "ollama_host")
    return OllamaApi(named or DEFAULT_HOST, config.validation.timeout_sec)


class OllamaApi:
    """`url` such as `http://127.0.0.1:11434`. Every failure is an OracleError."""

    def __init__(self, url: str, timeout_sec: float) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OracleError(f"{url!r} is no address of an Ollama server")
        self._connection = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._host, self._port = (
            parts.hostname,
            parts.port or (443 if parts.scheme == "https" else 11434),
        )
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout_sec
        self._url = url

    def chat(self, model: str, messages: Sequence[dict[str, str]], schema: Any) -> dict[str, Any]:
        """One answer that follows a JSON schema: `{"content": <JSON value>, "input_tokens",
        "output_tokens"}`. Asked with temperature 0 and a fixed seed."""
        answer = self._post(
            "/api/chat",
            {
                "model": model,
                "messages": list(messages),
                "format": schema,
                "stream": False,
                "options": {"temperature": 0, "seed": 0},
            },
        )
        try:
            content = parse_strictly(answer["message"]["content"])
        except (KeyError, TypeError, ValueError) as error:
            raise OracleError(f"{model} gave no JSON: {error}") from None
        return {
            "content": content,
            "input_tokens": int(answer.get("prompt_eval_count") or 0),
            "output_tokens": int(answer.get("eval_count") or 0),
        }

    def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text."""
        answer = self._post("/api/embed", {"model": model, "input": list(texts)})
        vectors = answer.get("embeddings")
        if not isinstance(vectors, list) or len(vectors) != len(texts):
            raise OracleError(f"{model} gave no embeddings")
        return vectors

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        connection = self._connection(self._host, self._port, timeout=self._timeout)
        try:
            headers = {"content-type": "application/json"}
            connection.request("POST", self._prefix + path, json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read(MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise OracleUnavailableError(
                f"Ollama at {self._url} does not answer: {error}"
            ) from None
        finally:
            connection.close()
        try:
            value = json.loads(content)
        except ValueError:
            value = {}
        if response.status != 200 or not isinstance(value, dict):
            said = value.get("error") if isinstance(value, dict) else None
            sentence = f"Ollama says {response.status}: {said or 'nothing more'}"
            # 404 is a model that is not there: no input would fare better.
            away = response.status in (404, 429) or response.status >= 500
            raise OracleUnavailableError(sentence) if away else OracleError(sentence)
        return value
