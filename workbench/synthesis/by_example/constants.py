"""Writes module-level constants within the line width: tables and long patterns over lines."""

from __future__ import annotations

import ast

from workbench.synthesis.by_example.code import quote, quote_pattern

WIDTH = 96


def write_constant(name: str, source: str) -> str:
    """`name = source` as lines of at most 100 columns, the last ending in a newline."""
    line = f"{name} = {source}\n"
    if len(line) <= WIDTH + 1:
        return line
    tree = ast.parse(source, mode="eval").body
    if isinstance(tree, ast.Dict):
        rows = [
            f"{_text(key)}: {_text(value)}"
            for key, value in zip(tree.keys, tree.values, strict=True)
            if key is not None
        ]
        return f"{name} = {{\n{_fill(rows)}}}\n"
    if isinstance(tree, ast.Tuple | ast.List):
        return f"{name} = (\n{_fill([_text(item) for item in tree.elts])})\n"
    return f"{name} = {_call(tree, 0)}\n"


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return quote(node.value)
    if isinstance(node, ast.Call):
        return _call(node, 4)
    return ast.unparse(node)


def _call(node: ast.expr, indent: int) -> str:
    """A call of re.compile, its pattern in pieces where it is long."""
    assert isinstance(node, ast.Call)
    argument = node.args[0]
    assert isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    pattern = argument.value
    head = ast.unparse(node.func)
    whole = f"{head}({quote_pattern(pattern)})"
    if len(whole) + indent <= WIDTH - 20:
        return whole
    pad = " " * (indent + 4)
    pieces = _pieces(pattern, 76 - indent)
    return f"{head}(\n" + "".join(f"{pad}{quote_pattern(p)}\n" for p in pieces) + " " * indent + ")"


def _pieces(pattern: str, width: int) -> list[str]:
    """The pattern cut before opening groups where possible, never after a backslash."""
    pieces = []
    while len(pattern) > width:
        cut = pattern.rfind("(", width // 2, width)
        cut = cut if cut > 0 else width
        while pattern[cut - 1] == "\\":
            cut -= 1
        pieces.append(pattern[:cut])
        pattern = pattern[cut:]
    return [*pieces, pattern]


def _fill(items: list[str]) -> str:
    lines, line = [], ""
    for item in items:
        if "\n" in item:
            if line:
                lines.append(line)
            lines.append(f"    {item},")
            line = ""
        elif line and len(line) + len(item) + 2 <= WIDTH:
            line += f" {item},"
        else:
            if line:
                lines.append(line)
            line = f"    {item},"
    return "\n".join([*lines, line] if line else lines) + "\n"
