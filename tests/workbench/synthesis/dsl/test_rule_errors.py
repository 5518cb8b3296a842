"""What a person is told who writes a rule document wrongly: the line, the field, the remedy."""

import pytest

from runtime.errors import LoopaiError, NotFoundError
from runtime.models import TaskSpecification
from workbench.synthesis.dsl import check_rules, load_rules, parse_rules

TASK = TaskSpecification.model_validate(
    {
        "name": "orders",
        "description": "What to do with an order.",
        "input_schema": {
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "amount": {"type": "number"},
                "country": {"enum": ["DE", "FR"]},
                "customer": {"type": "object", "properties": {"age": {"type": "integer"}}},
            },
        },
        "output_schema": {"enum": ["keep", "drop"]},
    }
)
EXTRACTION = TASK.model_copy(
    update={
        "output_schema": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "size": {"type": "number"}},
            "required": ["id", "size"],
            "additionalProperties": False,
        }
    }
)

RULE = "v: 1\nrules:\n  - when: {when}\n    then: keep\n"


def refusal(text):
    with pytest.raises(LoopaiError) as caught:
        parse_rules(text, "my.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be a mapping"),
        ("v: 1\n", "says nothing to answer"),
        ("rules: []\n", "my.yaml:1 (v): the format version is missing"),
        ("v: 2\ndefault: x\n", "my.yaml:1 (v): the format version is 2; this release reads 1"),
        ("v: 1\nrulez: []\n", "my.yaml:2 (rulez): there is no such key"),
        (
            "v: 1\nrules:\n  - then: a\n  - when: {missing: a}\n",
            "my.yaml:4 (rules.1.then): is miss",
        ),
        ("v: 1\nrules:\n - then: a\n   confidence: 2\n", "my.yaml:4 (rules.0.confidence)"),
        ("v: 1\nrules: yes\n", "my.yaml:2 (rules)"),
        ("v: 1\ndefault: 2026-01-01\n", "my.yaml:2 (default): is no text: 2026-01-01. Put it in q"),
        ("v: 1\ndefault: .nan\n", "is a number that JSON has not: nan"),
        ("v: 1\ndefault: {1: a}\n", "my.yaml:2 (default.1): the key 1 is not text"),
        ("v: 1\ndefault: {then: a, sure: 1}\n", "my.yaml:2 (default.sure): there is no such key"),
        ("v: 1\nlookup: {field: a, table: {no: x}}\n", "the key False is not text"),
        ("v: 1\nlookup: {field: a, table: {}}\n", "(lookup.table)"),
        (
            "v: 1\nlookup: {field: a, table: {A: 1, a: 2}, ignore_case: true}\n",
            "stands twice, case",
        ),
        ("v: 1\nscore: {start: []}\n", "(score.start)"),
        (
            "v: 1\nscore:\n  start: [{label: a}]\n  points:\n"
            "  - {label: b, points: 1, when: {missing: x}}\n",
            "my.yaml:5 (score.points.0.label): the label 'b' is not among start",
        ),
        (
            "v: 1\nscore:\n  start: [{label: a}]\n  points:\n  - {label: a, points: 1}\n",
            "my.yaml:5 (score.points.0): must say when the points are given",
        ),
        (
            "v: 1\nscore:\n  start: [{label: a}]\n  confidences: [{lead: 2, confidence: 1}]\n",
            "the leads must begin at 0 and rise",
        ),
        ("v: 1\nextract: {pattern: '(?P<x>.)'}\n", "field is missing"),
        ("v: 1\nextract: {field: a}\n", "must have pattern, or patterns"),
        ("v: 1\nextract: {field: a, pattern: abc}\n", "names no group"),
        ("v: 1\nextract: {field: a, pattern: '(?P<x>.', value: x}\n", "at character 1"),
        (
            "v: 1\nextract: {field: a, pattern: '(?P<x>.)', value: y}\n",
            "no pattern has a group 'y'",
        ),
        (
            "v: 1\nextract:\n  field: a\n  pattern: '(?P<x>.)'\n"
            "  output:\n    b: {group: x, as: odd}\n",
            "my.yaml:6 (extract.output.b.as): is no cast. Known: int, number",
        ),
        (
            "v: 1\nextract: {field: a, pattern: '(?P<x>.)', value: {group: x, as: {date: '%Q'}}}\n",
            "'%Q' is no date format",
        ),
        (
            "v: 1\nextract: {field: a, pattern: '(?P<x>.)', value: {group: x, as: [int, lower]}}\n",
            "int, number and date come last",
        ),
    ],
)
def test_a_wrong_document_is_refused_with_its_place(text, says):
    assert says in refusal(text)


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("text", "my.yaml:3 (rules.0.when): must be one condition"),
        ("[]", "must be a list of conditions"),
        ("{field: text}", "has no test"),
        ("{field: text, contains: a, matches: b}", "has the tests contains, matches"),
        ("{field: text, contians: a}", "my.yaml:3 (rules.0.when.contians): there is no test 'cont"),
        ("{contains: a}", "field is missing"),
        ("{field: [], contains: a}", "(rules.0.when.field): must be the name of a field"),
        ("{field: text, contains: '!!'}", "is no word or phrase"),
        ("{field: text, contains: a b c d}", "has 4 words"),
        ("{field: text, any_of: free}", "must be a list of words"),
        ("{field: text, any_of: [a, b], minimum: 3}", "from 1 to 2"),
        ("{field: text, matches: '['}", "(rules.0.when.matches): is no regular expression"),
        ("{field: text, matches: '(a+)+$'}", "a repeat inside a repeat"),
        ("{field: text, has: lnk}", "there is no pattern 'lnk'. Known: link"),
        ("{field: text, starts_with: ''}", "must be text, and not empty"),
        ("{field: a, above: high}", "my.yaml:3 (rules.0.when.above): must be a number"),
        ("{field: a, above: .inf}", "must be a number"),
        ("{field: a, between: [3, 1]}", "Swap them"),
        ("{field: a, between: 3}", "a list of two numbers"),
        ("{ratio: [a], above: 3}", "a list of two fields"),
        ("{field: a, ratio: [a, b], above: 3}", "one field, ratio or difference"),
        ("{field: a, measure: size, above: 3}", "there is no measure 'size'. Known: characters"),
        ("{field: a, equals: 2026-01-01}", "must be text, a number, true or false"),
        ("{field: a, in: []}", "must be a list of values"),
        ("{field: a, multiple_of: 0}", "a whole number from 1"),
        ("{all: [{field: a, above: 1}, {field: a}]}", "(rules.0.when.all.1): has no test"),
        ("{not: {missing: a, field: b}}", "(rules.0.when.not.field): does not go with missing"),
    ],
)
def test_a_wrong_condition_is_refused_with_its_place(when, says):
    assert says in refusal(RULE.replace("{when}", when))


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("{field: amont, above: 3}", "my.yaml:3 (rules.0.when): there is no field 'amont'. Fields"),
        ("{not: {field: customer.years, above: 3}}", "there is no field 'customer.years'"),
        ("{field: text, above: 3}", "compares 'text' as a number, but it holds string"),
        ("{field: country, equals: UK}", "'UK' is no value of 'country'. Values: DE, FR"),
        ("{any: [{missing: nothing}, {field: text, contains: a}]}", "there is no field 'nothing'"),
    ],
)
def test_a_condition_that_does_not_fit_the_task_is_a_problem(when, says):
    problems = check_rules(parse_rules(RULE.replace("{when}", when), "my.yaml"), TASK)
    assert [problem for problem in problems if says in str(problem)], list(map(str, problems))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "rules:\n  - then: keep\n  - when: {missing: text}\n    then: drop\n",
            "my.yaml:4 (rules.1): i",
        ),
        ("rules:\n  - then: keep\ndefault: drop\n", "my.yaml:4 (default): is never reached"),
        (
            "rules:\n  - {when: {missing: text}, then: keep}\n"
            "  - {when: {missing: text}, then: drop}\n",
            "my.yaml:4 (rules.1): is never reached: rule 1 asks the same",
        ),
        ("default: other\n", "my.yaml:2 (default): breaks the task's output_schema"),
        (
            "lookup: {field: text, table: {a: keep, b: kep}}\n",
            "(lookup.table.b): breaks the task's",
        ),
        (
            "score: {start: [{label: x}]}\n",
            "(score.start.0.label): breaks the task's output_schema",
        ),
        ("score: {start: [{label: keep}]}\ndefault: drop\n", "a score always answers"),
    ],
)
def test_rules_that_cannot_be_right_for_the_task_are_problems(text, says):
    problems = check_rules(parse_rules("v: 1\n" + text, "my.yaml"), TASK)
    assert [problem for problem in problems if says in str(problem)], list(map(str, problems))


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("{id: x}", "lacks the field 'size' that the output_schema requires"),
        ("{id: x, size: {group: x, as: number}, colour: x}", "no such field in the output_schema"),
        ("{id: x, size: x}", "gives text, but the output_schema wants number"),
        ("{id: {value: 3}, size: {group: x, as: int}}", "(extract.output.id): breaks the task's"),
    ],
)
def test_an_extraction_that_breaks_the_output_schema_is_a_problem(output, says):
    text = f"v: 1\nextract:\n  field: text\n  pattern: '(?P<x>.+)'\n  output: {output}\n"
    problems = check_rules(parse_rules(text, "my.yaml"), EXTRACTION)
    assert [problem for problem in problems if says in str(problem)], list(map(str, problems))


def test_a_sound_document_has_no_problems():
    text = RULE.replace("{when}", "{field: customer.age, at_least: 18}") + "default: drop\n"
    assert check_rules(parse_rules(text), TASK) == []


@pytest.mark.parametrize(
    "pattern", [r"(?:,\d+)*", r"(?:\w+\s)*", r"(?:foo|ba)*x", r"\d+(?:\.\d+)?", r"(?:\"[^\"]*\")*"]
)
def test_patterns_that_cannot_run_away_are_allowed(pattern):
    parse_rules(RULE.replace("{when}", f"{{field: text, matches: '{pattern}'}}"))


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(NotFoundError):
        load_rules(tmp_path / "none.yaml")
