"""A notebook that is open to be changed: undo, autosave, and what a crash would have lost.

Unsaved text is kept beside the notebook, in `.loopai`, until it is saved. A file that another
program has changed meanwhile is never written over unasked.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from runtime.errors import InvalidInputError, Problem
from runtime.models import FORMAT_VERSION
from workbench.notebook.document import Document, parse_document, read_document, save_document
from workbench.notebook.session import beside, write_beside

MAX_STEPS = 500


class ChangedOnDiskError(InvalidInputError):
    """Another program has written the notebook since it was read."""


class OpenedNotebook:
    """One notebook, its changes and their undoing. Not for two threads at once."""

    def __init__(self, file: Path) -> None:
        """Open `file` with what a crash has left of unsaved text. Raises as `read_document`."""
        self.file = file.absolute()
        self.document = read_document(self.file)
        self._saved = self.document.content
        self._before: list[Document] = []
        self._after: list[Document] = []
        self._kept_file = beside(self.file, "unsaved")
        self._kept: bytes | None = None
        #: Whether unsaved text of an earlier run was taken up when this one began.
        self.recovered = False
        unsaved = self._unsaved_text()
        if unsaved is not None and unsaved != self._saved:
            self.change(parse_document(unsaved, self.file))
            self.recovered = True

    @property
    def unsaved(self) -> bool:
        """Whether the file on disk lacks some of this."""
        return self.document.content != self._saved

    def change(self, document: Document) -> bool:
        """Go on with another document, so that `undo` comes back; False when it is the same."""
        if document.content == self.document.content:
            return False
        self._before = [*self._before[-MAX_STEPS:], self.document]
        self._after = []
        self.document = document
        return True

    def undo(self) -> bool:
        """Back to the document before the last change; False when there is none."""
        if not self._before:
            return False
        self._after.append(self.document)
        self.document = self._before.pop()
        return True

    def redo(self) -> bool:
        """Forward again after `undo`; False when there is nothing."""
        if not self._after:
            return False
        self._before.append(self.document)
        self.document = self._after.pop()
        return True

    def keep(self, draft: Document | None = None) -> None:
        """Keep unsaved text beside the file, against a crash; `draft` is newer than the document.

        Raises OSError.
        """
        content = (draft or self.document).content
        if content == self._kept:
            return
        if content == self._saved:
            self._forget()
            return
        base = hashlib.sha256(self._saved).hexdigest()
        data = {"v": FORMAT_VERSION, "base": base, "content": content}
        write_beside(self._kept_file, msgspec.msgpack.encode(data))
        self._kept = content

    def save(self, *, over_changes: bool = False) -> bool:
        """Write the file, where something is unsaved. Raises OSError, and ChangedOnDiskError
        when another program has written it since (`over_changes` writes all the same)."""
        if not self.unsaved:
            self._forget()
            return False
        if not over_changes and self.changed_on_disk():
            raise ChangedOnDiskError(
                Problem(
                    "was changed by another program, so it is not written over.",
                    self.file,
                    remedy="Read it again, or write over it.",
                )
            )
        save_document(self.document)
        self._saved = self.document.content
        self._forget()
        return True

    def changed_on_disk(self) -> bool:
        """Whether the file is no longer what was last read or written here."""
        try:
            return self.file.read_bytes() != self._saved
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def read_again(self) -> None:
        """Take up the file as it is on disk now; `undo` comes back to what was here."""
        document = read_document(self.file)
        self._saved = document.content
        self.change(document)
        self._forget()

    def _forget(self) -> None:
        self._kept_file.unlink(missing_ok=True)
        self._kept = None

    def _unsaved_text(self) -> bytes | None:
        """What a crash has left, when it is of the file as it is now."""
        try:
            data = msgspec.msgpack.decode(self._kept_file.read_bytes())
            same = data["base"] == hashlib.sha256(self._saved).hexdigest()
            content = data["content"]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return content if same and isinstance(content, bytes) else None
