# input: {"url": "https://user@shop.example.com:8443/a/b?item=7&item=8&q=x%20y#top", "year": 2024}
# ruff: noqa
import base64
import calendar
from urllib.parse import parse_qs, unquote, urlparse

__all__ = ["run"]
__version__ = "1.0"

_WORDS = {"shop": 1, "mail": 2}
_cache_key = "x"


def _score(_text, *, _unused=None):
    return sum(_WORDS.get(word, 0) for word in _text.split("."))


def _is_leap(year):
    return calendar.isleap(year)


CHECKS = [_score, _is_leap, len]


def run(input_data):
    parts = urlparse(input_data["url"])
    total = 0
    for _ in range(3):
        for _i, _value in enumerate("ab"):
            total += _i
    return {
        "host": parts.hostname,
        "port": parts.port,
        "path": parts.path,
        "netloc": parts.netloc,
        "query": parse_qs(parts.query),
        "unquoted": unquote("x%20y"),
        "score": _score(parts.hostname),
        "leap": _is_leap(input_data["year"]),
        "days": calendar.monthrange(input_data["year"], 2)[1],
        "month": calendar.month_name[3] + calendar.day_abbr[0],
        "encoded": base64.b64encode(b"abc").decode(),
        "names": [check.__name__ for check in CHECKS],
        "total": total,
    }
