"""Goes through a program's syntax tree without recursion, so that depth cannot exhaust the stack.

It changes only what never runs in the sandbox: the launcher and the annotations.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_HARMLESS = (ast.Constant, ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: `parent.field`, or `parent.field[index]`."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    in_function: bool


def walk(tree: ast.Module) -> Iterator[Place]:
    """Every place but the root, parents before children.

    The launcher, credits and all annotations are dropped from `tree`: they never run here.
    Constants, contexts and operators are left out: there is nothing to check in them.
    """
    tree.body = [node for node in tree.body if not _is_launcher(node) and not _is_credit(node)]
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        parent, in_function = stack.pop()
        inner = in_function or isinstance(parent, (ast.FunctionDef, ast.Lambda))
        for field, value in ast.iter_fields(parent):
            children = value if isinstance(value, list) else (value,)
            for position, child in enumerate(children):
                if not isinstance(child, ast.AST) or isinstance(child, _HARMLESS):
                    continue
                index = position if isinstance(value, list) else None
                if isinstance(parent, ast.AnnAssign) and field == "annotation":
                    continue
                node = _drop_annotations(_name_of_type(child))
                if node is not child:
                    if index is None:
                        setattr(parent, field, node)
                    else:
                        value[index] = node
                body_of_function = inner and field not in ("decorator_list", "args")
                yield Place(node, parent, field, index, body_of_function or in_function)
                stack.append((node, body_of_function or in_function))


def find_yields_in_try(places: list[Place]) -> list[ast.AST]:
    """Each yield that a try statement of its own function holds.

    A generator left there runs its handlers when it is collected, perhaps in the middle of
    another execution. Nothing else in a program could run outside of its own.
    """
    yields = [p.node for p in places if isinstance(p.node, (ast.Yield, ast.YieldFrom))]
    if not yields:
        return []
    parents = {id(place.node): place.parent for place in places}
    found: list[ast.AST] = []
    for node in yields:
        outer: ast.AST | None = node
        while outer is not None and not isinstance(outer, (ast.FunctionDef, ast.Lambda, ast.Try)):
            outer = parents.get(id(outer))
        if isinstance(outer, ast.Try):
            found.append(node)
    return found


class HiddenName(ast.Name):
    """A name the gate put in before the walk; a program's own names are plain `ast.Name`."""


def _is_launcher(node: ast.stmt) -> bool:
    """`if __name__ == "__main__":`, which only runs when the program stands alone."""
    match node:
        case ast.If(
            test=ast.Compare(
                left=ast.Name(id="__name__"),
                ops=[ast.Eq()],
                comparators=[ast.Constant(value="__main__")],
            ),
            orelse=[],
        ):
            return True
    return False


def _is_credit(node: ast.stmt) -> bool:
    """`__all__ = [...]` and its like, which say something to people and tools only."""
    match node:
        case ast.Assign(targets=[ast.Name(id="__all__" | "__author__" | "__version__")]):
            return True
    return False


def _name_of_type(node: ast.AST) -> ast.AST:
    """`f.__name__`, and `type(x).__name__` as one step, give a name and nothing more."""
    match node:
        case ast.Attribute(
            attr="__name__",
            ctx=ast.Load(),
            value=ast.Call(func=ast.Name(id="type"), args=[value], keywords=[])
            | ast.Attribute(attr="__class__", value=value),
        ):
            function = "_type_name_"
        case ast.Attribute(attr="__name__", value=value, ctx=ast.Load()):
            function = "_name_of_"
        case _:
            return node
    call = ast.Call(HiddenName(function, ast.Load()), [value], [])
    return ast.fix_missing_locations(ast.copy_location(call, node))


def _drop_annotations(node: ast.AST) -> ast.AST:
    if isinstance(node, ast.FunctionDef):
        node.returns = None
    elif isinstance(node, ast.arg):
        node.annotation = None
    return node
