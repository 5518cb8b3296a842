"""The text of a new notebook: from nothing, or for a task that is there."""

from __future__ import annotations

from pathlib import Path

from runtime.data_dir import DataDir
from runtime.tasks import load_task

SUFFIX = ".notebook.md"

NEW = """\
# {name}

Say here what this is for. Words stand between cells, as in any Markdown file.

```task
name: {name}
description: Is a message about money, or not?
input_schema:
  type: object
  properties:
    text: {{type: string}}
  required: [text]
output_schema:
  enum: [money, other]
```

```examples
{{"input": {{"text": "please pay the invoice"}}, "output": "money"}}
{{"input": {{"text": "the invoice is wrong"}}, "output": "money"}}
{{"input": {{"text": "pay me back by friday"}}, "output": "money"}}
{{"input": {{"text": "send the invoice again"}}, "output": "money"}}
{{"input": {{"text": "when do you pay"}}, "output": "money"}}
{{"input": {{"text": "see you at lunch"}}, "output": "other"}}
{{"input": {{"text": "the meeting is moved"}}, "output": "other"}}
{{"input": {{"text": "happy birthday"}}, "output": "other"}}
{{"input": {{"text": "lunch is at noon"}}, "output": "other"}}
{{"input": {{"text": "a new meeting room"}}, "output": "other"}}
```

```synthesize
strategies: [rule]
```

```try
{{"text": "who can pay this invoice"}}
```

```expect
{{"input": {{"text": "pay the invoice"}}, "output": "money"}}
p99_ms < 50
```

```promote
now
```
"""

FOR_TASK = """\
# {name}

{description}

```task
file: task.yaml
```

```examples
file: examples.jsonl
```

```sql
select output, count(*) as examples from examples where task = '{name}' group by 1 order by 2 desc
```

```synthesize
```

```expect
accuracy >= {target:g}%
p99_ms < {latency:g}
```

```promote
now
```

What it has been asked since, and what it answered:

```chart
kind: bar
title: Answers
x: output
y: executions
sql: >
  select output, count(*) as executions from executions where task = '{name}'
  group by 1 order by 2 desc limit 20
```
"""


def notebook_of(data_dir: DataDir, task: str) -> Path:
    """Where a task's own notebook stands."""
    return data_dir.task(task) / f"{task}{SUFFIX}"


def new_text(name: str) -> str:
    """A notebook that runs as it is, to be written over."""
    return NEW.format(name=name)


def text_for_task(data_dir: DataDir, name: str) -> str:
    """A notebook for a task of the data directory, to stand in its folder.

    Raises NotFoundError or InvalidInputError.
    """
    task = load_task(data_dir, name, with_examples=False)
    return FOR_TASK.format(
        name=name,
        description=" ".join(task.description.split()),
        target=task.accuracy_target * 100,
        latency=task.latency_target_ms,
    )
