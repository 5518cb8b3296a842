"""How often rollouts err: hundreds here, thousands in `tests.benchmarks.rollout_simulation`."""

from __future__ import annotations

import random
from dataclasses import replace

from runtime.rollout.difference import BASELINE, CANDIDATE
from runtime.rollout.evidence import StageEvidence
from runtime.rollout.judgement import judge
from runtime.rollout.settings import RolloutConfig
from tests.benchmarks.rollout_simulation import EQUAL, NEW, simulate


def test_equal_versions_are_hardly_ever_rolled_back_however_long_one_looks():
    scenario = replace(
        EQUAL,
        never_satisfied=True,
        most_requests=20_000,
        strata=NEW,  # uncertain ones are sampled more, and those of the candidate
    )
    outcomes = simulate(scenario, runs=300)
    # 5 % of 300 are 15; by chance alone there are hardly ever more than 27.
    assert outcomes.rolled_back <= 27
    assert outcomes.rolled_back + outcomes.promoted == 300


def test_twice_the_errors_are_caught_and_five_points_less_accuracy_too():
    errors = simulate(replace(EQUAL, errors=(0.04, 0.02)), runs=150)
    accuracy = simulate(replace(EQUAL, disagreement=(0.15, 0.10)), runs=100)
    for outcomes in (errors, accuracy):
        assert outcomes.rolled_back >= 0.95 * outcomes.runs


def run_one(seed, errors, looks=1500):
    """One stage, request by request, with the steward's own code: its first outcome."""
    source = random.Random(seed)
    config = RolloutConfig(agreement="off")
    evidence = StageEvidence(config)
    for number in range(looks):
        arm = CANDIDATE if source.random() < 0.5 else BASELINE
        failed = source.random() < errors[arm]
        evidence.add_execution(arm, "error" if failed else "success", source.random())
        if number % 50 == 0:
            judgement = judge(evidence, config, needs_agreement=False, past_deadline=False)
            if judgement.outcome != "gathering":
                return judgement.outcome
    return "gathering"


def test_what_is_simulated_is_what_the_steward_does():
    worse = [run_one(seed, (0.3, 0.1)) for seed in range(12)]
    equal = [run_one(seed, (0.0, 0.0)) for seed in range(12)]
    assert worse == ["worse"] * 12
    assert equal == ["better"] * 12
