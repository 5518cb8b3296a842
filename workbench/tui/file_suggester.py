"""Completes the path of a file while it is typed, as a shell does."""

from __future__ import annotations

from pathlib import Path

from textual.suggester import Suggester

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".gz")


class FileSuggester(Suggester):
    """Suggests folders, and files with a suffix in `suffixes`, below `start`."""

    def __init__(self, start: Path, suffixes: tuple[str, ...] = SUFFIXES) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._start = start
        self._suffixes = suffixes

    async def get_suggestion(self, value: str) -> str | None:
        """The first name that begins like the last part of `value`."""
        folder_text, slash, begun = value.rpartition("/")
        if not begun:
            return None
        folder = self._start / Path(folder_text + slash).expanduser()
        try:
            found = sorted(folder.iterdir())
        except OSError:
            return None
        for path in found:
            if path.name.startswith(begun):
                if path.is_dir():
                    return f"{folder_text}{slash}{path.name}/"
                if path.name.endswith(self._suffixes):
                    return f"{folder_text}{slash}{path.name}"
        return None
