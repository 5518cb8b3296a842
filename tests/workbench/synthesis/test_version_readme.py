"""What a version holds of its own trust: the card in its README, the figures in its metadata."""

import pytest
from made_examples import examples_of, orders, task_of

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.sandbox import Sandbox
from workbench.synthesis.publish import publish
from workbench.synthesis.strategy import Candidate
from workbench.synthesis.synthesizer import synthesize

SOURCE = """
def run(input_data):
    risky = (input_data["amount"] > 90) + (input_data["country"] == "US")
    return (("low", "medium", "high")[risky], 0.6)
"""


class ByHand:
    """Proposes one program: by itself, one that is right about as often as it is sure."""

    name = "by-hand"

    def __init__(self, source=SOURCE):
        self.source = source

    def propose(self, task, train, *, seed, progress=lambda message: None):
        yield Candidate(self.name, "two signs", self.source)


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    inputs, risks = orders(160)
    task = task_of(
        {"enum": ["high", "low", "medium"]},
        examples=examples_of(inputs, risks),
        accuracy_target=0.97,
        invariants=["output in ('high', 'low', 'medium')"],
    )
    store = ArtifactStore(DataDir(tmp_path_factory.mktemp("data")))
    with Sandbox() as sandbox:
        outcome = synthesize(task, [ByHand()], sandbox=sandbox)
    number = publish(store, task, outcome)
    folder = store.data_dir.artifact(task.name, number)
    return (folder / "README.md").read_text(), store.metadata(task.name, number)["evaluation"]


def test_the_readme_holds_a_card_that_says_it_is_not_good_enough(version):
    readme, _ = version
    card = readme.partition("## Model card")[2]
    assert "**Not good enough:**" in card and "What would help most:" in card
    assert "1. More examples of" in card
    assert "- `output in ('high', 'low', 'medium')`" in card


def test_the_metadata_holds_the_figures_behind_the_card(version):
    _, evaluation = version
    assert evaluation["slices_tested"] > 10
    assert evaluation["sensitivity"]["numbers ±1 %"]["inputs"] > 50
    assert evaluation["invariants"]["made_inputs"] > 0
    assert evaluation["needs"][0]["wrong"] > 0
    assert 0 <= evaluation["calibration_error"] < 0.3
    bins = evaluation["confidence_bins"]
    assert sum(one["examples"] for one in bins) == evaluation["examples"]


def test_the_explanation_says_what_would_help_most(version):
    readme, evaluation = version
    assert (
        "This is not good enough: the target is 97.0%. What would help most: More examples"
        in (evaluation["explanation"])
    )
    assert evaluation["explanation"] in readme


def test_a_program_no_better_than_the_commonest_output_is_called_so():
    inputs, risks = orders(30)
    task = task_of({"enum": ["high", "low", "medium"]}, examples=examples_of(inputs, risks))
    commonest = max(sorted(set(risks)), key=risks.count)
    always = f"def run(input_data):\n    return {commonest!r}\n"
    with Sandbox() as sandbox:
        outcome = synthesize(task, [ByHand(always)], sandbox=sandbox)
    share = f"{risks.count(commonest) / 30:.1%}"
    assert f"Always giving the commonest output is right on {share}" in outcome.explanation
