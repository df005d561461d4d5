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
from redaction.detectors.labelled import Labelled
from redaction.detectors.numbers import Numbers, is_alone
from redaction.detectors.sweep import Sweep
from redaction.types import LABELS, DetectorFailed, Finding

VERSION = "4"
THRESHOLD = 0.4
CONTEXT_BOOST = 0.4
TIMEOUT = 1.0
"""Seconds for one match that RE2 does not bound; overrunning fails the detector instead of skipping the pattern."""
WINDOW = 200
"""Characters in which a pattern that RE2 cannot express must end."""

NEED_CONTEXT = frozenset({"LICENSE_PLATE", "PASSPORT", "DRIVER_LICENSE", "MEDICAL_LICENSE"})
"""Labels whose patterns match ordinary words unless a context word stands near."""

SKIPPED = frozenset(
    {
        "DateRecognizer", "UrlRecognizer", "EmailRecognizer", "CreditCardRecognizer", "IbanRecognizer", "IpRecognizer",
        "MacAddressRecognizer", "UuidRecognizer", "UsBankRecognizer", "CaPostalCodeRecognizer", "DePlzRecognizer",
        "UkPostcodeRecognizer", "InGstinRecognizer",
    }
)  # fmt: skip
"""Read by ``formats`` and ``numbers``, or nothing but noise without a country."""

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

    pattern: str
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
            out.append(_Rule(f"(?is){plain}", exact, p.score, label, recognizer, context))
    return out


class PatternDetector:
    """Implements ``Detector``. Linear in the length of the text."""

    name = NAME

    def __init__(self) -> None:
        self._rules = _rules()
        self._numbers = Numbers()
        self._labelled = Labelled()
        self._sweep = Sweep([*(r.pattern for r in self._rules), *(form for form, _ in self._numbers.forms)])
        names = "\n".join(f"{r.pattern}\t{r.exact and r.exact.pattern}\t{r.score}\t{r.label}" for r in self._rules)
        self.digest = hashlib.sha256(
            f"{VERSION}\n{names}\n{self._numbers.digest}\n{self._labelled.digest}".encode()
        ).hexdigest()[:16]

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        found = [*self._numbers.find(text), *(f for own in OWN for f in own(text)), *self._labelled.find(text)]
        alone = is_alone(text)
        for number, start, end in self._sweep.find(text):
            if number < len(self._rules):
                found += _judged(self._rules[number], text, start, end, alone)
            else:
                found += self._numbers.in_form(number - len(self._rules), text, start, end)
        return tuple(found)


def _judged(rule: _Rule, text: str, start: int, end: int, alone: bool) -> Iterator[Finding]:
    """What the recognizer and the words around say of a candidate."""
    context = near(text, start, end, rule.context)
    if not context and not alone and (rule.score < 0.3 or (rule.exact is None and text[start:end].isdigit())):
        return  # nothing below could make it a finding
    span = _exact(rule, text, start, end)
    if span is None:
        return
    start, end = span
    value = text[start:end]
    if not any(c.isdigit() for c in value) or rule.recognizer.invalidate_result(value):
        return
    valid = rule.recognizer.validate_result(value)
    if valid is False:
        return
    score = rule.score + (CONTEXT_BOOST if context else 0.0)
    if valid and (context or (rule.score >= 0.3 and not value.isdigit())):
        score = 1.0
    elif valid and alone:
        score = 0.7 if any(map(str.isalpha, value)) else 0.55
    elif value.isdigit() and not context:
        return
    if score >= THRESHOLD and (context or alone or rule.label not in NEED_CONTEXT):
        yield Finding(start, end, rule.label, min(score, 1.0), NAME)


def _exact(rule: _Rule, text: str, start: int, end: int) -> tuple[int, int] | None:
    """Where the recognizer's own pattern matches; look-behind sees what stands before, a window bounds the time."""
    if rule.exact is None:
        return start, end
    try:
        match = rule.exact.match(text, start, min(len(text), end + WINDOW), timeout=TIMEOUT)
    except TimeoutError:
        raise DetectorFailed(NAME, "timeout") from None
    return None if match is None else match.span()
