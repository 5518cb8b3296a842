"""Inputs as matrices: token counts weighted by TF-IDF or presence, and scaled columns.

What is learned here (which tokens, how rare, means and scales) is learned from training
rows alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from workbench.synthesis.ml.folds import Rows
from workbench.synthesis.ml.program_code import join_text
from workbench.synthesis.ml.views import RowPart, TextView

Array = npt.NDArray[np.float64]
# Tokens met in one text only are dropped when there are this many tokens or more.
MANY_TOKENS = 5000
MAX_TOKENS = 60_000


class Corpus:
    """Inputs with their token counts and columns, each made once and kept."""

    def __init__(self, inputs: Sequence[Any]) -> None:
        self.inputs = inputs
        self._characters: int | None = None
        self._counts: dict[TextView, tuple[Any, tuple[str, ...]]] = {}
        self._rows: dict[tuple[RowPart, ...], Array] = {}

    @property
    def characters(self) -> int:
        """The characters of all texts in the inputs, each up to a few thousand."""
        if self._characters is None:
            self._characters = sum(min(5000, len(join_text(data))) for data in self.inputs)
        return self._characters

    def counts(self, view: TextView) -> tuple[Any, tuple[str, ...]]:
        """A sparse matrix (inputs by tokens) and the tokens, sorted."""
        if view not in self._counts:
            self._counts[view] = _count_tokens(self.inputs, view)
        return self._counts[view]

    def rows(self, parts: tuple[RowPart, ...]) -> Array:
        """A matrix (inputs by columns) of the numbers that `parts` read."""
        if parts not in self._rows:
            self._rows[parts] = read_rows(self.inputs, parts)
        return self._rows[parts]


@dataclass(frozen=True, slots=True)
class TokenBlock:
    """The tokens of one view that a model uses; `weighting` is None where presence counts."""

    view: TextView
    columns: Rows
    tokens: tuple[str, ...]
    weighting: TfidfTransformer | None

    def weigh(self, counts: Any) -> Any:
        """Counts of these tokens as the values a model sees."""
        if self.weighting is None:
            return (counts > 0).astype(np.float64)
        return self.weighting.transform(counts)

    @property
    def rarities(self) -> Array | None:
        return None if self.weighting is None else np.asarray(self.weighting.idf_)


@dataclass(frozen=True, slots=True)
class Space:
    """The axes of a model: tokens of each view, then columns less `means` over `scales`."""

    blocks: tuple[TokenBlock, ...]
    parts: tuple[RowPart, ...]
    means: Array
    scales: Array

    def place(self, corpus: Corpus, rows: Rows) -> Any:
        """The matrix of some rows of the corpus that this space was made from."""
        blocks = [
            block.weigh(corpus.counts(block.view)[0][rows][:, block.columns])
            for block in self.blocks
        ]
        return self._join(blocks, corpus.rows(self.parts)[rows] if self.parts else None)

    def place_new(self, inputs: Sequence[Any]) -> Any:
        """The matrix of any inputs, by scikit-learn's own vectorizer."""
        blocks = []
        for block in self.blocks:
            if block.tokens:
                vectorizer = CountVectorizer(analyzer=block.view.tokens, vocabulary=block.tokens)
                counts = vectorizer.transform(inputs).astype(np.float64)
            else:
                counts = sparse.csr_matrix((len(inputs), 0))
            blocks.append(block.weigh(counts))
        return self._join(blocks, read_rows(inputs, self.parts) if self.parts else None)

    @property
    def token_count(self) -> int:
        return sum(len(block.tokens) for block in self.blocks)

    def _join(self, blocks: list[Any], rows: Array | None) -> Any:
        if rows is None:
            return sparse.hstack(blocks, format="csr")
        scaled = (rows - self.means) / self.scales
        if not blocks:
            return scaled
        return sparse.hstack([*blocks, sparse.csr_matrix(scaled)], format="csr")


def make_space(
    corpus: Corpus,
    rows: Rows,
    views: Sequence[TextView],
    parts: tuple[RowPart, ...],
    *,
    rare: bool,
    scaled: bool = True,
    keep: Sequence[Rows] | None = None,
) -> Space:
    """The space of these training rows; `keep` names the columns to use of each view's tokens."""
    blocks = []
    for number, view in enumerate(views):
        counts, tokens = corpus.counts(view)
        inside = counts[rows]
        columns = _frequent(inside) if keep is None else keep[number]
        weigh = rare and len(columns) > 0
        weighting = TfidfTransformer(sublinear_tf=True).fit(inside[:, columns]) if weigh else None
        chosen = tuple(tokens[column] for column in columns)
        blocks.append(TokenBlock(view, columns, chosen, weighting))
    if not parts:
        return Space(tuple(blocks), (), np.zeros(0), np.ones(0))
    if not scaled:
        width = sum(len(part.names) for part in parts)
        return Space(tuple(blocks), parts, np.zeros(width), np.ones(width))
    values = corpus.rows(parts)[rows]
    deviations = values.std(axis=0)
    deviations[deviations < 1e-12 * np.maximum(1.0, np.abs(values).max(axis=0))] = 1.0
    # Beside texts, whose vectors have length 1, a row of columns is to weigh as much.
    scales = deviations * (np.sqrt(values.shape[1]) if blocks else 1.0)
    return Space(tuple(blocks), parts, values.mean(axis=0), scales)


def read_rows(inputs: Sequence[Any], parts: tuple[RowPart, ...]) -> Array:
    """A matrix (inputs by columns) of the numbers that `parts` read."""
    rows = [[value for part in parts for value in part.read(data)] for data in inputs]
    width = sum(len(part.names) for part in parts)
    return np.array(rows, dtype=np.float64).reshape(len(inputs), width)


def _count_tokens(inputs: Sequence[Any], view: TextView) -> tuple[Any, tuple[str, ...]]:
    try:
        vectorizer = CountVectorizer(analyzer=view.tokens)
        counts = vectorizer.fit_transform(inputs).astype(np.float64)
    except ValueError:  # no input holds a single token
        return sparse.csr_matrix((len(inputs), 0)), ()
    tokens = vectorizer.get_feature_names_out()
    # A program's source is text: what cannot be printed cannot stand in its tables.
    usable = np.array([token.isprintable() for token in tokens], dtype=bool)
    frequency = np.asarray((counts > 0).sum(axis=0)).ravel()
    if len(tokens) > MANY_TOKENS:
        usable &= frequency > 1
    if usable.sum() > MAX_TOKENS:
        least = np.sort(frequency[usable])[-MAX_TOKENS]
        usable &= frequency > least
    return counts[:, usable], tuple(map(str, tokens[usable]))


def _frequent(counts: Any) -> Rows:
    frequency = np.asarray((counts > 0).sum(axis=0)).ravel()
    least = 2 if (frequency > 0).sum() > MANY_TOKENS else 1
    return np.flatnonzero(frequency >= least)
