"""Nothing survives from one execution of a program to the next."""

from __future__ import annotations

import pytest

from runtime.sandbox import GateError, Sandbox


def answers(sandbox: Sandbox, source: str, times: int = 3) -> list[object]:
    program = sandbox.load(source)
    sandbox.prepare(program)
    return [
        result.error.type if result.error else result.output
        for result in sandbox.run(program, [{}] * times)
    ]


WRITES = {
    "item": ("X = {'n': 0}", "X['n'] += 1; return X['n']"),
    "item of a list": ("X = [0]", "X[0] += 1; return X[0]"),
    "append": ("X = []", "X.append(1); return len(X)"),
    "extend in place": ("X = []", "Y = X; Y += [1]; return len(X)"),
    "slice": ("X = [1, 2]", "X[:] = X[:] * 2; return len(X)"),
    "delete": ("X = {'a': 1, 'b': 2}", "del X['a']; return len(X)"),
    "pop": ("X = [1, 2, 3]", "return X.pop()"),
    "update": ("X = {}", "X.update(a=1); return 1"),
    "setdefault": ("X = {}", "X.setdefault('a', []); return 1"),
    "add": ("X = {1}", "X.add(2); return len(X)"),
    "set in place": ("X = {1}", "Y = X; Y |= {2}; return len(X)"),
    "dict in place": ("X = {}", "Y = X; Y |= {'a': 1}; return len(X)"),
    "sort": ("X = [2, 1]", "X.sort(); return X[0]"),
    "nested": ("X = {'a': [{'b': {1}}]}", "X['a'][0]['b'].add(2); return 1"),
    "in a tuple": ("X = ([],)", "X[0].append(1); return len(X[0])"),
    "in a named tuple": (
        "from collections import namedtuple\nX = namedtuple('P', 'x')([])",
        "X.x.append(1); return len(X.x)",
    ),
    "counter": ("from collections import Counter\nX = Counter('a')", "X['a'] += 1; return 1"),
    "counter method": (
        "from collections import Counter\nX = Counter('a')",
        "X.update('a'); return X['a']",
    ),
    "defaultdict": (
        "from collections import defaultdict\nX = defaultdict(list)",
        "X['a'].append(1); return len(X['a'])",
    ),
    "ordered dict": (
        "from collections import OrderedDict\nX = OrderedDict(a=1)",
        "X['b'] = 1; return len(X)",
    ),
    "alias": ("X = []\nY = {'x': X}", "Y['x'].append(1); return len(X)"),
    "alias of a read-only name": ("X = [0]\nY = [X]", "Y[0][0] += 1; return X[0]"),
    "bound method": ("X = []\nADD = X.append", "ADD(1); return len(X)"),
    "method in a table": ("X = []\nM = {'add': X.append}", "M['add'](1); return len(X)"),
    "partial": (
        "from functools import partial\nX = []\nADD = partial(X.append, 1)",
        "ADD(); return len(X)",
    ),
    "slice object": ("X = slice([], None)", "X.start.append(1); return len(X.start)"),
    "heap": ("import heapq\nX = [3]", "heapq.heappush(X, 1); return len(X)"),
    "insort": ("import bisect\nX = [3]", "bisect.insort(X, 1); return len(X)"),
    "handed to a function": ("X = []\ndef f(y):\n    y.append(1)", "f(X); return len(X)"),
    "returned by a function": ("X = []\ndef f():\n    return X", "f().append(1); return 1"),
    "through a loop": ("X = {'a': []}", "for v in X.values(): v.append(1)\n    return 1"),
    "through a match": (
        "X = {'a': []}",
        "match X:\n        case {'a': v}: v.append(1)\n    return 1",
    ),
    "through max": ("X = []", "max(X, [], key=len).append(1); return len(X)"),
    "through or": ("X = []", "(X or X).append(1); return len(X)"),
    "through sum": ("X = [1]", "Y = sum([], X); Y.append(1); return len(X)"),
}


@pytest.mark.parametrize(("constant", "statement"), WRITES.values(), ids=list(WRITES))
def test_a_module_level_value_cannot_be_changed(
    sandbox: Sandbox, constant: str, statement: str
) -> None:
    source = f"{constant}\ndef run(input_data):\n    {statement}\n"
    assert answers(sandbox, source) == ["TypeError"] * 3


def test_the_message_says_to_copy_the_constant(sandbox: Sandbox) -> None:
    program = sandbox.load("X = [2, 1]\ndef run(x):\n    X.sort()\n    return X\n")
    [result] = sandbox.run(program, [{}])
    assert result.error is not None
    assert "copy it first, as in dict(X), list(X)" in result.error.message
    assert result.error.line == 3


def test_a_changed_default_is_an_error_and_not_a_memory(sandbox: Sandbox) -> None:
    source = "def run(x, seen=[], *, more={}):\n    seen.append(1)\n    return len(seen)\n"
    assert answers(sandbox, source) == ["TypeError"] * 3


def test_a_closure_made_at_module_level_is_read_only_too(sandbox: Sandbox) -> None:
    source = """
def make():
    seen = []
    def remember(x):
        seen.append(x)
        return len(seen)
    return remember
run = make()
"""
    assert answers(sandbox, source) == ["TypeError"] * 3


UNFREEZABLE = {
    "iterator": ("X = iter([1, 2])", "list_iterator"),
    "generator": ("X = (n for n in [1, 2])", "generator"),
    "map": ("X = [map(str, [1])]", "map"),
    "count": ("import itertools\nX = itertools.count()", "count"),
    "deque": ("from collections import deque\nX = deque()", "deque"),
    "hash": ("import hashlib\nX = {'h': hashlib.md5()}", "HASH"),
    "bound method of an iterator": (
        "import hashlib\nX = hashlib.md5().update",
        "HASH",
    ),
    "matcher": ("import difflib\nX = difflib.SequenceMatcher()", "SequenceMatcher"),
    "exception": ("X = ValueError([])", "ValueError"),
    "default": ("def X(n, it=iter([1])):\n    return next(it)", "list_iterator"),
    "cyclic": ("X = []\nX.append(X)", "holds itself"),
    "cached method": (
        "import functools\nL = [1, 2]\nX = functools.lru_cache(L.pop)",
        "caches a method that changes a value",
    ),
}


@pytest.mark.parametrize(("statement", "words"), UNFREEZABLE.values(), ids=list(UNFREEZABLE))
def test_a_module_level_value_that_keeps_state_is_refused_by_name(
    sandbox: Sandbox, statement: str, words: str
) -> None:
    program = sandbox.load(f"{statement}\ndef run(x):\n    return 1\n")
    with pytest.raises(GateError, match="the module-level value X") as caught:
        sandbox.prepare(program)
    assert words in str(caught.value)
    line = statement[: statement.index("X")].count("\n") + 1
    assert caught.value.refusals[0].line == line


def test_a_nonlocal_at_module_level_is_refused_and_inside_run_it_works(sandbox: Sandbox) -> None:
    counter = """
def make():
    n = 0
    def tick(x):
        nonlocal n
        n += 1
        return n
    return tick
"""
    with pytest.raises(GateError, match="keeps state in a nonlocal variable"):
        sandbox.prepare(sandbox.load(counter + "run = make()\n"))
    inside = counter + "def run(x):\n    tick = make()\n    tick(x)\n    return tick(x)\n"
    assert answers(sandbox, inside) == [2, 2, 2]


def test_caches_work_and_are_emptied_between_executions(sandbox: Sandbox) -> None:
    source = """
from functools import cache, lru_cache

@lru_cache(maxsize=8)
def box(name):
    return []

@cache
def double(n):
    return 2 * n

def run(input_data):
    box("a").append(1)
    double(1)
    double(1)
    return [len(box("a")), double.cache_info().hits]
"""
    assert answers(sandbox, source) == [[1, 1]] * 3


def test_what_run_makes_is_its_own(sandbox: Sandbox) -> None:
    source = """
TABLE = {"words": ["a"], "deep": {"x": [1]}}

def run(input_data):
    mine = dict(TABLE)
    mine["new"] = 1
    words = list(TABLE["words"])
    words.append("b")
    words += ["c"]
    both = {**TABLE["deep"], "y": 2}
    both["z"] = 3
    return [len(mine), words, sorted(both), len(TABLE), len(TABLE["words"])]
"""
    assert answers(sandbox, source) == [[3, ["a", "b", "c"], ["x", "y", "z"], 2, 1]] * 3


def test_the_module_level_may_build_its_tables_step_by_step(sandbox: Sandbox) -> None:
    source = """
TABLE = {}
for number in range(5):
    TABLE.setdefault(number % 2, []).append(number)
TABLE["done"] = True

def add(name):
    TABLE[name] = len(TABLE)
    return name

NAME = add("more")

def run(input_data):
    return [TABLE[0], TABLE["more"], NAME]
"""
    assert answers(sandbox, source) == [[[0, 2, 4], 3, "more"]] * 3


def test_hashes_are_the_same_in_every_worker() -> None:
    source = "def run(x):\n    return [hash('a'), list({'a', 'b', 'c', 'd'})]\n"
    seen = []
    for _ in range(2):
        with Sandbox() as sandbox:
            seen.append(sandbox.run(sandbox.load(source), [{}])[0].output)
    assert seen[0] == seen[1]


def test_one_program_sees_nothing_of_another(sandbox: Sandbox) -> None:
    first = sandbox.load("SECRET = 'mine'\ndef run(x):\n    return SECRET\n")
    second = sandbox.load("def run(x):\n    return SECRET\nif False:\n    SECRET = 1\n")
    sandbox.run(first, [{}])
    [result] = sandbox.run(second, [{}])
    assert result.error is not None
    assert result.error.type == "NameError"
