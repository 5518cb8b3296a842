"""Every route of the hub's OpenAPI document: who may ask, and that no tenant sees another's.

A tenant that shares its names with a busy one must be answered as if it were alone.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from sync.hub.hub_keys import HUB_SCOPES
from sync.hub.tickets import Tickets
from tests.support import TASK, add_version, make_task, wait_until
from tests.sync.hub.test_hub import batch, execution

SECRET = "only-ours"
BOX = "box-1"
#: What is the same for every tenant, and why that gives nothing away.
SHARED = {
    ("get", "/health"): "says nothing",
    ("get", "/ready"): "counts connections of the whole hub, names nobody",
    ("get", "/openapi.json"): "describes the hub",
    ("get", "/api/v1/signing-key"): "the hub has one key, made to be known",
}
#: What differs from call to call and says nothing: times, ids that are made, durations.
VOLATILE = re.compile(
    r"20\d\d-\d\d-\d\dT[\d:.]+Z|\b[0-9a-f]{12}\b|lh_\w+-?[\w-]*|[0-9a-f]{8}(-[0-9a-f]{4,12}){4}"
    r'|"latency_ms":[\d.]+|"request_id":"[\w-]+"|[0-9a-f]{6,12}-[0-9a-f]+\b'
)


@dataclass(frozen=True)
class Call:
    """One operation of the document with all it needs."""

    method: str
    path: str
    described: str
    scopes: tuple[str, ...]
    body: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.described}"


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def scopes_of(operation: dict[str, Any]) -> tuple[str, ...]:
    said = operation.get("description", "")
    return tuple(scope for scope in HUB_SCOPES if re.search(rf"\b{scope}\b", said))


class Walk:
    """Calls every operation as some tenant, with the names that the busy tenant uses."""

    def __init__(self, hub: Any, package: bytes, specification: str, ticket: int) -> None:
        self.document = httpx.get(hub.url + "/openapi.json").json()
        self._hub = hub
        upload = {"package": base64.b64encode(package).decode(), "specification": specification}
        #: By operation: what is sent. A route with a body that is not here cannot be called.
        self.bodies: dict[tuple[str, str], dict[str, Any]] = {
            ("post", "/api/v1/artifacts/{task}/upload"): {"json": upload},
            ("post", "/api/v1/deployments"): {"json": {"deployment_id": BOX}},
            ("post", "/api/v1/deployments/{deployment}/heartbeat"): {"json": {}},
            ("post", "/api/v1/telemetry"): {"content": batch("key-000001", [execution(1)])},
            ("post", "/api/v1/keys"): {"json": {"name": "another", "scopes": ["read"]}},
            ("put", "/api/v1/improvement/settings"): {"json": {"tries": 4}},
            ("put", "/api/v1/tasks/{task}/specification"): {
                "json": {"specification": specification, "examples": ""}
            },
            ("post", "/api/v1/oracle/{task}"): {"json": {"input": {"text": "buy"}, "version": 1}},
            ("post", "/v1/execute/{task}"): {"json": {"input": {"text": "buy"}}},
            ("post", "/v1/execute/{task}/batch"): {"json": [{"input": {"text": "buy"}}]},
        }
        self.places = {"task": TASK, "version": 1, "number": ticket, "deployment": BOX}

    def calls(self, key: str) -> list[Call]:
        """Every operation; those that take away come last."""
        made = []
        for method, path, operation in operations(self.document):
            sent = self.bodies.get((method, path), {})
            assert bool(sent) == ("requestBody" in operation), f"say what to send to {path}"
            filled = path.format(**self.places, key=key)
            made.append(Call(method, filled, path, scopes_of(operation), sent))
        return sorted(made, key=lambda call: (call.method != "get", call.method == "delete"))

    def answers(self, tenant: str, key: str, only: str | None = None) -> dict[str, str]:
        """What a tenant is answered, without what differs from call to call."""
        with self._hub.client(*HUB_SCOPES, tenant=tenant) as http:
            return {
                str(call): shown(http.request(call.method, call.path, **call.body))
                for call in self.calls(key)
                if only in (None, call.method)
            }


def shown(answer: httpx.Response) -> str:
    headers = [f"{name}: {answer.headers.get(name)}" for name in ("etag", "content-type")]
    text = VOLATILE.sub("*", answer.text)
    # A key's tenant is the caller's own, which every caller knows.
    text = re.sub(r'"tenant":"[\w-]+"', '"tenant":"*"', text)
    return "\n".join([str(answer.status_code), *headers, text])


@pytest.fixture
def specification(data_dir: DataDir) -> str:
    return data_dir.task_file(TASK).read_text()


@pytest.fixture
def data_dir(tmp_path: Any) -> DataDir:
    made = DataDir(tmp_path / "authors")
    task = make_task(made)
    add_version(made, task)
    add_version(made, task, f'TOLD = "{SECRET}"\ndef run(input_data):\n    return "ham"\n')
    return made


@pytest.fixture
def busy(hub: Any, data_dir: DataDir, specification: str) -> Walk:
    """A tenant with something of everything, each with a word of its own in it."""
    package = ArtifactStore(data_dir).zip_bytes(TASK, 1)
    hub.new_key("read")  # makes the tenant
    ticket = Tickets(hub.store).open("acme", TASK, SECRET, SECRET, {"word": SECRET})
    walk = Walk(hub, package, specification, ticket)
    upload = {
        "package": base64.b64encode(ArtifactStore(data_dir).zip_bytes(TASK, 2)).decode(),
        "specification": specification.replace("Is this", f"{SECRET}, is this"),
        "note": SECRET,
    }
    first = {**upload, "package": base64.b64encode(package).decode()}
    rows = [execution(1, status="error", error={"message": SECRET}), execution(2)]
    with hub.client(*HUB_SCOPES) as http:
        for path, sent in (
            (f"/api/v1/artifacts/{TASK}/upload", {"json": first}),
            (f"/api/v1/artifacts/{TASK}/upload", {"json": upload}),
            ("/api/v1/deployments", {"json": {"deployment_id": BOX, "mode": "hybrid"}}),
            (f"/api/v1/deployments/{BOX}/heartbeat", {"json": {"status": {"word": SECRET}}}),
            ("/api/v1/telemetry", {"content": batch("key-000001", rows)}),
            ("/api/v1/keys", {"json": {"name": SECRET, "scopes": ["read"]}}),
        ):
            answer = http.post(path, **sent)
            assert answer.is_success, (path, answer.text)
        # On a machine that is busy the first may run out of its second.
        sent = {"json": {"input": {"text": SECRET}}}
        wait_until(lambda: http.post(f"/v1/execute/{TASK}", **sent).is_success, 60)
    return walk


def test_every_route_is_in_the_document_and_the_document_has_no_other(hub: Any) -> None:
    document = httpx.get(hub.url + "/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    served = {
        (method.lower(), re.sub(r":\w+\}", "}", route.path))
        for route in hub.app.routes
        if getattr(route, "methods", None) and not route.path.startswith("/hubs/loopai")
        for method in route.methods - {"HEAD"}
    }
    assert served == {(method, path) for method, path, _ in operations(document)}


def test_every_route_needs_a_key_and_the_right_scope(hub: Any, busy: Walk) -> None:
    every = hub.new_key(*HUB_SCOPES)
    wrong = f"lh_{every.split('_')[1]}_{'x' * 43}"
    keys = {scope: hub.new_key(scope) for scope in HUB_SCOPES}
    with httpx.Client(base_url=hub.url) as http:
        for call in busy.calls("000000000000"):
            if not call.scopes:
                assert (call.method, call.described) in SHARED
                continue
            others = [keys[scope] for scope in HUB_SCOPES if scope not in call.scopes]
            given = [(None, 401), (wrong, 401), ("nonsense", 401), *((key, 403) for key in others)]
            for key, status in given:
                headers = {"authorization": f"Bearer {key}"} if key else {}
                answer = http.request(call.method, call.path, headers=headers, **call.body)
                assert answer.status_code == status, (str(call), key, answer.text)
                assert answer.headers["content-type"] == "application/problem+json"


def test_a_revoked_key_is_refused(hub: Any) -> None:
    with hub.client("admin") as admin:
        made = admin.post("/api/v1/keys", json={"name": "till", "scopes": ["read"]}).json()
        headers = {"authorization": f"Bearer {made['key']}"}
        assert httpx.get(hub.url + "/api/v1/tickets", headers=headers).status_code == 200
        assert admin.delete(f"/api/v1/keys/{made['id']}").json()["revoked"] is True
        assert httpx.get(hub.url + "/api/v1/tickets", headers=headers).status_code == 401
        assert admin.delete(f"/api/v1/keys/{made['id']}").status_code == 404
        actions = [entry["action"] for entry in admin.get("/api/v1/audit").json()["entries"]]
        assert actions[:2] == ["key revoked", "key created"]
        listed = admin.get("/api/v1/keys")
        assert made["key"] not in listed.text and listed.json()["keys"][-1]["revoked_at"]


def test_one_tenant_is_answered_as_if_no_other_were_there(
    hub: Any, data_dir: DataDir, specification: str, request: pytest.FixtureRequest
) -> None:
    package = ArtifactStore(data_dir).zip_bytes(TASK, 1)
    alone = Walk(hub, package, specification, ticket=1)
    quiet = "000000000000"
    # Before there is any other tenant, and then as another new tenant beside a busy one.
    before = alone.answers("first", quiet)
    busy: Walk = request.getfixturevalue("busy")
    ours = {key["name"]: key["id"] for key in hub.keys.listed("acme")}
    busy.places["number"] = 1
    with hub.client("read") as http:
        # What was executed here is counted with what boxes told.
        listed = http.get(f"/v1/datasets/{TASK}/executions").json()["executions"]

        def of_the_hub() -> int:
            told = http.get(f"/api/v1/metrics/{TASK}").json()["versions"]
            return sum(one["executions"] for one in told if one["version"] == 2)

        wait_until(lambda: of_the_hub() == len(listed) > 0, 60)
    seen_before = busy.answers("acme", ours[SECRET], only="get")
    beside = busy.answers("second", ours[SECRET])
    assert beside == before
    for call, answer in beside.items():
        assert SECRET not in answer, call
    # All that was asked, made and taken away under the same names changed nothing of ours.
    seen_after = busy.answers("acme", ours[SECRET], only="get")
    for call in seen_before:
        if call.endswith(("/api/v1/keys", "/api/v1/audit")):  # the test's own new keys
            continue
        assert seen_after[call] == seen_before[call], call
    (kept,) = (key for key in hub.keys.listed("acme") if key["id"] == ours[SECRET])
    assert kept["revoked_at"] is None
    # And each route has something of ours to hide, or this test would say nothing of it.
    for method, path, _ in operations(busy.document):
        if method == "get" and (method, path) not in SHARED:
            assert seen_before[f"get {path}"] != beside[f"get {path}"], f"make something at {path}"


def test_what_the_hub_answers_is_what_the_document_says(hub: Any, busy: Walk) -> None:
    import jsonschema_rs

    ours = {key["name"]: key["id"] for key in hub.keys.listed("acme")}
    schemas = busy.document["components"]
    with hub.client(*HUB_SCOPES) as http:
        for call in busy.calls(ours[SECRET]):
            answer = http.request(call.method, call.path, **call.body)
            operation = busy.document["paths"][call.described][call.method]
            said = operation["responses"].get(str(answer.status_code))
            assert said is not None, (str(call), answer.status_code, answer.text)
            media = answer.headers["content-type"].partition(";")[0]
            assert media in said["content"], (str(call), media)
            if media.endswith("json"):
                schema = {**said["content"][media]["schema"], "components": schemas}
                jsonschema_rs.validator_for(schema).validate(json.loads(answer.text))
