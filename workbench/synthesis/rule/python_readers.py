"""The small functions of a generated program that read texts, words and numbers.

Each is the Python of its namesake in `conditions` and `text`, cut to what the program needs.
"""

from __future__ import annotations

from collections.abc import Iterable

from workbench.synthesis.rule.conditions import MAX_NUMBER, MAX_SHOWN
from workbench.synthesis.rule.python_source import pattern_literal
from workbench.synthesis.rule.text import (
    FIRST_MARK,
    MAX_TEXT,
    PREFIX_MARK,
    SUFFIX_MARK,
    WORD,
    is_first,
    is_prefix,
    is_suffix,
    term_length,
)


def _plain(number: float) -> str:
    return f"{number:.0e}".replace("+", "")


PATH = '''def {read_path}(data, *keys):
    """The value at a path of keys, None where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data
'''

TEXT = f'''def {{read_text}}(value):
    """A text, a list of texts or a number as text; "" for anything else."""
    if isinstance(value, (list, tuple)):
        value = ", ".join(item for item in value if isinstance(item, str))
    elif isinstance(value, (int, float)) and abs(value) < {_plain(MAX_SHOWN)}:
        value = str(value)
    return value[:{MAX_TEXT:_}] if isinstance(value, str) else ""
'''

NUMBER = f'''def {{read_number}}(value):
    """A number; NaN, which fails every comparison, for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    return value if abs(value) < {_plain(MAX_NUMBER)} else math.nan
'''

RATIO = '''def {ratio}(number, by):
    """One number divided by another; NaN where that is 0."""
    return number / by if by else math.nan
'''

WORDS = '''def {read_words}(text):
    """The words in order, lower case; a Chinese or Japanese character is a word."""
    return {WORD}.findall(text.lower().replace("’", "'"))
'''


def word_pattern(name: str) -> str:
    """The constant that `read_words` uses."""
    return f"{name} = re.compile({pattern_literal(WORD)})\n"


def terms_reader(terms: Iterable[str]) -> str:
    """`read_terms`, which finds all kinds of terms that occur among `terms`."""
    wanted = set(terms)
    kinds = ["words"]
    lines = ["    words = {read_words}(text)", "    found = set(words)"]
    lengths = sorted({term_length(term) for term in wanted} - {1})
    if lengths:
        kinds.append("phrases")
    if 2 in lengths:
        lines.append('    found.update(f"{{a}} {{b}}" for a, b in zip(words, words[1:]))')
    lines.extend(_longer_phrases([length for length in lengths if length > 2]))
    prefixes = sorted({len(term) - 1 for term in wanted if is_prefix(term)})
    if prefixes:
        kinds.append(f'word beginnings ("pre{PREFIX_MARK}")')
        lines.append(f"    for length in {_each(prefixes)}:")
        lines.append(f'        found.update(word[:length] + "{PREFIX_MARK}" for word in words)')
    suffixes = sorted({len(term) - 1 for term in wanted if is_suffix(term)})
    if suffixes:
        kinds.append(f'word endings ("{SUFFIX_MARK}ing")')
        lines.append(f"    for length in {_each(suffixes)}:")
        lines.append(f'        found.update("{SUFFIX_MARK}" + word[-length:] for word in words)')
    if any(is_first(term) for term in wanted):
        kinds.append(f'the first word ("{FIRST_MARK}what")')
        lines.append(f'    found.update("{FIRST_MARK}" + word for word in words[:1])')
    said = ", ".join(kinds[:-1]) + " and " + kinds[-1] if len(kinds) > 1 else kinds[0]
    head = ["def {read_terms}(text):", *_docstring(f"What rules look for in a text: its {said}.")]
    return "\n".join([*head, *lines, "    return found"]) + "\n"


def _docstring(text: str) -> list[str]:
    if len(text) <= 86:
        return [f'    """{text}"""']
    cut = text.rindex(" ", 0, 92)
    return [f'    """{text[:cut]}', f"    {text[cut + 1 :]}", '    """']


def _longer_phrases(lengths: list[int]) -> list[str]:
    if not lengths:
        return []
    return [
        f"    for length in {_each(lengths)}:",
        "        starts = range(len(words) - length + 1)",
        '        found.update(" ".join(words[start : start + length]) for start in starts)',
    ]


def _each(numbers: list[int]) -> str:
    """A tuple of numbers as Python."""
    return repr(tuple(numbers))
