# input: {"text": "<b>one</b> two three", "numbers": [5, 3, 8, 1]}
# ruff: noqa
import bisect
import collections.abc
import difflib
import functools
import hashlib
import heapq
import html
import itertools
import json
import operator
import textwrap
from itertools import chain, groupby
from operator import itemgetter

THRESHOLDS = [2, 4, 6]
GRADES = "FDCA"
BY_SECOND = itemgetter(1)


@functools.lru_cache(maxsize=None)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def compare(a, b):
    return (a > b) - (a < b)


def run(input_data):
    numbers, text = input_data["numbers"], input_data["text"]
    heap = list(numbers)
    heapq.heapify(heap)
    heapq.heappush(heap, 2)
    rows = list(THRESHOLDS)
    bisect.insort(rows, 5)
    matcher = difflib.SequenceMatcher(None, "abcd", "bcde")
    return {
        "grade": [GRADES[bisect.bisect(THRESHOLDS, n)] for n in numbers],
        "heap": [heapq.heappop(heap) for _ in range(2)] + heapq.nlargest(2, numbers),
        "rows": rows,
        "fib": fibonacci(50),
        "sorted": sorted(numbers, key=functools.cmp_to_key(compare)),
        "digest": hashlib.sha256(text.encode()).hexdigest()[:8],
        "md5": hashlib.md5(b"x").hexdigest(),
        "close": difflib.get_close_matches("appel", ["apple", "ape", "peach"]),
        "ratio": round(matcher.ratio(), 4),
        "blocks": [list(block) for block in matcher.get_matching_blocks()],
        "wrapped": textwrap.wrap(text, 9)
        + [textwrap.dedent("  a\n  b"), textwrap.shorten(text, 9)],
        "escaped": html.escape(text) + html.unescape("&lt;&eacute;"),
        "json": json.loads(json.dumps({"a": [1, None, True], "b": "é"}, ensure_ascii=False)),
        "sorted_json": json.dumps({"b": 1, "a": 2}, sort_keys=True, indent=1),
        "grouped": {str(k): len(list(g)) for k, g in groupby(sorted(numbers), lambda n: n % 2)},
        "chained": list(chain.from_iterable([[1], [2, 3]])) + list(itertools.islice("abc", 2)),
        "pairs": [list(p) for p in itertools.combinations(numbers[:3], 2)],
        "accumulated": list(itertools.accumulate(numbers)),
        "zipped": [list(z) for z in itertools.zip_longest("ab", "c", fillvalue="-")],
        "by_second": sorted([("a", 2), ("b", 1)], key=BY_SECOND),
        "mul": functools.reduce(operator.mul, numbers),
        "mapping": isinstance({}, collections.abc.Mapping),
    }
