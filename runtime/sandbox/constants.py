"""Finds the module-level constants that a program provably only reads.

A sound under-estimate: a use it does not know counts as one that could change the constant.
"""

from __future__ import annotations

import ast
from collections import Counter

from runtime.sandbox import allowed
from runtime.sandbox.walk import Place


def find_contained(tree: ast.Module, places: list[Place], bound: Counter[str]) -> set[str]:
    """Module-level names whose containers functions only ever read from.

    Such a container cannot be changed or handed on, so it needs no read-only wrapping when
    it holds plain values. `bound` counts how often each name is bound anywhere.
    """
    constants = {
        target.id
        for statement in tree.body
        if isinstance(statement, (ast.Assign, ast.AnnAssign))
        for target in _targets(statement)
        if isinstance(target, ast.Name) and bound[target.id] == 1
    }
    escaping = {
        place.node.id
        for place in places
        if isinstance(place.node, ast.Name) and place.in_function and not _only_reads(place, bound)
    }
    return constants - escaping


def _only_reads(place: Place, bound: Counter[str]) -> bool:
    """Whether a use of a name can neither change its container nor hand it on."""
    match place.parent, place.field:
        case ast.Subscript(ctx=ast.Load()), "value":
            return True
        case ast.Attribute(ctx=ast.Load(), attr=attribute), "value":
            return attribute in allowed.READING_ATTRIBUTES
        case ((ast.Compare() | ast.BinOp() | ast.FormattedValue() | ast.YieldFrom()), _):
            return True
        case ((ast.For() | ast.comprehension()), "iter"):
            return True
        case ((ast.If() | ast.While() | ast.IfExp()), "test"):
            return True
        case ast.Starred(ctx=ast.Load()), _:
            return True
        case ast.UnaryOp(op=ast.Not()), _:
            return True
        case ast.Call(func=ast.Name(id=function), args=arguments), "args":
            if bound[function]:
                return False
            if function in ("min", "max", "sum"):
                return place.index == 0 and (len(arguments) == 1 or function == "sum")
            if function in ("map", "filter", "isinstance"):
                return (place.index == 0) == (function == "isinstance")
            return function in allowed.READING_BUILTINS
    return False


def _targets(statement: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return statement.targets if isinstance(statement, ast.Assign) else [statement.target]
