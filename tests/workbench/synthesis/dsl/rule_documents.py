"""Random rule documents and inputs, made of everything the language has."""

from hypothesis import strategies as st

from workbench.synthesis.dsl.document import (
    DateCast,
    Extract,
    Fixed,
    Group,
    Lookup,
    RulesDocument,
)
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
    Outcome,
    PointScore,
    Rule,
    TermPoints,
)
from workbench.synthesis.rule.text import MEASURES, PATTERNS

PATHS = st.sampled_from([("text",), ("amount",), ("other",), ("a", "b"), ("x.y",)])
TERMS = st.sampled_from(["free", "win now", "one two three", "dis-", "-ing", "^free", "請", "it's"])
WORDS = st.sampled_from(["free", "a", "no", "yes", "12", "Re", "", "null", "é: #", "- x", "it's"])
NUMBERS = st.one_of(st.integers(-50, 50), st.sampled_from([0.5, -2.25, 1e12]))
OPERATORS = st.sampled_from([">", ">=", "<", "<=", "=="])
LABELS = st.one_of(WORDS, st.booleans(), st.integers(-5, 5), st.just({"then": [1, None]}))
CONFIDENCES = st.integers(0, 100).map(lambda number: number / 100)


def unique(values, most=3):
    return st.lists(values, min_size=1, max_size=most, unique=True).map(tuple)


QUANTITIES = st.one_of(
    st.builds(Number, PATHS),
    st.builds(Ratio, PATHS, PATHS),
    st.builds(Difference, PATHS, PATHS),
    st.builds(TextMeasure, PATHS, st.sampled_from(sorted(MEASURES))),
)
PATTERN_NAMES = st.sampled_from(sorted(PATTERNS))
LEAVES = st.one_of(
    unique(TERMS).flatmap(
        lambda terms: st.builds(
            HasTerms, PATHS, st.just(terms), st.sampled_from(sorted({1, len(terms)}))
        )
    ),
    st.builds(lambda path, name: Matches(path, PATTERNS[name], name), PATHS, PATTERN_NAMES),
    st.builds(Matches, PATHS, st.sampled_from([r"\d+ x", "^a|b$"]), st.just("pattern")),
    st.builds(Compares, QUANTITIES, OPERATORS, NUMBERS),
    st.builds(IsOneOf, PATHS, unique(st.one_of(WORDS, st.booleans()))),
    st.builds(
        Affixed,
        PATHS,
        st.sampled_from(["start", "end"]),
        unique(st.sampled_from(["re:", "a", "12", "é"])),
    ),
    st.builds(IsMultiple, PATHS, st.integers(1, 9)),
    st.builds(SameText, PATHS, PATHS),
    st.builds(IsMissing, PATHS),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(AllOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)
OUTCOMES = st.builds(
    lambda label, counts, confidence: Outcome(label, max(counts), min(counts), confidence),
    LABELS,
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    CONFIDENCES,
)
RULES = st.builds(Rule, st.lists(CONDITIONS, max_size=2).map(tuple), OUTCOMES)
SCORES = st.builds(
    PointScore,
    st.just((("spam", 0), ("ham", 2), (True, 1))),
    st.lists(
        st.one_of(
            st.builds(TermPoints, PATHS, unique(TERMS), st.integers(0, 2), st.integers(-3, 3)),
            st.builds(ConditionPoints, CONDITIONS, st.integers(0, 2), st.integers(-3, 3)),
        ),
        max_size=4,
    ).map(tuple),
    st.sampled_from([((0, 1.0),), ((0, 0.4), (2, 0.75), (5, 1.0))]),
)
CASTS = st.sampled_from(
    [(), ("trim",), ("trim", "upper"), ("lower", "int"), ("number",), (DateCast(("%d %b %Y",)),),
     ("trim", DateCast(("%d.%m.%Y", "%Y-%m-%dT%H:%M"))), ("int",)]
)  # fmt: skip
GROUPS = st.builds(Group, st.sampled_from(["x", "y"]), CASTS)
EXTRACTIONS = st.builds(
    lambda path, patterns, output, value: Extract(
        path, patterns, () if value else output, value or None
    ),
    PATHS,
    st.sampled_from([(r"(?P<x>[\d.]+)(?P<y> \w+)?",), (r"^(?P<x>\w+) (?P<y>.+)$", r"(?P<x>.+)")]),
    st.tuples(
        st.tuples(st.just("first"), GROUPS),
        st.tuples(st.just("a b"), st.one_of(GROUPS, st.builds(Fixed, LABELS))),
    ),
    st.one_of(st.none(), GROUPS),
)
LOOKUPS = st.builds(
    lambda path, keys, value, fold: Lookup(
        path, tuple((key.lower() if fold else key, value) for key in keys), fold
    ),
    PATHS,
    unique(st.sampled_from(["free", "No", "12", "1.5", ""])),
    st.one_of(LABELS, st.none()),
    st.booleans(),
)
DOCUMENTS = st.builds(
    RulesDocument,
    rules=st.lists(RULES, max_size=3).map(tuple),
    lookup=st.one_of(st.none(), LOOKUPS),
    extract=st.one_of(st.none(), EXTRACTIONS),
    score=st.one_of(st.none(), SCORES),
    default=OUTCOMES,
    about=st.sampled_from(["", "Tells free offers: apart.", "'quoted' # not"]),
)
TEXTS = st.one_of(
    WORDS,
    st.sampled_from(
        ["free: win now!", "12 x", "1.5 May", "5 Mar 2026", "05.03.2026 12", "dislike nothing",
         "one two three", "x 2026-03-05T10:20", "請坐", "RE: https://a.b"]
    ),
)  # fmt: skip
VALUES = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none(), st.lists(TEXTS, max_size=2))
INPUTS = st.fixed_dictionaries(
    {},
    optional={
        "text": VALUES,
        "amount": st.one_of(NUMBERS, VALUES),
        "other": VALUES,
        "a": st.one_of(st.fixed_dictionaries({}, optional={"b": VALUES}), VALUES),
        "x.y": VALUES,
    },
)
