"""Strategies of one's own, installed as a distribution: used, listed, and never fatal."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from support import clean_environment

from workbench.synthesis.strategies import load_strategies

# The worked example: a strategy that answers with the commonest output of the examples.
MINE = '''
from collections import Counter

from workbench.synthesis.strategy import Candidate, NotApplicableError


class Commonest:
    """Proposes a program that always gives the commonest output."""

    name = "mine"

    def propose(self, task, train, *, seed, progress=lambda message: None):
        outputs = Counter(example.output for example in train)
        if len(outputs) > 2:
            raise NotApplicableError("this is for two classes")
        progress("counting")
        commonest = outputs.most_common(1)[0][0]
        source = f"def run(input_data):\\n    return {commonest!r}\\n"
        yield Candidate(self.name, "the commonest", source, (f"Always {commonest}.",))
'''
RAISES = MINE.replace('progress("counting")', 'raise RuntimeError("out of luck")')
NO_CANDIDATE = MINE.replace("yield Candidate(", "yield (")
OPENS = MINE.replace("    return {commonest!r}", "    return open({commonest!r})")
VERDICTS = "".join(
    json.dumps({"input": {"n": n}, "output": "keep" if n % 3 else "return"}) + "\n"
    for n in range(45)
)


def install(folder, name, module, source, target="Commonest", strategy="mine", version="1.2"):
    """A distribution as pip would leave it: a module and its metadata."""
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[loopai.strategies]\n{strategy} = {module}:{target}\n")


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def installed(site, monkeypatch):
    """Installs into a folder that this process looks for modules in."""
    monkeypatch.syspath_prepend(str(site))

    def add(*arguments, **options):
        install(site, *arguments, **options)
        sys.modules.pop(arguments[1], None)

    yield add
    for file in site.glob("*.py"):
        sys.modules.pop(file.stem, None)


@pytest.fixture
def loopai(tmp_path, site):
    def run(*arguments, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "workbench", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**clean_environment(), "PYTHONPATH": str(site)},
            check=False,
            timeout=150,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def verdicts(loopai, tmp_path):
    (tmp_path / "rows.jsonl").write_text(
        "".join(
            json.dumps({**row["input"], "verdict": row["output"]}) + "\n"
            for row in map(json.loads, VERDICTS.splitlines())
        )
    )
    loopai("task", "new", "verdicts", "--from", "rows.jsonl", "--output", "verdict")


def test_an_installed_strategy_makes_a_version_by_its_name(loopai, site, tmp_path):
    install(site, "my-strategies", "my_strategies", MINE)
    verdicts(loopai, tmp_path)
    made = json.loads(loopai("synthesize", "verdicts", "--strategy", "mine", "--json").stdout)
    assert made["chosen"] == "mine"
    assert made["candidates"][0]["accuracy"] == pytest.approx(2 / 3, abs=0.01)
    (listed,) = json.loads(loopai("versions", "verdicts", "--json").stdout)["versions"]
    assert listed["strategy"] == "mine"
    tried = json.loads(loopai("try", "verdicts", '{"n": 4}', "--json").stdout)
    assert tried["output"] == "keep"
    shown = loopai("plugins").stdout
    assert "my-strategies" in shown and "1.2" in shown and "loaded" in shown


def test_a_strategy_that_raises_costs_no_other_its_program(loopai, site, tmp_path):
    install(site, "my-strategies", "my_strategies", RAISES)
    verdicts(loopai, tmp_path)
    arguments = ("--strategy", "mine", "--strategy", "rule", "--json")
    made = json.loads(loopai("synthesize", "verdicts", *arguments).stdout)
    assert made["chosen"] == "rule"
    assert made["skipped"]["mine"] == "the plugin failed: RuntimeError: out of luck"


def test_a_name_that_no_strategy_has_is_an_error_with_the_names_there_are(loopai, tmp_path):
    verdicts(loopai, tmp_path)
    done = loopai("synthesize", "verdicts", "--strategy", "nonesuch", code=2)
    assert "there is no strategy 'nonesuch' (shipped: rule, ml, hybrid, dsl)" in done.stderr
    assert "loopai plugins" in done.stderr
    assert json.loads(loopai("versions", "verdicts", "--json").stdout)["versions"] == []
    assert not list(tmp_path.rglob("synthesis.db"))


def listing(*arguments):
    from workbench.commands.plugins import command

    return CliRunner().invoke(command, [*arguments], standalone_mode=False)


def test_without_plugins_the_command_says_how_to_add_one():
    shown = listing()
    assert shown.return_value == 0
    assert 'mine = "my_package:MyStrategy"' in shown.stdout
    assert json.loads(listing("--json").stdout) == []


@pytest.mark.parametrize(
    ("module", "source", "target", "name", "says"),
    [
        ("broken_a", "import no_such_module\n", "Commonest", "mine", "ModuleNotFoundError"),
        ("broken_b", "raise SystemExit(3)\n", "Commonest", "mine", "SystemExit"),
        ("broken_c", MINE, "NoSuchClass", "mine", "AttributeError"),
        ("broken_d", "x = 3\n", "x", "mine", "has no method propose"),
        ("broken_e", MINE, "Commonest", "rule", "rule is the name of one that ships"),
        ("broken_f", MINE, "Commonest", "Mine Own", "no usable name"),
        (
            "broken_g",
            MINE.replace('name = "mine"', "def __init__(self): raise OSError('no licence')"),
            "Commonest",
            "mine",
            "cannot be made: OSError: no licence",
        ),
    ],
    ids=["missing module", "exits", "missing class", "no strategy", "taken", "bad name", "raises"],
)
def test_a_broken_plugin_is_listed_with_its_reason(installed, module, source, target, name, says):
    installed("bad-strategies", module, source, target, name)
    result = listing("--json")
    assert result.return_value == 1
    (listed,) = json.loads(result.stdout)
    assert listed["distribution"] == "bad-strategies" and not listed["loaded"]
    assert says in listed["problem"]


def test_a_broken_plugin_leaves_those_that_ship_as_they_are(installed):
    installed("bad-strategies", "broken_h", "import no_such_module\n")
    assert [strategy.name for strategy in load_strategies()] == ["rule", "ml", "hybrid", "dsl"]


def test_an_installed_strategy_takes_part_where_none_is_named(installed):
    installed("my-strategies", "my_strategies_2", MINE)
    assert [strategy.name for strategy in load_strategies()][-1] == "mine"
    assert [strategy.name for strategy in load_strategies(["mine"])] == ["mine"]


def test_of_two_with_one_name_the_first_is_used_and_the_other_reported(installed):
    from workbench.plugins import STRATEGIES, find_plugins

    installed("a-strategies", "one_module", MINE)
    installed("b-strategies", "other_module", MINE)
    first, second = find_plugins(STRATEGIES)
    assert first.problem is None
    assert second.problem == "a-strategies has a strategy of this name already"


@pytest.mark.parametrize(
    ("module", "source", "says"),
    [
        ("odd_a", NO_CANDIDATE, "proposed a tuple, which is no Candidate"),
        ("odd_b", OPENS, "refused by the gate"),
        ("odd_c", MINE.replace("return {commonest!r}", "return 1 / 0"), "ZeroDivisionError"),
    ],
    ids=["no candidate", "forbidden code", "failing code"],
)
def test_what_a_plugin_proposes_passes_the_same_walls(installed, module, source, says):
    from runtime.errors import LoopaiError
    from runtime.models import Example, TaskSpecification
    from runtime.sandbox import Sandbox
    from workbench.synthesis.synthesizer import synthesize

    installed("odd-strategies", module, source)
    task = TaskSpecification(
        name="verdicts",
        description="Keep it?",
        input_schema={"type": "object"},
        output_schema={"enum": ["keep", "return"]},
        examples=[Example(**json.loads(line)) for line in VERDICTS.splitlines()],
    )
    with Sandbox() as sandbox, pytest.raises(LoopaiError, match=says):
        synthesize(task, load_strategies(["mine"]), sandbox=sandbox)
