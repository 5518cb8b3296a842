"""Executions over HTTP: what is answered, and that every answer is in the log."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import TASK, logged

JSON_HEADERS = {"content-type": "application/json"}


def last_line(runtime):
    return logged(runtime.data_dir)[-1]


def test_an_input_is_answered_and_logged_before_the_answer_leaves(runtime):
    response = runtime.execute({"text": "Buy now!"})
    assert response.status_code == 200
    answer = response.json()
    assert answer["output"] == "spam"
    assert answer["confidence"] == 0.75
    assert answer["program_version"] == 1
    assert answer["latency_ms"] >= 0
    assert UUID(answer["execution_id"]).version == 7
    line = last_line(runtime)
    assert list(line) == [
        "v", "execution_id", "task_id", "program_version", "input", "output", "status",
        "confidence", "latency_ms", "timestamp",
    ]  # fmt: skip
    for field in ("execution_id", "program_version", "output", "confidence", "latency_ms"):
        assert line[field] == answer[field]
    assert line["input"] == {"text": "Buy now!"}
    assert line["status"] == "success"


def test_a_task_is_reached_by_its_name_too(runtime):
    assert runtime.execute({"text": "hello"}, TASK).json()["output"] == "ham"


def test_an_unknown_task_is_404(runtime):
    response = runtime.execute({"text": "hello"}, "nowhere")
    assert response.status_code == 404
    assert response.json()["type"] == "urn:loopai:problem:unknown-task"
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    ["/execute", "/execute/batch", f"/v1/execute/{TASK}", f"/v1/execute/{TASK}/batch"],
)
def test_executions_are_posted(runtime, path):
    for method in ("GET", "PUT", "DELETE"):
        response = runtime.http.request(method, path)
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"


def test_a_program_that_fails_is_502_with_its_reason_and_logged_as_error(runtime):
    response = runtime.execute({"text": "crash"})
    assert response.status_code == 502
    answer = response.json()
    assert answer["type"] == "urn:loopai:problem:program-error"
    assert answer["error"] == {"type": "KeyError", "message": "'no such key'", "line": 5}
    line = last_line(runtime)
    assert line["execution_id"] == answer["execution_id"]
    assert (line["status"], line["output"], line["error"]) == ("error", None, answer["error"])


def test_an_output_that_breaks_its_schema_is_502_and_logged_as_error(runtime):
    response = runtime.execute({"text": "eggs"})
    assert response.status_code == 502
    answer = response.json()
    assert answer["type"] == "urn:loopai:problem:invalid-output"
    assert answer["errors"] == [
        {"path": "/output", "message": '"eggs" is not one of "spam" or "ham"'}
    ]
    line = last_line(runtime)
    assert (line["status"], line["output"]) == ("error", "eggs")
    assert line["error"]["type"] == "OutputSchemaError"


def test_an_input_that_breaks_its_schema_is_422_with_paths_and_not_an_execution(runtime):
    before = len(logged(runtime.data_dir))
    response = runtime.execute({"text": 7})
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"path": "/input/text", "message": '7 is not of type "string"'}
    ]
    assert runtime.execute({}).json()["errors"][0]["path"] == "/input"
    assert len(logged(runtime.data_dir)) == before


MALFORMED = {
    "empty": (b"", 400, "empty"),
    "blank": (b" \n", 400, "empty"),
    "cut off": (b'{"input": {"text": "a"', 400, "line 1, column 23"),
    "second line": (b'{"input":\n {text: 1}}', 400, "line 2, column 3"),
    "trailing comma": (b'{"input": {"text": "a",}}', 400, "column 24"),
    "single quotes": (b"{'input': {}}", 400, "line 1, column 2"),
    "trailing text": (b'{"input": {"text": "a"}} x', 400, "Extra data"),
    "NaN": (b'{"input": {"text": NaN}}', 400, "NaN is not JSON"),
    "Infinity": (b'{"input": {"text": -Infinity}}', 400, "-Infinity is not JSON"),
    "huge float": (b'{"input": {"text": 1e999}}', 400, "too large for a float"),
    "huge integer": (b'{"input": {"text": ' + b"9" * 5000 + b"}}", 400, "thousands of digits"),
    "lone surrogate": (b'{"input": {"text": "\\ud800"}}', 400, "surrogate"),
    "invalid UTF-8": (b'{"input": {"text": "\xff"}}', 400, "not UTF-8 text (byte 21)"),
    "UTF-16": ('{"input": {}}'.encode("utf-16"), 400, "not UTF-8"),
    "byte order mark": (b'\xef\xbb\xbf{"input": {}}', 400, "BOM"),
    "NUL": (b"\x00", 400, "line 1"),
    "raw control character": (b'{"input": {"text": "a\nb"}}', 400, "control character"),
    "input twice": (b'{"input": {"text": "a"}, "input": {"text": "b"}}', 400, "twice"),
    "input twice, escaped": (b'{"\\u0069nput": {}, "input": {"text": "b"}}', 400, "twice"),
    "65 levels": (b'{"input": {"a":' + b"[" * 64 + b"]" * 64 + b"}}", 400, "64 levels"),
    "100,000 levels": (b'{"input":' + b"[" * 100_000, 400, "64 levels"),
    "not an object": (b"[1]", 422, "The body must be"),
    "null": (b"null", 422, "The body must be"),
    "no input": (b'{"inputs": {}}', 422, "The body must be"),
    "input no object": (b'{"input": "text"}', 422, "The body must be"),
    "a form": (b"input=text", 400, "line 1, column 1"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_body_is_refused_in_words_and_never_logged(runtime, name):
    body, status, words = MALFORMED[name]
    before = len(logged(runtime.data_dir))
    response = runtime.http.post("/execute", content=body, headers=JSON_HEADERS)
    assert response.status_code == status
    problem = response.json()
    assert words in problem["detail"]
    assert problem["status"] == status
    assert "Traceback" not in response.text
    assert len(logged(runtime.data_dir)) == before


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_body_whatever_makes_the_server_fail(runtime, body):
    response = runtime.http.post("/execute", content=body)
    assert response.status_code in (400, 422)
    assert response.json()["detail"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=50), st.dictionaries(st.text(), st.floats(allow_nan=False) | st.integers()))
def test_any_text_comes_back_from_the_log_as_it_was_sent(runtime, text, more):
    more = {k: v for k, v in more.items() if v == v and abs(v) < 1e300}
    sent = {**more, "text": f"{text} "}
    assert runtime.execute(sent).status_code == 200
    assert last_line(runtime)["input"] == sent


def test_a_pretty_printed_input_is_logged_on_one_line_with_its_numbers_as_written(runtime):
    body = b'{\n  "input": {\r\n    "text": "hello",\n    "amount": 1.50\n  }\n}\n'
    assert runtime.http.post("/execute", content=body).status_code == 200
    folder = runtime.data_dir.executions(TASK)
    last = sorted(folder.iterdir())[-1].read_bytes().splitlines()[-1]
    assert b'"input":{"text":"hello","amount":1.50},' in last


def test_keys_beside_input_are_ignored(runtime):
    body = {"trace": {"id": 7}, "input": {"text": "buy"}, "more": [1]}
    assert runtime.http.post("/execute", json=body).json()["output"] == "spam"


def test_a_body_in_many_pieces_is_put_together(runtime):
    body = json.dumps({"input": {"text": "buy " * 50_000}}).encode()
    pieces = (body[at : at + 7000] for at in range(0, len(body), 7000))
    assert runtime.http.post("/execute", content=pieces).json()["output"] == "spam"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_past_the_limit_is_413(runtime, chunked):
    body = b'{"input": {"text": "' + b"x" * 2_100_000 + b'"}}'
    pieces = (body[at : at + 60_000] for at in range(0, len(body), 60_000))
    response = runtime.http.post("/execute", content=pieces if chunked else body)
    assert response.status_code == 413
    assert response.headers["connection"] == "close"
    assert "2,000,000 bytes" in response.json()["detail"]


def test_requests_at_once_are_each_answered_once_with_their_own_output(runtime):
    def ask(number: int):
        text = f"{'buy' if number % 3 == 0 else 'see'} number {number}"
        return text, runtime.execute({"text": text})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(300)))
    lines = {line["execution_id"]: line for line in logged(runtime.data_dir)}
    ids = set()
    for text, response in answers:
        answer = response.json()
        ids.add(answer["execution_id"])
        assert answer["output"] == ("spam" if text.startswith("buy") else "ham")
        assert lines[answer["execution_id"]]["input"] == {"text": text}
    assert len(ids) == 300


def test_a_batch_is_answered_in_order_with_a_result_or_a_problem_for_each(runtime):
    items = [
        {"input": {"text": "buy"}}, {"input": 1}, 7, {"input": {"text": "crash"}},
        {"input": {"text": "hi"}},
    ]  # fmt: skip
    response = runtime.http.post(f"/v1/execute/{TASK}/batch", json=items)
    assert response.status_code == 200
    answers = response.json()
    outputs = [answer.get("output", answer.get("status")) for answer in answers]
    assert outputs == ["spam", 422, 422, 502, "ham"]
    assert runtime.http.post(f"/v1/execute/{TASK}/batch", json=[]).json() == []
    assert runtime.http.post("/execute/batch", json=items[:1]).json()[0]["output"] == "spam"
    refused = runtime.http.post(f"/v1/execute/{TASK}/batch", json={"input": {}})
    assert refused.status_code == 400


def test_a_batch_of_json_lines_is_streamed_in_order(runtime):
    count = 2000

    def lines():
        for number in range(count):
            text = f"{'buy' if number % 7 == 0 else 'see'} {number}"
            yield json.dumps({"input": {"text": text}}).encode() + b"\n"
        yield b'\n{"broken"\n{"input": {"text": "no line end"}}'

    response = runtime.http.post(
        f"/v1/execute/{TASK}/batch",
        content=lines(),
        headers={"content-type": "application/x-ndjson"},
    )
    assert response.headers["content-type"] == "application/x-ndjson"
    answers = [json.loads(line) for line in response.text.splitlines()]
    assert len(answers) == count + 2
    spam = [number for number, answer in enumerate(answers) if answer.get("output") == "spam"]
    assert spam == list(range(0, count, 7))
    assert answers[count]["status"] == 400
    assert answers[-1]["output"] == "ham"


def test_a_line_past_the_limit_is_answered_413_and_ends_the_batch(runtime):
    body = b'{"input": {"text": "buy"}}\n{"input": {"text": "' + b"x" * 3_000_000
    response = runtime.http.post(
        f"/v1/execute/{TASK}/batch", content=body, headers={"content-type": "application/jsonl"}
    )
    first, second = [json.loads(line) for line in response.text.splitlines()]
    assert first["output"] == "spam"
    assert second["status"] == 413
