"""Rule documents survive being written and read, and mean what their programs do."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rule_documents import DOCUMENTS, INPUTS

from runtime.errors import LoopaiError
from runtime.models import TaskSpecification
from runtime.sandbox import Sandbox
from workbench.synthesis.dsl import compile_rules, dump_rules, parse_rules
from workbench.synthesis.dsl.answering import answer_document

ANYTHING = TaskSpecification.model_validate(
    {
        "name": "anything",
        "description": "Answers anything.",
        "input_schema": {"type": "object"},
        "output_schema": {},
    }
)
KEYS = st.sampled_from(
    ["v", "rules", "when", "then", "default", "field", "any_of", "all", "not", "between", "score",
     "start", "points", "label", "lookup", "table", "extract", "pattern", "output", "value", "as",
     "group", "date", "matches", "confidence", "missing", "each_of", "minimum", "measure", "ratio"]
)  # fmt: skip
SCALARS = st.sampled_from(
    ["1", "text", "[a, b]", "'(?P<x>a+)+'", "'(?P<x>.)'", "2026-01-01", ".nan", "~", "'['", "[]",
     "!!int ''", "&a [*a]", "{}", "-", '"\\ud800"', "1e400", "0x", "'%d'", "no", "[1, 0]"]
)  # fmt: skip
YAML_LIKE = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.dictionaries(KEYS, inner, max_size=4).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
        ),
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def read_or_refuse(text):
    try:
        parse_rules(text, "rules.yaml")
    except LoopaiError as error:
        assert error.problems
        assert all(problem.file == "rules.yaml" and problem.message for problem in error.problems)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text):
    read_or_refuse(text)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, YAML_LIKE, max_size=5))
def test_anything_like_a_document_is_read_or_refused_with_a_place(parts):
    read_or_refuse("v: 1\n" + "".join(f"{k}: {v}\n" for k, v in parts.items() if k != "v"))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS)
def test_a_document_that_is_written_and_read_is_the_same(document):
    assert parse_rules(dump_rules(document)) == document


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS, st.lists(INPUTS, min_size=1, max_size=6))
def test_a_compiled_program_answers_what_the_document_means(sandbox, document, inputs):
    results = sandbox.run(sandbox.load(compile_rules(document, ANYTHING)), inputs)
    for data, result in zip(inputs, results, strict=True):
        found = answer_document(document, data)
        assert result.error is None
        assert result.output == (found[0] if found else None)
        if result.confidence is not None:
            assert result.confidence == pytest.approx(found[1])
