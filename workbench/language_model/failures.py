"""What can go wrong between us and a model server, and what a person can do about it."""

from __future__ import annotations

from typing import Literal

from runtime.errors import InvalidInputError, LoopaiError, NotFoundError, Problem

Kind = Literal["timeout", "disconnected", "server", "protocol"]


class BadAddressError(InvalidInputError):
    """What is given as the server's address is none."""

    def __init__(self, address: str) -> None:
        super().__init__(
            Problem(
                f"{address!r} is not the address of a model server.",
                remedy=(
                    "It is read from OLLAMA_HOST, else from synthesis.ollama_host in "
                    "deployment.yaml, and looks like http://127.0.0.1:11434"
                ),
            )
        )


class ServerAbsentError(LoopaiError):
    """No server answers at the address."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            Problem(
                f"no model server answers at {address} ({reason}).",
                remedy=(
                    "Start one with: ollama serve, or say where it is with OLLAMA_HOST or "
                    "synthesis.ollama_host in deployment.yaml; or go on without a model."
                ),
            )
        )


class ModelAbsentError(NotFoundError):
    """The server does not have the model."""

    def __init__(self, model: str, known: list[str]) -> None:
        have = ", ".join(known) or "none yet"
        super().__init__(
            Problem(
                f"the server has no model {model!r} (models there: {have}).",
                remedy=f"Get it with: loopai models pull {model}",
            )
        )


class CallFailedError(LoopaiError):
    """One call gave no usable answer; another may. `text` is what had come until then, in
    `answer_tokens` pieces."""

    def __init__(self, kind: Kind, reason: str, text: str = "", answer_tokens: int = 0) -> None:
        self.kind: Kind = kind
        self.text = text
        self.answer_tokens = answer_tokens
        super().__init__(Problem(f"the model server: {reason}"))
