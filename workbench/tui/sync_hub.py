"""The Sync tab's view of the hub: all boxes it knows and its tickets, asked in the background."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from runtime.config import load_deployment
from sync import edge
from sync.box_key import deployment_id, identity_file
from sync.edge import AtHub
from workbench.tui import sync_views
from workbench.tui.confirm import Confirm
from workbench.tui.sync_bundles import BundleActions
from workbench.tui.tables import ListTable

HUB_SECONDS = 10.0
DEPLOYMENTS = ("box", "state", "heard", "mode", "privacy", "waiting", "runs")
TICKETS = ("no", "state", "task", "opened", "title")
NEEDS_SCOPE = """

The key of this box may only send. One that may look too shows deployments and tickets:

  [$accent]loopai hub keys create NAME --tenant TENANT --scope edge --scope read[/]"""


class DeploymentTable(ListTable):
    """Boxes of the hub."""

    HELP = """\
# Deployments

All boxes of this tenant that the hub knows: when each was last heard of, which version of which
task it runs, and how many rows wait there. ◆ is this one.
"""


class TicketTable(ListTable):
    """Tickets of the hub, newest first."""

    HELP = """\
# Tickets

What the hub could not solve by itself: a task whose failures three tries did not mend waits here
until its specification changes. **c** closes the highlighted one.
"""


class HubViews(BundleActions):
    """The part of the Sync screen that shows what the hub tells."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c", "close_ticket", "Close")]

    def __init__(self) -> None:
        super().__init__()
        self.at_hub: AtHub | None = None
        self._asked_at = 0.0
        self._asking = False

    def compose_hub(self) -> ComposeResult:
        """The widgets of both views."""
        yield DeploymentTable(DEPLOYMENTS, right=("waiting",), id="sync-deployments")
        with Vertical(id="sync-tickets"):
            yield TicketTable(TICKETS, right=("no",), id="sync-ticket-table")
            with VerticalScroll(id="sync-ticket", classes="pane"):
                yield Static(id="sync-ticket-text", markup=False)

    @property
    def hub_view(self) -> str:
        """`deployments` or `tickets` while one of them is shown, else empty."""
        raise NotImplementedError

    def draw_hub(self) -> None:
        """Show what the hub told, or why it did not."""
        title = self.hub_view.capitalize()
        told = self.at_hub
        if not self.status["hub_configured"]:
            file = self.data_dir.deployment_file
            self.say(title, sync_views.nothing_waits(self.status, file))
        elif told is None:
            self.say(title, f"Asking {self.status['hub_url']} …")
        elif told.problem is not None:
            refused = getattr(told.problem, "status", None) == 403
            words = Content(str(told.problem)).markup + (NEEDS_SCOPE if refused else "")
            self.say(title, words)
        elif self.hub_view == "deployments":
            self._show_deployments(told)
        else:
            self._show_tickets(told)

    def _show_deployments(self, told: AtHub) -> None:
        own = deployment_id(self.data_dir) if identity_file(self.data_dir).exists() else None
        moment = self.loopai.clock()
        table = self.query_one(DeploymentTable)
        table.border_title = f"Deployments: {len(told.deployments):,}"
        table.show_rows(
            {box["id"]: sync_views.deployment_row(box, own, moment) for box in told.deployments}
        )
        self.open_view("sync-deployments")

    def _show_tickets(self, told: AtHub) -> None:
        if not told.tickets:
            self.say("Tickets", "The hub has no ticket: it could solve all by itself so far.")
            return
        moment = self.loopai.clock()
        table = self.query_one(TicketTable)
        waiting = sum(ticket.get("state") == "open" for ticket in told.tickets)
        table.border_title = f"Tickets: {waiting:,} open of {len(told.tickets):,}"
        table.show_rows(
            {str(one["number"]): sync_views.ticket_row(one, moment) for one in told.tickets}
        )
        self.open_view("sync-tickets")
        self._show_ticket()

    @property
    def _ticket(self) -> dict[str, Any] | None:
        key = self.query_one(TicketTable).highlighted_key
        tickets = self.at_hub.tickets if self.at_hub else ()
        return next((one for one in tickets if str(one["number"]) == key), None)

    @on(DataTable.RowHighlighted, "#sync-ticket-table")
    def _show_ticket(self) -> None:
        ticket = self._ticket
        if ticket is not None:
            self.query_one("#sync-ticket").border_title = f"Ticket {ticket['number']}"
            self.query_one("#sync-ticket-text", Static).update(str(ticket.get("body", "")))

    def ask_hub(self) -> None:
        """Ask it again, where that is some seconds ago."""
        due = time.monotonic() - self._asked_at >= HUB_SECONDS
        if due and not self._asking and self.status.get("hub_configured"):
            self._asking = True
            self._asked_at = time.monotonic()
            self._ask()

    @work(thread=True, group="hub", exit_on_error=False)
    def _ask(self) -> None:
        told = None
        try:
            told = edge.ask_hub(load_deployment(self.data_dir.deployment_file))
        finally:
            self.app.call_from_thread(self._told, told)

    def _told(self, told: AtHub | None) -> None:
        self._asking = False
        if told is None:
            return
        if told.problem is not None and self.at_hub is not None and not self.at_hub.problem:
            self.loopai.show_error(told.problem, "The hub was asked again; this is as it was")
            return
        self.at_hub = told
        if self.hub_view:
            self.draw_hub()
            self.refresh_bindings()

    def action_refresh(self) -> None:
        """Read everything again, and ask the hub."""
        self._asked_at = 0.0
        self.look()

    def action_close_ticket(self) -> None:
        """Tell the hub that the highlighted ticket is dealt with."""
        ticket = self._ticket
        if ticket is None:
            return

        def sure(reason: str | None) -> None:
            if reason is not None:
                self._close_ticket(int(ticket["number"]))

        question = f"{ticket['title']}\n\nThe hub forgets that it is open, for everybody."
        self.app.push_screen(
            Confirm(f"Close ticket {ticket['number']}", question, "Close it", reason=False), sure
        )

    @work(thread=True, group="hub-change", exit_on_error=False)
    def _close_ticket(self, number: int) -> None:
        edge.close_ticket(load_deployment(self.data_dir.deployment_file), number)
        self.app.call_from_thread(self.notify, f"Ticket {number} is closed.")
        self.app.call_from_thread(self.action_refresh)
