"""Phone numbers: runs of digits that phonenumbers judges, after a check that costs a fortieth of its own.

National formats need separators or a word that names them. Neighbouring numbers must not hide one another, so a run of
digit groups that is no number as a whole is read group by group.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import phonenumbers

from redaction.detectors.around import Around
from redaction.detectors.formats import is_card
from redaction.detectors.linear import compile_pattern
from redaction.detectors.purse import Purse
from redaction.types import Finding

NAME = "patterns"
PHONE_WORDS = (
    "phone", "call", "tel", "mobile", "cell", "fax", "telefon", "telephone", "handy", "móvil", "ring", "contact",
    "whatsapp", "number is", "reach", "sms", "desk",
)  # fmt: skip
LOOK, PARSE = 4, 60
"""What the first check and the library's cost, in microseconds."""
GROUPS, LEAST, MOST = 6, 7, 15
"""Groups of digits and digits of one number."""
LONGEST = 40

_PHONE = compile_pattern(r"[+(]{0,2}\d(?:[ ().\-/\x{a0}]{0,3}\d){6,}(?:\s?(?:x|ext\.?)\s?\d{1,6}\b)?")
_DATE = re.compile(r"\d{1,6}/\d{1,2}/\d{4}|\d{4}[\-/.]\d{1,2}[\-/.]\d{1,2}|\d{1,2}[\-/.]\d{1,2}[\-/.]\d{2,4}")
_EXTENSION = re.compile("[a-z]", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+")
_NOT_DIGIT = re.compile(r"[^0-9]+")
_US_SHAPES = frozenset({(3, 3, 4), (1, 3, 3, 4)})
_SEPARATOR = " ().-/\u00a0"


class Phones:
    """Finds them in one text. Raises DetectorFailed when the purse is empty."""

    def __init__(self, text: str, around: Around, purse: Purse) -> None:
        self._text = text
        self._around = around
        self._purse = purse
        self._known: dict[tuple[str, str | None], bool] = {}

    def find(self) -> Iterator[Finding]:
        """Valid numbers; those in a national format need separators or a word."""
        for (start, end), *_ in _PHONE.spans(self._text):
            if not _inside(self._text, start, end):
                yield from self._in(start, end)

    def _in(self, start: int, end: int) -> Iterator[Finding]:
        """The whole run if it is a number; otherwise the numbers that stand in it one beside the other."""
        whole = self._text[start : min(end, start + 2 * LONGEST)]
        if _no_phone(whole):
            return
        context = self._around.near(start, end, PHONE_WORDS)
        score = self._score(whole, context) if end - start <= LONGEST else 0.0
        if score:
            yield Finding(start, end, "PHONE_NUMBER", score, NAME)
            return
        groups = [g.span() for g in _DIGITS.finditer(self._text, start, end)]
        at = 0
        while at < len(groups):
            first = groups[at][0]
            while first > start and self._text[first - 1] in "+(":
                first -= 1
            last, score = self._from(first, groups, at, context)
            if score:
                yield Finding(first, groups[last][1], "PHONE_NUMBER", score, NAME)
            at = last + 1 if score else at + 1

    def _from(self, first: int, groups: Sequence[tuple[int, int]], at: int, context: bool) -> tuple[int, float]:
        """The longest number that begins with group ``at``: its last group and score, or 0.0."""
        shape: list[int] = []
        size = 0
        fits: list[tuple[bool, int]] = []
        for last in range(at, min(at + GROUPS, len(groups))):
            shape.append(groups[last][1] - groups[last][0])
            size += shape[-1]
            if size > MOST:
                break
            if size >= LEAST and (len(shape) > 1 or context):
                american = tuple(shape) in _US_SHAPES
                if american or context or self._text[first] in "+(0":
                    fits.append((american, last))
        for _, last in sorted(fits, reverse=True):
            value = self._text[first : groups[last][1]]
            score = 0.0 if " / " in value else self._score(value, context)  # a list of numbers
            if score:
                return last, score
        return at, 0.0

    def _score(self, found: str, context: bool) -> float:
        if len(found) > LONGEST or _DATE.fullmatch(found):
            return 0.0
        for region in _regions(found, context):
            if self._valid(found, region):
                return 0.9 if context or region is None else 0.5
        return 0.0

    def _valid(self, found: str, region: str | None) -> bool:
        key = found, region
        if key not in self._known:
            self._purse.pay(LOOK)
            known = None
            if region is not None and "+" not in found:
                known = quickly(_NOT_DIGIT.sub("", _EXTENSION.split(found)[0]), region)
            if known is None:
                self._purse.pay(PARSE)
                known = valid(found, region)
            self._known[key] = known
        return self._known[key]


def _inside(text: str, start: int, end: int) -> bool:
    """Whether a run of digits belongs to a longer word, an address, a time or a decimal number."""
    before = text[max(0, start - 2) : start]
    if before and (before[-1].isalnum() or before[-1] in "@_" or text[end : end + 1].isalnum()):
        return True
    return len(before) == 2 and before[1] in ".:/-," and before[0].isdigit()


def _no_phone(found: str) -> bool:
    """A date, a network address or a card."""
    digits = _NOT_DIGIT.sub("", found)
    card = 13 <= len(digits) <= 19 and found[0] not in "+(" and is_card(digits)
    return card or bool(_DATE.fullmatch(found)) or _address(found)


def _address(found: str) -> bool:
    try:
        ipaddress.IPv4Address(found)
    except ValueError:
        return False
    return True


def _regions(found: str, context: bool) -> list[str | None]:
    """Countries in which a number of this look could be one: each costs a parse."""
    if found.startswith("+"):
        return [None]
    digits = _NOT_DIGIT.sub("", found.partition("x")[0])
    trunk = digits[0] == "0" and any(c in " /-()\u00a0" for c in found)
    if not context and not trunk and sum(c in _SEPARATOR for c in found) < 2:
        return []
    out: list[str | None] = []
    if (len(digits) == 10 and digits[0] > "1") or (len(digits) == 11 and digits[0] == "1"):
        out.append("US")
    if digits[0] == "0":
        out += ["DE", "GB", "FR", "IT", "CH", "NL"]
    elif len(digits) in {9, 10} and digits[0] in "356789":
        out += ["ES", "IT"]
    if context and digits[0] != "0":
        out.append("DE")  # whose plan takes almost any number: a word says that it is one
    return out


@dataclass(frozen=True, slots=True)
class _Plan:
    """Of a country: how calls abroad begin, its code, what may stand before a number at home, what
    may be one of its numbers at all, and its numbers."""

    abroad: re.Pattern[str]
    code: str
    trunk: re.Pattern[str]
    any: re.Pattern[str]
    numbers: re.Pattern[str]


_TYPES = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
)  # fmt: skip


@lru_cache(maxsize=32)
def _plan(region: str) -> _Plan:
    data: Any = phonenumbers.PhoneMetadata.metadata_for_region(region)
    numbers = []
    for name in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[data.country_code]:  # countries that share a code
        shared: Any = phonenumbers.PhoneMetadata.metadata_for_region(name)
        kinds = "|".join(
            desc.national_number_pattern
            for desc in (getattr(shared, kind) for kind in _TYPES)
            if desc is not None and desc.national_number_pattern
        )
        numbers.append(f"(?=(?:{shared.general_desc.national_number_pattern})$)(?:{kinds})")
    return _Plan(
        re.compile(data.international_prefix),
        str(data.country_code),
        re.compile(data.national_prefix_for_parsing or "(?!)"),
        re.compile(data.general_desc.national_number_pattern),
        re.compile("|".join(numbers)),
    )


def quickly(digits: str, region: str) -> bool | None:
    """Whether ``digits`` are a number of a country as its own people dial it; None where only the library knows. A
    fortieth of its cost."""
    plan = _plan(region)
    if plan.abroad.match(digits):
        return None
    foreign = digits.startswith(plan.code) and not plan.any.fullmatch(digits)
    starts = {0, len(plan.code) if foreign else 0}
    starts |= {m.end() for start in starts if (m := plan.trunk.match(digits, start))}
    return any(plan.numbers.fullmatch(digits, start) for start in starts)


def valid(found: str, region: str | None) -> bool:
    """What the library says; a number with its country's code counts if it is possible."""
    try:
        number = phonenumbers.parse(found, region)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(number) or (region is None and phonenumbers.is_possible_number(number)))
