"""The Sync tab's bundles: versions and telemetry in one signed file, where there is no network.

The work is that of `loopai bundle`, in a child.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content

from workbench.tui.ask import Ask
from workbench.tui.child_command import run_to_json
from workbench.tui.choice import Choice
from workbench.tui.file_suggester import FileSuggester
from workbench.tui.place_screen import PlaceScreen

TELEMETRY, VERSIONS = "telemetry that waits, for a hub", "versions that serve, for other boxes"
BUNDLES = """\
A bundle is one signed file: versions go one way in it, telemetry the other.

  [bold $accent]x[/]  export  telemetry for a hub, or what serves here for other boxes
  [bold $accent]v[/]  verify  who signed a bundle, whether that counts here, what it holds
  [bold $accent]i[/]  import  versions: checked, stored, and the newest serve
"""


class BundleActions(PlaceScreen):
    """The part of the Sync screen that writes and reads bundles."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "export", "Export"),
        Binding("v", "verify", "Verify"),
        Binding("i", "import", "Import"),
    ]

    def __init__(self) -> None:
        super().__init__()
        #: The settings that decide what leaves, as last read; empty before.
        self.status: dict[str, Any] = {}
        self._result = ""

    def look(self) -> None:
        """Read anew what is shown."""
        raise NotImplementedError

    def say(self, title: str, words: str) -> None:
        """Show words in Textual's markup in the place of a view."""
        raise NotImplementedError

    def open_view(self, view: str) -> None:
        """Show the widget of this id in the place of a view."""
        raise NotImplementedError

    def bundle_words(self) -> str:
        """What can be done, and how the last of it went."""
        return BUNDLES + self._result

    def action_export(self) -> None:
        """Write a bundle."""

        def chosen(what: str | None) -> None:
            if what is not None:
                kind = "telemetry" if what == TELEMETRY else "artifacts"
                name = f"{kind}-{self.loopai.clock():%Y%m%d-%H%M%S}.loopai"
                self._ask_file("Export", "The file to write", name, ["export", kind])

        self.app.push_screen(Choice("Export a bundle of", (TELEMETRY, VERSIONS)), chosen)

    def action_verify(self) -> None:
        """Say what a bundle holds and whether it may be believed."""
        self._ask_file("Verify", "The bundle's file", "", ["verify"])

    def action_import(self) -> None:
        """Take versions of a bundle in."""
        self._ask_file("Import", "The bundle's file", "", ["import"])

    def _ask_file(self, title: str, question: str, value: str, arguments: list[str]) -> None:
        def named(file: str | None) -> None:
            if file is not None:
                self._run(title, [*arguments, str(Path(file).expanduser())])

        suggester = FileSuggester(Path.cwd(), (".loopai",))
        self.app.push_screen(Ask(f"{title} a bundle", question, value, suggester), named)

    @work(exclusive=True, group="bundle", exit_on_error=False)
    async def _run(self, title: str, arguments: list[str]) -> None:
        self._tell(f"{title}: under way …")
        try:
            made = await run_to_json(
                ["bundle", *arguments, "--data-dir", str(self.data_dir.root)],
                lambda line: None,
                module="sync",
            )
        except BaseException:
            self._tell(f"{title}: not done.")
            raise
        self._tell("\n".join(result_lines(made)))

    def _tell(self, text: str) -> None:
        self._result = "\n" + Content(text).markup
        self.look()


def result_lines(made: dict[str, Any]) -> list[str]:
    """What a bundle command answered, for a person."""
    file, kind = made.get("file", "?"), made.get("kind", "")
    if "valid" in made:
        if not made["valid"]:
            return [f"✗ {file} is not to be believed: {made['problem']}"]
        trust = "already trusted" if made["already_trusted"] else "trusted from its import on"
        head = f"✓ {file}: {kind} of {made['made_by']}, made {made['made_at'][:19]}"
        parts = [f"    {one['name']}  {one['bytes']:,} bytes" for one in made["members"]]
        return [head, f"  signed with the key {made['key_id']} ({trust})", *parts]
    if kind == "telemetry":
        if not made.get("batches"):
            return ["Nothing waits to be sent: no bundle was written."]
        told = f"{made['rows']:,} rows in {made['batches']:,} uploads"
        return [f"✓ {file} is written: {told}, signed with the key {made['key_id']}"]
    versions = made.get("versions", [])
    if "complete" not in made:
        names = ", ".join(f"{one['task']} v{one['version']}" for one in versions)
        return [f"✓ {file} is written: {names}, signed with the key {made['key_id']}"]
    lines = [f"{'✓' if made['complete'] else '✗'} {file}, made by {made['made_by']}"]
    for one in versions:
        reason = f": {one['reason']}" if one.get("reason") else ""
        lines.append(f"    {one['task']} v{one['version']}  {one['outcome']}{reason}")
    lines += [f"  the key {key} is trusted from now on" for key in made.get("keys_learnt", ())]
    return lines
