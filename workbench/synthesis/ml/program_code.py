"""The functions that a generated program runs, and that training runs too, so both agree.

Written in the programs' own dialect: standard library only, builtin types, no state.
Their source is copied into programs by `write_code`; nothing here learns anything.
"""

from __future__ import annotations

import collections
import itertools
import math
import re
import unicodedata

WORD_PATTERN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\w\s]")

# What `measure_text` gives, in its order.
MEASURES = (
    "length",
    "lines",
    "share of capitals",
    "share of digits",
    "share of marks",
    "exclamation marks",
    "question marks",
    "share beyond ASCII",
)


def read_value(data: object, path: tuple[str, ...]) -> object:
    """What stands at `path`, or None where nothing does."""
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return None
        data = data[key]
    return data


def join_text(value: object) -> str:
    """A value as text: strings as they are, the leaves of lists and objects joined."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return " ".join([join_text(item) for item in value])
    if isinstance(value, dict):
        return " ".join([join_text(item) for item in value.values()])
    if isinstance(value, (int, float)) and abs(value) < 1e300:
        return str(value)
    return ""


def read_text(data: object, paths: tuple[tuple[str, ...], ...], limit: int) -> str:
    """The texts at `paths`, one a line, up to `limit` characters."""
    return "\n".join([join_text(read_value(data, path)) for path in paths])[:limit]


def find_words(text: str) -> list[str]:
    """The words, numbers and punctuation marks of a text, in lower case."""
    return WORD_PATTERN.findall(unicodedata.normalize("NFKC", text).lower())


def find_pairs(text: str) -> list[str]:
    """The words of a text and each two neighbours, joined by '_'."""
    found = find_words(text)
    return found + [f"{first}_{second}" for first, second in itertools.pairwise(found)]


def find_pieces(text: str, shortest: int, longest: int) -> list[str]:
    """The runs of characters inside words, where '_' marks the edge of a word."""
    joined = "_" + "_".join(unicodedata.normalize("NFKC", text).lower().split()) + "_"
    found = []
    for size in range(shortest, longest + 1):
        shifted = [joined[start:] for start in range(size)]
        runs = map("".join, zip(*shifted, strict=False))
        found += [run for run in runs if "_" not in run[1:-1]]
    return found


def clean_number(value: object) -> float | None:
    """A number within ±1e15, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return None
    return float(max(-1e15, min(value, 1e15)))


def read_number(data: object, path: tuple[str, ...], default: float) -> list[float]:
    """The number at `path`; `default` where there is none."""
    value = clean_number(read_value(data, path))
    return [default if value is None else value]


def read_optional(data: object, path: tuple[str, ...], default: float) -> list[float]:
    """The number at `path`, and 1 where there is none."""
    value = clean_number(read_value(data, path))
    return [default, 1.0] if value is None else [value, 0.0]


def read_logarithm(data: object, path: tuple[str, ...], default: float) -> list[float]:
    """The number at `path` on a logarithmic scale that keeps its sign."""
    value = clean_number(read_value(data, path))
    value = default if value is None else value
    return [math.copysign(math.log1p(abs(value)), value)]


def compare_steps(
    data: object, path: tuple[str, ...], default: float, edges: tuple[float, ...]
) -> list[float]:
    """For each of `edges` whether the number at `path` is above it."""
    value = clean_number(read_value(data, path))
    value = default if value is None else value
    return [1.0 if value > edge else 0.0 for edge in edges]


def compare_options(
    data: object, path: tuple[str, ...], options: tuple[object, ...]
) -> list[float]:
    """For each of `options` whether it is the value at `path`."""
    value = read_value(data, path)
    return [1.0 if value == option else 0.0 for option in options]


def measure_text(data: object, paths: tuple[tuple[str, ...], ...], limit: int) -> list[float]:
    """Length and lines (as logarithms), kinds of characters (as shares), ! and ? (likewise)."""
    text = read_text(data, paths, limit)
    capitals = sum(map(str.isupper, text))
    digits = sum(map(str.isdigit, text))
    marks = len(text) - sum(map(str.isalnum, text)) - sum(map(str.isspace, text))
    beyond = len(text) - sum(map(str.isascii, text))
    length = max(1, len(text))
    return [
        math.log1p(len(text)),
        math.log1p(text.count("\n")),
        capitals / length,
        digits / length,
        marks / length,
        math.log1p(text.count("!")),
        math.log1p(text.count("?")),
        beyond / length,
    ]


def read_weights(table: str) -> dict[str, tuple[int, ...]]:
    """A table of lines such as `word 12 -7 0` as a mapping from word to numbers."""
    rows = [line.split() for line in table.split("\n") if line]
    return {word: tuple(map(int, numbers)) for word, *numbers in rows}


def add_rare(tokens: list[str], weights: dict[str, tuple[int, ...]], count: int) -> list[float]:
    """The sum of weights by TF-IDF: a token counts by 1 + log of its number times its rarity,
    which leads its row, and the text as a whole counts as a vector of length 1."""
    found = []
    for token, number in collections.Counter(tokens).items():
        row = weights.get(token)
        if row is not None:
            found.append(((1 + math.log(number)) * row[0], row))
    norm = math.sqrt(sum([value * value for value, row in found])) or 1.0
    return [sum([value * row[k] for value, row in found]) / norm for k in range(1, count + 1)]


def add_present(tokens: list[str], weights: dict[str, tuple[int, ...]], count: int) -> list[float]:
    """The sum of the weights of the tokens that occur, each once."""
    rows = [weights[token] for token in dict.fromkeys(tokens) if token in weights]
    return [float(sum([row[k] for row in rows])) for k in range(count)]


def add_columns(row: list[float], weights: tuple[tuple[float, ...], ...]) -> list[float]:
    """For each line of `weights` the sum of the row's numbers, weighted."""
    return [sum([a * b for a, b in zip(row, line, strict=True)]) for line in weights]


def standardize(
    row: list[float], means: tuple[float, ...], scales: tuple[float, ...]
) -> list[float]:
    """The row with mean 0 and deviation 1 in each column."""
    return [(value - mean) / scale for value, mean, scale in zip(row, means, scales, strict=True)]


def read_vectors(table: str) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """A table of lines `coefficients | coordinates` as pairs of tuples."""
    pairs = [line.split("|") for line in table.split("\n") if line]
    return [(tuple(map(float, a.split())), tuple(map(float, b.split()))) for a, b in pairs]


def add_kernels(
    point: list[float],
    vectors: list[tuple[tuple[float, ...], tuple[float, ...]]],
    gamma: float,
    biases: tuple[float, ...],
) -> list[float]:
    """For each class how near the point is to its examples and far from those of others."""
    near = [(math.exp(-gamma * math.dist(point, b) ** 2), a) for a, b in vectors]
    return [
        bias + sum([value * weights[k] for value, weights in near]) for k, bias in enumerate(biases)
    ]


def add_squares(
    point: list[float],
    classes: tuple[tuple[float, tuple[float, ...], tuple[tuple[float, ...], ...]], ...],
) -> list[float]:
    """For each class (bias, shift, directions) the log-density of a normal distribution."""
    return [
        bias
        - 0.5
        * sum(
            [
                (sum([a * b for a, b in zip(point, line, strict=True)]) - start) ** 2
                for start, line in zip(shift, lines, strict=True)
            ]
        )
        for bias, shift, lines in classes
    ]


def read_tree(line: str) -> list[tuple[float, ...]]:
    """A tree's nodes in order: `column<limit>node` sends what is above the limit to that
    node and the rest to the next one; `=numbers` is a leaf."""
    nodes = []
    for word in line.split():
        if word.startswith("="):
            nodes.append(tuple(map(float, word[1:].split(","))))
        else:
            column, rest = word.split("<")
            limit, above = rest.split(">")
            nodes.append((int(column), float(limit), int(above), True))
    return nodes


def read_trees(table: str) -> list[list[tuple[float, ...]]]:
    """A table of trees, one a line."""
    return [read_tree(line) for line in table.split("\n") if line]


def find_leaf(tree: list[tuple[float, ...]], row: list[float]) -> tuple[float, ...]:
    """The numbers of the leaf that the row falls into."""
    node = 0
    while tree[node][-1] is True:
        column, limit, above, _ = tree[node]
        node = node + 1 if row[int(column)] <= limit else int(above)
    return tree[node]


def add_leaves(trees: list[list[tuple[float, ...]]], row: list[float]) -> list[float]:
    """The mean over the trees of the leaves that the row falls into."""
    leaves = [find_leaf(tree, row) for tree in trees]
    return [sum(column) / len(leaves) for column in zip(*leaves, strict=True)]


def take_logarithms(shares: list[float]) -> list[float]:
    """The logarithms of shares, none below one in a thousand."""
    return [math.log(max(share, 0.001)) for share in shares]


def share_out(scores: list[float], sharpness: float) -> list[float]:
    """Scores as probabilities that sum to 1 (softmax); `sharpness` makes them honest."""
    top = max(scores)
    parts = [math.exp(sharpness * (score - top)) for score in scores]
    total = sum(parts)
    return [part / total for part in parts]


def blend(votes: list[tuple[float, list[float]]], sharpness: float) -> list[float]:
    """The weighted mean of several models' probabilities, sharpened likewise."""
    total = sum([weight for weight, chances in votes])
    means = [
        sum([weight * chances[k] for weight, chances in votes]) / total
        for k in range(len(votes[0][1]))
    ]
    return share_out([math.log(max(mean, 1e-9)) for mean in means], sharpness)
