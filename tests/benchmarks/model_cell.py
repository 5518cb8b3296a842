"""One strategy on one part of a set, with the real small model and without it.

Both come of one synthesis: the program without the model is the best that it had no part in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from runtime.config_sections import SynthesisConfig
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from runtime.models import Example, TaskSpecification
from runtime.sandbox import Sandbox
from runtime.tasks import load_task, write_task
from workbench.language_model.messages import ModelAnswer, ModelRequest
from workbench.synthesis.by_model.calls import Ask
from workbench.synthesis.by_model.session import model_settings
from workbench.synthesis.evaluation import evaluate, judge
from workbench.synthesis.ranking import Evaluated
from workbench.synthesis.runs import Plan, begin

# Small answers: this model fills what it is given with repetitions.
CONFIG = SynthesisConfig(answer_tokens=200, max_seconds=45)
MODEL = "smollm2:135m"


class RememberedAnswers:
    """Asks each question once, over all cells and runs; the answers stand in a file."""

    def __init__(self, file: Path, ask: Ask) -> None:
        self._file = file
        self._ask = ask
        self._known: dict[str, ModelAnswer] = {}
        #: Seconds of the answers given again, which a run of its own would have waited.
        self.saved = 0.0
        if file.exists():
            for line in file.read_text().splitlines():
                row = json.loads(line)
                digest = row.pop("digest")
                self._known[digest] = ModelAnswer(**row)

    def answer(self, request: ModelRequest, on_text: Callable[[str], None]) -> ModelAnswer:
        """See `OllamaServer.answer`; what fails is asked again the next time."""
        known = self._known.get(request.digest)
        if known is not None:
            self.saved += known.seconds
            return known
        answer = self._ask(request, on_text)
        self._known[request.digest] = answer
        fields = {name: getattr(answer, name) for name in answer.__slots__}
        with self._file.open("a") as lines:
            lines.write(json.dumps({"digest": request.digest, **fields}) + "\n")
        return answer


def measure_cell(
    task: TaskSpecification,
    train: Sequence[Example],
    unseen: Sequence[Example],
    strategy: str,
    answers: RememberedAnswers,
    seconds: float,
) -> dict[str, Any]:
    """`without` and `with`, each with its figures on `unseen`; or `none` with the reason."""
    config = CONFIG.model_copy(update={"max_seconds": seconds})
    answers.saved = 0.0
    with TemporaryDirectory() as folder:
        data_dir = DataDir(Path(folder))
        write_task(data_dir, task.model_copy(update={"examples": tuple(train)}))
        plan = Plan(load_task(data_dir, task.name), 0, (strategy,), model_settings(config, MODEL))
        try:
            made = begin(data_dir, plan, lambda who, what: None, ask=answers.answer)
        except LoopaiError as reason:
            return {"none": " ".join(str(reason).split())}
    ranked = made.outcome.ranked
    alone = next((each for each in ranked if each.candidate.helped_by is None), None)
    with_model = _figures(task, ranked[0], unseen)
    with_model["seconds"] = round(made.outcome.seconds + answers.saved, 1)
    with_model["calls"] = made.spent.calls
    with_model["tokens"] = made.spent.tokens
    with_model["model_seconds"] = round(made.spent.seconds, 1)
    without = _figures(task, alone, unseen) if alone else None
    return {"without": without, "with": with_model}


def _figures(task: TaskSpecification, made: Evaluated, unseen: Sequence[Example]) -> dict[str, Any]:
    with Sandbox() as sandbox:
        program = sandbox.load(made.candidate.source)
        results = sandbox.run(program, [example.input for example in unseen])
    report = evaluate(task, judge(task, unseen, results), "held-out")
    return {
        "program": made.candidate.label,
        "helped": made.candidate.helped_by is not None,
        "estimated": made.accuracy,
        "correct": report["correct"],
        "accuracy": report["accuracy"],
        "interval": report["interval"],
        "p99_ms": report["latency_ms"]["p99"],
        "bytes": made.size,
        "seconds": round(made.seconds, 1),
    }
