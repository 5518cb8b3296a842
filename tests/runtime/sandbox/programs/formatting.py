# input: {"name": "Ada", "amount": 1234.5678}
# ruff: noqa
TEMPLATE = "{name:>6}|{0:08.2f}|{1!r}"
PATTERN = "{}-{}"


def run(input_data):
    name, amount = input_data["name"], input_data["amount"]
    width = 9
    return [
        f"{name:>{width}}|{amount:,.2f}|{amount!r:>12}|{name=}",
        "{} {}".format(name, amount),
        "{0}{0}{1}".format(name, 1),
        "{:<8}|{:^8}|{:+.1e}".format(name, name, amount),
        TEMPLATE.format(amount, name, name=name),
        "{first[0]} {first[1]}".format(first=[1, 2]),
        "{a} and {b}".format_map({"a": 1, "b": 2}),
        "{:{}}".format("x", 5),
        "{{}} {}".format(3),
        "%s is %05.1f %d%%" % (name, amount, 7),
        "%(name)s" % {"name": name},
        format(amount, ".3f"),
        "-".join(map(PATTERN.format, "ab", "cd")),
        list(map("{:03d}".format, [1, 22])),
        str(amount).zfill(12),
        f"{name!s:*^9}" + f"{1_000_000:_}" + f"{255:#x}",
    ]
