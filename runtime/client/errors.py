"""What the client raises: one class for each thing a caller may want to do about it."""

from __future__ import annotations

from runtime.client.answers import NO_ANSWER, Failure, FieldError
from runtime.errors import LoopaiError, Problem


class ProblemError(LoopaiError):
    """A request that was not answered with an output; `failure` says all there is to know."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(Problem(_sentence(failure)))

    @property
    def type(self) -> str:
        return self.failure.type

    @property
    def title(self) -> str:
        return self.failure.title

    @property
    def status(self) -> int:
        """The HTTP status, 0 when no answer came."""
        return self.failure.status

    @property
    def detail(self) -> str:
        return self.failure.detail

    @property
    def errors(self) -> tuple[FieldError, ...]:
        """What is wrong where, when an input or output does not follow its schema."""
        return self.failure.errors


class RefusedInputError(ProblemError):
    """The input is not what the task takes: sending it again will not help."""


class ProgramFailedError(ProblemError):
    """The program failed, ran out of time, or gave an output that its schema does not allow."""


class AccessDeniedError(ProblemError):
    """The serving key is missing, wrong, or not allowed to do this."""


class UnknownTaskError(ProblemError):
    """The runtime serves no task of this name."""


class OverloadedError(ProblemError):
    """Too many requests were waiting, still after all retries."""


class UnavailableError(ProblemError):
    """No program is active, the log cannot be written, or nothing answers at all (status 0)."""


_BY_KIND: dict[str, type[ProblemError]] = {
    "malformed-json": RefusedInputError,
    "invalid-input": RefusedInputError,
    "body-too-large": RefusedInputError,
    "program-error": ProgramFailedError,
    "invalid-output": ProgramFailedError,
    "timeout": ProgramFailedError,
    "unknown-task": UnknownTaskError,
}
# Also for what a proxy in between answers.
_BY_STATUS: dict[int, type[ProblemError]] = {
    NO_ANSWER: UnavailableError,
    401: AccessDeniedError,
    403: AccessDeniedError,
    429: OverloadedError,
    503: UnavailableError,
}


def error_of(failure: Failure) -> ProblemError:
    """The exception for a failure, such as one that a batch handed out in place of an output."""
    kind = failure.type.removeprefix("urn:loopai:problem:")
    return (_BY_KIND.get(kind) or _BY_STATUS.get(failure.status, ProblemError))(failure)


def _sentence(failure: Failure) -> str:
    faults = "; ".join(f"{fault.path}: {fault.message}" for fault in failure.errors)
    words = " ".join(part for part in (failure.detail or failure.title, faults) if part)
    return f"{failure.status} {words}" if failure.status else words
