"""A task with a week of executions, validations, a rollout and drift, written as files."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from support import TASK, add_version, make_task, promote

from runtime.alerts.standings import write_alerts
from runtime.data_dir import DataDir
from runtime.models import Example
from runtime.rollout import control

LABELS = ("billing", "delivery", "returns", "account", "other")
WORDS = [
    "parcel",
    "invoice",
    "refund",
    "password",
    "lost",
    "late",
    "box",
    "card",
    "money",
    "login",
    "order",
]


WORDS_OF_TASK = "Which team should answer this message? Names with <markup> & quotes too."


def a_long_life(
    data_dir: DataDir,
    days: int = 6,
    a_day: int = 300,
    seed: int = 0,
    description: str = WORDS_OF_TASK,
) -> None:
    """Two versions, one of them in a staged promotion; sampled validations; prices."""
    dice = random.Random(seed)
    task = make_task(
        data_dir,
        description=description,
        output_schema={"enum": list(LABELS)},
        examples=tuple(
            Example(input={"text": " ".join(dice.sample(WORDS, 3))}, output=dice.choice(LABELS))
            for _ in range(80)
        ),
    )
    source = 'def run(input_data):\n    return ("other", 0.5)\n'
    promote(data_dir, task, source)
    add_version(data_dir, task, source + "# better\n")
    now = datetime.now(UTC)
    number = 0
    for back in range(days - 1, -1, -1):
        day = now - timedelta(days=back)
        start = day.replace(hour=0, minute=0, second=0, microsecond=0)
        length = (now - start).total_seconds() if back == 0 else 86_400
        executions, validations = [], []
        count = max(3, round(a_day * length / 86_400))
        for moment in sorted(dice.random() * length for _ in range(count)):
            number += 1
            at = (start + timedelta(seconds=moment)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            version = 2 if back < 2 and dice.random() < 0.5 else 1
            executions.append(_execution(dice, number, at, version, back))
            if dice.random() < 0.2 and executions[-1]["status"] == "success":
                validations.append(_validation(dice, executions[-1], version, back))
        _write(data_dir.executions(TASK) / f"{start.date()}.jsonl", executions)
        _write(data_dir.validations(TASK) / f"sampled-{start.date()}.jsonl", validations)
    control.start_rollout(data_dir, TASK, 2, reason="it learned from failures")
    data_dir.deployment_file.parent.mkdir(parents=True, exist_ok=True)
    message = "Drift of input length is 0.31, over 0.25."
    alert = {"alert": "drift", "task": TASK, "level": "warning", "message": message}
    write_alerts(data_dir, [{**alert, "since": "2026-11-22T10:00:00.000000Z"}])
    data_dir.deployment_file.write_text("prices:\n  currency: EUR\n  per_call: 0.0021\n")


def _execution(dice, number, at, version, back):
    status = "success" if dice.random() > 0.02 else dice.choice(["error", "timeout"])
    weights = (5, 4, 3, 2, 1) if back > 1 else (2, 3, 4, 2, 5)
    line = {
        "v": 1,
        "execution_id": str(UUID(int=number)),
        "task_id": "0b0f3c54-4b4c-5f0e-a52f-5f0f4cc11111",
        "program_version": version,
        "input": {"text": " ".join(dice.sample(WORDS, 4)) + " and more" * (back < 2)},
        "status": status,
        "latency_ms": round(dice.lognormvariate(-0.5, 0.6) * (1.4 if version == 1 else 1), 4),
        "timestamp": at,
    }
    if status == "success":
        line |= {"output": dice.choices(LABELS, weights)[0], "confidence": 0.8}
    else:
        line["error"] = {"type": "KeyError", "message": "'text'"}
    return line


def _validation(dice, line, version, back):
    right = dice.random() < (0.72 if version == 1 and back < 2 else 0.91)
    output = line["output"] if right else dice.choice(LABELS)
    return {
        "v": 1,
        "id": line["execution_id"],
        "execution_id": line["execution_id"],
        "program_id": f"{TASK}/v{version}",
        "program_version": version,
        "strategy": "random",
        "inclusion_probability": dice.choice([0.1, 0.2, 0.4]),
        "input": line["input"],
        "output": line["output"],
        "status": "success",
        "executed_at": line["timestamp"],
        "oracle": "file",
        "oracle_output": output,
        "oracle_cost": 0.0004,
        "oracle_latency_ms": 12.0,
        "match": output == line["output"],
        "similarity_score": float(output == line["output"]),
        "comparison_method": "exact",
        "validated_at": line["timestamp"],
        "timestamp": line["timestamp"],
    }


def _write(file, lines):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
