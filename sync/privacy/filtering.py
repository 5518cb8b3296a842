"""What of an execution and of its validation may be stored for sending, by privacy mode.

strict      keyed hashes and figures; no input, no output, nothing of what an oracle said
balanced    sampled inputs and outputs too, personal data replaced; of the rest as strict
permissive  inputs and outputs of all, as they are
A task's own rules for fields hold in balanced and permissive; strict knows no exception.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping
from typing import Any

from runtime.config_sections import PrivacyConfig
from runtime.models import PrivacyMode
from sync.privacy.detection import DETECTORS
from sync.privacy.field_rules import FieldRules, Rule, keyed_hash
from sync.privacy.people import detectors_for
from sync.privacy.redaction import Redactor

SUMMARY_VERSION = 1


class PrivacyFilter:
    """Filters what one task's executions tell; `key` is this box's own secret."""

    def __init__(
        self,
        mode: PrivacyMode,
        key: bytes,
        *,
        settings: PrivacyConfig | None = None,
        fields: Mapping[str, Rule] | None = None,
    ) -> None:
        """Raises LoopaiError where names are to be found and what that needs is not installed."""
        settings = settings or PrivacyConfig()
        self.mode = mode
        #: How much of each kind was replaced so far.
        self.counts: Counter[str] = Counter()
        self._sample_only = settings.sample_only
        self._hash_inputs = settings.hash_inputs
        self._key = hmac.new(key, b"loopai hashes v1", hashlib.sha256).digest()
        token_key = hmac.new(key, b"loopai tokens v1", hashlib.sha256).digest()
        # Strict tells no text, so there is none to look at.
        strict = mode is PrivacyMode.STRICT
        redactor = Redactor(token_key, DETECTORS if strict else detectors_for(settings))
        redacts = mode is not PrivacyMode.PERMISSIVE and settings.pii_detection
        self._rules = FieldRules(fields or {}, redactor, self._key, "redact" if redacts else "keep")
        self._error_rules = FieldRules({}, redactor, self._key, "redact")

    def summary(self, execution: Mapping[str, Any], *, sampled: bool) -> dict[str, Any] | None:
        """What may leave of one line of the log; None where it may not be told at all."""
        if self._sample_only and not sampled:
            return None
        made: dict[str, Any] = {
            "v": SUMMARY_VERSION,
            "execution_id": execution["execution_id"],
            "input_hash": keyed_hash(self._key, execution.get("input")),
            "latency_ms": execution["latency_ms"],
            "status": execution["status"],
            "sampled": sampled,
            "timestamp": execution["timestamp"],
        }
        if not self._shows(sampled):
            return made
        if not self._hash_inputs:
            made["input"] = self._filtered(execution.get("input"), self._rules)
        made["output"] = self._filtered(execution.get("output"), self._rules)
        if execution.get("error") is not None:
            made["error"] = self._filtered(execution["error"], self._error_rules)
        return made

    def validation(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """What may leave of one validation; only sampled executions have one."""
        kept = (
            "id", "execution_id", "program_id", "program_version", "match", "similarity_score",
            "comparison_method", "oracle", "status", "oracle_cost", "oracle_latency_ms",
            "inclusion_probability", "validated_at",
        )  # fmt: skip
        made = {name: record[name] for name in kept if name in record}
        if self._shows(sampled=True):
            if not self._hash_inputs and "input" in record:
                made["input"] = self._filtered(record["input"], self._rules)
            for name in ("output", "oracle_output"):
                if name in record:
                    made[name] = self._filtered(record[name], self._rules)
        return made

    def _shows(self, sampled: bool) -> bool:
        return self.mode is PrivacyMode.PERMISSIVE or (
            sampled and self.mode is PrivacyMode.BALANCED
        )

    def _filtered(self, value: Any, rules: FieldRules) -> Any:
        redaction = rules.apply(value)
        self.counts.update(redaction.counts)
        return redaction.value
