"""A failed worker becomes a notice. Textual tells of it nobody but the widget that began it."""

from __future__ import annotations

from textual.worker import Worker, WorkerState


class TellsFailures:
    """For every screen and widget that has workers."""

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        from workbench.tui.app import LoopaiApp

        app, error = event.worker.node.app, event.worker.error
        if event.state is WorkerState.ERROR and error is not None and isinstance(app, LoopaiApp):
            app.show_error(error)
