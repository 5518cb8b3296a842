"""Labels, which may be any JSON values, as class numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.synthesis.kinds import class_label
from workbench.synthesis.rule.table import Codes


@dataclass(frozen=True, slots=True)
class Classes:
    """`labels` by class number, the commonest first, and the numbers `codes` (n,)."""

    labels: tuple[Any, ...]
    codes: Codes

    @classmethod
    def of(cls, labels: Sequence[Any]) -> Classes:
        """The classes of these labels; equally common ones in the order of their text."""
        keys = [class_label(label) for label in labels]
        counted = Counter(keys)
        order = sorted(counted, key=lambda key: (-counted[key], key))
        numbers = {key: number for number, key in enumerate(order)}
        codes = np.array([numbers[key] for key in keys], dtype=np.int64)
        return cls(tuple(json.loads(key) for key in order), codes)

    @property
    def count(self) -> int:
        return len(self.labels)
