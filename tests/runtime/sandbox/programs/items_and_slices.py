# input: {"words": ["b", "a", "b", "c"]}
# input: {"words": []}
# ruff: noqa
LIMITS = [3, 5]


def run(input_data):
    counts = {}
    for word in input_data["words"]:
        counts[word] = counts.get(word, 0)
        counts[word] += 1
    numbers = list(range(10))
    numbers[2:4] = [20, 30]
    numbers[0] *= 5
    del numbers[-1]
    matrix = [[0] * 3 for _ in range(2)]
    matrix[1][2] -= 7
    matrix[0][0] |= 4
    total = 0
    for at in range(len(numbers)):
        total += numbers[at] ** 2 % LIMITS[0]
    return {"counts": counts, "numbers": numbers, "matrix": matrix, "total": total}
