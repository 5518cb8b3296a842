"""Steps that look a text up in a table that everybody knows: states, currencies, weekdays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from workbench.synthesis.by_example.clues import Clues
from workbench.synthesis.by_example.code import X, constant, quote
from workbench.synthesis.by_example.expression import Kind, Operation, operation

TEXT = Kind.TEXT
STATES = (
    "Alabama AL;Alaska AK;Arizona AZ;Arkansas AR;California CA;Colorado CO;Connecticut CT;"
    "Delaware DE;Florida FL;Georgia GA;Hawaii HI;Idaho ID;Illinois IL;Indiana IN;Iowa IA;"
    "Kansas KS;Kentucky KY;Louisiana LA;Maine ME;Maryland MD;Massachusetts MA;Michigan MI;"
    "Minnesota MN;Mississippi MS;Missouri MO;Montana MT;Nebraska NE;Nevada NV;New Hampshire NH;"
    "New Jersey NJ;New Mexico NM;New York NY;North Carolina NC;North Dakota ND;Ohio OH;"
    "Oklahoma OK;Oregon OR;Pennsylvania PA;Rhode Island RI;South Carolina SC;South Dakota SD;"
    "Tennessee TN;Texas TX;Utah UT;Vermont VT;Virginia VA;Washington WA;West Virginia WV;"
    "Wisconsin WI;Wyoming WY;District of Columbia DC"
)
COUNTRIES = (
    "Argentina AR ARG;Australia AU AUS;Austria AT AUT;Belgium BE BEL;Brazil BR BRA;"
    "Bulgaria BG BGR;Canada CA CAN;Chile CL CHL;China CN CHN;Colombia CO COL;Croatia HR HRV;"
    "Czechia CZ CZE;Denmark DK DNK;Egypt EG EGY;Estonia EE EST;Finland FI FIN;France FR FRA;"
    "Germany DE DEU;Greece GR GRC;Hungary HU HUN;Iceland IS ISL;India IN IND;Indonesia ID IDN;"
    "Ireland IE IRL;Israel IL ISR;Italy IT ITA;Japan JP JPN;Kenya KE KEN;Latvia LV LVA;"
    "Lithuania LT LTU;Luxembourg LU LUX;Malaysia MY MYS;Mexico MX MEX;Morocco MA MAR;"
    "Netherlands NL NLD;New Zealand NZ NZL;Nigeria NG NGA;Norway NO NOR;Pakistan PK PAK;"
    "Peru PE PER;Philippines PH PHL;Poland PL POL;Portugal PT PRT;Romania RO ROU;Russia RU RUS;"
    "Saudi Arabia SA SAU;Serbia RS SRB;Singapore SG SGP;Slovakia SK SVK;Slovenia SI SVN;"
    "South Africa ZA ZAF;South Korea KR KOR;Spain ES ESP;Sweden SE SWE;Switzerland CH CHE;"
    "Taiwan TW TWN;Thailand TH THA;Turkey TR TUR;Ukraine UA UKR;United Arab Emirates AE ARE;"
    "United Kingdom GB GBR;United States US USA;Vietnam VN VNM"
)
CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB",
              "₺": "TRY", "₪": "ILS", "฿": "THB", "₫": "VND", "₴": "UAH", "R$": "BRL",
              "C$": "CAD", "A$": "AUD"}  # fmt: skip
COUNTS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
          "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
          "eighteen", "nineteen", "twenty")  # fmt: skip
WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES = ("January", "February", "March", "April", "May", "June", "July", "August",
               "September", "October", "November", "December")  # fmt: skip
YES = ("yes", "y", "true", "t", "1", "on")
NO = ("no", "n", "false", "f", "0", "off")
ANSWERS = (("true", "false"), ("True", "False"), ("yes", "no"), ("Yes", "No"), ("YES", "NO"),
           ("Y", "N"), ("1", "0"), ("on", "off"), ("T", "F"), ("TRUE", "FALSE"))  # fmt: skip


@lru_cache(maxsize=1)
def known_tables() -> tuple[tuple[str, Mapping[str, str], str], ...]:
    """(constant's name, table, how a text becomes a key)."""
    tables: list[tuple[str, Mapping[str, str], str]] = []

    def both(name: str, pairs: Mapping[str, str]) -> None:
        tables.append((name, pairs, X))
        tables.append((name + "_NAMES", {code: word for word, code in pairs.items()}, X))
        lowered = {word.lower(): code for word, code in pairs.items()}
        tables.append((name, lowered, f"{X}.lower()"))

    both("STATES", {row.rsplit(" ", 1)[0]: row.rsplit(" ", 1)[1] for row in STATES.split(";")})
    countries = [row.rsplit(" ", 2) for row in COUNTRIES.split(";")]
    both("COUNTRIES", {name: short for name, short, _ in countries})
    both("COUNTRIES", {name: three for name, _, three in countries})
    tables.append(("COUNTRY_CODES", {short: three for _, short, three in countries}, X))
    tables.append(("COUNTRY_CODES", {three: short for _, short, three in countries}, X))
    both("CURRENCIES", CURRENCIES)
    both("WEEKDAY_NAMES", {name[:3]: name for name in WEEKDAY_NAMES})
    both("MONTH_NAMES", {name[:3]: name for name in MONTH_NAMES})
    both("COUNTS", {word: str(number) for number, word in enumerate(COUNTS)})
    weekdays = {name: str(number) for number, name in enumerate(WEEKDAY_NAMES, 1)}
    both("WEEKDAY_NUMBERS", weekdays)
    months = {f"{number}": name for number, name in enumerate(MONTH_NAMES, 1)}
    tables.append(("MONTHS_BY_NUMBER", months, f'{X}.lstrip("0")'))
    shorts = {number: name[:3] for number, name in months.items()}
    tables.append(("MONTHS_BY_NUMBER", shorts, f'{X}.lstrip("0")'))
    for yes, no in ANSWERS:
        answers = {**dict.fromkeys(YES, yes), **dict.fromkeys(NO, no)}
        tables.append(("ANSWERS", answers, f"{X}.strip().lower()"))
    return tuple(tables)


def write_table(name: str, table: Mapping[str, str]) -> str:
    """The table as a module-level constant."""
    rows = ", ".join(f"{quote(key)}: {quote(value)}" for key, value in table.items())
    return constant(name, "{" + rows + "}")


@lru_cache(maxsize=1)
def _written() -> tuple[tuple[Mapping[str, str], str, str, frozenset[str]], ...]:
    return tuple(
        (table, f"{write_table(name, table)}[{key}]", key, frozenset(table))
        for name, table, key in known_tables()
    )


def table_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Look-ups in the tables that hold every one of these texts and whose answers may serve."""
    if max(len(text) for text in values) > 24:
        return
    lowered = [text.lower() for text in values]
    stripped = [text.lstrip("0") for text in values]
    for table, code, key, keys in _written():
        texts: Sequence[str] = values
        if "lower" in key:
            texts = [text.strip() for text in lowered] if "strip" in key else lowered
        elif "lstrip" in key:
            texts = stripped
        if all(text in keys for text in texts):
            found = [table[text] for text in texts]
            if all(any(answer in output for output in clues.present) for answer in found):
                yield operation(code, TEXT, TEXT, 3.5, "name")
