"""What a box asks of its hub over HTTP: always outbound, always with a time limit, never trusting.

It answers with plain values or one of two errors: the hub cannot be had now, or it refuses.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from runtime.artifact_package import MAX_PACKAGE_BYTES
from runtime.errors import LoopaiError
from runtime.strict_json import parse_strictly
from runtime.tls.contexts import (
    MAYBE_CERTIFICATE,
    client_context,
    explain,
    present_client_certificate,
)
from runtime.tls.settings import ClientTls
from sync.partial_download import PartialDownload
from sync.signing import Signature, Statement

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
#: Of one download, each of which brought it on.
MAX_CUTS = 100


class HubUnavailableError(LoopaiError):
    """It does not answer, or asks for patience: `retry_after` in seconds where it said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class HubRefusedError(LoopaiError):
    """It answered, and the answer is no: asking again will not change it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A published version as it came, not yet believed."""

    content: bytes
    specification: str
    signature: Signature


class HubClient:
    """One hub. Close it, or use it as a context manager."""

    def __init__(
        self,
        url: str,
        key: str,
        transport: httpx.BaseTransport | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls` as `hub_tls` makes it; without, the usual authorities are trusted."""
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.url,
            headers={"authorization": f"Bearer {key}"},
            timeout=TIMEOUT,
            transport=transport,
            verify=tls or hub_tls(ClientTls()),
        )

    def register(self, registration: dict[str, Any]) -> dict[str, int]:
        """Make this box known; returns each task's newest version."""
        answer = self._ask("POST", "/api/v1/deployments", json=registration)
        return _versions(answer.get("latest"))

    def heartbeat(self, deployment_id: str, beat: dict[str, Any]) -> dict[str, int]:
        """Say that this box lives; returns each task's newest version."""
        answer = self._ask("POST", f"/api/v1/deployments/{deployment_id}/heartbeat", json=beat)
        return _versions(answer.get("latest"))

    def signing_key(self) -> tuple[str, list[Statement]]:
        """The hub's public key, in base64, and what it and those before it said of keys."""
        answer = self._ask("GET", "/api/v1/signing-key")
        said = answer.get("statements", [])
        return str(answer.get("public")), [Statement.parse(one) for one in said]

    def send_batch(self, payload: bytes, key: str) -> dict[str, Any]:
        """Upload one batch of telemetry; returns what the hub says of its rows."""
        headers = {"content-encoding": "identity", "content-type": "application/gzip"}
        headers["idempotency-key"] = key
        return self._ask("POST", "/api/v1/telemetry", content=payload, headers=headers)

    def publish(self, task: str, upload: dict[str, Any]) -> dict[str, Any]:
        """Upload a version; returns what the hub says of it."""
        return self._ask("POST", f"/api/v1/artifacts/{task}/upload", json=upload)

    def look(self, path: str, **query: Any) -> dict[str, Any]:
        """What the hub shows at a path; parameters that are None are left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", path, params=given)

    def change(self, path: str) -> dict[str, Any]:
        """Have the hub do what a path stands for."""
        return self._ask("POST", path)

    def specify(self, task: str, specification: str, examples: str) -> dict[str, Any]:
        """Give a task's YAML and examples; returns what the hub says of them."""
        given = {"specification": specification, "examples": examples}
        return self._ask("PUT", f"/api/v1/tasks/{task}/specification", json=given)

    def ask_oracle(self, task: str, given: Any, version: int | None) -> dict[str, Any]:
        """What the hub says is right for an input."""
        question = {"input": given, **({} if version is None else {"version": version})}
        return self._ask("POST", f"/api/v1/oracle/{task}", json=question)

    def download(self, task: str, version: int, kept: Path) -> Downloaded:
        """A version, whole or not at all. What came before it was cut stands in the file `kept`
        and is gone on with, now or in a later call.
        """
        path = f"/api/v1/artifacts/{task}/v{version}"
        specification = self._request("GET", f"{path}/task.yaml").text
        content, signature = self._resumed(f"{path}/download", PartialDownload(kept))
        return Downloaded(content, specification, Signature.parse(signature))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> HubClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _resumed(self, path: str, partial: PartialDownload) -> tuple[bytes, str]:
        fault = "it was cut too often"
        for _ in range(MAX_CUTS):
            before = partial.size
            try:
                signature = self._fetch(path, partial)
            except httpx.HTTPError as error:
                fault = str(error) or type(error).__name__
                if partial.size > before:
                    continue
                break
            if (content := partial.whole()) is not None:
                partial.forget()
                return content, signature
            fault = "what came is not what was announced"
            partial.forget()
            if not before:
                break
        raise HubUnavailableError(f"The download of {path} did not end well: {fault}.")

    def _fetch(self, path: str, partial: PartialDownload) -> str:
        """Bring a download on; returns the signature that came with it. Raises httpx.HTTPError."""
        asked = {}
        if partial.size:
            asked = {"range": f"bytes={partial.size}-", "if-range": partial.etag}
        with self._http.stream("GET", path, headers=asked) as response:
            if response.status_code == 416:  # what is kept is longer than what there is
                partial.forget()
                raise httpx.ReadError("what was kept is of no use")
            if response.status_code == 200:
                partial.begin(response.headers.get("etag", ""))
            elif response.status_code != 206:
                response.read()
                _check(response)
            for piece in response.iter_raw():
                if partial.size + len(piece) > MAX_PACKAGE_BYTES:
                    partial.forget()
                    raise HubRefusedError(
                        f"A version has at most {MAX_PACKAGE_BYTES:,} bytes.", 413
                    )
                partial.add(piece)
            return str(response.headers.get("loopai-signature", ""))

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = self._request(method, path, **options)
        try:
            answer = parse_strictly(response.content)
        except ValueError as error:
            raise HubUnavailableError(f"The hub's answer cannot be read: {error}.") from None
        if not isinstance(answer, dict):
            raise HubUnavailableError("The hub's answer is no JSON object.")
        return answer

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            refused = explain(error)
            reason = refused or str(error) or type(error).__name__
            cut = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError)
            if cut and not refused and self.url.startswith("https:"):
                reason = f"{reason.rstrip('.')} ({MAYBE_CERTIFICATE})"
            raise HubUnavailableError(f"The hub does not answer: {reason}.") from None
        _check(response)
        return response


def hub_tls(files: ClientTls) -> ssl.SSLContext:
    """What to shake hands with: TLS 1.3 only, trusting `ca` alone where it is named.

    Raises InvalidInputError for a file that cannot be used.
    """
    if files.ca is not None:
        return client_context(files)
    context = httpx.create_ssl_context()
    present_client_certificate(context, files)
    return context


def _check(response: httpx.Response) -> None:
    """Raises HubUnavailableError (5xx, 408, 429) or HubRefusedError (any other but 2xx)."""
    status = response.status_code
    if response.is_success:
        return
    try:
        detail = str(parse_strictly(response.content)["detail"])
    except (ValueError, KeyError, TypeError):
        detail = response.reason_phrase
    if status >= 500 or status in (408, 429):
        waited = response.headers.get("retry-after", "")
        raise HubUnavailableError(
            f"The hub answers {status}: {detail}", float(waited) if waited.isdecimal() else None
        )
    raise HubRefusedError(f"The hub refuses ({status}): {detail}", status)


def _versions(given: Any) -> dict[str, int]:
    if not isinstance(given, dict):
        return {}
    return {str(task): version for task, version in given.items() if isinstance(version, int)}
