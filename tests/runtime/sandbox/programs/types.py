# input: {"values": [1, "a", [1], {"b": 2}, null, 2.5, true]}
# ruff: noqa
import numbers
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

Container = dict | list
Maybe = list | None
Number = int | float
PLAIN = (str, int, float, bool, type(None))
CASTS = {"text": str, "list": list, "set": set, "dict": dict, "int": int}


def kind(value):
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (dict, list)):
        return "container"
    if isinstance(value, str | bytes):
        return "text"
    if isinstance(value, numbers.Number):
        return "number"
    return "none"


def run(input_data):
    values = input_data["values"]
    made = defaultdict(dict)
    made["a"]["b"] = 1
    return {
        "kinds": [kind(value) for value in values],
        "unions": [
            [isinstance(v, Container), isinstance(v, Maybe), isinstance(v, Number)] for v in values
        ],
        "inline": [isinstance(v, list | dict | set) for v in values],
        "abstract": [
            [isinstance(v, Mapping), isinstance(v, Sequence), isinstance(v, Iterable)]
            for v in values
        ],
        "types": [type(v) in PLAIN for v in values] + [type(v) is list for v in values],
        "names": [type(v).__name__ for v in values]
        + [type(Decimal(1)).__name__, type(made).__name__],
        "casts": [
            CASTS["list"]("ab"),
            CASTS["text"](3),
            sorted(CASTS["set"]("aab")),
            CASTS["dict"]([("a", 1)]),
        ],
        "mapped": list(map(list, ["ab", "c"])) + sorted(map(tuple, [["b"], ["a"]])),
        "made": made,
        "subclass": [
            issubclass(Counter, dict),
            issubclass(bool, int),
            issubclass(OrderedDict, dict),
        ],
        "counted": isinstance(Counter("a"), dict) and isinstance(Counter("a"), Counter),
        "callable": [callable(list), callable(run), callable(3)],
        "fromkeys": dict.fromkeys("ab", 0) | {"c": list(dict(x=1).items())},
        "sets": sorted(set.intersection({1, 2}, {2, 3})) + sorted(frozenset([1]) | {2}),
        "key": max(["a", "bbb", "cc"], key=len) + min({"b": 1, "a": 2}, key=str),
    }
