"""Who waits for whom: neighbours of a slow input, other tasks, single requests beside a batch."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
from support import TASK, RunningRuntime, logged, make_task, promote, wait_until

LOOPS = "that-loops"
LINES = {"content-type": "application/x-ndjson"}
TIMEOUT_MS = 2000
#: What a machine that is busy with other tests may add, and still well before the limit.
WELL_BEFORE = 0.7 * TIMEOUT_MS / 1000


def configure(data_dir, text: str) -> None:
    data_dir.deployment_file.parent.mkdir(exist_ok=True)
    data_dir.deployment_file.write_text(text)


def timed(runtime, text: str, task: str = TASK) -> tuple[int, float]:
    """The status of one execution, and the seconds until its answer."""
    began = time.monotonic()
    status = runtime.execute({"text": text}, task).status_code
    return status, time.monotonic() - began


def test_good_inputs_do_not_wait_for_one_that_loops(served_dir):
    configure(served_dir, f"execution: {{timeout_ms: {TIMEOUT_MS}}}")
    texts = ["buy"] * 200
    texts[60] = "loop"
    with RunningRuntime(served_dir) as runtime, ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda text: timed(runtime, text), texts))
        good = [seconds for status, seconds in answers if status == 200]
        assert [status for status, _ in answers if status != 200] == [504]
        assert max(good) < WELL_BEFORE
        assert len(logged(served_dir)) == 200


def test_the_neighbours_of_a_looping_input_in_a_batch_are_run_once_and_logged_once(served_dir):
    configure(served_dir, "execution: {timeout_ms: 300}")
    texts = [f"buy {number}" for number in range(400)]
    texts[7] = texts[250] = "loop"
    with RunningRuntime(served_dir) as runtime:
        body = [{"input": {"text": text}} for text in texts]
        answers = runtime.http.post(f"/v1/execute/{TASK}/batch", json=body).json()
        assert [at for at, answer in enumerate(answers) if "output" not in answer] == [7, 250]
        assert {answers[7]["status"], answers[250]["status"]} == {504}
        lines = logged(served_dir)
        assert len(lines) == len({line["execution_id"] for line in lines}) == 400
        by_id = {line["execution_id"]: line["input"]["text"] for line in lines}
        assert [by_id[answer["execution_id"]] for answer in answers] == texts
        metrics = runtime.http.get("/metrics").text
        kills = f'loopai_sandbox_kills_total{{reason="timeout",task="{TASK}"}} 2.0'
        assert kills in metrics


def test_a_task_whose_every_input_loops_leaves_another_its_speed(served_dir):
    configure(served_dir, f"execution: {{timeout_ms: {TIMEOUT_MS}}}")
    promote(
        served_dir, make_task(served_dir, LOOPS), "def run(x):\n    while True:\n        pass\n"
    )
    with RunningRuntime(served_dir) as runtime:
        ends = time.monotonic() + 2.5
        looping: list[int] = []

        def loop() -> None:
            while time.monotonic() < ends:
                looping.append(timed(runtime, "x", LOOPS)[0])

        threads = [threading.Thread(target=loop) for _ in range(8)]
        for thread in threads:
            thread.start()
        wait_until(lambda: runtime.http.get("/health").json()["tasks"][LOOPS]["in_flight"] >= 8)
        waits = []
        while time.monotonic() < ends:
            status, seconds = timed(runtime, "buy")
            assert status == 200
            waits.append(seconds)
        for thread in threads:
            thread.join()
    waits.sort()
    assert set(looping) == {504}
    assert len(waits) > 20
    assert waits[int(len(waits) * 0.99)] < WELL_BEFORE
    assert waits[len(waits) // 2] < WELL_BEFORE / 4


def test_single_requests_find_room_beside_a_batch_that_fills_the_queue(served_dir):
    configure(served_dir, "runtime: {max_queue: 64}")
    lines = b"\n".join(json.dumps({"input": {"text": f"buy {n}"}}).encode() for n in range(40_000))
    with RunningRuntime(served_dir) as runtime:
        done = threading.Event()
        counts: list[int] = []

        def send_batch() -> None:
            with httpx.Client(base_url=runtime.url, timeout=60) as client:
                answers = client.post(f"/v1/execute/{TASK}/batch", content=lines, headers=LINES)
            counts.append(answers.text.count('"output":"spam"'))
            done.set()

        thread = threading.Thread(target=send_batch)
        thread.start()
        statuses = []
        while not done.is_set():
            statuses.append(timed(runtime, "buy")[0])
        thread.join()
    assert counts == [40_000]
    assert set(statuses) == {200}
    assert len(statuses) > 5
