# input: {"when": "29 February 2024", "iso": "2024-03-10T12:30:00+02:00"}
# ruff: noqa
import datetime as dt
from datetime import date, datetime, timedelta, timezone

FORMATS = ("%d/%m/%Y", "%d %B %Y", "%Y-%m-%d")
EPOCH = date(1970, 1, 1)
WEEK = timedelta(weeks=1)


def parse(text):
    for pattern in FORMATS:
        try:
            return datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    return None


def run(input_data):
    day = parse(input_data["when"])
    moment = datetime.fromisoformat(input_data["iso"])
    return {
        "iso": day.isoformat(),
        "days": (day - EPOCH).days,
        "later": (day + WEEK).strftime("%a %d %b %Y"),
        "utc": moment.astimezone(timezone.utc).isoformat(),
        "weekday": day.weekday(),
        "seconds": dt.timedelta(hours=1.5).total_seconds(),
        "replaced": str(day.replace(year=2023, day=1)),
        "calendar": list(day.isocalendar()),
        "time": moment.time().isoformat(),
        "timestamp": moment.timestamp(),
        "bad": parse("nonsense"),
    }
