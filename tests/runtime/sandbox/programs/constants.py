# input: {"word": "free", "key": "b"}
# input: {"word": "none", "key": "z"}
# ruff: noqa
import copy
import json
import re

WEIGHTS = {"free": 1.5, "offer": 0.5}
STOP = {"the", "a"}
LABELS = ["ham", "spam"]
TREE = {
    "split": "word",
    "left": {"leaf": "ham"},
    "right": {"split": "length", "left": {"leaf": "spam"}, "right": [1, [2, {"deep": {3}}]]},
}
RULES = [("free", re.compile("fr+ee"), {"weight": 2}), ("none", re.compile("^$"), {"weight": 0})]
DEFAULTS = {"a": [1, 2], "b": [3]}


def walk(node, depth=0):
    if isinstance(node, dict):
        return 1 + max(walk(child, depth + 1) for child in node.values())
    if isinstance(node, list):
        return sum(walk(child) for child in node)
    return depth


def merge(extra, base=DEFAULTS):
    merged = dict(base)
    merged.update(extra)
    return merged


def run(input_data):
    word, key = input_data["word"], input_data["key"]
    mine = DEFAULTS.copy()
    mine["new"] = LABELS + ["other"]
    deep = copy.deepcopy(TREE)
    deep["left"]["leaf"] = "changed"
    labels = LABELS[:]
    labels.append("x")
    stops = STOP | {"an"}
    stops.add("of")
    return {
        "score": WEIGHTS.get(word, 0.0) + (WEIGHTS["free"] if word in WEIGHTS else 0),
        "keys": sorted(WEIGHTS) + list(WEIGHTS.keys()) + [k for k, _ in WEIGHTS.items()],
        "walk": walk(TREE),
        "types": [
            isinstance(TREE, dict),
            isinstance(LABELS, list),
            isinstance(STOP, set),
            type(TREE) is dict,
            type(LABELS) == list,
            type(STOP).__name__,
            type(TREE) in (dict, list),
        ],
        "equal": [LABELS == ["ham", "spam"], TREE["left"] == {"leaf": "ham"}, STOP == {"a", "the"}],
        "plus": LABELS + ["new"],
        "times": LABELS * 2,
        "reversed": LABELS[::-1],
        "merged": merge({"z": 1}),
        "mine": mine,
        "union": {**DEFAULTS, "q": 1},
        "or": DEFAULTS | {"r": 2},
        "stops": sorted(stops) + sorted(STOP - {"a"}) + sorted(STOP & {"a"}),
        "json": json.dumps(TREE["left"]) + json.dumps(LABELS),
        "text": f"{LABELS} {WEIGHTS} {TREE['left']}",
        "rules": [
            name for name, pattern, options in RULES if pattern.search(word) and options["weight"]
        ],
        "found": DEFAULTS.get(key, LABELS),
        "index": LABELS.index("spam"),
        "labels": labels,
        "deep": [deep["left"], TREE["left"]],
        "unpacked": [*LABELS],
        "length": len(TREE),
        "sets": sorted(set.union({1}, {2}, {3})) + sorted(set().union(*[{1}, {4}])),
        "fromkeys": dict.fromkeys(LABELS, 0),
        "max": max(WEIGHTS, key=WEIGHTS.get),
        "constant_itself": DEFAULTS,
    }
