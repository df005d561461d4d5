"""Realistic stand-ins: believable, valid, the same each time, never the value itself."""

from __future__ import annotations

import datetime as dt
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from redaction.dates import shifted
from redaction.pseudonym import StandIns
from redaction.surrogates import Surrogates, number
from redaction.transform import Span, Transformer

KEY = b"k" * 32


def free(_: str) -> bool:
    return False


def made(label: str, value: str, scope: str = "s") -> str:
    return Surrogates(KEY, scope).stand_in(label, value, free)


SAMPLES = [
    ("PERSON", "Maria Keller"), ("PERSON", "O'Neil"), ("EMAIL_ADDRESS", "a@b.de"), ("PHONE_NUMBER", "+49 30 1234567"),
    ("CREDIT_CARD", "4111 1111 1111 1111"), ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"), ("IP_ADDRESS", "10.1.2.3"),
    ("DATE_TIME", "2024-02-29"), ("US_SSN", "536-22-1234"), ("MEDICAL_RECORD", "MRN48291734"), ("PERSON", "李小龙"),
]  # fmt: skip


@pytest.mark.parametrize(("label", "value"), SAMPLES)
def test_a_surrogate_is_the_same_each_time_and_another_in_another_scope(label: str, value: str) -> None:
    assert made(label, value) == made(label, value) != value
    assert Surrogates(b"x" * 32, "s").stand_in(label, value, free) != made(label, value) or label == "DATE_TIME"


@given(st.text(alphabet="0123456789", min_size=11, max_size=18))
def test_a_card_stays_a_card(digits: str) -> None:
    number = digits + luhn.calc_check_digit(digits)
    new = made("CREDIT_CARD", number)
    assert luhn.is_valid(new) and len(new) == len(number) and new[0] == number[0] and new != number


@pytest.mark.parametrize(
    "value", ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "FR14 2004 1010 0505 0001 3M02 606"]
)
def test_an_iban_stays_one_of_its_country(value: str) -> None:
    new = made("IBAN_CODE", value)
    plain = new.replace(" ", "")
    assert plain[:2] == value[:2] and len(new) == len(value) and new != value
    assert int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


@pytest.mark.parametrize("value", ["10.1.2.3", "8.8.8.8", "2a00:1450::1"])
def test_an_address_is_one_that_belongs_to_nobody(value: str) -> None:
    new = ipaddress.ip_address(made("IP_ADDRESS", value))
    assert not new.is_global and new.version == ipaddress.ip_address(value).version


def test_an_email_address_is_in_a_reserved_domain() -> None:
    assert made("EMAIL_ADDRESS", "maria@klinik.example").rpartition("@")[2] in {
        "example.com", "example.org", "example.net"
    }  # fmt: skip


def test_a_surname_alone_becomes_what_it_became_beside_its_first_name() -> None:
    s = Surrogates(KEY, "s")
    full = s.stand_in("PERSON", "Maria Keller", free)
    assert s.stand_in("PERSON", "Keller", free) == full.split()[1]
    assert s.stand_in("PERSON", "KELLER", free) == full.split()[1].upper()
    assert s.stand_in("PERSON", "Frau Keller", free) == f"Frau {full.split()[1]}"


def test_two_surnames_never_share_a_surrogate() -> None:
    s = Surrogates(KEY, "s")
    names = ["Keller", "Bauer", "Vogt", "Stein", "Krüger", "Roth", "Busch", "Haas", "Horn", "Graf", "Kuhn", "Lang"] * 2
    assert len({s.stand_in("PERSON", f"Anna {n}", free) for n in names}) == 12


@pytest.mark.parametrize(("value", "female"), [("Maria Keller", True), ("Hans Keller", False)])
def test_gender_and_language_stay(value: str, female: bool) -> None:
    import json

    from redaction.surrogates import NAMES_FILE

    first, last = made("PERSON", value).split()
    lists = json.loads(NAMES_FILE.read_text("utf-8"))
    assert any(first in names["f" if female else "m"] for names in lists.values())
    assert last in lists["de"]["last"]


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)), st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)))
def test_intervals_and_weekdays_of_dates_stay(a: dt.date, b: dt.date) -> None:
    s = Surrogates(KEY, "s")
    new = [dt.date.fromisoformat(s.stand_in("DATE_TIME", d.isoformat(), free)) for d in (a, b)]
    assert new[1] - new[0] == b - a and new[0].weekday() == a.weekday() and new[0] != a


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("2024-02-29", "2024-03-07"), ("2024/12/31", "2025/01/07"), ("01.03.1980", "08.03.1980"),
        ("12/25/2024", "01/01/2025"), ("25/12/2024", "01/01/2025"), ("May 12th, 1980", "May 19th, 1980"),
        ("25th December 1999", "1st January 2000"), ("12. März 1980", "19. März 1980"),
        ("28 de diciembre de 1999", "4 de enero de 2000"), ("2024-01-01T10:30:00Z", "2024-01-08T10:30:00Z"),
        ("tomorrow", None), ("2024-13-01", None), ("1980", None), ("31.02.2024", None), ("9999-12-31", None),
    ],
)  # fmt: skip
def test_a_date_is_written_as_it_was(text: str, later: str | None) -> None:
    assert shifted(text, 7) == later


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_a_number_stays_a_number_of_its_length(drawn: object) -> None:
    lexeme = str(drawn)
    new = number(StandIns(KEY, "s"), "BANK_ACCOUNT", lexeme, free)
    if new is None:
        assert sum(c.isdigit() for c in lexeme) < 5
        return
    assert len(new) == len(lexeme) and new != lexeme and new.startswith("-") == lexeme.startswith("-")
    assert (float(new) is not None and new.lstrip("-")[0] != "0") or lexeme.lstrip("-").startswith("0")


def test_no_surrogate_occurs_in_the_inputs() -> None:
    value = "Maria Keller"
    first = made("PERSON", value)
    text = f"{value} met {first.upper()}."
    t = Transformer(Surrogates(KEY, "s"), [text])
    out = t.apply(text, [Span(0, len(value), "PERSON", "pseudonym")])
    [token] = t.mapping
    assert token != first and out.startswith(token)


def test_what_has_no_believable_form_gets_a_plain_stand_in() -> None:
    for label, value in (("AGE", "45"), ("LOCATION", "Ulm"), ("DATE_TIME", "tomorrow"), ("ORGANIZATION", "Norvik AG")):
        assert made(label, value) == StandIns(KEY, "s").stand_in(label, value, free)
