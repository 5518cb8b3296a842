"""The rules of the gate, as a RestrictedPython policy: which syntax a program may use.

RestrictedPython refuses what it does not know; this policy decides the rest statically, so
that what it accepts compiles to plain bytecode with no guard calls on the hot path. That is
sound because every object a program can reach is harmless under every attribute in
`allowed.ATTRIBUTES`: no classes of its own, no real modules, no attribute assignment.
"""

from __future__ import annotations

# ruff: noqa: N802, N815 - the names of ast.NodeVisitor
import __future__

import ast
from collections import Counter
from typing import TypeVar

from RestrictedPython.transformer import INSPECT_ATTRIBUTES, RestrictingNodeTransformer

from runtime.sandbox import allowed
from runtime.sandbox.constants import find_contained
from runtime.sandbox.refusal import STATEMENT_REASONS, Refusal
from runtime.sandbox.templates import find_attribute_field
from runtime.sandbox.walk import find_yields_in_try, walk

_Node = TypeVar("_Node", bound=ast.AST)


def is_reserved(name: str) -> bool:
    """Whether a name is of the kind that the interpreter and the gate keep for themselves.

    A plain private name such as `_words` is not: the gate's own all end in an underscore.
    """
    return name.startswith("__") or (name.startswith("_") and name.endswith("_") and name != "_")


class ProgramPolicy(RestrictingNodeTransformer):
    """Transforms one module bottom-up without recursion, so depth cannot exhaust the stack.

    `refusals` collects every fault; `contained` afterwards holds the module-level names that
    functions only ever read from, whose flat containers so need no read-only wrapping.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refusals: list[Refusal] = []
        self.nonlocals: set[str] = set()
        self.contained: set[str] = set()
        self._bound: Counter[str] = Counter()
        self._module_of: dict[str, str] = {}
        self._visitors: dict[type[ast.AST], object] = {}

    def apply(self, tree: ast.Module) -> ast.Module:
        """Check and rewrite `tree` in place."""
        places = list(walk(tree))
        for place in places:
            self._collect_bindings(place.node)
        self.contained = find_contained(tree, places, self._bound)
        for node in find_yields_in_try(places):
            self.error(node, "yield inside try is not available: its end would run at any time")
        for place in reversed(places):
            replacement = self.visit(place.node)
            if replacement is None or replacement is place.node:
                continue
            ast.copy_location(replacement, place.node)
            ast.fix_missing_locations(replacement)
            if place.index is None:
                setattr(place.parent, place.field, replacement)
            else:
                getattr(place.parent, place.field)[place.index] = replacement
        return tree

    def _collect_bindings(self, node: ast.AST) -> None:
        names: list[str | None] = []
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names = [name]
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.arg(arg=name):
                names = [name]
            case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
                names = [name]
            case ast.MatchMapping(rest=name):
                names = [name]
            case ast.Import(names=aliases):
                for alias in aliases:
                    local = alias.asname or alias.name.split(".")[0]
                    names.append(local)
                    self._module_of[local] = alias.name if alias.asname else local
            case ast.ImportFrom(names=aliases):
                names = [alias.asname or alias.name for alias in aliases]
            case ast.Nonlocal(names=outer):
                self.nonlocals.update(outer)
        self._bound.update(name for name in names if name is not None)

    # What RestrictedPython's own methods call

    def visit(self, node: ast.AST) -> ast.AST | None:
        kind = type(node)
        visitor = self._visitors.get(kind)
        if visitor is None:
            visitor = getattr(self, f"visit_{kind.__name__}", self.generic_visit)
            self._visitors[kind] = visitor
        return visitor(node)  # type: ignore[operator,no-any-return]

    def node_contents_visit(self, node: _Node) -> _Node:
        return node  # the children have been visited: `apply` works bottom-up

    def error(self, node: ast.AST, info: str) -> None:
        line = getattr(node, "lineno", 1)
        self.refusals.append(Refusal(line, getattr(node, "col_offset", 0) + 1, info))

    def not_allowed(self, node: ast.AST) -> None:
        kind = type(node).__name__
        self.error(node, STATEMENT_REASONS.get(kind, f"{kind} is not available in programs"))

    def check_name(
        self, node: ast.AST, name: str | None, allow_magic_methods: bool = False
    ) -> None:
        if name is not None and is_reserved(name):
            self.error(node, f"names like {name!r} belong to the interpreter; rename it")

    # Names, attributes and imports

    def visit_Name(self, node: ast.Name) -> ast.AST:
        self.check_name(node, node.id)
        if isinstance(node.ctx, ast.Load) and not self._bound[node.id]:
            self._check_builtin(node)
        return node

    def _check_builtin(self, node: ast.Name) -> None:
        name = node.id
        if name in allowed.BUILTINS or is_reserved(name):
            return
        if name in allowed.REFUSED_NAMES:
            self.error(node, f"{name} is not available: {allowed.REFUSED_NAMES[name]}")
        elif name in allowed.MODULES:
            self.error(node, f"{name} is not imported; add 'import {name}' at the top")
        else:
            self.error(node, f"{name} is not defined, nor a builtin that programs may use")

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        name = node.attr
        if not isinstance(node.ctx, ast.Load):
            self.error(node, f"attributes cannot be set or deleted (.{name}); use a dict item")
        elif name.startswith("_"):
            self.error(
                node,
                f"attributes must not begin with an underscore (.{name}); "
                "use the public methods of the value",
            )
        elif name in INSPECT_ATTRIBUTES or name in allowed.REFUSED_ATTRIBUTES:
            self.error(node, f"the attribute .{name} leads into the interpreter; do without it")
        elif (module := self._module_named(node.value)) is not None:
            self._check_member(node, module, name)
        if name in allowed.ATTRIBUTES or self._is_plain_template(node):
            return node
        return ast.Call(ast.Name("_getattr_", ast.Load()), [node.value, ast.Constant(name)], [])

    def _module_named(self, node: ast.AST) -> str | None:
        if isinstance(node, ast.Name) and self._bound[node.id] == 1:
            return self._module_of.get(node.id)
        if isinstance(node, ast.Attribute):
            name = f"{self._module_named(node.value)}.{node.attr}"
            return name if name in allowed.MODULES else None
        return None

    def _check_member(self, node: ast.AST, module: str, name: str) -> None:
        members = allowed.MODULES.get(module)
        if members is not None and name not in members:
            self.error(
                node, f"{module}.{name} is not available; {module} offers {', '.join(members)}"
            )

    def _is_plain_template(self, node: ast.Attribute) -> bool:
        """Whether this is the `format` of a literal whose fields reach for no attribute."""
        match node:
            case ast.Attribute(attr="format" | "format_map", value=ast.Constant(value=str(text))):
                try:
                    field = find_attribute_field(text)
                except (ValueError, RecursionError):
                    return False
                if field is not None:
                    reason = f"format fields must not reach for attributes ({{{field}}})"
                    self.error(node, f"{reason}; pass the value itself")
                return field is None
        return False

    def visit_Import(self, node: ast.Import) -> ast.AST:
        loaded: list[tuple[str, ast.expr]] = []
        for alias in node.names:
            self._check_import(node, alias)
            self._check_module(alias, alias.name)
            bound = alias.name if alias.asname else alias.name.split(".")[0]
            loaded.append((alias.asname or bound, _load_module(bound)))
        return _assign(loaded)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        module = node.module or ""
        if module == "__future__":
            return self._check_future(node)
        if node.level:
            self.error(node, "relative imports are not available; a program is one file")
            return node
        if self._check_module(node, module):
            for alias in node.names:
                self._check_import(node, alias)
                if alias.name != "*":
                    self._check_member(alias, module, alias.name)
        return _assign(
            [
                (alias.asname or alias.name, ast.Attribute(_load_module(module), alias.name, _LOAD))
                for alias in node.names
            ]
        )

    def _check_future(self, node: ast.ImportFrom) -> ast.AST:
        for alias in node.names:
            if alias.name not in __future__.all_feature_names:
                self.error(alias, f"not Python: __future__ has no {alias.name}")
        return ast.Pass()

    def _check_import(self, node: ast.stmt, alias: ast.alias) -> None:
        if getattr(node, "is_lazy", 0):
            self.error(node, "lazy imports are not available; use a plain import")
        if alias.name == "*":
            self.error(node, "star imports are not available; name what you import")
        self.check_name(alias, alias.asname or alias.name)

    def _check_module(self, node: ast.AST, module: str) -> bool:
        if module in allowed.MODULES:
            return True
        remedy = allowed.MODULE_REMEDIES.get(module.split(".")[0])
        offered = ", ".join(sorted(allowed.MODULES))
        self.error(
            node, f"import of {module} is not available: {remedy or f'use one of {offered}'}"
        )
        return False

    # Calls, and the builtin types that could change a constant

    def visit_Call(self, node: ast.Call) -> ast.AST:
        for keyword in node.keywords:
            if keyword.arg is not None and keyword.arg.startswith("_"):
                self.error(keyword, f"arguments must not begin with an underscore ({keyword.arg})")
        node.func = self._real_type(node.func)
        match node:
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, kinds]):
                if not self._bound["isinstance"]:
                    node.args[1] = self._real_types(kinds)
        return node

    def _real_type(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Name) and node.id in allowed.MAKERS and not self._bound[node.id]:
            return ast.copy_location(ast.Name(f"_{node.id}_", ast.Load()), node)
        return node

    def _real_types(self, node: ast.expr) -> ast.expr:
        """The same in `(dict, list)` and `dict | list`, which isinstance takes and keeps."""
        parts, stack = [], [node]
        while stack:
            part = stack.pop()
            if isinstance(part, ast.Tuple):
                stack += part.elts
            elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr):
                stack += [part.left, part.right]
            else:
                parts.append(self._real_type(part))
        if len(parts) == 1:
            return parts[0]
        return ast.copy_location(ast.Tuple(parts, ast.Load()), node)

    # Statements and bindings

    def guard_iter(self, node: ast.For | ast.comprehension) -> ast.AST:
        if getattr(node, "is_async", 0):
            self.error(node, "async comprehensions are not available")
        return node  # every iterable a program can hold is harmless to iterate over

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return node  # items of reachable objects are reachable objects; nothing shared is mutable

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        return node  # unpacking only iterates

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        return node  # an attribute target is refused as an attribute

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return ast.Pass() if node.value is None else ast.Assign([node.target], node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.check_name(node, node.name)
        if getattr(node, "type_params", None):
            self.error(node, "type parameters are not available; leave them out")
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        self.check_name(node, node.arg)
        return node

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        for name in node.names:
            self.check_name(node, name)
        return node

    def _refuse(self, node: ast.AST) -> None:
        self.not_allowed(node)

    visit_Global = visit_ClassDef = visit_With = visit_TemplateStr = _refuse
    visit_Interpolation = _refuse

    def visit_withitem(self, node: ast.withitem) -> ast.AST:
        return node  # the with statement around it is refused

    def visit_HiddenName(self, node: ast.Name) -> ast.AST:
        return node

    # Structural pattern matching

    def _allow(self, node: ast.AST) -> ast.AST:
        return node

    visit_Match = visit_match_case = visit_MatchSingleton = visit_MatchSequence = _allow
    visit_MatchOr = _allow

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        if isinstance(node.value, ast.Call):
            self.error(node, "patterns may compare with literals and module constants only")
        return node

    def visit_MatchAs(self, node: ast.MatchAs) -> ast.AST:
        self.check_name(node, node.name)
        return node

    def visit_MatchStar(self, node: ast.MatchStar) -> ast.AST:
        self.check_name(node, node.name)
        return node

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.AST:
        self.check_name(node, node.rest)
        return node

    def visit_MatchClass(self, node: ast.MatchClass) -> ast.AST:
        for name in node.kwd_attrs:  # a class pattern loads attributes without naming them so
            if name not in allowed.ATTRIBUTES:
                self.error(node, f"patterns must not match the attribute {name!r}; use a guard")
        node.cls = self._real_type(node.cls)
        if isinstance(node.cls, ast.Call):
            self.error(node, "patterns must name a class directly; import it by name")
        return node


_LOAD = ast.Load()


def _load_module(name: str) -> ast.expr:
    return ast.Call(ast.Name("_import_", ast.Load()), [ast.Constant(name)], [])


def _assign(loaded: list[tuple[str, ast.expr]]) -> ast.stmt:
    names: list[ast.expr] = [ast.Name(name, ast.Store()) for name, _ in loaded]
    values = [value for _, value in loaded]
    if len(loaded) == 1:
        return ast.Assign(names, values[0])
    return ast.Assign([ast.Tuple(names, ast.Store())], ast.Tuple(values, ast.Load()))
