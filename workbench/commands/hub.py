"""`loopai hub`: the hub's commands, which are handed here what makes programs."""

from __future__ import annotations

from sync.hub.commands import command

command.context_settings["obj"] = "workbench.improve.for_hub:WorkbenchImprover"

__all__ = ["command"]
