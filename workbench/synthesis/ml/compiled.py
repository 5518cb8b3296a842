"""What a compiled model consists of, and how a row of numbers is read. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.synthesis.ml.views import RowPart


@dataclass(frozen=True, slots=True)
class Compiled:
    """Python for one model, whose scores `<own>_scores(data)` gives.

    They are one a class, or a single one that speaks for the second of two classes.
    `uses` names the functions of `program_code` it calls; `tables` hold the bulk of it and
    stand last.
    """

    uses: frozenset[str]
    constants: tuple[str, ...]
    functions: tuple[str, ...]
    tables: tuple[str, ...]
    single_score: bool


@dataclass(frozen=True, slots=True)
class Names:
    """What names begin with: `own` for one model's functions, `shared` for those of all."""

    own: str
    shared: str

    @property
    def constants(self) -> str:
        return self.own.upper()


def write_row(parts: Sequence[RowPart], names: Names) -> str:
    """The function `<own>_row(data)`: the input's numbers in the order of the columns."""
    lines = [f"        {part.expression(names.shared, 'data')}," for part in parts]
    return "\n".join(
        [
            f"def {names.own}_row(data):",
            '    """The input as numbers, in the order of the columns."""',
            "    return [",
            *lines,
            "    ]",
        ]
    )
