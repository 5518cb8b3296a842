"""The oracle that is a program: a version of the task, or a file, run in the sandbox."""

from __future__ import annotations

from runtime.artifact_files import without_launcher
from runtime.artifacts import ArtifactStore
from runtime.errors import InvalidInputError, LoopaiError, Problem
from runtime.sandbox import Limits, Program, Sandbox
from runtime.steward.samples import Sample
from runtime.validation.oracle import OracleAnswer, OracleContext, OracleError

# An oracle may think longer than a program that answers callers.
LEAST_TIMEOUT_MS = 5000


class ReferenceProgram:
    """Starts its sandbox with the first question."""

    metered = False

    def __init__(self, context: OracleContext) -> None:
        self._context = context
        choice = context.choice
        if (choice.file is None) == (choice.version is None):
            raise InvalidInputError(
                Problem(
                    "the oracle `program` needs a version of this task or a file.",
                    context.data_dir.task_file(context.task.name),
                    field="validation.oracles",
                    remedy="Write {kind: program, version: 1} or {kind: program, file: right.py}.",
                )
            )
        self._sandbox: Sandbox | None = None
        self._program: Program | None = None

    def answer(self, sample: Sample) -> OracleAnswer | None:
        if self._sandbox is None:
            execution = self._context.config.execution
            timeout = max(LEAST_TIMEOUT_MS, execution.timeout_ms)
            limits = Limits(timeout_ms=timeout, memory_mb=execution.memory_mb)
            self._sandbox = Sandbox(limits=limits)
        try:
            if self._program is None:
                self._program = self._sandbox.load(self._source())
            (result,) = self._sandbox.run(self._program, [sample.input])
        except (LoopaiError, OSError) as error:
            raise OracleError(f"the reference program cannot be run: {error}") from None
        if not result.ok:
            raise OracleError(f"the reference program fails: {result.error or result.status}")
        return OracleAnswer(result.output)

    def news(self) -> object:
        return None

    def close(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = self._program = None

    def _source(self) -> str:
        name, choice = self._context.task.name, self._context.choice
        if choice.version is not None:
            return ArtifactStore(self._context.data_dir).read(name, choice.version).code
        file = self._context.data_dir.task(name) / str(choice.file)
        return without_launcher(file.read_text("utf-8"))
