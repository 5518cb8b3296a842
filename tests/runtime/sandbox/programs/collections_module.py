# input: {"text": "the cat and the hat and the bat"}
# ruff: noqa
import collections
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple

Point = namedtuple("Point", "x y")
Token = collections.namedtuple("Token", ["word", "place"], defaults=[0])
ORIGIN = Point(0, 0)
COMMON = Counter("mississippi")


def run(input_data):
    words = input_data["text"].split()
    counts = Counter(words)
    counts.update(["cat"])
    counts["dog"] += 2
    groups = defaultdict(list)
    for word in words:
        groups[len(word)].append(word)
    nested = defaultdict(lambda: defaultdict(int))
    nested["a"]["b"] += 1
    queue = deque(words, maxlen=3)
    queue.appendleft("first")
    ordered = OrderedDict((word, len(word)) for word in words)
    ordered.move_to_end("the")
    point = Point(x=1, y=2)
    return {
        "top": counts.most_common(2),
        "total": sum(counts.values()),
        "groups": {str(size): sorted(found) for size, found in groups.items()},
        "nested": nested,
        "queue": list(queue),
        "ordered": list(ordered),
        "point": point.x + point.y + ORIGIN.x,
        "token": Token("a").place,
        "common": COMMON.most_common(1)[0][0],
        "count": COMMON["s"] + COMMON["z"],
        "is_dict": isinstance(counts, dict) and isinstance(groups, defaultdict),
        "minus": dict(counts - Counter(the=1)),
        "unpacked": [*point],
    }
