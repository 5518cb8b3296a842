"""Which observers the steward has, and how they are made. One that is not installed is left out."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Sequence

from runtime.config import DeploymentConfig
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

#: There where a hub is configured and telemetry on.
TELEMETRY = "sync.telemetry_observer:TelemetryObserver"

logger = logging.getLogger("loopai.steward")


def names_for(config: DeploymentConfig) -> tuple[str, ...]:
    """The observers that such a box has."""
    told = config.telemetry.enabled and (config.talks_to_hub or config.telemetry.by_bundle)
    return (*OBSERVERS, TELEMETRY) if told else OBSERVERS


def make_observers(context: StewardContext, names: Sequence[str] = OBSERVERS) -> list[LogObserver]:
    """Each observer that is there, its tables made; one that cannot start is left out, loudly."""
    made = []
    for name in names:
        module, _, kind = name.partition(":")
        if not _is_there(module):
            logger.info("%s is not installed: left out", module)
            continue
        try:
            observer: LogObserver = getattr(importlib.import_module(module), kind)(context)
            if observer.tables:
                context.state.create(observer.tables)
        except Exception:
            # The others go on; what it has not read is read after the next start.
            logger.exception("%s cannot start: left out", name)
            continue
        made.append(observer)
    return made


def known_names(names: Sequence[str] = OBSERVERS) -> list[str]:
    """The places in the log that these observers have, as far as they are there."""
    found = []
    for name in names:
        module, _, kind = name.partition(":")
        if _is_there(module):
            found.append(getattr(importlib.import_module(module), kind).name)
    return found


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its package is not there either
        return False
