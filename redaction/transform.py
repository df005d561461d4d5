"""The five transforms on spans of text: keep, generalize, pseudonym, mask, redact. Pure.

A :class:`Transformer` lives for one request and one zone. It holds the mapping (stand-in -> value) that restoring
needs, and counts by label and transform. What is masked, generalized or redacted cannot come back. No replacement shows
an original of the request: one that would (``[PASSWORD]`` for the value ``password``) gives way to a plainer one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import phonenumbers

from redaction import lean
from redaction.pseudonym import ALPHABET, StandIns
from redaction.spans import Occurrences
from redaction.spellings import CERTAIN, STAND_IN, sounds
from redaction.surrogates import number

with lean.without("presidio_analyzer"):  # one operator of many needs it
    from presidio_anonymizer.operators import Mask

KEEP, GENERALIZE, PSEUDONYM, MASK, REDACT = "keep", "generalize", "pseudonym", "mask", "redact"

VISIBLE = 4
"""Characters that a mask leaves readable at the end of a long value."""
LONG = 9
"""Letters and digits from which on a value is long enough to show its end."""
OLDEST = 90
"""Ages from here on are told together: the few who reach them would be known by it (45 CFR 164.514(b)(2)(i)(C))."""

_YEAR = re.compile(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)")
_NUMBER = re.compile(r"\d+")
_MASK = Mask()
_LAST = ("[REDACTED]", "[---]")


@dataclass(frozen=True, slots=True)
class Span:
    """What to replace, and how."""

    start: int
    end: int
    label: str
    transform: str


class Transformer:
    """Applies transforms; the same value and transform give the same replacement in the whole request.

    ``inputs`` are all texts of the request: no stand-in of ours begins like a word that occurs in one of them.
    ``originals`` are all values that must not be seen any more; no mask or generalization may spell one of them.
    """

    def __init__(self, stand_ins: StandIns, inputs: Sequence[str], originals: Collection[str] = ()) -> None:
        self._stand_ins = stand_ins
        self._start = max(1, stand_ins.chars // 2)
        self._inputs = inputs
        self._used = _starts(inputs, self._start)
        self._sounds: str | None = None
        self._said: str | None = None
        self._numbers: dict[str, str] = {}
        self._originals = Occurrences(originals)
        self._done: dict[str, tuple[str, str]] = {}
        """Value -> its transform and replacement."""
        self.mapping: dict[str, str] = {}
        """Stand-in -> value."""
        self.counts: dict[str, dict[str, int]] = {}
        """Label -> {transform: how often}."""

    def apply(self, text: str, spans: Sequence[Span]) -> str:
        """``text`` with every span replaced. Spans are sorted and do not overlap, and a value has one transform in the
        whole request (the caller takes the strictest); AssertionError otherwise."""
        out = []
        at = 0
        for span in spans:
            if not at <= span.start < span.end <= len(text):
                raise AssertionError("spans overlap or are not sorted")
            out += [text[at : span.start], self._replacement(span, text[span.start : span.end])]
            at = span.end
            counts = self.counts.setdefault(span.label, {})
            counts[span.transform] = counts.get(span.transform, 0) + 1
        return "".join([*out, text[at:]])

    def _replacement(self, span: Span, value: str) -> str:
        known = self._done.get(value)
        if known is None:
            known = self._done[value] = (span.transform, self._replace(span, value))
        if known[0] != span.transform:
            raise AssertionError("one value, two transforms")
        return known[1]

    def _replace(self, span: Span, value: str) -> str:
        if span.transform == KEEP:
            return value
        if span.transform == PSEUDONYM:
            token = self._stand_ins.stand_in(span.label, value, self._taken)
            self.mapping[token] = value
            return token
        own = Occurrences((value,))
        choices = (_PLAIN[span.transform](span.label, value), redact(span.label, value), *_LAST)
        return next((c for c in choices if not own.find(c) and not self._originals.find(c)), "")

    def _taken(self, token: str) -> bool:
        """Whether another value has this stand-in, or an input a word that begins like it: what looks nearly like ours
        could, beside a replaced value, grow into ours. A long code is known without its label, so none may be in an
        input in any spelling; nor may a realistic one."""
        if token in self.mapping:
            return True
        if not STAND_IN.fullmatch(token):
            if self._said is None:
                self._said = "\0".join(self._inputs).casefold()
            return token.casefold() in self._said
        code = token.rpartition("_")[2]
        if code[: self._start] in self._used:
            return True
        if len(code) < CERTAIN:
            return False
        if self._sounds is None:
            self._sounds = " ".join(map(sounds, self._inputs))
        return code in self._sounds

    def number(self, label: str, lexeme: str) -> str | None:
        """A number in place of a JSON number, the same for the same number; None where it is too short."""
        made = self._numbers.get(lexeme) or number(self._stand_ins, label, lexeme, self._taken)
        if made is not None:
            self._numbers[lexeme] = made
            self.mapping[made] = lexeme
            counts = self.counts.setdefault(label, {})
            counts[PSEUDONYM] = counts.get(PSEUDONYM, 0) + 1
        return made


def _starts(texts: Sequence[str], size: int) -> frozenset[str]:
    """What follows the underscores of all texts, in the first ``size`` characters; Markdown escapes undone."""
    pattern = re.compile(rf"_(?=([{ALPHABET}]{{{size}}}))")
    return frozenset(m[1] for t in texts if "_" in t for m in pattern.finditer(t.replace("\\", "").casefold()))


def mask(_: str, value: str) -> str:
    """Stars; the last four characters of a long value stay readable (as on a receipt)."""
    shown = VISIBLE if sum(c.isalnum() for c in value) >= LONG else 0
    options = {"masking_char": "*", "chars_to_mask": len(value) - shown, "from_end": False}
    return str(_MASK.operate(value, options))


def redact(label: str, _: str) -> str:
    """``[CREDIT_CARD]``."""
    return f"[{label}]"


def generalize(label: str, value: str) -> str:
    """A coarser truth, or the label where there is none.

    | label | becomes |
    |---|---|
    | DATE_TIME, DATE_OF_BIRTH | the year |
    | AGE | ``under 10``, the decade (``40s``), ``90+`` |
    | IP_ADDRESS | the /16 (IPv4) or /32 (IPv6) network |
    | PHONE_NUMBER | the country code, if the number says it (``+49``) |
    | any other | ``[LABEL]``: the domain of an e-mail address or the district of a place may well be one person's |
    """
    return _GENERAL.get(label, redact)(label, value)


def _year(label: str, value: str) -> str:
    match = _YEAR.search(value)
    return match[0] if match else redact(label, value)


def _decade(label: str, value: str) -> str:
    match = _NUMBER.search(value)
    if match is None or len(match[0]) > 3 or not match[0].isascii():
        return redact(label, value)
    age = int(match[0])
    if age >= OLDEST:
        return f"{OLDEST}+"
    return f"{age // 10 * 10}s" if age >= 10 else "under 10"


def _network(label: str, value: str) -> str:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return redact(label, value)
    return str(ipaddress.ip_network((address, 16 if address.version == 4 else 32), strict=False))


def _country(label: str, value: str) -> str:
    try:
        return f"+{phonenumbers.parse(value, None).country_code}"
    except phonenumbers.NumberParseException:
        return redact(label, value)


_GENERAL: Mapping[str, Callable[[str, str], str]] = {
    "DATE_TIME": _year,
    "DATE_OF_BIRTH": _year,
    "AGE": _decade,
    "IP_ADDRESS": _network,
    "PHONE_NUMBER": _country,
}
_PLAIN: Mapping[str, Callable[[str, str], str]] = {MASK: mask, REDACT: redact, GENERALIZE: generalize}
