"""The file of the app's settings, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from runtime.models import Model
from runtime.yaml_document import YamlDocument
from workbench.tui.settings import Settings


class SettingsDocument(Model):
    """The limits of each of `Settings`."""

    #: See `Settings.theme`.
    theme: str = Settings.theme
    #: See `Settings.refresh_sec`.
    refresh_sec: Annotated[float, Field(ge=0.2, le=3600)] = Settings.refresh_sec
    #: See `Settings.days`.
    days: Annotated[int, Field(ge=1, le=3650)] = Settings.days
    #: See `Settings.confirm`.
    confirm: bool = Settings.confirm


def read_settings(file: Path) -> Settings:
    """What the file says. Raises NotFoundError, or InvalidInputError with file and line."""
    document = YamlDocument.read(file)
    if document.data is None:
        return Settings()
    checked = document.as_model(SettingsDocument, document.data)
    return Settings(**checked.model_dump())
