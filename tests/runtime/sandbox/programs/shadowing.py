# input: {"list": [3, 1], "type": "x", "input": 5}
# ruff: noqa
def dir(vars):
    return [vars]


def filter_words(list, type, id=None):
    set = {item for item in list}
    str = f"{type}{id}"
    return sorted(set), str


def run(input):
    type = input["type"]
    hash, format = 1, "text"
    dict = {"list": input["list"]}
    _ = 3
    for _, max in enumerate([1]):
        pass
    return [filter_words(input["list"], type, id=2), hash, format, dict, dir(_), max]
