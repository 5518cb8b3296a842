"""The `alerts:` section of `deployment.yaml`. It decides nothing."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from runtime.models import Model

Threshold = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Levels(Model):
    """From which value on it is a warning, and from which it is critical; none where unset."""

    warning: Threshold | None = None
    critical: Threshold | None = None


class Webhook(Model):
    #: http or https; the body is JSON.
    url: Annotated[str, Field(pattern=r"^(https?://|\$\{)")]
    #: Signs each message; at least 16 characters. Best `${A_VARIABLE}`.
    secret: SecretStr
    #: Only what is critical.
    critical_only: bool = False


class AlertsConfig(Model):
    #: Whether anything is watched.
    enabled: bool = True
    #: Rates and latency are of executions that ended in so many minutes.
    window_minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    #: With fewer in that time there is nothing to say.
    min_executions: Annotated[int, Field(ge=1)] = 50
    #: A value must stay beyond a level for so long before it is raised, or below to be cleared.
    hold_sec: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 30
    #: An alert is cleared below this part of its level, so that it does not flutter.
    clear_ratio: Annotated[float, Field(gt=0, le=1)] = 0.8
    #: Share of executions that failed, timeouts included.
    failure_rate: Levels = Levels(warning=0.05, critical=0.15)
    #: Share of executions that took too long.
    timeout_rate: Levels = Levels(warning=0.01, critical=0.05)
    #: Unset: 10 and 100 times the task's `latency_target_ms`.
    latency_p99_ms: Levels = Levels()
    #: Population stability index against the examples.
    drift: Levels = Levels(warning=0.1, critical=0.25)
    #: Of the disk the data directory is on.
    disk_used_percent: Levels = Levels(warning=85, critical=95)
    #: Since the hub last took what was queued.
    sync_stalled_minutes: Levels = Levels(warning=15, critical=120)
    #: How far the steward is behind the log.
    steward_lag_sec: Levels = Levels(warning=60, critical=600)
    #: Where alerts are sent: `url`, `secret`, `critical_only`.
    webhooks: tuple[Webhook, ...] = ()
