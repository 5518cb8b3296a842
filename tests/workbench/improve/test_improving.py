"""`loopai improve`: from confirmed failures to a compared and promoted version."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from improve_parts import a_drifted_task, message, new_traffic, old_traffic, validate
from support import TASK, add_version, clean_environment, wait_until

from runtime.artifacts import ArtifactStore
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir
from runtime.rollout.document import read_rollout
from runtime.tasks import load_task
from runtime.validation.cases import confirm
from runtime.validation.gain import mcnemar
from workbench.improve.improving import look
from workbench.improve.journal import ImproveJournal
from workbench.improve.patterns import Seen, find_mistakes, find_patterns
from workbench.improve.watch import Watch

BETTER = """
def run(input_data):
    text = input_data["text"]
    return "spam" if "buy" in text or ("jackpot" in text and not text.endswith("7")) else "ham"
"""


@pytest.fixture
def data_dir(tmp_path) -> DataDir:
    data_dir = DataDir(tmp_path / "data")
    a_drifted_task(data_dir)
    return data_dir


def improve(data_dir, *arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "improve", *arguments],
        capture_output=True,
        text=True,
        env={**clean_environment(), "LOOPAI_DATA_DIR": str(data_dir.root)},
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=150,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.slow
def test_failures_become_examples_and_a_version_that_wins_is_promoted_in_stages(data_dir):
    validate(data_dir, [*old_traffic(30, start=200), *new_traffic(40)])
    done = improve(data_dir, TASK, "--strategy", "rule", "--promote", "staged", "--json")
    made = json.loads(done.stdout)
    assert (made["active"], made["version"], made["failures"]) == (1, 2, 40)
    assert made["added"] == made["to_learn_from"] < 40
    assert "jackpot" in made["patterns"][0]["pattern"]
    gain = made["gain"]
    assert gain["won"] > 5 and gain["lost"] == 0 and gain["verdict"] == "better"
    assert gain["p_value"] < 0.05
    rollout = read_rollout(data_dir, TASK)
    assert rollout is not None and (rollout.baseline, rollout.candidate) == (1, 2)
    assert ArtifactStore(data_dir).active(TASK) == 1, "only the rollout decides"
    added = [e for e in load_task(data_dir, TASK).examples if e.origin]
    assert len(added) == made["added"]
    assert added[0].origin["oracle"] == "file" and added[0].origin["answered"] == "ham"
    with ImproveJournal(data_dir) as journal:
        (run,) = journal.runs(TASK)
        assert (run["outcome"], run["version"]) == ("offered", 2)
        assert len(journal.tried(TASK)) == 40


def test_a_dry_run_says_in_words_what_fails_and_changes_nothing(data_dir):
    validate(data_dir, [*old_traffic(40, start=200), *new_traffic(20)])
    before = data_dir.examples_file(TASK).read_bytes()
    text = improve(data_dir, TASK, "--dry-run").stdout
    assert "v1 is wrong on 20 of 60 validated inputs" in text
    assert '20 of 20 failures have "jackpot" in text; 0 of 40 successes do' in text
    assert data_dir.examples_file(TASK).read_bytes() == before
    assert ArtifactStore(data_dir).versions(TASK) == [1]


def test_nothing_to_learn_from_is_one_sentence(data_dir):
    assert "nothing of spam-detection has been validated" in improve(data_dir, TASK, code=2).stderr
    validate(data_dir, old_traffic(9, start=200))
    assert "is right on all 9 validated inputs" in improve(data_dir, TASK, code=2).stderr


def test_contradictions_are_reported_and_nobody_learns_from_them(data_dir):
    torn, known = message(1, "jackpot"), old_traffic(1)[0][0]
    validate(data_dir, [(torn, "spam"), (torn, "ham"), (known, "ham")])
    validate(data_dir, [(message(2, "jackpot"), "ham")])
    validate(data_dir, [(message(2, "jackpot"), "spam")], oracle="person")
    situation = look(data_dir, TASK)
    claims = [dict(each.claims) for each in situation.contradictions]
    assert len(claims) == 2
    assert claims[1] == {"examples.jsonl": "spam", "file": "ham"}
    (case,) = situation.failures
    assert case.origin["oracle"] == "person", "a person goes before a file"


def test_the_watch_stops_at_the_offer_and_never_tries_the_same_failures_twice(data_dir):
    synthesized = []

    def synthesize(task):
        synthesized.append(task.name)
        return add_version(data_dir, task, BETTER + f"# {len(synthesized)}\n")

    config = DeploymentConfig.model_validate({"improve": {"min_failures": 10}})
    watch = Watch(data_dir, synthesize)
    validate(data_dir, [*old_traffic(20, start=200), *new_traffic(9)])
    assert watch.look(config) == [], "too few yet"
    validate(data_dir, new_traffic(31, start=2000))
    (made,) = watch.look(config)
    assert made.worth_it and read_rollout(data_dir, TASK) is None, "it stops at the offer"
    assert watch.look(config) == []
    assert len(synthesized) == 1
    validate(data_dir, new_traffic(12, start=3000))
    auto = DeploymentConfig.model_validate({"improve": {"min_failures": 10, "auto": True}})
    assert len(watch.look(auto)) == 1
    rollout = read_rollout(data_dir, TASK)
    assert rollout is not None and rollout.candidate == 3
    validate(data_dir, new_traffic(12, start=4000))
    assert watch.look(auto) == [], "one version is being tried out"


@pytest.mark.slow
def test_the_watch_runs_as_a_child_and_ends_when_told(data_dir):
    config = data_dir.deployment_file
    config.parent.mkdir(parents=True)
    config.write_text("improve:\n  interval_sec: 0.2\n  min_failures: 5\n  strategies: [rule]\n")
    validate(data_dir, [*old_traffic(12, start=200), *new_traffic(14)])
    environment = {**clean_environment(), "LOOPAI_DATA_DIR": str(data_dir.root)}
    with subprocess.Popen(
        [sys.executable, "-m", "workbench.improve"], env=environment, stderr=subprocess.PIPE
    ) as child:
        wait_until(lambda: ArtifactStore(data_dir).versions(TASK) == [1, 2], seconds=90)
        child.send_signal(signal.SIGTERM)
        errors = child.communicate(timeout=30)[1].decode()
    assert child.returncode == 0, errors


def test_the_exact_test_of_mcnemar():
    assert mcnemar(0, 0) == 1
    assert mcnemar(5, 5) == 1
    assert mcnemar(6, 0) == pytest.approx(0.03125)
    assert mcnemar(8, 1) == pytest.approx(0.0390625)


def test_patterns_name_fields_numbers_and_confidence_with_counts():
    def seen(country, price, right, confidence=0.95):
        given = {"country": country, "price": price, "note": f"order {price}"}
        return Seen(given, "keep", "keep" if right else "return", confidence=confidence)

    good = [seen("DE" if n % 2 else "FR", n, True) for n in range(60)]
    bad = [seen("NL", n, False) for n in range(12)] + [
        seen("DE", 2000 + n, False, 0.4) for n in range(6)
    ]
    assert [str(pattern) for pattern in find_patterns(bad, good)] == [
        '12 of 18 failures have country = "NL"; 0 of 60 successes do',
        "6 of 18 failures had a confidence below 50%; 0 of 60 successes do",
    ]
    assert find_mistakes(bad) == [('"return"', '"keep"', 18)]
    assert find_patterns([], good) == []


def test_lines_without_an_input_teach_nothing(data_dir):
    task = load_task(data_dir, TASK)
    erased = {"execution_id": "x", "oracle_output": "spam", "erased": True}
    assert confirm([erased], task).cases == ()
