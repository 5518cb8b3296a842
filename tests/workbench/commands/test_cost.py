"""`loopai cost`: what a model for every request would come to, beside the program."""

import json

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from support import PROGRAM, log_line, make_task

from runtime.artifacts import ArtifactStore, NewArtifact
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError
from runtime.models import Example, ProgramArtifact, Strategy
from workbench.commands.cost import command
from workbench.cost import estimate_tokens


@pytest.fixture
def data_dir(tmp_path):
    data_dir = DataDir(tmp_path)
    examples = [Example(input={"text": f"buy {n} now"}, output="spam") for n in range(8)]
    task = make_task(data_dir, examples=examples)
    artifact = ProgramArtifact(
        task_id=task.id,
        version=1,
        code=PROGRAM,
        synthesis_strategy=Strategy.RULE,
        confidence_score=0.9,
        generation_cost=4.0,
    )
    report = {"latency_ms": {"p50": 0.5, "p99": 2.0}}
    ArtifactStore(data_dir).add(task, NewArtifact(artifact, report, {}, "A program.\n"))
    return data_dir


def price(data_dir, **prices):
    data_dir.deployment_file.parent.mkdir(exist_ok=True)
    data_dir.deployment_file.write_text(yaml.safe_dump({"prices": prices}))


def run(data_dir, *arguments):
    options = ["spam-detection", "--data-dir", str(data_dir.root), *arguments]
    result = CliRunner().invoke(command, options)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def ask(data_dir, *arguments):
    return json.loads(run(data_dir, "--json", "--requests-per-day", "1000", *arguments).stdout)


def test_without_prices_tokens_and_seconds_are_compared_and_it_says_what_to_write(data_dir):
    shown = run(data_dir, "--requests-per-day", "1000").stdout
    assert "No price is configured" in shown and "input_per_million" in shown
    assert str(data_dir.deployment_file) in shown
    report = ask(data_dir)
    assert report["models"] == []
    assert report["tokens_per_day"] == 1000 * report["tokens_per_call"]["total"]
    assert report["program"]["busy_seconds_per_day"] == 0.5


def test_a_priced_model_costs_what_its_tokens_cost(data_dir):
    price(data_dir, models={"big": {"input_per_million": 3, "output_per_million": 15}})
    report = ask(data_dir)
    tokens, (model,) = report["tokens_per_call"], report["models"]
    given = tokens["instructions"] + tokens["examples"] + tokens["input"]
    assert model["per_call"] == pytest.approx((given * 3 + tokens["output"] * 15) / 1e6)
    assert model["per_month"] == pytest.approx(30 * 1000 * model["per_call"])


def test_the_program_has_paid_when_what_it_cost_is_saved(data_dir):
    price(data_dir, models={"big": {"input_per_million": 3, "output_per_million": 15}})
    (model,) = ask(data_dir, "--made-for", "96")["models"]
    assert model["break_even_days"] == pytest.approx(100 / model["per_day"])


def test_a_machine_that_costs_more_than_the_model_never_pays(data_dir):
    price(data_dir, per_call=0.001, machine_per_month=60)
    (model,) = ask(data_dir)["models"]
    assert model["break_even_days"] is None and model["saved_per_month"] == pytest.approx(-30)
    assert model["break_even_requests_per_day"] == 2000
    shown = run(data_dir, "--requests-per-day", "1000").stdout
    assert "never under 2,000 requests a day" in shown


def test_a_model_may_be_priced_on_the_command_line(data_dir):
    (model,) = ask(data_dir, "--model", "small", "0.5", "1.5")["models"]
    assert model["model"] == "small" and model["per_call"] > 0


def test_more_examples_in_the_prompt_cost_more_tokens(data_dir):
    none, some = ask(data_dir, "--shots", "0"), ask(data_dir, "--shots", "8")
    assert none["tokens_per_call"]["examples"] == 0
    assert some["tokens_per_call"]["examples"] > 40
    assert ask(data_dir, "--shots", "200")["tokens_per_call"] == some["tokens_per_call"]


def test_what_is_really_asked_is_taken_from_the_log(data_dir):
    before = ask(data_dir)
    folder = data_dir.executions("spam-detection")
    folder.mkdir(parents=True)
    line = log_line(1, input={"text": "a long message " * 200})
    (folder / "2026-11-22.jsonl").write_bytes(line + b"\n")
    after = ask(data_dir)
    assert before["tokens_estimated_from"] == "the examples"
    assert after["tokens_estimated_from"] == "the log of executions"
    assert after["tokens_per_call"]["input"] > 10 * before["tokens_per_call"]["input"]


def test_the_seconds_are_those_of_the_evaluation_and_the_configuration(data_dir):
    model = {"input_per_million": 1, "output_per_million": 2, "seconds_per_call": 1.25}
    price(data_dir, models={"big": model})
    report = ask(data_dir)
    assert report["program"]["p99_ms"] == 2.0
    assert report["models"][0]["seconds_per_call"] == 1.25


def test_the_currency_is_the_configurations(data_dir):
    price(data_dir, currency="EUR", per_call=0.01)
    assert ask(data_dir)["currency"] == "EUR"
    assert "In EUR" in run(data_dir, "--requests-per-day", "10").stdout


def test_a_task_without_a_version_has_nothing_to_compare(tmp_path):
    make_task(DataDir(tmp_path))
    with pytest.raises(LoopaiError, match="has no version yet"):
        ask(DataDir(tmp_path))


def test_a_wrong_price_is_named_with_its_line(data_dir):
    price(data_dir, models={"big": {"input_per_million": -3, "output_per_million": 15}})
    with pytest.raises(LoopaiError, match=r"prices\.models\.big\.input_per_million"):
        ask(data_dir)


def test_requests_per_day_must_be_given(data_dir):
    assert run(data_dir).exit_code == 2
    assert run(data_dir, "--requests-per-day", "0").exit_code == 2


@given(st.text(max_size=200), st.text(max_size=50))
def test_more_text_is_never_fewer_tokens(text, more):
    assert estimate_tokens(text) <= estimate_tokens(text + more)
    assert estimate_tokens("a" * 400) == 100 and estimate_tokens("") == 0
