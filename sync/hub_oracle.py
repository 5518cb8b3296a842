"""The oracle that is the hub: what people and labelled data over all boxes say, or its program.

Asked beside serving, by validation alone. What must not leave this box is not asked, and each
question is in the log of all that ever left before it goes.
"""

from __future__ import annotations

import time

from runtime.errors import InvalidInputError, Problem
from runtime.models import PrivacyMode
from runtime.steward.samples import Sample
from runtime.strict_json import canonical
from runtime.validation.oracle import (
    OracleAnswer,
    OracleContext,
    OracleError,
    OracleUnavailableError,
)
from sync.agent import AUDIT_FILE
from sync.audit import AuditLog
from sync.hub_client import HubClient, HubRefusedError, HubUnavailableError, hub_tls
from sync.telemetry_observer import ToldRows

#: What the hub did not know, it may know after so long.
SECONDS_TO_NEWS = 3600.0


class HubOracle:
    """`{kind: hub}` in task.yaml; with `version`, that version is run at the hub where nobody has
    said what is right."""

    metered = False

    def __init__(self, context: OracleContext) -> None:
        """Raises InvalidInputError where this box may not ask a hub, or has none."""
        config = context.config
        if not config.talks_to_hub:
            raise _refused(context, "there is no hub to ask.", "Set cloud.api_url.")
        if config.telemetry.privacy_mode is PrivacyMode.STRICT or config.privacy.hash_inputs:
            raise _refused(
                context,
                "the hub may not be asked: with these settings no input leaves the box"
                " (telemetry.privacy_mode: strict, or privacy.hash_inputs).",
                "Take another oracle, or let inputs out.",
            )
        self._task = context.task.name
        self._version = context.choice.version
        self._rules = ToldRows(context.data_dir, config)
        self._audit = AuditLog(context.data_dir.state / AUDIT_FILE)
        url, key = config.text("cloud", "api_url") or "", config.text("cloud", "api_key") or ""
        self._client = HubClient(url, key, tls=hub_tls(config.cloud.tls))

    def answer(self, sample: Sample) -> OracleAnswer | None:
        """None for what the hub does not know, and for an input that holds what may not leave:
        without it, it would be another question."""
        told = self._rules.filter(self._task).validation({"input": sample.input})
        if "input" not in told or canonical(told["input"]) != canonical(sample.input):
            return None
        size = len(canonical(told["input"]).encode(errors="surrogatepass"))
        try:
            self._audit.append("question", to=self._client.url, task=self._task, bytes=size)
            said = self._client.ask_oracle(self._task, told["input"], self._version)
        except HubUnavailableError as error:
            raise OracleUnavailableError(str(error)) from None
        except HubRefusedError as error:
            if error.status == 404:  # a task that the hub does not have
                return None
            raise OracleUnavailableError(str(error)) from None
        except OSError as error:
            raise OracleUnavailableError(f"nothing may leave unnoted: {error}") from None
        if said.get("known") is not True:
            return None
        if "output" not in said:
            raise OracleError("the hub's answer holds no output")
        return OracleAnswer(said["output"])

    def news(self) -> object:
        return int(time.monotonic() / SECONDS_TO_NEWS)

    def close(self) -> None:
        self._client.close()


def _refused(context: OracleContext, message: str, remedy: str) -> InvalidInputError:
    file = context.data_dir.task_file(context.task.name)
    return InvalidInputError(Problem(message, file, field="validation.oracles", remedy=remedy))
