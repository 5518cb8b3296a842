"""What a task may say of every answer: one Python expression over `input` and `output`.

Only reads and refuses expressions; they are evaluated in the sandbox, never here.
"""

from __future__ import annotations

import ast

MAX_CHARACTERS = 2000
MODULES = ("datetime", "json", "math", "re", "string", "unicodedata")
FUNCTIONS = frozenset(
    (
        "abs",
        "all",
        "any",
        "bool",
        "dict",
        "divmod",
        "enumerate",
        "float",
        "int",
        "isinstance",
        "len",
        "list",
        "max",
        "min",
        "range",
        "repr",
        "reversed",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
        "zip",
    )
)
KNOWN = FUNCTIONS | {"input", "output", *MODULES}
REFUSED = {
    ast.Lambda: "a lambda",
    ast.NamedExpr: "an assignment (:=)",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
}


def check_expression(text: str) -> str:
    """Return `text` when it may be an invariant; raise ValueError that says what is wrong."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"is longer than {MAX_CHARACTERS} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ValueError(f"is no Python expression ({reason})") from None
    own = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    for node in ast.walk(tree):
        for kind, name in REFUSED.items():
            if isinstance(node, kind):
                raise ValueError(f"holds {name}, which an invariant may not")
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            raise ValueError(f"asks for the attribute {node.attr!r}: none may begin with '_'")
        if isinstance(node, ast.Name) and node.id not in KNOWN | own:
            raise ValueError(
                f"names {node.id!r}, which is not known: there are input, output, "
                f"{', '.join(MODULES)} and functions such as len, any, all, min, max"
            )
    if not any(isinstance(node, ast.Name) and node.id == "output" for node in ast.walk(tree)):
        raise ValueError("says nothing of the output")
    return text
