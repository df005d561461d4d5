"""Identifiers by pattern and checksum: exact spans, wrong checksums, traps of the library, adversarial texts."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import tldextract
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from redaction.detectors import formats, purse
from redaction.detectors.formats import is_card
from redaction.detectors.patterns import PatternDetector
from redaction.pipeline import Pipeline
from redaction.types import DetectorFailed

DETECTOR = PatternDetector()


def found(text: str) -> set[tuple[str, str]]:
    return {(text[f.start : f.end], f.label) for f in DETECTOR.detect(text)}


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("write to maria.keller@example.org.", "maria.keller@example.org", "EMAIL_ADDRESS"),
        ("büro@münchen-hilft.de ruft", "büro@münchen-hilft.de", "EMAIL_ADDRESS"),
        ("card 4111 1111 1111 1111 ok", "4111 1111 1111 1111", "CREDIT_CARD"),
        ("card 4111-1111-1111-1111 ok", "4111-1111-1111-1111", "CREDIT_CARD"),
        ("amex 378282246310005", "378282246310005", "CREDIT_CARD"),
        ("IBAN DE89 3704 0044 0532 0130 00; thanks", "DE89 3704 0044 0532 0130 00", "IBAN_CODE"),
        ("GB82WEST12345698765432 today", "GB82WEST12345698765432", "IBAN_CODE"),
        ("my ssn is 536-90-4399", "536-90-4399", "US_SSN"),
        ("NHS number 943 476 5919", "943 476 5919", "MEDICAL_RECORD"),
        ("NINO AB 12 34 56 C", "AB 12 34 56 C", "NATIONAL_ID"),
        ("host 10.0.0.1 up", "10.0.0.1", "IP_ADDRESS"),
        ("via 2001:db8::8a2e:370:7334.", "2001:db8::8a2e:370:7334", "IP_ADDRESS"),
        ("mac 00:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D:5E", "MAC_ADDRESS"),
        ("call +49 30 901820 now", "+49 30 901820", "PHONE_NUMBER"),
        ("phone: (212) 555-0143", "(212) 555-0143", "PHONE_NUMBER"),
        ("see https://example.com/a?b=c.", "https://example.com/a?b=c", "URL"),
        ("MRN: 48291734, seen", "48291734", "MEDICAL_RECORD"),
        ("date of birth: 12/03/1967", "12/03/1967", "DATE_OF_BIRTH"),
        ("account number 12345678", "12345678", "BANK_ACCOUNT"),
        ("👩‍💻 naïve é́ a@b.org 🎉", "a@b.org", "EMAIL_ADDRESS"),
        ("order 12 4111 1111 1111 1111 was paid", "4111 1111 1111 1111", "CREDIT_CARD"),
        ("card_4111111111111111_used", "4111111111111111", "CREDIT_CARD"),
        ("ref AB12 DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00", "IBAN_CODE"),
        ("ip:10.0.0.1", "10.0.0.1", "IP_ADDRESS"),
        ("at 10.0.0.1:8080", "10.0.0.1", "IP_ADDRESS"),
        ("net 10.0.0.0/8", "10.0.0.0/8", "IP_ADDRESS"),
        ("ip:2001:db8::1", "2001:db8::1", "IP_ADDRESS"),
        ("mapped ::ffff:192.0.2.1", "::ffff:192.0.2.1", "IP_ADDRESS"),
        ("Tel:030 901820", "030 901820", "PHONE_NUMBER"),
        ("since 2019 (212) 555-0143", "(212) 555-0143", "PHONE_NUMBER"),
        ("call 212-555-0143 212-555-0144", "212-555-0144", "PHONE_NUMBER"),
        ("fax 345-899-3560x4587", "345-899-3560x4587", "PHONE_NUMBER"),
        ("ask jane@example.com.Please do", "jane@example.com", "EMAIL_ADDRESS"),
        ("jane@mail.corp", "jane@mail.corp", "EMAIL_ADDRESS"),
        ("?email=jane@x.com", "jane@x.com", "EMAIL_ADDRESS"),
        ("bounce+jane=x.com@list.org", "bounce+jane=x.com@list.org", "EMAIL_ADDRESS"),
        ("passport no. C01X00T47", "C01X00T47", "PASSPORT"),
        ("ssn: 536904399", "536904399", "US_SSN"),
        ("line\r\na@b.org\r\nline", "a@b.org", "EMAIL_ADDRESS"),
    ],
)
def test_an_identifier_is_found_with_its_exact_span(text: str, value: str, label: str) -> None:
    assert (value, label) in found(text)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("4111 1111 1111 1112", "CREDIT_CARD"),
        ("1111 1111 1111 1111", "CREDIT_CARD"),
        ("DE89 3704 0044 0532 0130 01", "IBAN_CODE"),
        ("NHS number 943 476 5918", "NATIONAL_ID"),
        ("a@b.notatld", "EMAIL_ADDRESS"),
        ("300.1.2.3", "IP_ADDRESS"),
        ("1.2.3.4.5", "IP_ADDRESS"),
        ("at 10:30:00", "IP_ADDRESS"),
        ("0.4111111111111111", "CREDIT_CARD"),
        ("std::cout ab::cd", "IP_ADDRESS"),
        ("4111 1111 1111 1111 by phone", "PHONE_NUMBER"),
        ("2024-01-15", "PHONE_NUMBER"),
    ],
)
def test_a_wrong_checksum_or_form_is_not_typed_as_valid(text: str, label: str) -> None:
    assert label not in {name for _, name in found(text)}


@pytest.mark.parametrize(
    "text",
    [
        "What is the capital of France?",
        "React 18.2.0, CVE-2024-12345, RFC 6901, port 8080, 10:30:00, 3.14159265358979",
        "What is 123456789 plus 987654321?",
        "The order 12345678901 shipped in 2023.",
    ],
)
def test_harmless_texts_are_clean(text: str) -> None:
    assert found(text) == set()


NOISE = ["a.a.a.", "1-1-1-", 'a.b-c_d+"', "1234 1234 ", "AAAA", "1.1.1.1 ", "a:", "ab12 ", "@", "a@", "http://", "(((1"]


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("size", [2_000, 100_000])
def test_noise_never_hides_an_address_silently(noise: str, size: int) -> None:
    text = noise * (size // len(noise)) + " jane.roe@example.com"
    try:
        labels = {f.label for f in DETECTOR.detect(text)}
    except DetectorFailed as e:
        labels = {e.reason}
    assert labels & {"EMAIL_ADDRESS", "budget"}


def test_a_text_with_too_many_numbers_is_uninspected_and_keeps_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purse, "PER_CHARACTER", 1)
    monkeypatch.setattr(purse, "SPARE", 0)
    text = "mail a@b.org, " + "".join(f"+49 30 {1_000_000 + i}, " for i in range(50))
    with pytest.raises(DetectorFailed, match="budget") as failure:
        DETECTOR.detect(text)
    assert [text[f.start : f.end] for f in failure.value.found if f.label == "EMAIL_ADDRESS"] == ["a@b.org"]
    result = Pipeline([DETECTOR], None).inspect([text])[0]
    assert result.uninspected == "patterns:budget"
    assert "EMAIL_ADDRESS" in {f.label for f in result.findings}


def test_every_pattern_of_every_recognizer_is_used() -> None:
    """None is lost because RE2 lacks look-around."""
    used = {type(r.recognizer).__name__ for r in DETECTOR.rules}
    assert len(DETECTOR.rules) >= 137
    assert {"CaSinRecognizer", "UkNinoRecognizer", "KrRrnRecognizer", "UsClaimNumberRecognizer"} <= used


def test_judging_a_domain_never_reaches_for_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a detector reached for the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    fresh = tldextract.TLDExtract(suffix_list_urls=formats._tld.suffix_list_urls, cache_dir=None)
    monkeypatch.setattr(formats, "_tld", fresh)
    assert formats._tld.suffix_list_urls == ()
    assert ("a@b.co.uk", "EMAIL_ADDRESS") in found("a@b.co.uk")


@given(st.text(max_size=40), st.text(max_size=40))
def test_offsets_hold_whatever_stands_around(before: str, after: str) -> None:
    text = f"{before} jane.roe@example.com {after}"
    for f in DETECTOR.detect(text):
        assert 0 <= f.start < f.end <= len(text)
    start = len(before) + 1
    assert any(f.start <= start and f.end >= start + 20 and f.label == "EMAIL_ADDRESS" for f in DETECTOR.detect(text))


@pytest.mark.parametrize(
    "digits",
    ["4222222222222", "4111111111111111", "5555555555554444", "2223003122003222", "378282246310005", "30569309025904",
     "3530111333300000", "213112345678909", "6011111111111117", "6304000000000000", "6200000000000005",
     "2200123456789019"],
)  # fmt: skip
def test_a_number_that_an_issuer_gives_is_a_card_without_a_word(digits: str) -> None:
    digits = next(d for d in (digits[:-1] + c for c in "0123456789") if is_card(d))
    assert (digits, "CREDIT_CARD") in found(f"paid with {digits} today")


@pytest.mark.parametrize(
    "digits", ["3023217600054", "2835678256246", "293608736500703710", "7992739871300008", "0992739871300006"]
)
def test_a_number_that_no_issuer_gives_is_a_card_only_beside_a_word(digits: str) -> None:
    digits = next(d for d in (digits[:-1] + c for c in "0123456789") if luhn.is_valid(d))
    assert not is_card(digits)
    assert "CREDIT_CARD" not in {label for _, label in found(f"the corporate number is {digits} today")}
    text = f"the credit card is {digits} today"
    sure = {text[f.start : f.end] for f in PatternDetector().detect(text) if f.label == "CREDIT_CARD" and f.score > 0.4}
    assert (digits in sure) is (digits[0] != "0")


def test_digits_before_a_number_do_not_hide_it() -> None:
    """What a pattern takes first ends amid digits and is none; the number begins within it."""
    text = "korean driver license 1234 1234567890 12"
    found = PatternDetector().detect(text)
    assert ("1234567890 12", "DRIVER_LICENSE") in {(text[f.start : f.end], f.label) for f in found}
