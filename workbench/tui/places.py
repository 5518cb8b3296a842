"""The app's places: its tabs, their keys and where each screen's code is. Imports no screen.

A screen's module is imported when its tab is first opened, so that the app starts quickly.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.screen import Screen


@dataclass(frozen=True, slots=True)
class Place:
    """One tab: `key` opens it; `screen` is the class in `workbench.tui.<module>`."""

    name: str
    key: str
    title: str
    module: str
    screen: str
    purpose: str

    @property
    def path(self) -> str:
        return f"workbench.tui.{self.module}"

    def load(self) -> Screen[None]:
        """Import the screen's module and make the screen."""
        made: Screen[None] = getattr(importlib.import_module(self.path), self.screen)()
        return made


ALL = (
    Place("tasks", "1", "Tasks", "tasks_screen", "TasksScreen", "Tasks, their state, new ones"),
    Place("notebook", "2", "Notebook", "notebook_screen", "NotebookScreen", "Work cell by cell"),
    Place("dataset", "3", "Dataset", "dataset_screen", "DatasetScreen", "Records of any file"),
    Place("analytics", "4", "Analytics", "analytics_screen", "AnalyticsScreen", "How it does"),
    Place("versions", "5", "Versions", "versions_screen", "VersionsScreen", "Compare and promote"),
    Place("models", "6", "Models", "models_screen", "ModelsScreen", "Local language models"),
    Place("sync", "7", "Sync", "sync_screen", "SyncScreen", "What leaves this box"),
)


def installed_places() -> tuple[Place, ...]:
    """The places whose screen is there."""
    return tuple(place for place in ALL if find_spec(place.path))
