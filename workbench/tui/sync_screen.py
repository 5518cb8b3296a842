"""What crosses the edge of this box: its link to a hub, what leaves next to the letter, what ever
left, and what the hub tells of all boxes. Waits for no network: the hub is asked in the background.
"""

from __future__ import annotations

from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import ContentSwitcher, Static
from textual.worker import get_current_worker

from runtime.config import DeploymentConfig, load_deployment
from sync import edge
from sync.edge import Left
from sync.next_upload import Waiting, look_at_queue
from sync.status import read_status
from workbench.tui import sync_views
from workbench.tui.sync_hub import HubViews, TicketTable
from workbench.tui.tables import ListTable
from workbench.tui.upload_view import UploadView

VIEWS = {"upload": "n", "left": "l", "bundles": "b", "deployments": "d", "tickets": "t"}
NAMES = {"upload": "Next upload", "left": "Log"}
LEFT = ("no", "when", "what", "of", "rows", "bytes", "to", "sha256")
AT_HUB = ("deployments", "tickets")


class LeftTable(ListTable):
    """Entries of the audit log, newest first."""

    HELP = """\
# Audit log

One row for each time something left: when, how much, where to, and the digest of its bytes. Each
entry holds the hash of the one before, so none can be changed or taken out unseen; the title says
whether that chain holds. Note its last hash elsewhere now and then: `loopai sync audit
--last-hash` then notices a cut-off end as well.
"""


class SyncScreen(HubViews):
    """The link and the queue above, one of five views below."""

    AUTO_FOCUS = ""
    PLACE: ClassVar[str] = "sync"
    CSS_PATH = "sync_screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"view('{name}')", NAMES.get(name, name.capitalize()))
            for name, key in VIEWS.items()
        ),
        Binding("comma", "turn(-1)", "Before", key_display=","),
        Binding("full_stop", "turn(1)", "After", key_display="."),
        Binding("y", "copy", "Copy"),
        Binding("f5", "refresh", "Look again", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view = "upload"
        self._reading = ""
        self._place = 0
        self._waiting: Waiting | None = None

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="sync-head"):
            for name, title in (("connection", "This box"), ("queue", "Queue")):
                with Vertical(id=f"sync-{name}", classes="pane") as pane:
                    pane.border_title = title
                    yield Static(id=f"sync-{name}-text")
        with ContentSwitcher(initial="sync-words", id="sync-view"):
            with VerticalScroll(id="sync-words", classes="pane"):
                yield Static("Looking …", id="sync-text")
            yield UploadView(id="sync-upload")
            yield LeftTable(LEFT, right=("no", "rows", "bytes"), id="sync-left")
            yield from self.compose_hub()

    def on_mount(self) -> None:
        super().on_mount()
        kept = (self.loopai.state.get(self.PLACE) or {}).get("view")
        self._view = kept if kept in VIEWS else self._view
        self.set_interval(self.loopai.settings.refresh_sec, self.look)

    def show_task(self, task: str | None) -> None:
        self.look()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what belongs to the view that is open is offered."""
        if action == "turn":
            return self._view == "upload" and len(self._uploads) > 1
        if action == "copy":
            return self._view == "upload" and bool(self._uploads)
        if action in ("export", "import", "verify"):
            return self._view == "bundles"
        if action == "close_ticket":
            return self._view == "tickets" and bool(self.at_hub and self.at_hub.tickets)
        return True

    @property
    def hub_view(self) -> str:
        return self._view if self._view in AT_HUB else ""

    @property
    def _uploads(self) -> Any:
        return self._waiting.uploads if self._waiting else ()

    def look(self) -> None:
        """Read anew what is shown, in the background."""
        # A look that takes longer than the time between looks is left to come to its end.
        under_way = any(
            worker.group == "sync" and not worker.is_finished for worker in self.workers
        )
        if self.is_current and not (under_way and self._reading == self._view):
            self._reading = self._view
            self._read(self._view)

    def action_view(self, name: str) -> None:
        """Show the next upload, the audit log, bundles, or the hub's deployments or tickets."""
        self._view = name
        self._draw()
        self.look()
        self.refresh_bindings()

    @work(thread=True, exclusive=True, group="sync", exit_on_error=False)
    def _read(self, view: str) -> None:
        worker = get_current_worker()
        config = load_deployment(self.data_dir.deployment_file)
        agent = edge.read_agent(self.data_dir)
        waiting = look_at_queue(self.data_dir, clock=self.loopai.clock)
        for upload in waiting.uploads[:1] if waiting else ():
            _ = upload.pieces, upload.redacted  # worked out here, not where keys are
        left = edge.read_left(self.data_dir) if view == "left" else None
        if not worker.is_cancelled:
            self.app.call_from_thread(self._take, config, agent, waiting, left)

    def _take(
        self,
        config: DeploymentConfig,
        agent: dict[str, Any] | None,
        waiting: Waiting | None,
        left: Left | None,
    ) -> None:
        self.status = read_status(config)
        self._waiting = waiting
        self._place = max(0, min(self._place, len(self._uploads) - 1))
        narrow = self.query_one("#body").has_class("-narrow")
        connection = sync_views.connection_view(self.status, agent, narrow=narrow)
        queue = sync_views.queue_view(waiting.status if waiting else None, config, narrow=narrow)
        both = Content("\n").join([connection, queue]) if narrow else connection
        self.query_one("#sync-connection-text", Static).update(both)
        self.query_one("#sync-queue-text", Static).update(queue)
        if left is not None:
            self._show_left(left)
        if self.hub_view:
            self.ask_hub()
        self._draw()
        self.refresh_bindings()

    def _draw(self) -> None:
        """Show the view that is open with what is known by now."""
        if not self.status:
            return
        if self._view == "upload":
            self._draw_upload()
        elif self._view == "left":
            self.open_view("sync-left")
        elif self._view == "bundles":
            self.say("Bundles", self.bundle_words())
        else:
            self.draw_hub()

    def _draw_upload(self) -> None:
        if not self._uploads:
            file = self.data_dir.deployment_file
            self.say("Next upload", sync_views.nothing_waits(self.status, file))
            return
        view = self.query_one(UploadView)
        assert self._waiting is not None
        ready = self._waiting.status.batches
        title, below = sync_views.upload_title(self._uploads, self._place, ready)
        view.border_title, view.border_subtitle = Content(title), Content(below)
        view.show_upload(self._uploads[self._place])
        self.open_view("sync-upload")

    def _show_left(self, left: Left) -> None:
        table = self.query_one(LeftTable)
        table.border_title = Content(sync_views.audit_title(left.verified, left.bytes))
        table.set_class(left.verified.problem is not None, "-broken")
        table.show_rows(
            {str(entry["sequence"]): sync_views.audit_row(entry) for entry in left.newest}
        )

    def open_view(self, view: str) -> None:
        """Show one of the views, and put the focus there when it was on the one before."""
        switcher = self.query_one(ContentSwitcher)
        moved = switcher.current != view
        switcher.current = view
        if moved or self.focused is None:
            shown = self.query_one(f"#{view}")
            target = shown if shown.focusable else shown.query(TicketTable).first()
            self.set_focus(target)

    def say(self, title: str, words: str) -> None:
        self.query_one("#sync-words").border_title = title
        self.query_one("#sync-text", Static).update(words)
        self.open_view("sync-words")

    def action_turn(self, way: int) -> None:
        """Show the upload before or after."""
        self._place = max(0, min(self._place + way, len(self._uploads) - 1))
        self._draw()

    def action_copy(self) -> None:
        """Put the upload's text on the clipboard."""
        self.app.copy_to_clipboard(self._uploads[self._place].text)
        self.notify("The upload's text is on the clipboard.", timeout=3)

    def kept_state(self) -> dict[str, Any]:
        return {"view": self._view}
