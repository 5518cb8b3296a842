"""Finds secrets written into a configuration, before it is copied to where others read it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, SecretStr

from runtime.config import VARIABLE, DeploymentConfig
from runtime.errors import InvalidInputError, Problem


def refuse_plain_secrets(config: DeploymentConfig, file: str) -> None:
    """Raises InvalidInputError where a secret is not a `${VARIABLE}`."""
    wrong = [
        Problem(
            "holds a secret in plain words, which would be copied along.",
            file,
            field=place,
            remedy="Write ${VARIABLE} there and give the variable where it runs.",
        )
        for place in _plain(config, "")
    ]
    if wrong:
        raise InvalidInputError(wrong)


def _plain(value: Any, place: str) -> list[str]:
    if isinstance(value, SecretStr):
        return [] if VARIABLE.fullmatch(value.get_secret_value()) else [place]
    parts: list[tuple[Any, Any]]
    if isinstance(value, BaseModel):
        parts = [(name, getattr(value, name)) for name in type(value).model_fields]
    elif isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list | tuple):
        parts = list(enumerate(value))
    else:
        return []
    return [found for name, part in parts for found in _plain(part, f"{place}.{name}".strip("."))]
