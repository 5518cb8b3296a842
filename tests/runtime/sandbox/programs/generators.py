# input: {"n": 5}
# ruff: noqa
def count_down(n):
    while n > 0:
        received = yield n
        n -= received or 1


def flatten(value):
    for item in value:
        if isinstance(item, list):
            yield from flatten(item)
        else:
            yield item


def windows(items, size):
    for at in range(len(items) - size + 1):
        yield items[at : at + size]


def run(input_data):
    lazily = (n * n for n in range(input_data["n"]))
    counter = count_down(input_data["n"])
    first = next(counter)
    return {
        "squares": list(lazily),
        "flat": list(flatten([1, [2, [3, []]], 4])),
        "windows": [list(w) for w in windows("abcd", 2)],
        "sent": [first, counter.send(2), next(counter, None), next(iter([]), "end")],
        "enumerate": [[i, c] for i, c in enumerate("ab", start=1)],
        "zip": dict(zip("ab", (1, 2), strict=True)),
        "reversed": list(reversed([1, 2])) + list(map(str, filter(None, [0, 1]))),
        "all": all(x for x in ()) and min((3, 1), default=0),
    }
