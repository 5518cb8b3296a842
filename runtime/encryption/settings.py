"""`encryption:` in deployment.yaml: where the keys come from. Never a key itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from runtime.models import Model


class KeySource(Model):
    """One of them: a file, an environment variable, or a command that prints the key."""

    #: A file that holds the key.
    file: Path | None = None
    #: The name of an environment variable that holds it.
    env: str | None = None
    #: A command and its arguments that prints it.
    command: Annotated[tuple[str, ...] | None, Field(min_length=1)] = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if len(self.model_fields_set & {"file", "env", "command"}) != 1:
            raise ValueError("says where a key is by one of: file, env, command")
        return self


class EncryptionConfig(Model):
    """`key` seals what is written; `old_keys` only open what was written under them."""

    #: Seals what is written from now on: one of file, env, command.
    key: KeySource | None = None
    #: Keys from before, which open what was written under them.
    old_keys: tuple[KeySource, ...] = ()
