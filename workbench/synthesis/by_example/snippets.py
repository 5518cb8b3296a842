"""The few functions that generated programs may carry along, as Python source.

Each is written into a program only when it is used, with its name prefixed by the fragment's.
"""

from __future__ import annotations

from workbench.synthesis.by_example.code import constant, helper, regex

SPECIAL_LETTERS = constant(
    "SPECIAL_LETTERS",
    '{"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", '
    '"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "þ": "th", "ı": "i"}',
)
UMLAUTS = constant(
    "UMLAUTS",
    '{"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"}',
)
MONTHS = constant(
    "MONTHS",
    '("January", "February", "March", "April", "May", "June", "July", "August", "September", '
    '"October", "November", "December")',
)
WEEKDAYS = constant(
    "WEEKDAYS",
    '("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")',
)
MONTH_NUMBERS = constant(
    "MONTH_NUMBERS",
    '{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, '
    '"sep": 9, "oct": 10, "nov": 11, "dec": 12}',
)
CLOCK = regex(
    "CLOCK",
    r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2}))?(?::(?P<second>\d{2}))?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\b)?",
)
CLOCK_WITH_MINUTES = regex(
    "CLOCK",
    r"(?<!\d)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\b)?",
)
ROMAN = constant(
    "ROMAN",
    '((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), '
    '(40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))',
)

EXTENSION_PATTERN = r"(?i)[\s,;/-]*(?:\b(?!tel)[a-zà-ÿ]+\.?|(?<=\d)x|#)[\s.:]*\d{1,6}\s*$"
EXTENSION = regex("EXTENSION", EXTENSION_PATTERN)

HELPERS = {
    "national_number": f'''def national_number(text, code):
    """The digits of a telephone number after its country code, without any extension."""
    digits = "".join(filter(str.isdigit, {EXTENSION}.sub("", text).replace("(0)", "")))
    for prefix in ("00" + code, "011" + code, code):
        if digits.startswith(prefix) and len(digits) >= len(prefix) + 8:
            digits = digits[len(prefix):]
            break
    return digits.removeprefix("0")
''',
    "strip_accents": f'''def strip_accents(text):
    """The text in unaccented letters."""
    letters = unicodedata.normalize("NFKD", text)
    return "".join(
        {SPECIAL_LETTERS}.get(letter, letter)
        for letter in letters
        if not unicodedata.combining(letter)
    )
''',
    "find_date": f'''def find_date(text, patterns, pivot=69):
    """Year, month and day of the first date in the text; two-digit years turn at the pivot."""
    for pattern in patterns:
        match = pattern.search(text)
        if match:
            parts = match.groupdict()
            year, month, day = int(parts.get("year") or 0), parts["month"], parts.get("day") or 1
            if parts.get("year") and len(parts["year"]) == 2:
                year += 1900 if year >= pivot else 2000
            month = int(month) if month.isdigit() else {MONTH_NUMBERS}[month[:3].lower()]
            day = int(day)
            if 1 <= month <= 12 and 1 <= day <= 31:
                return year, month, day
    raise ValueError("no date")
''',
    "find_numeric_date": '''def find_numeric_date(text, patterns, pivot=69):
    """Year, month and day of the first date in the text; two-digit years turn at the pivot."""
    for pattern in patterns:
        match = pattern.search(text)
        if match:
            parts = match.groupdict()
            year, month, day = int(parts.get("year") or 0), parts["month"], parts.get("day") or 1
            if parts.get("year") and len(parts["year"]) == 2:
                year += 1900 if year >= pivot else 2000
            month, day = int(month), int(day)
            if 1 <= month <= 12 and 1 <= day <= 31:
                return year, month, day
    raise ValueError("no date")
''',
    "find_time": '''def find_time(text, pattern):
    """Hour (0 to 23), minute and second of the first time of day in the text."""
    parts = pattern.search(text).groupdict()
    hour, minute, second = (int(parts[part] or 0) for part in ("hour", "minute", "second"))
    if parts["half"]:
        hour = hour % 12 + (12 if parts["half"] in "Pp" else 0)
    if minute > 59 or second > 59:
        raise ValueError("no time")
    return hour, minute, second
''',
    "ordinal": '''def ordinal(number):
    """The number with its English ordinal ending, such as 22nd."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else endings.get(number % 10, 'th')}"
''',
    "plain": '''def plain(number):
    """The number in digits, without an exponent and without idle zeros."""
    return str(int(number)) if number == int(number) else str(round(number, 10))
''',
    "to_roman": f'''def to_roman(number):
    """The number in Roman numerals."""
    if not 0 < number < 4000:
        raise ValueError("no Roman numeral")
    letters = ""
    for value, numeral in {ROMAN}:
        letters += numeral * (number // value)
        number %= value
    return letters
''',
    "from_roman": f'''def from_roman(text):
    """The value of a Roman numeral."""
    rest, total = text.strip().upper(), 0
    for value, numeral in {ROMAN}:
        while rest.startswith(numeral):
            rest, total = rest[len(numeral):], total + value
    if rest or not total or {helper("to_roman")}(total) != text.strip().upper():
        raise ValueError("no Roman numeral")
    return total
''',
    "title_case": '''def title_case(text):
    """Capitals on all words but the small ones inside."""
    small = {"a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "nor", "of", "on",
             "or", "the", "to", "with"}
    words = text.lower().split()
    return " ".join(
        word if index and word in small else word[:1].upper() + word[1:]
        for index, word in enumerate(words)
    )
''',
    "date_of": '''def date_of(date):
    """The calendar date of (year, month, day)."""
    return datetime.date(*date)
''',
}
