"""Writes a linear model as tables of weights and a function that adds them up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.synthesis.ml.compiled import Compiled, Names, write_row
from workbench.synthesis.ml.space import Array, Space, TokenBlock
from workbench.synthesis.ml.write_code import number, write_table, write_tuple

RARITY_UNIT = 1000


def compile_linear(
    space: Space, weights: Array, biases: Array, names: Names, largest: int, digits: int = 6
) -> Compiled:
    """The function `<own>_scores(data)`: a score a column of `weights`.

    `weights` (features by scores) follow the space's order: tokens, then columns. Token
    weights become integers up to `largest` in size, the others keep `digits` digits.
    """
    upper = names.constants
    uses: set[str] = set()
    constants: list[str] = []
    tables: list[str] = []
    terms: list[str] = []
    count = weights.shape[1]
    steps = ['"""The sum of all weights, for each score."""']
    start = 0
    for position, block in enumerate(space.blocks, start=1):
        stop = start + len(block.tokens)
        own, start = weights[start:stop], stop
        if not block.tokens:
            continue
        name = f"{upper}_TOKENS" if len(space.blocks) == 1 else f"{upper}_TOKENS_{position}"
        unit, lines = _table(block, own, largest)
        add = "add_rare" if block.weighting is not None else "add_present"
        uses |= {add, "read_weights", "read_text", block.view.call}
        tables.append(f"{name} = {names.shared}_read_weights({write_table(lines)})")
        constants.append(f"{name}_UNIT = {number(unit)}")
        local = f"by_token_{position}"
        steps.append(f"tokens = {block.view.expression(names.shared, 'data')}")
        steps.append(f"{local} = {names.shared}_{add}(tokens, {name}, {count})")
        terms.append(f"{name}_UNIT * {local}[k]")
    final = np.array(biases, dtype=np.float64)
    if space.parts:
        columns = weights[start:] / space.scales[:, None]
        final = final - space.means @ columns
        columns_read = [name for part in space.parts for name in part.names]
        lines = [write_tuple([float(value) for value in column], 4, digits) for column in columns.T]
        constants.append(f"# {_wrapped(columns_read)}")
        constants.append(f"{upper}_COLUMNS = (\n    " + ",\n    ".join(lines) + ",\n)")
        steps.append(
            f"by_column = {names.shared}_add_columns({names.own}_row(data), {upper}_COLUMNS)"
        )
        terms.append("by_column[k]")
        uses |= {"add_columns", *(part.call for part in space.parts)}
    constants.append(f"{upper}_BIASES = {write_tuple([float(bias) for bias in final], 0, digits)}")
    total = " + ".join(["bias", *terms])
    steps.append(f"return [{total} for k, bias in enumerate({upper}_BIASES)]")
    body = "\n    ".join(steps)
    functions = [f"def {names.own}_scores(data):\n    {body}"]
    if space.parts:
        functions.append(write_row(space.parts, names))
    return Compiled(
        frozenset(uses), tuple(constants), tuple(functions), tuple(tables), single_score=count == 1
    )


def _table(block: TokenBlock, weights: Array, largest: int) -> tuple[float, list[str]]:
    """What an integer is worth, and a line for each token: rarity if it counts, weights."""
    unit = float(np.abs(weights).max()) / largest or 1.0
    whole = np.rint(weights / unit).astype(int)
    rarities = block.rarities
    columns: Sequence[Sequence[int]] = whole.tolist()
    if rarities is None:
        return unit, [
            " ".join([token, *map(str, row)])
            for token, row in zip(block.tokens, columns, strict=True)
        ]
    scaled = np.rint(rarities * RARITY_UNIT).astype(int).tolist()
    return unit, [
        " ".join([token, str(rarity), *map(str, row)])
        for token, rarity, row in zip(block.tokens, scaled, columns, strict=True)
    ]


def _wrapped(names: Sequence[str]) -> str:
    """The columns' names as a comment of lines that fit."""
    lines, line = [], "Weights by column:"
    for position, name in enumerate(names):
        word = " " + name.replace("\n", " ")[:40] + ("," if position < len(names) - 1 else "")
        if len(line) + len(word) > 94:
            lines.append(line)
            line = ""
        line += word if line else word.strip()
    return "\n# ".join([*lines, line])
