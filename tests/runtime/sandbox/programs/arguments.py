# input: {"words": ["x", "y"]}
# ruff: noqa
def collect(first, /, *rest, sep="-", **named):
    return sep.join([first, *rest, *[f"{k}={v}" for k, v in sorted(named.items())]])


def keyword_only(*, left, right=2):
    return left - right


def run(input_data):
    words = input_data["words"]
    options = {"sep": "+", "b": 1}
    return [
        collect(*words),
        collect(*words, "z", **options, a=0),
        keyword_only(left=5),
        keyword_only(**{"left": 1, "right": 9}),
        max(*[1, 5, 2]),
        {**options, "c": 3},
        [*words, *words],
        (lambda *args, **kwargs: [len(args), len(kwargs)])(1, 2, k=3),
    ]
