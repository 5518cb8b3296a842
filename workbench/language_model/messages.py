"""What is asked of a model and what it answers, as plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runtime.strict_json import canonical

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: str

    def as_json(self) -> dict[str, str]:
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One question. `schema` is the JSON schema its answer is to follow, if any;
    `seed` and `temperature` make the answer repeatable where the server can."""

    model: str
    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    seed: int = 0
    temperature: float = 0.0
    max_tokens: int = 1024

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "messages": [message.as_json() for message in self.messages],
            "schema": self.schema,
            "seed": self.seed,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
        }

    @property
    def digest(self) -> str:
        """The same for the same question: SHA-256 in hex."""
        encoded = canonical(self.as_json()).encode(errors="surrogatepass")
        return hashlib.sha256(encoded).hexdigest()


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What came back. `complete` is false where the answer was cut off at its limit;
    `seconds` is by our clock, from the request to the last token."""

    text: str
    complete: bool
    prompt_tokens: int
    answer_tokens: int
    seconds: float

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.answer_tokens
