"""Identifiers by pattern and checksum: Presidio's recognizers of many countries, made linear and fail-closed.

Presidio's own engine is not used, because it fails open (a pattern that times out is skipped with a log line) and is
quadratic on some inputs. Instead RE2 finds candidates in linear time, the recognizers' own validators judge them, and
what RE2 cannot express (card, IBAN, IP, MAC, e-mail, phone) has a linear candidate pattern here and a real validator.
Nothing touches the network: tldextract works from its packaged list only.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import phonenumbers
import re2
import tldextract
from presidio_analyzer import PatternRecognizer, predefined_recognizers
from stdnum import iban, luhn

from redaction.detectors.linear import compile_pattern
from redaction.types import LABELS, DetectorFailed, Finding

VERSION = "2"
THRESHOLD = 0.4
CONTEXT_BOOST = 0.4
BEFORE, AFTER = 60, 30
"""Characters around a candidate in which context words are looked for."""
PHONE_CANDIDATES = 2_000
"""Digit groups judged in one text; a text with more is uninspected rather than half read."""
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "CH")
"""Countries whose national phone formats are read without a country code."""

SKIPPED = frozenset(
    {
        "DateRecognizer", "UrlRecognizer", "EmailRecognizer", "CreditCardRecognizer", "IbanRecognizer", "IpRecognizer",
        "MacAddressRecognizer", "UuidRecognizer", "UsBankRecognizer", "CaPostalCodeRecognizer", "DePlzRecognizer",
        "UkPostcodeRecognizer", "InPassportRecognizer", "ItPassportRecognizer", "EsPassportRecognizer",
    }
)  # fmt: skip
"""Read by own patterns below, or nothing but noise without a country."""

_WORDS = (
    ("PASSPORT", "PASSPORT"), ("DRIV", "DRIVER_LICENSE"), ("FUEHRERSCHEIN", "DRIVER_LICENSE"), ("VAT", "TAX_ID"),
    ("TAX", "TAX_ID"), ("TIN", "TAX_ID"), ("ABN", "TAX_ID"), ("TFN", "TAX_ID"), ("VEHICLE", "LICENSE_PLATE"),
    ("PLATE", "LICENSE_PLATE"), ("KFZ", "LICENSE_PLATE"), ("ABA_ROUTING", "BANK_ACCOUNT"), ("NPI", "MEDICAL_LICENSE"),
    ("BSNR", "MEDICAL_LICENSE"), ("LANR", "MEDICAL_LICENSE"), ("UEN", "REFERENCE_NUMBER"), ("BRN", "REFERENCE_NUMBER"),
    ("COMPANY", "REFERENCE_NUMBER"), ("ORGANISATION", "REFERENCE_NUMBER"), ("HANDELSREGISTER", "REFERENCE_NUMBER"),
    ("CLAIM", "REFERENCE_NUMBER"), ("PRESCRIPTION", "REFERENCE_NUMBER"), ("AUTHORIZATION", "REFERENCE_NUMBER"),
    ("REFERRAL", "REFERENCE_NUMBER"),
)  # fmt: skip

_tld = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
"""Never fetches the public suffix list (the packaged snapshot is enough to judge a domain)."""


def label_of(entity: str) -> str:
    """Presidio's entity as one of our labels."""
    if entity in LABELS:
        return entity
    return next((label for word, label in _WORDS if word in entity), "NATIONAL_ID")


def _compile(pattern: str) -> Any:
    try:
        return compile_pattern(pattern)
    except re2.error:
        return None


@dataclass(frozen=True, slots=True)
class _Rule:
    """One pattern of one recognizer."""

    pattern: Any
    score: float
    label: str
    recognizer: Any
    context: tuple[str, ...]


def _rules() -> list[_Rule]:
    out = []
    for name in sorted(vars(predefined_recognizers)):
        cls = getattr(predefined_recognizers, name)
        usable = isinstance(cls, type) and issubclass(cls, PatternRecognizer) and cls is not PatternRecognizer
        if not usable or name in SKIPPED:
            continue
        recognizer = cls()
        context = tuple(w.lower() for w in recognizer.context or ())
        for p in recognizer.patterns:
            compiled = _compile(p.regex)
            if compiled is not None:
                label = label_of(recognizer.supported_entities[0])
                out.append(_Rule(compiled, p.score, label, recognizer, context))
    return out


def _near(text: str, start: int, end: int, words: tuple[str, ...]) -> bool:
    around = f" {text[max(0, start - BEFORE) : start].lower()} {text[end : end + AFTER].lower()} "
    return any(_has_word(around, w) for w in words)


def _has_word(text: str, word: str) -> bool:
    at = text.find(word)
    while at >= 0:
        if not text[at - 1].isalnum() and not text[min(at + len(word), len(text) - 1)].isalnum():
            return True
        at = text.find(word, at + 1)
    return False


_EMAIL = compile_pattern(r"[\pL\pN!#$%&'*+/=?^_{|}~.\-]+@[\pL\pN\-]+(?:\.[\pL\pN\-]+)+")
_URL = compile_pattern(r"(?i)\b(?:(?:https?|ftp|wss?)://|www\.)[^\s<>\"'\x60)\]}]+")
_CARD = compile_pattern(r"\b\d(?:[ \-.]?\d){11,18}\b")
_IBAN = compile_pattern(r"(?i)\b[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]){11,32}\b")
_IPV4 = compile_pattern(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_IPV6 = compile_pattern(r"(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}")
_MAC = compile_pattern(r"(?i)\b[0-9a-f]{2}(?:[:\-][0-9a-f]{2}){5}\b")
_PHONE = compile_pattern(r"[+(]{0,2}\d(?:[ ().\-/\x{a0}]{0,3}\d){6,16}")
_DATE = compile_pattern(r"\d{4}[\-/.]\d{1,2}[\-/.]\d{1,2}|\d{1,2}[\-/.]\d{1,2}[\-/.]\d{2,4}")
_NINO = compile_pattern(r"(?i)\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b")
_MRN = compile_pattern(
    r"(?i)\b(?:MRN|medical record(?: number| no\.?)?|patient (?:id|no\.?|number)|hospital number)\s*[:#=]?\s*([A-Z]{0,3}-?\d[\dA-Z\-]{3,14})\b"
)
_DOB = compile_pattern(
    r"(?i)\b(?:d\.?o\.?b\.?|date of birth|birth ?date|born(?: on)?|geboren am|geb\.|n[ée]e? le|nacid[oa] el)\s*[:=]?\s*"
    r"(\d{1,4}[./\- ]\d{1,2}[./\- ]\d{2,4}|\d{1,2}\.? \pL{3,9}\.? \d{4}|\pL{3,9} \d{1,2},? \d{4})"
)
_ACCOUNT = compile_pattern(
    r"(?i)\b(?:account|acct|a/c|konto)(?: number| no\.?|nummer)?\s*[:#=]?\s*(\d[\d \-]{5,18}\d)\b"
)


def emails(text: str) -> Iterator[Finding]:
    """Addresses whose domain ends in a public suffix. RE2 finds the candidates, however long a tail is."""
    for m in _EMAIL.finditer(text):
        start, end = m.span()
        while end > start and text[end - 1] in ".-":
            end -= 1
        if _tld(text[start:end].rpartition("@")[2]).suffix:
            yield Finding(start, end, "EMAIL_ADDRESS", 1.0, "patterns")


def urls(text: str) -> Iterator[Finding]:
    for m in _URL.finditer(text):
        end = m.end()
        while text[end - 1] in ".,;:!?":
            end -= 1
        yield Finding(m.start(), end, "URL", 0.6, "patterns")


def cards(text: str) -> Iterator[Finding]:
    """Luhn, an issuer's first digit and a card's length; 12 digits or fewer are no card."""
    for m in _CARD.finditer(text):
        digits = "".join(c for c in m.group() if c.isdigit())
        if 13 <= len(digits) <= 19 and digits[0] in "23456" and luhn.is_valid(digits) and len(set(digits)) > 1:
            yield Finding(m.start(), m.end(), "CREDIT_CARD", 1.0, "patterns")


def ibans(text: str) -> Iterator[Finding]:
    """The longest beginning of a candidate that is a valid IBAN (country's length and structure, mod 97)."""
    for m in _IBAN.finditer(text):
        start, end = m.span()
        while end - start >= 15:
            if text[end - 1].isalnum() and iban.is_valid(text[start:end]):
                yield Finding(start, end, "IBAN_CODE", 1.0, "patterns")
                break
            end -= 1


def addresses(text: str) -> Iterator[Finding]:
    """IP and MAC addresses that parse, and are not part of a longer dotted or coloned number."""
    for pattern, parse in ((_IPV4, ipaddress.IPv4Address), (_IPV6, ipaddress.IPv6Address)):
        for m in pattern.finditer(text):
            start, end = m.span()
            inside = ((start and text[start - 1] in ".:") or (start and text[start - 1].isalnum())) or (
                end < len(text) and (text[end].isalnum() or (text[end] in ".:" and text[end + 1 : end + 2].isalnum()))
            )
            if not inside and end - start > 5 and _parses(parse, m.group()):
                yield Finding(start, end, "IP_ADDRESS", 0.8, "patterns")
    for m in _MAC.finditer(text):
        yield Finding(m.start(), m.end(), "MAC_ADDRESS", 0.8, "patterns")


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


PHONE_WORDS = (
    "phone", "call", "tel", "mobile", "cell", "fax", "telefon", "telephone", "handy", "móvil", "ring", "contact",
    "whatsapp", "number is", "reach",
)  # fmt: skip


def phones(text: str) -> Iterator[Finding]:
    """Valid numbers by phonenumbers; national formats need separators or a context word. Raises DetectorFailed."""
    for i, m in enumerate(_PHONE.finditer(text)):
        if i >= PHONE_CANDIDATES:
            raise DetectorFailed("patterns", "budget")
        start, end = m.span()
        if (start and (text[start - 1].isalnum() or text[start - 1] in ".:@/-_")) or text[end : end + 1].isalnum():
            continue
        found = m.group()
        if _DATE.fullmatch(found) or _parses(ipaddress.IPv4Address, found):
            continue
        context = _near(text, start, end, PHONE_WORDS)
        grouped = sum(c in " ().-/\u00a0" for c in found)
        regions = (None,) if found.startswith("+") else REGIONS if context or grouped >= 2 else ()
        if any(_valid(found, region) for region in regions):
            yield Finding(start, end, "PHONE_NUMBER", 0.9 if context or regions == (None,) else 0.5, "patterns")


def _valid(text: str, region: str | None) -> bool:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(number) or (region is None and phonenumbers.is_possible_number(number)))


def labelled(text: str) -> Iterator[Finding]:
    """Numbers that a label names: medical records, dates of birth, accounts."""
    for pattern, label in ((_MRN, "MEDICAL_RECORD"), (_DOB, "DATE_OF_BIRTH"), (_ACCOUNT, "BANK_ACCOUNT")):
        for m in pattern.finditer(text):
            yield Finding(m.start(1), m.end(1), label, 0.8, "patterns")
    for m in _NINO.finditer(text):
        yield Finding(m.start(), m.end(), "NATIONAL_ID", 0.7, "patterns")


OWN = (emails, urls, cards, ibans, addresses, phones, labelled)


class PatternDetector:
    """Implements ``Detector``. Linear in the length of the text."""

    name = "patterns"

    def __init__(self) -> None:
        self._rules = _rules()
        names = "\n".join(f"{r.pattern.pattern}\t{r.score}\t{r.label}" for r in self._rules)
        self.digest = hashlib.sha256(f"{VERSION}\n{names}".encode()).hexdigest()[:16]

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        found = [f for own in OWN for f in own(text)]
        if any(c.isdigit() for c in text):
            # One by one: an RE2 set that runs out of memory reports "no match", which would be failing open.
            for rule in self._rules:
                found += self._judge(rule, text)
        return tuple(found)

    def _judge(self, rule: _Rule, text: str) -> Iterator[Finding]:
        for m in rule.pattern.finditer(text):
            start, end = m.span()
            value = text[start:end]
            if not any(c.isdigit() for c in value) or rule.recognizer.invalidate_result(value):
                continue
            valid = rule.recognizer.validate_result(value)
            if valid is False:
                continue
            near = _near(text, start, end, rule.context)
            score = rule.score + (CONTEXT_BOOST if near else 0.0)
            if valid and (near or (rule.score >= 0.3 and not value.isdigit()) or rule.score >= 0.5):
                score = 1.0
            if score >= THRESHOLD:
                yield Finding(start, end, rule.label, min(score, 1.0), "patterns")
