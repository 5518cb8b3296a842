"""Programming by example: programs found from inputs and outputs alone, with no model."""

from workbench.synthesis.by_example.lists import are_lists, solve_list
from workbench.synthesis.by_example.numbers import solve_number
from workbench.synthesis.by_example.text import solve_text

__all__ = ["are_lists", "solve_list", "solve_number", "solve_text"]
