"""Decides what of an execution may leave the box: finds personal data, redacts, hashes, drops.

It does no I/O, and what it has not let through is never stored for sending.
"""

from sync.privacy.detection import find_personal_data
from sync.privacy.field_rules import FieldRules
from sync.privacy.finding import Finding
from sync.privacy.redaction import Redaction, Redactor

__all__ = ["FieldRules", "Finding", "Redaction", "Redactor", "find_personal_data"]
