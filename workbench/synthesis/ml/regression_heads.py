"""The scikit-learn regressions that are tried for numbers."""

from __future__ import annotations

from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor
from sklearn.linear_model import HuberRegressor, LinearRegression, Ridge
from sklearn.tree import DecisionTreeRegressor

from workbench.synthesis.ml.column_heads import MAX_LEAVES, TREES, ColumnHead
from workbench.synthesis.ml.linear_heads import LinearHead

RANKER = LinearHead("ridge regression (alpha=1)", lambda seed: Ridge(alpha=1.0))

# The first is for columns alone: with more tokens than examples it fits anything.
LINEAR_HEADS = (
    LinearHead("linear regression", lambda seed: LinearRegression()),
    RANKER,
    LinearHead("ridge regression (alpha=0.1)", lambda seed: Ridge(alpha=0.1)),
    LinearHead("ridge regression (alpha=10)", lambda seed: Ridge(alpha=10.0)),
)

COLUMN_HEADS: tuple[LinearHead | ColumnHead, ...] = (
    LinearHead("Huber regression", lambda seed: HuberRegressor(max_iter=300)),
    ColumnHead(
        "a regression tree",
        "forest",
        lambda seed: DecisionTreeRegressor(
            max_leaf_nodes=30, min_samples_leaf=2, random_state=seed
        ),
        100_000,
    ),
    ColumnHead(
        "extra trees",
        "forest",
        lambda seed: ExtraTreesRegressor(
            n_estimators=TREES, min_samples_leaf=2, max_leaf_nodes=MAX_LEAVES, random_state=seed
        ),
        20_000,
    ),
    ColumnHead(
        "gradient boosting",
        "boosting",
        lambda seed: GradientBoostingRegressor(
            n_estimators=100, max_depth=3, subsample=0.7, random_state=seed
        ),
        20_000,
    ),
)
