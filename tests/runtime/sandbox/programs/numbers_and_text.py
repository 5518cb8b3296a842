# input: {"text": "Ünïcödé Straße ４２ naïve", "n": 255}
# ruff: noqa
import math
import statistics
import string
import unicodedata
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from math import log, sqrt as root

VOWELS = frozenset("aeiou")
TABLE = str.maketrans({"ß": "ss", "é": "e"})


def ascii_only(text):
    decomposed = unicodedata.normalize("NFKD", text.translate(TABLE))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def run(input_data):
    text, n = input_data["text"], input_data["n"]
    try:
        Decimal("x")
        bad = False
    except InvalidOperation:
        bad = True
    return {
        "ascii": ascii_only(text),
        "vowels": sum(c in VOWELS for c in text.lower()),
        "categories": [unicodedata.category(c) for c in text[:3]],
        "price": str(Decimal("2.675").quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)),
        "fraction": str(Fraction(3, 9) + Fraction("1/6")),
        "log": round(log(n) + math.log2(n) + root(n) + math.pi, 6),
        "floor": [math.floor(2.7), math.ceil(2.1), math.isclose(0.1 + 0.2, 0.3), math.inf > n],
        "mean": statistics.mean([1, 2, 3, 4]) + statistics.median([3, 1, 2]),
        "stdev": round(statistics.stdev([1, 2, 3, 4]), 6),
        "punctuation": text.strip(string.punctuation + string.whitespace),
        "bytes": int.from_bytes(n.to_bytes(2, "big"), "little"),
        "hex": hex(n) + oct(n) + bin(n) + f"{n:b}" + chr(n) + str(ord("a")),
        "encoded": list("é".encode("utf-8")) + list("é".encode("latin-1")),
        "decoded": b"caf\xc3\xa9".decode("utf8", errors="replace"),
        "divmod": list(divmod(17, 5)) + [17 // 5, -17 % 5, 2**10, 7 & 3, 6 ^ 2, ~5, 1 << 4],
        "float": float("1e3") + float.fromhex("0x1p-2"),
        "integer": [int("ff", 16), int(" 42 "), int(3.9), (5).bit_length(), (2.0).is_integer()],
        "bad": bad,
        "softmax": [round(math.exp(x) / sum(math.exp(y) for y in (0, 1)), 6) for x in (0, 1)],
    }
