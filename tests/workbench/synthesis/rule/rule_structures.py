"""Random conditions, structures and inputs, odd ones included."""

from hypothesis import strategies as st

from workbench.synthesis.rule.conditions import (
    Affixed,
    AllOf,
    AnyOf,
    Compares,
    Difference,
    HasTerms,
    IsMissing,
    IsMultiple,
    IsOneOf,
    Matches,
    Not,
    Number,
    Ratio,
    SameText,
    TextMeasure,
)
from workbench.synthesis.rule.structures import (
    ConditionPoints,
    DecisionList,
    Outcome,
    PointScore,
    Rule,
    Split,
    TermPoints,
)
from workbench.synthesis.rule.text import MEASURES, PATTERNS

# Names that a careless writer would let collide with each other or with Python.
PATHS = st.sampled_from(
    [("text",), ("len",), ("points",), ("class",), ("a", "b"), ("a b",), ("é",)]
)
WORDS = [
    "free",
    "won't",
    "click here",
    "now or never",
    "dis-",
    "-ing",
    "^free",
    "^請",
    "請 求",
    "12",
]
TEXTS = [
    "free",
    "Click here: FREE $5!",
    "Disliking ending",
    "請求書を free",
    "won’t  you?",
    "a-b",
    "",
]
LABELS = st.sampled_from(["spam", 'it\'s "x"', "", True, False, 1, None, "1", "true", {"a": []}])
NUMBERS = st.one_of(st.integers(-9, 9), st.sampled_from([0.5, -1.25, 1e20, 3.0]))


def some(values, most=3):
    return st.lists(values, min_size=1, max_size=most, unique=True).map(tuple)


QUANTITIES = st.one_of(
    st.builds(Number, PATHS),
    st.builds(Ratio, PATHS, PATHS),
    st.builds(Difference, PATHS, PATHS),
    st.builds(TextMeasure, PATHS, st.sampled_from(sorted(MEASURES))),
)
LEAVES = st.one_of(
    st.builds(HasTerms, PATHS, some(st.sampled_from(WORDS)), st.integers(1, 2)),
    st.sampled_from(sorted(PATTERNS)).flatmap(
        lambda name: st.builds(Matches, PATHS, st.just(PATTERNS[name]), st.just(name))
    ),
    st.builds(
        Matches, PATHS, st.sampled_from(['"', "'\"\\d", r"\\", "a|b" * 40]), st.just("odd sign")
    ),
    st.builds(Compares, QUANTITIES, st.sampled_from([">", ">=", "<", "<=", "=="]), NUMBERS),
    st.builds(IsOneOf, PATHS, some(st.one_of(st.sampled_from(TEXTS), st.booleans()))),
    st.builds(Affixed, PATHS, st.sampled_from(["start", "end"]), some(st.sampled_from(["a", "r"]))),
    st.builds(IsMultiple, PATHS, st.integers(1, 9)),
    st.builds(SameText, PATHS, PATHS),
    st.builds(IsMissing, PATHS),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(AllOf, some(inner)),
        st.builds(AnyOf, some(inner)),
    ),
    max_leaves=4,
)
OUTCOMES = st.builds(
    Outcome, LABELS, st.integers(0, 40), st.integers(0, 40), st.sampled_from([0.5, 0.97])
)
LISTS = st.builds(
    DecisionList,
    st.lists(
        st.builds(Rule, st.lists(CONDITIONS, max_size=3).map(tuple), OUTCOMES), max_size=4
    ).map(tuple),
    st.one_of(st.none(), OUTCOMES),
)
TREES = st.recursive(
    OUTCOMES, lambda inner: st.builds(Split, CONDITIONS, inner, inner), max_leaves=6
)


@st.composite
def scores(draw):
    labels = draw(st.lists(LABELS, min_size=1, max_size=3, unique_by=repr))
    places = st.integers(0, len(labels) - 1)
    points = st.integers(-9, 9).filter(bool)
    items = st.one_of(
        st.builds(ConditionPoints, CONDITIONS, places, points),
        st.builds(TermPoints, PATHS, some(st.sampled_from(WORDS), 9), places, points),
    )
    start = tuple((label, draw(st.integers(0, 5))) for label in labels)
    steps = draw(st.sampled_from([((0, 0.6),), ((0, 0.5), (3, 0.8), (9, 0.99))]))
    return PointScore(start, tuple(draw(st.lists(items, max_size=6))), steps)


STRUCTURES = st.one_of(LISTS, TREES, scores())

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-20, 20),
    st.sampled_from([0.5, -1.25, 1e300, -1e308, 10**400, 3.0]),
    st.sampled_from(TEXTS),
    st.text(max_size=12),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("bc"), inner, max_size=2)
    ),
    max_leaves=4,
)
INPUTS = st.dictionaries(
    st.sampled_from(["text", "len", "points", "class", "a", "a b", "é", "more"]), VALUES
)
