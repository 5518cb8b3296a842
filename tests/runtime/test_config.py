"""deployment.yaml through `load_deployment`: what holds, and what a mistake is told."""

import pytest

from runtime.config import load_deployment
from runtime.errors import InvalidInputError, NotFoundError


def written(tmp_path, text):
    file = tmp_path / "deployment.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(tmp_path, text, environment=None):
    with pytest.raises(InvalidInputError) as caught:
        load_deployment(written(tmp_path, text), environment=environment or {})
    return caught.value.problems


def test_an_absent_file_means_all_defaults(tmp_path):
    config = load_deployment(tmp_path / "deployment.yaml")
    assert config.execution.worker_count == 4
    assert config.execution.timeout_ms == 1000
    assert config.runtime.mode == "edge"
    assert config.telemetry.privacy_mode == "balanced"


def test_an_absent_file_that_was_named_is_an_error(tmp_path):
    with pytest.raises(NotFoundError):
        load_deployment(tmp_path / "deployment.yaml", required=True)


def test_an_unknown_key_is_named_with_file_line_and_field(tmp_path):
    (problem,) = problems(tmp_path, "runtime:\n  mode: edge\nsampling:\n  rates: 0.1\n")
    assert problem.line == 4
    assert problem.field == "sampling.rates"
    assert "no such key" in problem.message


def test_every_wrong_field_is_reported_at_once(tmp_path):
    found = problems(tmp_path, "sampling:\n  rate: 2\nexecution:\n  timeout_ms: soon\n")
    assert sorted((problem.line, problem.field) for problem in found) == [
        (2, "sampling.rate"),
        (4, "execution.timeout_ms"),
    ]


def test_a_variable_is_resolved_only_when_the_setting_is_used(tmp_path):
    file = written(tmp_path, "cloud:\n  api_url: https://hub.example\n  api_key: ${HUB_KEY}\n")
    config = load_deployment(file, environment={})
    with pytest.raises(InvalidInputError) as caught:
        config.text("cloud", "api_key", environment={})
    (problem,) = caught.value.problems
    assert (problem.line, problem.field) == (3, "cloud.api_key")
    assert "HUB_KEY" in problem.message
    assert config.text("cloud", "api_key", environment={"HUB_KEY": "s3cret"}) == "s3cret"


def test_a_variable_where_a_number_is_wanted_is_filled_in_and_checked(tmp_path):
    file = written(tmp_path, "execution:\n  timeout_ms: ${LIMIT}\n")
    assert load_deployment(file, environment={"LIMIT": "250"}).execution.timeout_ms == 250
    (problem,) = problems(tmp_path, "execution:\n  timeout_ms: ${LIMIT}\n")
    assert problem.line == 2 and "LIMIT" in problem.message


def test_secrets_are_masked_when_shown(tmp_path):
    file = written(tmp_path, "cloud:\n  api_key: hunter2\n")
    shown = load_deployment(file).shown()
    assert "hunter2" not in str(shown)


def test_keep_days_stand_over_retention_days(tmp_path):
    file = written(tmp_path, "storage:\n  retention_days: 12\n")
    assert load_deployment(file).executions_keep_days == 12
    text = "storage:\n  retention_days: 12\nretention:\n  executions:\n    keep_days: 7\n"
    config = load_deployment(written(tmp_path, text))
    assert (config.executions_keep_days, config.validations_keep_days) == (7, 12)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("runtime: [\n", "not valid YAML"),
        ("runtime:\n  mode: edge\n  mode: central\n", "stands twice"),
        ("- a\n- b\n", "must be a mapping"),
        ("a: &a [*a]\n", "not valid YAML"),
        ("runtime: !!python/object/apply:os.system [ls]\n", "not valid YAML"),
        ("x: " + "[" * 200 + "]" * 200 + "\n", "nested deeper"),
        ("a: \x00\n", "not valid YAML"),
        ("sampling:\n  rate: .nan\n", "rate"),
    ],
)
def test_malformed_yaml_is_one_clear_sentence(tmp_path, text, says):
    assert says in str(problems(tmp_path, text)[0])


def test_aliases_that_multiply_are_refused_quickly(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "values" in str(problems(tmp_path, "\n".join(lines) + "\n")[0])
