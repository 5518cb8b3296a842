# input: {"rows": [["a", 1], ["b", 2], ["c", 3]]}
# ruff: noqa
def run(input_data):
    rows = input_data["rows"]
    lookup = {name: value for name, value in rows}
    names = {name for name, _ in rows}
    pairs = [(x, y) for x in range(3) for y in range(x) if (x + y) % 2]
    total = sum(value for _, value in rows if value > 1)
    if (count := len(rows)) > 2:
        total += count
    first, *middle, last = rows
    (a, b), c = first, last
    return {
        "lookup": lookup,
        "names": sorted(names),
        "pairs": [list(pair) for pair in pairs],
        "total": total,
        "middle": middle,
        "abc": [a, b, c],
        "any": any(v == 2 for v in lookup.values()),
        "nested": [[cell for cell in row] for row in rows],
    }
