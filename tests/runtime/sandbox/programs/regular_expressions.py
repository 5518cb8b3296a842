# input: {"text": "Call +49 (0)30 1234567 or mail Bob@Example.ORG by 2024-02-29!"}
# ruff: noqa
import re

PHONE = re.compile(r"\+?\d[\d\s()/-]{6,}\d")
MAIL = re.compile(r"(?P<user>[\w.]+)@(?P<host>[\w.]+)", re.IGNORECASE | re.UNICODE)
DATE = re.compile(
    r"""
    (\d{4}) - (\d{2}) - (\d{2})   # ISO
    """,
    flags=re.VERBOSE,
)
FIND_WORDS = re.compile(r"\w+").findall


def run(input_data):
    text = input_data["text"]
    phone = PHONE.search(text)
    mail = MAIL.search(text)
    year, month, day = DATE.search(text).groups()
    return {
        "phone": re.sub(r"\D", "", phone.group()) if phone else None,
        "user": mail["user"].lower(),
        "host": mail.group("host"),
        "named": mail.groupdict(),
        "span": mail.span(),
        "start": [mail.start(), mail.end(1), mail.lastgroup, mail.lastindex],
        "date": [int(part) for part in (year, month, day)],
        "words": FIND_WORDS(text)[:3],
        "split": re.split(r"[\s,]+", text, maxsplit=2),
        "upper": re.sub(r"\b\w", lambda found: found.group(0).upper(), "ab cd"),
        "iter": [found.start() for found in re.finditer("a", text)],
        "full": bool(re.fullmatch("[a-z]+", "abc", re.I)),
        "sub": MAIL.sub(r"\g<host>", text),
        "pattern": MAIL.pattern,
        "escape": re.escape("a.b"),
    }
