"""Identifiers by pattern and checksum: Presidio's recognizers of many countries, made linear and fail-closed.

Presidio's own engine is not used, because it fails open (a pattern that times out is skipped with a log line) and is
quadratic on some inputs. Instead RE2 finds candidates in linear time and the recognizers' own validators judge them.
Patterns with look-around are said in another way (``redaction.detectors.lookaround``). What deserves better than a
pattern (card, IBAN, IP, MAC, e-mail, phone, labelled numbers) is read by ``formats``, ``phones`` and ``labelled``.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from redaction import lean
from redaction.detectors import keys
from redaction.detectors.around import Around
from redaction.detectors.chance import BOUND, DRAWS, drawn, form
from redaction.detectors.formats import NAME, OWN
from redaction.detectors.labelled import Labelled
from redaction.detectors.linear import Pattern, compile_pattern
from redaction.detectors.lookaround import Linear, linear
from redaction.detectors.mistyped import mistyped
from redaction.detectors.numbers import DOUBTED, REFUSED, SOME_NUMBER, Numbers, is_alone, neutral
from redaction.detectors.phones import Phones
from redaction.detectors.purse import Purse
from redaction.detectors.sweep import Sweep
from redaction.detectors.told import Told
from redaction.types import LABELS, DetectorFailed, Finding

with lean.without("spacy", "thinc"):
    from presidio_analyzer import PatternRecognizer, predefined_recognizers

VERSION = "13"
THRESHOLD = 0.4
CONTEXT_BOOST = 0.4
WEAK = 0.3
"""Patterns below this score count only beside a word that names them."""
CHECK = 10
"""What one recognizer's check costs, in microseconds."""

_DIGIT = re.compile(r"\d")
NEED_CONTEXT = frozenset({"LICENSE_PLATE", "PASSPORT", "DRIVER_LICENSE", "MEDICAL_LICENSE"})
"""Labels whose patterns match ordinary words unless a context word stands near."""

CHECKED = frozenset({"US_SSN"})
"""Labels of labelled numbers that a validator judges as well."""
OF_KINDS = frozenset(
    {
        "NATIONAL_ID", "TAX_ID", "US_SSN", "BANK_ACCOUNT", "MEDICAL_RECORD", "MEDICAL_LICENSE", "PASSPORT",
        "DRIVER_LICENSE",
    }
)  # fmt: skip
"""Labels that say by whom a number was issued. Cards and IBAN have checks that hardly pass by chance."""
CLEAR = frozenset({"CREDIT_CARD", "IBAN_CODE"})
CERTAIN = 0.7
"""Score from which on a finding says well enough by whom a number was issued."""
BY_CHANCE = 0.55
"""Score of a number that no word names and whose check many pass; less than that of one which few pass."""
FORMS_KEPT = 5_000
"""Forms of values whose chances are kept."""

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


@dataclass(frozen=True, slots=True)
class _Rule:
    """One pattern of one recognizer."""

    form: Linear
    score: float
    label: str
    recognizer: Any
    context: tuple[str, ...]

    @property
    def weak(self) -> bool:
        """Whether nothing that it finds counts without a word around."""
        return self.score < WEAK


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
        out += [_Rule(linear(p.regex), p.score, label, recognizer, context) for p in recognizer.patterns]
    return out


def recognized() -> dict[str, Callable[[str], bool]]:
    """By recognizer, whether it is sure of a value that is nothing but digits."""
    out: dict[str, Callable[[str], bool]] = {}
    for rule in _rules():
        name = type(rule.recognizer).__name__
        out[name] = partial(_sure_of, out.get(name), rule, compile_pattern(rule.form.pattern))
    return out


def _sure_of(other: Callable[[str], bool] | None, rule: _Rule, pattern: Pattern, value: str) -> bool:
    if other is not None and other(value):
        return True
    whole = any(found[rule.form.group] == (0, len(value)) for found in pattern.spans(value))
    return bool(whole and not rule.recognizer.invalidate_result(value) and rule.recognizer.validate_result(value))


class PatternDetector:
    """Implements ``Detector``. Linear in the length of the text, and what its checks cost is bounded."""

    name = NAME

    def __init__(self) -> None:
        self.rules = _rules()
        self.numbers = Numbers()
        self.drawn: dict[tuple[int, str], float] = {}
        """Rule and form of a value -> share of values in that form which it takes for certain."""
        self._labelled = Labelled()
        self._told = Told()
        forms = [r.form for r in self.rules]
        groups = [*(f.group for f in forms), *(0 for _ in self.numbers.forms)]
        self._sweep = Sweep([*(f.pattern for f in forms), *(form for form, _ in self.numbers.forms)], group=groups)
        names = "\n".join(f"{r.form.pattern}\t{r.score}\t{r.label}" for r in self.rules)
        self.digest = hashlib.sha256(
            f"{VERSION}\n{names}\n{self.numbers.digest}\n{self._labelled.digest}\n{self._told.digest}".encode()
        ).hexdigest()[:16]

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        text = keys.apart(text)
        found: list[Finding] = []
        sure: set[Finding] = set()
        try:
            for f in self._all(text, sure):
                found.append(f)
        except DetectorFailed as e:
            e.found = tuple(found)
            raise
        found += mistyped(
            text, ((f.start, f.end) for f in found if f.label in CLEAR or (f.label in OF_KINDS and f.score >= CERTAIN))
        )
        return tuple(_doubted(found, sure))

    def _all(self, text: str, sure: set[Finding]) -> Iterator[Finding]:
        """Cheap and certain first: what a failure leaves out are the numbers that cost most. ``sure``: what a word and
        a check both say."""
        for own in OWN:
            yield from own(text)
        yield from self._told.find(text)
        for f in self._labelled.find(text):
            if f.label not in CHECKED:
                sure.add(f)
            yield f
        if _DIGIT.search(text) is None:
            return
        purse = Purse(NAME, len(text))
        around = Around(text)
        yield from _Judge(self, text, around, purse, sure).find(self._sweep)
        yield from self.numbers.find(text, purse)
        yield from Phones(text, around, purse).find()


def _doubted(found: Sequence[Finding], sure: Collection[Finding]) -> Iterator[Finding]:
    """With little weight to what a form alone says of a number that the words call by another name."""
    refused = sorted((f.start, f.end) for f in found if f.label == SOME_NUMBER and f.score == REFUSED)
    ends = [end for _, end in refused]
    for f in found:
        at = bisect_right(ends, f.start)
        if f.label in OF_KINDS and f not in sure and at < len(refused) and refused[at][0] < f.end:
            yield replace(f, score=min(f.score, DOUBTED))
        else:
            yield f


class _Judge:
    """What the recognizers and the words around say of the candidates of one text."""

    def __init__(self, detector: PatternDetector, text: str, around: Around, purse: Purse, sure: set[Finding]) -> None:
        self._rules = detector.rules
        self._numbers = detector.numbers
        self._drawn = detector.drawn
        self._sure = sure
        self._text = text
        self._around = around
        self._purse = purse
        self._alone = is_alone(text)
        self._known: dict[tuple[int, str], bool | None] = {}

    def find(self, sweep: Sweep) -> Iterator[Finding]:
        for number, start, end in sweep.find(self._text, self._wanted):
            if number < len(self._rules):
                yield from self._candidate(sweep, number, start, end)
            else:
                self._purse.pay(CHECK)
                yield from self._numbers.in_form(number - len(self._rules), self._text, start, end)

    def _wanted(self, number: int) -> bool:
        """Whether anything that a pattern finds in this text could count."""
        if self._alone or number >= len(self._rules) or not self._rules[number].weak:
            return True
        return self._around.anywhere(self._rules[number].context)

    def _candidate(self, sweep: Sweep, number: int, start: int, end: int) -> Iterator[Finding]:
        """What is found in a candidate; where it does not fit, in those that begin within it."""
        rule = self._rules[number]
        if rule.form.fits(self._text, start, end):
            yield from self._judged(number, start, end)
        elif not rule.weak or self._alone or self._around.near(start, end, rule.context):
            for low, high in rule.form.within(sweep.pattern(number), self._text, start, end):
                self._purse.pay(CHECK)
                if rule.form.fits(self._text, low, high):
                    yield from self._judged(number, low, high)
                    return

    def _judged(self, number: int, start: int, end: int) -> Iterator[Finding]:
        rule = self._rules[number]
        value = self._text[start:end].rstrip()
        end = start + len(value)  # some patterns take the space behind
        context = self._around.near(start, end, rule.context)
        if not context and not self._alone and (rule.weak or (rule.form.plain and value.isdigit())):
            return  # nothing below could make it a finding
        if not any(map(str.isdigit, value)):
            return
        valid = self._valid(number, value)
        if valid is False:
            return
        score = rule.score + (CONTEXT_BOOST if context else 0.0)
        if valid and (context or (rule.score >= WEAK and not value.isdigit())):
            score = 1.0
        elif valid and self._alone:
            score = 0.7 if any(map(str.isalpha, value)) else 0.55
        elif value.isdigit() and not context:
            return
        if score >= THRESHOLD and (context or self._alone or rule.label not in NEED_CONTEXT):
            finding = Finding(start, end, rule.label, min(score, 1.0), NAME)
            if valid and context:
                self._sure.add(finding)
            if valid and not context and rule.label in OF_KINDS and self._chance(number, value) >= BOUND:
                yield from neutral(start, end, rule.label, BY_CHANCE)
            else:
                yield finding

    def _chance(self, number: int, value: str) -> float:
        """Share of values like it that are as valid as it is."""
        if not any(map(str.isalpha, value)):
            return self._numbers.chances.any(type(self._rules[number].recognizer).__name__, value)
        key = number, form(value)
        if key not in self._drawn:
            if len(self._drawn) >= FORMS_KEPT:
                self._drawn.clear()
            self._purse.pay(DRAWS * CHECK)
            recognizer = self._rules[number].recognizer
            self._drawn[key] = drawn(
                value, lambda v: bool(not recognizer.invalidate_result(v) and recognizer.validate_result(v))
            )
        return self._drawn[key]

    def _valid(self, number: int, value: str) -> bool | None:
        """What the recognizer says: False, True, or None for no opinion."""
        key = number, value
        if key not in self._known:
            self._purse.pay(CHECK)
            recognizer = self._rules[number].recognizer
            refused = recognizer.invalidate_result(value)
            self._known[key] = False if refused else recognizer.validate_result(value)
        return self._known[key]
