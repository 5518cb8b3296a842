"""One number for what a program depends on, by which two runs are known to be of the same task."""

from __future__ import annotations

import hashlib

from runtime.models import TaskSpecification
from runtime.strict_json import canonical


def task_hash(task: TaskSpecification) -> str:
    """SHA-256 of what a program depends on: description, schemas and examples."""
    parts = {
        "description": task.description,
        "input_schema": task.input_schema,
        "output_schema": task.output_schema,
        "examples": [example.model_dump(exclude={"origin"}) for example in task.examples],
    }
    return hashlib.sha256(canonical(parts).encode()).hexdigest()
