"""The program that every server runs; small, so that the servers are what is measured."""


def run(input_data):
    text = input_data["text"].lower()
    if "buy" in text and "now" in text:
        return "spam", 0.97
    return ("spam", 0.8) if text.count("!") > 2 else ("ham", 0.9)
