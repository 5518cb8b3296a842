"""OpenAPI: the document is sound, and the server does what it says, asked by schemathesis."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import OUTPUT_SCHEMA, TASK, RunningRuntime, make_task, promote

from runtime.data_dir import DataDir
from runtime.server.openapi import _moved

# Ends well for whatever its schema lets in: what a program does wrong is the program's.
SOUND = 'def run(input_data):\n    return ("spam" if "buy" in input_data["text"] else "ham", 0.5)\n'
ORDER_SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"$ref": "#/$defs/amount"},
        "country": {"enum": ["DE", "FR", "NL"]},
        "items": {"type": "array", "items": {"$ref": "#/$defs/amount"}, "maxItems": 3},
    },
    "required": ["amount", "country"],
    "additionalProperties": False,
    "$defs": {"amount": {"type": "number", "minimum": 0, "maximum": 1000}},
}
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,negative_data_rejection,"
    "positive_data_acceptance,unsupported_method"
)


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    data_dir = DataDir(tmp_path_factory.mktemp("described") / "data")
    schema = {
        "type": "object",
        "properties": {"text": {"type": "string", "maxLength": 200}},
        "required": ["text"],
    }
    promote(data_dir, make_task(data_dir, input_schema=schema), SOUND)
    risk = make_task(data_dir, "order-risk", input_schema=ORDER_SCHEMA, output_schema=OUTPUT_SCHEMA)
    promote(data_dir, risk, 'def run(input_data):\n    return "ham"\n')
    with RunningRuntime(data_dir) as running:
        yield running


def test_every_route_is_described_and_tasks_have_their_own_schemas(described):
    document = described.http.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    assert {
        "/execute",
        "/execute/batch",
        "/v1/execute/{task}/batch",
        "/dashboard",
        "/metrics",
    } <= set(paths)
    body = paths["/v1/execute/order-risk"]["post"]["requestBody"]["content"]["application/json"]
    reference = body["schema"]["properties"]["input"]["$ref"]
    schema = document["components"]["schemas"][reference.rpartition("/")[2]]
    assert schema["properties"]["amount"] == {
        "$ref": "#/components/schemas/order-risk.input/$defs/amount"
    }
    answer = paths[f"/v1/execute/{TASK}"]["post"]["responses"]["200"]["content"]
    output = answer["application/json"]["schema"]["properties"]["output"]["$ref"]
    assert document["components"]["schemas"][output.rpartition("/")[2]] == OUTPUT_SCHEMA


def test_every_route_is_in_the_manual(described):
    manual = (Path(__file__).parents[3] / "workbench/manual/howto/serve.md").read_text()
    for path in described.http.get("/openapi.json").json()["paths"]:
        if not path.startswith("/v1/execute/") or "{" in path:
            assert path in manual or path.rpartition("}")[2] in manual, path


def test_references_move_with_their_schema():
    assert _moved({"$ref": "#"}, "#/here") == {"$ref": "#/here"}
    assert _moved({"a": [{"$ref": "https://x/y"}]}, "#/here") == {"a": [{"$ref": "https://x/y"}]}


@pytest.mark.thorough
def test_the_server_does_what_the_document_says(described):
    program = "from schemathesis.cli import schemathesis; schemathesis()"
    options = {
        "checks": CHECKS,
        "phases": "examples,coverage,fuzzing",
        "max-examples": "6",
        "max-time": "30",
        "warnings": "off",
        # Each answer takes a process: asked once elsewhere, not a hundred times here.
        "exclude-path": "/v1/datasets/{task}/stats",
    }
    command = [sys.executable, "-c", program, "run", f"{described.url}/openapi.json"]
    command += [f"--{name}={value}" for name, value in options.items()]
    command += ["--generation-deterministic", "--no-color"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
