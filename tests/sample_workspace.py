"""A data directory with everything the app can show, the same to the letter each time.

Used by the app's snapshots and by the pictures in the README.
"""

from __future__ import annotations

import json
import os
import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from uuid import UUID

from support import log_line

from runtime.artifacts import ArtifactStore, NewArtifact
from runtime.data_dir import DataDir, write_atomic
from runtime.models import PrivacyMode, ProgramArtifact, Strategy, TaskSpecification
from runtime.rollout import control
from runtime.rollout.document import read_rollout, write_rollout
from runtime.steward import samples
from runtime.steward.samples import Sample
from runtime.steward.state import open_state
from runtime.tasks import load_task
from runtime.validation import queue
from sync.agent import AUDIT_FILE
from sync.audit import AuditLog
from sync.box_key import box_key, identity_file
from sync.outbox import Outbox
from sync.privacy.filtering import PrivacyFilter
from sync.status import STATUS_FILE
from sync.telemetry_observer import outbox_file
from workbench.new_task import from_sample
from workbench.notebook.starting import notebook_of

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
TASK = "spam-detection"
DAYS, PER_DAY = 4, 400
SOURCE = '''"""Tells spam from ham by the words that speak for it. {count} words."""

import re

WORDS = {words!r}
LINK = re.compile(r"https?://")


def run(input_data):
    text = input_data["text"].lower()
    points = sum(word in text for word in WORDS)
    if LINK.search(text):
        points += 1
    return ("spam", 0.9) if points > {limit} else ("ham", 0.8)
'''


NOTEBOOK = """\
# Spam or not

What there is to learn from, and what the newest version would change:

```task
file: task.yaml
```

```chart
kind: bar
x: class
y: examples
sql: |
  select output->>'$' as class, count(*) as examples
  from examples where task = 'spam-detection' group by 1 order by 2 desc
```

```sql
select program_version, count(*) as executions, count(*) filter (status != 'success') as failed
from executions group by 1 order by 1
```

```compare
old: v2
new: v3
```

```expect version=v3
accuracy >= 90%
{"input": {"text": "You have won a prize, claim it now"}, "output": "spam"}
{"input": {"text": "Lunch at twelve?"}, "output": "ham"}
```
"""
HUB = "https://hub.acme.example:8090"
ASKED = (
    "Claim your prize: mail it to jo.miller@example.com or call +44 20 7946 0958 today",
    "Hi Ann, the invoice goes to DE89 3704 0044 0532 0130 00 as always, thanks, Ben",
    "Lunch at twelve? I booked a table under the name of the project",
)


def clock() -> datetime:
    return NOW


def make_workspace(data_dir: DataDir) -> None:
    """Write three tasks; the first has versions, traffic and a rollout under way."""
    for name in (TASK, "order-risk", "date-normalisation"):
        from_sample(data_dir, name, name)
    task = load_task(data_dir, TASK, with_examples=False)
    store = ArtifactStore(data_dir, lambda: NOW - timedelta(days=3))
    _add(store, task, Strategy.RULE, ["free", "prize", "winner"], 0, 0.907, 3)
    store.activate(TASK, 1, reason="the first that met its target")
    store = ArtifactStore(data_dir, lambda: NOW - timedelta(days=1))
    _add(store, task, Strategy.HYBRID, ["free", "prize", "winner", "urgent", "cash"], 0, 0.942, 2)
    store.activate(TASK, 2, reason="two points better on unseen examples")
    _add(store, task, Strategy.ML, ["free", "prize", "urgent", "cash", "claim", "won"], 0, 0.953, 1)
    _add_traffic(data_dir, task)
    _begin_rollout(data_dir)
    _add_samples(data_dir)
    _add_telemetry(data_dir)
    notebook_of(data_dir, TASK).write_text(NOTEBOOK, "utf-8")


def _add(
    store: ArtifactStore,
    task: TaskSpecification,
    strategy: Strategy,
    words: list[str],
    limit: int,
    accuracy: float,
    age_days: int,
) -> None:
    source = SOURCE.format(count=len(words), words=tuple(words), limit=limit)
    artifact = ProgramArtifact(
        task_id=task.id,
        version=1,
        code=source,
        synthesis_strategy=strategy,
        confidence_score=accuracy,
        complexity_metrics={"bytes": float(len(source))},
        created_at=NOW - timedelta(days=age_days),
        status="validated",
    )
    label = f"{len(words)} words that speak for spam"
    new = NewArtifact(
        artifact=artifact,
        evaluation=_evaluation(accuracy, label),
        provenance={"label": label, "examples": 342, "notes": [f"Words: {', '.join(words)}."]},
        readme="A sample.\n",
    )
    store.add(task, new)


def _evaluation(accuracy: float, label: str) -> dict:
    right = round(accuracy * 86)
    return {
        "method": "held-out",
        "examples": 86,
        "correct": right,
        "accuracy": accuracy,
        "interval": [round(accuracy - 0.062, 3), round(accuracy + 0.029, 3)],
        "baseline": 0.547,
        "errors": 0,
        "timeouts": 0,
        "latency_ms": {"p50": 0.021, "p99": 0.094},
        "classes": {
            '"ham"': {"support": 47, "precision": 0.939, "recall": 0.979, "f1": 0.959},
            '"spam"': {"support": 39, "precision": 0.973, "recall": 0.923, "f1": 0.947},
        },
        "worst_class": '"spam"',
        "failures": [
            {
                "input": {"text": "Change of bank details: please remit to the new account."},
                "expected": "spam",
                "got": "ham",
            },
            {
                "input": {"text": "omg the baby is here!! 3.4 kilos, pictures later"},
                "expected": "ham",
                "got": "spam",
            },
        ],
        "explanation": f"{label}: right on {right} of 86 examples held out. The target is met.",
        "learned_from": 342,
    }


def _add_traffic(data_dir: DataDir, task: TaskSpecification) -> None:
    """Some days of executions, and oracles' answers to a part of them."""
    examples = load_task(data_dir, TASK).examples
    chance = random.Random(7)
    number = 0
    for day in range(DAYS):
        start = NOW - timedelta(days=DAYS - 1 - day, hours=14)
        executions, validations = [], []
        for place in range(PER_DAY):
            number += 1
            moment = start + timedelta(seconds=place * 13 * 3600 / PER_DAY)
            stamp = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
            example = chance.choice(examples)
            failed = chance.random() < 0.012
            fields = {
                "program_version": 1 if day < 2 else 2,
                "input": example.input,
                "output": None if failed else example.output,
                "status": "timeout" if failed else "success",
                "latency_ms": round(chance.lognormvariate(-2, 0.45), 4),
                "confidence": round(chance.betavariate(9, 1), 3),
            }
            executions.append(log_line(number, stamp, **fields))
            if not failed and place % 8 == 0:
                validations.append(_validation(number, stamp, fields, chance.random() < 0.95))
        _write(data_dir.executions(TASK) / f"{start.date()}.jsonl", executions)
        _write(data_dir.validations(TASK) / f"sampled-{start.date()}.jsonl", validations)


def _validation(number: int, stamp: str, fields: dict, match: bool) -> bytes:
    oracle = fields["output"] if match else {"spam": "ham", "ham": "spam"}[fields["output"]]
    line = {
        "v": 1,
        "id": f"00000000-0000-7000-9000-{number:012d}",
        "execution_id": f"00000000-0000-7000-8000-{number:012d}",
        "program_id": "0b0f3c54-4b4c-5f0e-a52f-5f0f4cc11111",
        "program_version": fields["program_version"],
        "strategy": "random",
        "inclusion_probability": 0.125,
        "input": fields["input"],
        "output": fields["output"],
        "oracle": "person",
        "oracle_output": oracle,
        "match": match,
        "similarity_score": 1.0 if match else 0.0,
        "comparison_method": "exact",
        "validated_at": stamp,
        "timestamp": stamp,
    }
    return json.dumps(line).encode()


def _write(path, lines: list[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def _add_samples(data_dir: DataDir) -> None:
    """Sampled executions that wait for a person."""
    given = [
        Sample(
            execution_id=f"00000000-0000-7000-8000-{number:012d}",
            task=TASK,
            program_version=2,
            input={"text": text},
            output="spam" if number == 1 else "ham",
            error=None,
            confidence=0.62 + number / 10,
            status="success",
            latency_ms=0.2,
            executed_at=f"2026-11-22T16:0{number}:00.000000Z",
            strategy="uncertainty",
            inclusion_probability=0.1,
            state="waiting",
        )
        for number, text in enumerate(ASKED)
    ]
    with open_state(data_dir, queue.TABLES) as state, state.transaction() as connection:
        samples.add_samples(connection, given)


def _add_telemetry(data_dir: DataDir) -> None:
    """A hub that is connected, an upload that waits, and some that have left."""
    identity = {"v": 1, "deployment_id": "box-5c1f0a7e22d4", "key": "5a" * 32}
    write_atomic(identity_file(data_dir), json.dumps(identity), private=True)
    settings = f"runtime: {{mode: hybrid}}\ncloud: {{api_url: '{HUB}', api_key: sample}}\n"
    write_atomic(data_dir.deployment_file, settings)
    link = {"v": 1, "deployment_id": "box-5c1f0a7e22d4", "hub": HUB, "registered": True}
    link |= {"notified": True, "problem": None, "not_taken_up": {}, "pid": os.getpid()}
    write_atomic(data_dir.state / STATUS_FILE, json.dumps(link))
    privacy = PrivacyFilter(PrivacyMode.BALANCED, box_key(data_dir))
    rows = []
    for number in range(420):
        record = {
            "execution_id": f"00000000-0000-7000-8000-{number:012d}",
            "input": {"text": ASKED[number % 3]},
            "output": "spam" if number % 3 == 0 else "ham",
            "latency_ms": 0.1 + number % 7 / 100,
            "status": "success",
            "timestamp": f"2026-11-22T17:{number // 60 + 50}:{number % 60:02d}.000000Z",
        }
        row = privacy.summary(record, sampled=number % 6 < 2)
        assert row is not None
        rows.append({**row, "program_version": 2})
    queued = NOW - timedelta(seconds=41)
    with (
        patch("sync.outbox.uuid4", lambda: UUID(int=7 << 64)),
        patch("sync.outbox.utc_now", lambda: queued),
        closing(Outbox(outbox_file(data_dir), clock=lambda: queued)) as outbox,
    ):
        outbox.put(TASK, rows)
        outbox.make_batches({"v": 1, "deployment_id": "box-5c1f0a7e22d4"}, wait_seconds=0)
    log = AuditLog(data_dir.state / AUDIT_FILE)
    for number in range(24):
        left = NOW - timedelta(minutes=24 - number)
        facts = {"to": HUB, "key": str(UUID(int=number)), "stream": TASK, "rows": 380 + number}
        facts |= {"bytes": 21_400 + 17 * number, "sha256": f"{number:02x}" * 32, "attempt": 1}
        with patch("sync.audit.utc_now", lambda left=left: left):
            log.append("telemetry", **facts)


def _begin_rollout(data_dir: DataDir) -> None:
    begun = NOW - timedelta(hours=2)
    control.start_rollout(data_dir, TASK, 3, reason="one point better", clock=lambda: begun)
    rollout = read_rollout(data_dir, TASK)
    assert rollout is not None
    shares = {
        "errors": (0.0, 0.0, -0.004, 0.011, 0.02),
        "timeouts": (0.012, 0.009, -0.016, 0.012, 0.02),
        "slow": (0.01, 0.018, -0.011, 0.024, 0.03),
    }
    metrics = {
        name: {
            "baseline": old,
            "candidate": new,
            "values": {"baseline": 1893, "candidate": 211},
            "difference": {"lower": low, "upper": high},
            "tolerance": 0.0,
            "margin": margin,
        }
        for name, (old, new, low, high, margin) in shares.items()
    }
    evidence = {
        "executions": {"baseline": 1893, "candidate": 211},
        "p99_ms": {"baseline": 0.38, "candidate": 0.41},
        "metrics": metrics,
    }
    update = {"evidence": evidence, "evidence_at": NOW}
    write_rollout(data_dir, rollout.model_copy(update=update))
