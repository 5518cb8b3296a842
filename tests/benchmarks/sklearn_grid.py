"""What plain scikit-learn reaches: a grid of pipelines, the best of which is the yardstick.

The best is named after all have been judged on the held-out rows, which flatters it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis as Lda
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis as Qda
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from tests.benchmarks.labelled_sets import LabelledSet

Make = Callable[[], Any]
# Words and single punctuation marks, where scikit-learn's own pattern knows words only.
MARKS = r"\w+|[^\w\s]"
LONG_TEXT = 1000


Split = tuple[list[int], list[int]]


def best_pipeline(
    labelled: LabelledSet, splits: Sequence[Split], progress: Callable[[str], None]
) -> tuple[str, float]:
    """The title and mean held-out accuracy of the best pipeline on these splits."""
    scores = {}
    grid = _text_grid(labelled) if labelled.is_text else _table_grid()
    for position, (title, make) in enumerate(grid.items(), start=1):
        progress(f"{labelled.name}: scikit-learn {position} of {len(grid)}: {title}")
        try:
            scores[title] = sum(_score(make, labelled, split) for split in splits) / len(splits)
        except ValueError:  # such as five neighbours of four rows
            continue
    best = max(scores, key=lambda title: (scores[title], title))
    return best, scores[best]


def _score(make: Make, labelled: LabelledSet, split: Split) -> float:
    train, held_out = split
    rows = [data["text"] if labelled.is_text else data for data in labelled.inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make().fit([rows[n] for n in train], [labelled.labels[n] for n in train])
        found = model.predict([rows[n] for n in held_out])
    truth = [labelled.labels[n] for n in held_out]
    return sum(a == b for a, b in zip(found, truth, strict=True)) / len(truth)


def _text_grid(labelled: LabelledSet) -> dict[str, Make]:
    readers: dict[str, Callable[[type], Any]] = {
        "words": lambda kind: _reader(kind),
        "words and marks": lambda kind: _reader(kind, token_pattern=MARKS),
        "words, marks, pairs": lambda kind: _reader(kind, token_pattern=MARKS, ngram_range=(1, 2)),
        "characters 2-4": lambda kind: _reader(kind, analyzer="char_wb", ngram_range=(2, 4)),
        "characters 1-3": lambda kind: _reader(kind, analyzer="char", ngram_range=(1, 3)),
    }
    length = sum(len(data["text"]) for data in labelled.inputs) / len(labelled.inputs)
    if length > LONG_TEXT:  # where characters take minutes and words say more
        readers = {title: make for title, make in readers.items() if "characters" not in title}
    models: dict[str, tuple[type, Make]] = {
        "logistic C=1": (TfidfVectorizer, lambda: LogisticRegression(C=1, max_iter=1000)),
        "logistic C=10": (TfidfVectorizer, lambda: LogisticRegression(C=10, max_iter=1000)),
        "logistic C=100": (TfidfVectorizer, lambda: LogisticRegression(C=100, max_iter=1000)),
        "linear SVM": (TfidfVectorizer, lambda: LinearSVC(random_state=0)),
        "complement Bayes": (TfidfVectorizer, lambda: ComplementNB(alpha=0.3)),
        "multinomial Bayes": (CountVectorizer, lambda: MultinomialNB(alpha=0.3)),
    }
    return {
        f"{model}, {reader}": _joined(read, kind, make)
        for reader, read in readers.items()
        for model, (kind, make) in models.items()
    }


def _reader(kind: type, **options: Any) -> Any:
    if kind is TfidfVectorizer:
        return TfidfVectorizer(sublinear_tf=True, **options)
    return CountVectorizer(binary=True, **options)


def _joined(read: Callable[[type], Any], kind: type, make: Make) -> Make:
    return lambda: make_pipeline(read(kind), make())


def _table_grid() -> dict[str, Make]:
    models: dict[str, Make] = {
        "logistic C=0.1": lambda: LogisticRegression(C=0.1, max_iter=1000),
        "logistic C=1": lambda: LogisticRegression(C=1, max_iter=1000),
        "logistic C=10": lambda: LogisticRegression(C=10, max_iter=1000),
        "LDA": Lda,
        "LDA, shrunk": lambda: Lda(solver="lsqr", shrinkage="auto"),
        "QDA, regularised": lambda: Qda(reg_param=0.1),
        "normal naive Bayes": GaussianNB,
        "RBF SVM C=1": lambda: SVC(C=1),
        "RBF SVM C=10": lambda: SVC(C=10),
        "5 neighbours": lambda: KNeighborsClassifier(5),
        "random forest": lambda: RandomForestClassifier(200, random_state=0),
        "extra trees": lambda: ExtraTreesClassifier(200, random_state=0),
        "histogram boosting": lambda: HistGradientBoostingClassifier(random_state=0),
        "vote of logistic, QDA, trees": lambda: VotingClassifier(
            [
                ("logistic", LogisticRegression(max_iter=1000)),
                ("qda", Qda(reg_param=0.1)),
                ("trees", ExtraTreesClassifier(100, random_state=0)),
            ],
            voting="soft",
        ),
    }
    return {title: _scaled(make) for title, make in models.items()}


def _scaled(make: Make) -> Make:
    return lambda: make_pipeline(DictVectorizer(sparse=False), StandardScaler(), make())
