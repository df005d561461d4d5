"""Identifiers by pattern and checksum: Presidio's recognizers of many countries, made linear and fail-closed.

Presidio's own engine is not used, because it fails open (a pattern that times out is skipped with a log line) and is
quadratic on some inputs. Instead RE2 finds candidates in linear time and the recognizers' own validators judge them.
Patterns with look-around are searched without it and matched exactly where they were found. What deserves better than
a pattern (card, IBAN, IP, MAC, e-mail, phone, labelled numbers) is read by ``redaction.detectors.formats``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import regex as re
from presidio_analyzer import PatternRecognizer, predefined_recognizers

from redaction.detectors.formats import NAME, OWN, near
from redaction.detectors.linear import compile_pattern
from redaction.types import LABELS, DetectorFailed, Finding

VERSION = "3"
THRESHOLD = 0.4
CONTEXT_BOOST = 0.4
TIMEOUT = 1.0
"""Seconds for one match that RE2 does not bound; overrunning fails the detector instead of skipping the pattern."""
WINDOW = 200
"""Characters in which a pattern that RE2 cannot express must end."""

NEED_CONTEXT = frozenset({"LICENSE_PLATE"})
"""Labels whose patterns match ordinary words unless a context word stands near."""

SKIPPED = frozenset(
    {
        "DateRecognizer", "UrlRecognizer", "EmailRecognizer", "CreditCardRecognizer", "IbanRecognizer", "IpRecognizer",
        "MacAddressRecognizer", "UuidRecognizer", "UsBankRecognizer", "CaPostalCodeRecognizer", "DePlzRecognizer",
        "UkPostcodeRecognizer", "InPassportRecognizer", "ItPassportRecognizer", "EsPassportRecognizer",
    }
)  # fmt: skip
"""Read by ``formats``, or nothing but noise without a country."""

_WORDS = (
    ("PASSPORT", "PASSPORT"), ("DRIV", "DRIVER_LICENSE"), ("FUEHRERSCHEIN", "DRIVER_LICENSE"), ("VAT", "TAX_ID"),
    ("TAX", "TAX_ID"), ("TIN", "TAX_ID"), ("ABN", "TAX_ID"), ("TFN", "TAX_ID"), ("VEHICLE", "LICENSE_PLATE"),
    ("PLATE", "LICENSE_PLATE"), ("KFZ", "LICENSE_PLATE"), ("ABA_ROUTING", "BANK_ACCOUNT"), ("NPI", "MEDICAL_LICENSE"),
    ("BSNR", "MEDICAL_LICENSE"), ("LANR", "MEDICAL_LICENSE"), ("UEN", "REFERENCE_NUMBER"), ("BRN", "REFERENCE_NUMBER"),
    ("COMPANY", "REFERENCE_NUMBER"), ("ORGANISATION", "REFERENCE_NUMBER"), ("HANDELSREGISTER", "REFERENCE_NUMBER"),
    ("CLAIM", "REFERENCE_NUMBER"), ("PRESCRIPTION", "REFERENCE_NUMBER"), ("AUTHORIZATION", "REFERENCE_NUMBER"),
    ("REFERRAL", "REFERENCE_NUMBER"),
)  # fmt: skip


def label_of(entity: str) -> str:
    """Presidio's entity as one of our labels."""
    if entity in LABELS:
        return entity
    return next((label for word, label in _WORDS if word in entity), "NATIONAL_ID")


_BACK = re.compile(r"(?<!\\)\\[1-9]")
_LOOK = re.compile(r"\(\?<?[=!]")


def linear_superset(pattern: str) -> str:
    """``pattern`` without look-around and repeated separators, which RE2 lacks: it matches where it did, and more."""
    out = []
    at = 0
    while look := _LOOK.search(pattern, at):
        out.append(pattern[at : look.start()])
        at = _close(pattern, look.end())
    return str(_BACK.sub(".{0,3}", "".join([*out, pattern[at:]])))


def _close(pattern: str, at: int) -> int:
    """Where the group that is open at ``at`` ends."""
    depth, bracket = 1, False
    while depth:
        char = pattern[at]
        if char == "\\":
            at += 1
        elif char in "[]":
            bracket = char == "["
        elif not bracket:
            depth += {"(": 1, ")": -1}.get(char, 0)
        at += 1
    return at


@dataclass(frozen=True, slots=True)
class _Rule:
    """One pattern of one recognizer."""

    pattern: Any
    exact: Any
    """The original for ``re`` where RE2 could take it only without its look-around."""
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
        label = label_of(recognizer.supported_entities[0])
        for p in recognizer.patterns:
            plain = linear_superset(p.regex)
            exact = re.compile(p.regex, re.IGNORECASE | re.DOTALL | re.MULTILINE) if plain != p.regex else None
            out.append(_Rule(compile_pattern(f"(?is){plain}"), exact, p.score, label, recognizer, context))
    return out


class PatternDetector:
    """Implements ``Detector``. Linear in the length of the text."""

    name = NAME

    def __init__(self) -> None:
        self._rules = _rules()
        names = "\n".join(
            f"{r.pattern.pattern}\t{r.exact and r.exact.pattern}\t{r.score}\t{r.label}" for r in self._rules
        )
        self.digest = hashlib.sha256(f"{VERSION}\n{names}".encode()).hexdigest()[:16]

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        found = [f for own in OWN for f in own(text)]
        if any(c.isdigit() for c in text):
            # One by one: an RE2 set that runs out of memory reports "no match", which would be failing open.
            for rule in self._rules:
                found += self._judge(rule, text)
        return tuple(found)

    def _judge(self, rule: _Rule, text: str) -> Iterator[Finding]:
        for start, end in _matches(rule, text):
            value = text[start:end]
            if not any(c.isdigit() for c in value) or rule.recognizer.invalidate_result(value):
                continue
            valid = rule.recognizer.validate_result(value)
            if valid is False:
                continue
            context = near(text, start, end, rule.context)
            score = rule.score + (CONTEXT_BOOST if context else 0.0)
            if valid and (context or (rule.score >= 0.3 and not value.isdigit()) or rule.score >= 0.5):
                score = 1.0
            if score >= THRESHOLD and (context or rule.label not in NEED_CONTEXT):
                yield Finding(start, end, rule.label, min(score, 1.0), NAME)


def _matches(rule: _Rule, text: str) -> Iterator[tuple[int, int]]:
    for m in rule.pattern.finditer(text):
        if rule.exact is None:
            yield m.span()
        else:  # look-behind sees what stands before; a bounded window keeps the time linear
            end = min(len(text), m.end() + WINDOW)
            try:
                found = rule.exact.match(text, m.start(), end, timeout=TIMEOUT)
            except TimeoutError:
                raise DetectorFailed(NAME, "timeout") from None
            if found is not None:
                yield found.span()
