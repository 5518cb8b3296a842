"""Which observers the steward has, and how they are made. One that is not installed is left out."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Sequence

from runtime.steward.observer import LogObserver, StewardContext

#: In the order they are asked. `module:class`, loaded only by the steward itself.
OBSERVERS = (
    "runtime.steward.statistics:StatisticsObserver",
    "runtime.sampling.observer:SamplingObserver",
    "runtime.validation.observer:ValidationObserver",
    "runtime.rollout.observer:RolloutObserver",
    "runtime.alerts.observer:AlertObserver",
    "runtime.retention.observer:RetentionObserver",
)

logger = logging.getLogger("loopai.steward")


def make_observers(context: StewardContext, names: Sequence[str] = OBSERVERS) -> list[LogObserver]:
    """Each observer that is there, its tables made. Raises what a broken one raises."""
    made = []
    for name in names:
        module, _, kind = name.partition(":")
        if not _is_there(module):
            logger.info("%s is not installed: left out", module)
            continue
        observer: LogObserver = getattr(importlib.import_module(module), kind)(context)
        if observer.tables:
            context.state.create(observer.tables)
        made.append(observer)
    return made


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its package is not there either
        return False
