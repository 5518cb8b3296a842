"""A small rule language in YAML: read, checked, written, compiled to Python, induced."""

from __future__ import annotations

from workbench.synthesis.dsl.checking import check_rules
from workbench.synthesis.dsl.compiling import compile_rules
from workbench.synthesis.dsl.document import RulesDocument, from_structure
from workbench.synthesis.dsl.reading import load_rules, parse_rules
from workbench.synthesis.dsl.writing import dump_rules

__all__ = [
    "RulesDocument",
    "check_rules",
    "compile_rules",
    "dump_rules",
    "from_structure",
    "load_rules",
    "parse_rules",
]
