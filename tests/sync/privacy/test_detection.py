"""What is found in texts, however it is written, and what is left alone."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.privacy import find_personal_data

PERSONAL = {
    "EMAIL": ["jane.doe+news@mail.example.co.uk", "jürgen@müller.example"],
    "CREDIT_CARD": [
        "4111111111111111",
        "5500-0055-5555-5559",
        "3782 822463 10005".replace(" ", ""),
    ],
    "IBAN": ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "nl91abna0417164300"],
    "SSN": ["123-45-6789", "078 05 1120"],
    "NATIONAL_ID": ["12345678Z", "X1234567L", "RSSMRA85T10A562S", "529.982.247-25", "131052-308T"],
    "IP": ["192.0.2.17", "2001:db8::8a2e:370:7334"],
    "MAC": ["00:1A:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e"],
    "PHONE": ["+49 30 901820", "(202) 555-0182", "202-555-0182", "020 7946 0958"],
    "SECRET": ["AKIAIOSFODNN7EXAMPLE", "ghp_" + "aB3" * 12, "sk_live_" + "9xYz" * 6],
}
CASES = [(kind, value) for kind, values in PERSONAL.items() for value in values]
NOT_PERSONAL = [
    "Where is my order 5551234567?",
    "Order #100482216634 came late",
    "upgrade to version 10.2.0.4 failed",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "id 123e4567-e89b-12d3-a456-426614174000",
    "2026-11-22 12:30:45 and 22.11.2026 and 11/22/2026",
    "it cost $1,234,567.89 or 1.234.567,89 EUR",
    "part number 123-4567-89",
    "score 21:15, ratio 16:9, chapter 3.14",
    "4111111111111112 fails its checksum",
    "DE89370400440532013001 fails its checksum",
    "the token is expired and the password is required",
    "std::vector<int> and a::b",
    "a@b and @home and foo@",
    "latitude 03.655360, longitude -55.730081",
]


@pytest.mark.parametrize(("kind", "value"), CASES, ids=[value[:20] for _, value in CASES])
def test_it_is_found_wherever_it_stands(kind: str, value: str) -> None:
    for text in (value, f"It is {value}.", f"({value})", f"it is:{value};", f"«{value}»\n"):
        found = find_personal_data(text)
        assert [(one.kind, text[one.start : one.end]) for one in found] == [(kind, value)], text


@pytest.mark.parametrize(("kind", "value"), CASES, ids=[value[:20] for _, value in CASES])
def test_it_is_found_in_disguise(kind: str, value: str) -> None:
    wide = value.translate({n: chr(n + 0xFEE0) for n in range(ord("0"), ord("9") + 1)})
    parted = "\u200b".join(value)
    for text in (wide, parted, f"a {wide} b", f"a {parted} b"):
        found = find_personal_data(text)
        assert [one.kind for one in found] == [kind], text
        assert text[found[0].start : found[0].end].strip() in (wide, parted)


@pytest.mark.parametrize(("kind", "value"), CASES, ids=[value[:20] for _, value in CASES])
def test_it_is_found_when_it_is_encoded(kind: str, value: str) -> None:
    sentence = f"reach me by {value} please"
    once = base64.b64encode(sentence.encode()).decode()
    for text in (
        once,
        base64.b64encode(once.encode()).decode(),
        "".join(f"%{b:02X}" for b in value.encode()),
    ):
        found = find_personal_data(f"see {text} there")
        assert [(one.start, one.end) for one in found] == [(4, 4 + len(text))], text


@pytest.mark.parametrize("text", NOT_PERSONAL, ids=[text[:25] for text in NOT_PERSONAL])
def test_what_is_nobody_s_is_left_alone(text: str) -> None:
    assert [(one.kind, text[one.start : one.end]) for one in find_personal_data(text)] == []


def test_a_field_s_name_says_what_bare_digits_are() -> None:
    assert [one.kind for one in find_personal_data("5551234567", "customer_phone")] == ["PHONE"]
    assert [one.kind for one in find_personal_data("123456789", "ssn")] == ["SSN"]
    assert [one.kind for one in find_personal_data("hunter2", "password")] == ["SECRET"]
    assert find_personal_data("5551234567", "quantity") == []


@given(st.text(max_size=200))
def test_any_text_is_looked_at_and_findings_lie_within_it_in_order(text: str) -> None:
    end = 0
    for one in find_personal_data(text):
        assert end <= one.start < one.end <= len(text)
        end = one.end


@given(st.text(max_size=40), st.sampled_from(CASES), st.text(max_size=40))
def test_what_stands_around_it_does_not_hide_an_address_of_its_own(
    before: str, case: tuple[str, str], after: str
) -> None:
    _, value = case
    text = f"{before} \n{value}\n {after}"
    start = len(before) + 2
    hidden = {p for one in find_personal_data(text) for p in range(one.start, one.end)}
    assert all(p in hidden or not text[p].isalnum() for p in range(start, start + len(value)))
