"""`loopai hub`: the hub's commands, which are handed here what makes programs and what looks into
failures at size."""

from __future__ import annotations

from sync.hub.commands import command
from workbench.commands.hub_failures import command as failures

command.context_settings["obj"] = "workbench.improve.for_hub:WorkbenchImprover"
command.add_command(failures)

__all__ = ["command"]
