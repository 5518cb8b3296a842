# input: {"text": "Buy now!!! FREE offer http://x.y", "sender": "a@b.c", "attachments": 2}
# input: {"text": "see you at lunch", "sender": "mum@home.org"}
# input: {"text": "", "sender": null}
# ruff: noqa
"""Decide whether a message is spam, by rules in order of precision.

Induced from 240 examples.
"""

import math
import re

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
URL = re.compile(r"https?://\S+")
TOKENS = {"buy": 1.72, "free": 2.4, "lunch": -1.9, "offer": 0.66}
BIAS = -1.25


def features(text):
    words = [word.casefold() for word in WORD.findall(text)]
    return {
        "words": set(words),
        "exclamations": text.count("!"),
        "upper": sum(1 for c in text if c.isupper()) / max(len(text), 1),
        "urls": len(URL.findall(text)),
    }


def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x))


def run(input_data):
    text = input_data.get("text") or ""
    found = features(text)
    if found["urls"] and found["exclamations"] >= 2:  # 41 of 41
        return "spam", 0.98
    elif not text.strip():
        return "ham", 0.5
    score = BIAS
    for word in found["words"]:
        score += TOKENS.get(word, 0.0)
    confidence = sigmoid(abs(score))
    return ("spam" if score > 0 else "ham"), confidence


if __name__ == "__main__":
    import sys

    for line in sys.stdin:
        print(run({"text": line}))
