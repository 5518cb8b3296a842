"""What `loopai demo` does, step by step. It only calls what the other commands call."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.datasets.rollup import days_with_executions, stats
from runtime.datasets.tail import LogTail
from runtime.models import Example
from runtime.tasks import add_examples, load_task, write_examples
from runtime.validation.exact import matches
from workbench.commands.data import print_line
from workbench.commands.diff import behaviour_diff, print_diff, source_diff
from workbench.commands.stats import print_stats
from workbench.commands.synthesize import make_version, print_outcome
from workbench.console import out
from workbench.new_task import from_sample
from workbench.served_runtime import Answer, ServedRuntime
from workbench.synthesis.evaluation import percentile

SEED = 0
# So many of the sample's examples play the traffic: the synthesis never sees them.
TRAFFIC_FRACTION = 0.3
SOURCE_LINES_SHOWN = 24


class Demonstration:
    """One run of the whole job in one data directory."""

    def __init__(self, data_dir: DataDir, task: str, requests: int) -> None:
        self.data_dir = data_dir
        self.task = task
        self.requests = requests
        self.store = ArtifactStore(data_dir)
        self._step = 0

    def run(self) -> dict[str, Any]:
        """Do every step; returns the figures. Leaves no process behind, however it ends."""
        started = time.monotonic()
        traffic = self._make_task()
        first = self._synthesize(
            "Make programs with four strategies, judge them on unseen examples"
        )
        self.title("Promote the best", f"loopai promote {self.task} v{first}")
        self.store.activate(self.task, first, reason="demo: best of four")
        out.print(f"{self.task} now serves v{first}.")
        self._show_program(first)
        self.title(
            "Serve it over HTTP, each execution in the sandbox",
            f"loopai-runtime start --task-id {self.task} --data-dir {self.data_dir.root}",
        )
        with ServedRuntime(self.data_dir, self.task) as served:
            out.print(f"ready after {served.seconds_to_ready:.2f} s at {served.url}")
            figures = self._send(served, traffic)
            failures = self._look(served, traffic)
            second = self._improve(failures)
            self._switch(served, traffic[0], first, second)
        out.print()
        seconds = time.monotonic() - started
        out.print(f"Done in {seconds:.0f} s.", style="bold green")
        return {"task": self.task, "seconds": round(seconds, 1), **figures}

    def title(self, text: str, command: str = "") -> None:
        """Say what comes next, and the command that does it."""
        self._step += 1
        out.print()
        out.print(f"{self._step}. {text}", style="bold cyan", markup=False)
        if command:
            out.print(f"   $ {command}", style="dim", markup=False)

    def _make_task(self) -> list[Example]:
        self.title("Take a sample task and check it", f"loopai task check {self.task}")
        from_sample(self.data_dir, self.task, self.task)
        examples = list(load_task(self.data_dir, self.task).examples)
        random.Random(SEED).shuffle(examples)  # noqa: S311 - a demonstration, not a secret
        count = round(len(examples) * TRAFFIC_FRACTION)
        traffic, kept = examples[:count], examples[count:]
        write_examples(self.data_dir.examples_file(self.task), kept)
        task = load_task(self.data_dir, self.task)
        out.print(" ".join(task.description.split()), markup=False)
        out.print(
            f"{len(kept)} examples to learn from; {count} others are kept aside as traffic whose "
            "right answers we know."
        )
        for example in kept[:3]:
            out.print(f"   {example.input} -> {example.output!r}"[:140], style="dim", markup=False)
        return traffic

    def _synthesize(self, title: str) -> int:
        self.title(title, f"loopai synthesize {self.task}")
        task = load_task(self.data_dir, self.task)
        outcome, version = make_version(self.data_dir, task, (), SEED)
        print_outcome(task, outcome, version)
        return version

    def _show_program(self, version: int) -> None:
        lines = self.store.read(self.task, version).code.splitlines()
        for line in lines[:SOURCE_LINES_SHOWN]:
            out.print(f"   {line[:110]}", style="dim", markup=False)
        if len(lines) > SOURCE_LINES_SHOWN:
            file = self.data_dir.artifact(self.task, version) / "program.py"
            out.print(f"   ... {len(lines)} lines in all: {file}", style="dim", markup=False)

    def _send(self, served: ServedRuntime, traffic: Sequence[Example]) -> dict[str, Any]:
        self.title(
            f"Send {self.requests:,} requests",
            f"curl {served.url}/execute -d '{{\"input\": {{...}}}}'",
        )
        inputs = [traffic[n % len(traffic)].input for n in range(self.requests)]
        started = time.monotonic()
        answers = served.send(inputs)
        seconds = time.monotonic() - started
        latencies = [answer.seconds * 1000 for answer in answers]
        good = [answer for answer in answers if answer.status == 200]
        right = sum(
            answer.status == 200 and matches(traffic[n % len(traffic)].output, answer.output)
            for n, answer in enumerate(answers)
        )
        figures: dict[str, Any] = {
            "requests": len(answers),
            "answered": len(good),
            "requests_per_second": round(len(answers) / seconds, 1),
            "client_ms": {f"p{p}": round(percentile(latencies, p), 3) for p in (50, 95, 99)},
            "program_ms": {
                f"p{p}": round(percentile([a.program_ms for a in good], p), 3) for p in (50, 95, 99)
            },
            "right": round(right / len(answers), 4),
        }
        out.print(
            f"{len(good):,} of {len(answers):,} answered in {seconds:.2f} s; "
            f"{right / len(answers):.1%} of the answers are right."
        )
        for name, what in (("client_ms", "seen by the client"), ("program_ms", "in the sandbox")):
            shown = ", ".join(f"{key} {value:.3f}" for key, value in figures[name].items())
            out.print(f"latency in ms {what}: {shown}")
        return figures

    def _look(self, served: ServedRuntime, traffic: Sequence[Example]) -> list[Example]:
        self.title("Every one of them is a line of the log", f"loopai data tail {self.task} -n 5")
        for line in LogTail(self.data_dir.executions(self.task)).take_last(5):
            print_line(line, failures=False, as_json=False)
        self.title("and is counted", f"loopai stats {self.task}")
        days = days_with_executions(self.data_dir, self.task)
        print_stats(stats(self.data_dir, self.task, days))
        answers = served.send([example.input for example in traffic])
        return [
            example
            for example, answer in zip(traffic, answers, strict=True)
            if not matches(example.output, answer.output)
        ]

    def _improve(self, failures: Sequence[Example]) -> int:
        self.title(f"Add the {len(failures)} inputs it got wrong to the examples")
        changed, _ = add_examples(self.data_dir, load_task(self.data_dir, self.task), failures)
        out.print(f"{changed} new examples in {self.data_dir.examples_file(self.task)}")
        out.print(
            "Some of these hard ones are held out below, so the figures may be lower than before."
        )
        return self._synthesize("and make the next version from all of them")

    def _switch(self, served: ServedRuntime, example: Example, first: int, second: int) -> None:
        self.title("What changed?", f"loopai diff {self.task} v{first} v{second}")
        task = load_task(self.data_dir, self.task)
        behaviour = behaviour_diff(self.store, task, first, second)
        reports = [self.store.metadata(self.task, v)["evaluation"] for v in (first, second)]
        source = source_diff(self.store, self.task, first, second).splitlines()
        print_diff(first, second, "\n".join(source[:SOURCE_LINES_SHOWN]), behaviour, reports)
        self.title(f"Promote v{second} while it serves", f"loopai promote {self.task} v{second}")
        self.store.activate(self.task, second, reason="demo: learned from failures")
        self._report_switch(served.wait_for_version(example.input, second), second)
        self.title("And back again", f"loopai rollback {self.task}")
        self.store.rollback(self.task, reason="demo")
        self._report_switch(served.wait_for_version(example.input, first), first)

    def _report_switch(self, answer: Answer, version: int) -> None:
        out.print(
            f"v{version} answers {answer.waited:.2f} s later, without a restart: {answer.output!r}",
            markup=False,
        )
