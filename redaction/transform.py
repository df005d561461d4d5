"""The five transforms on spans of text: keep, generalize, pseudonym, mask, redact. Pure.

A :class:`Transformer` lives for one request and one zone. It holds the mapping (stand-in -> value) that restoring
needs, and counts by label and transform. What is masked, generalized or redacted cannot come back.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from presidio_anonymizer.operators import Mask

from redaction.pseudonym import StandIns

KEEP, GENERALIZE, PSEUDONYM, MASK, REDACT = "keep", "generalize", "pseudonym", "mask", "redact"

VISIBLE = 4
"""Characters that a mask leaves readable at the end of a long value."""
LONG = 9
"""Letters and digits from which on a value is long enough to show its end."""

_YEAR = re.compile(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)")
_NUMBER = re.compile(r"\d+")
_MASK = Mask()


@dataclass(frozen=True, slots=True)
class Span:
    """What to replace, and how."""

    start: int
    end: int
    label: str
    transform: str


class Transformer:
    """Applies transforms; the same value and transform give the same replacement in the whole request.

    ``inputs`` are all texts of the request: a stand-in that occurs in one of them is not used.
    """

    def __init__(self, stand_ins: StandIns, inputs: Sequence[str]) -> None:
        self._stand_ins = stand_ins
        self._inputs = [t.casefold() for t in inputs if "_" in t]
        self._by_value: dict[str, str] = {}
        self.mapping: dict[str, str] = {}
        """Stand-in -> value."""
        self._folded: set[str] = set()
        self.counts: dict[str, dict[str, int]] = {}
        """Label -> {transform: how often}."""

    def apply(self, text: str, spans: Sequence[Span]) -> str:
        """``text`` with every span replaced. Spans are sorted and do not overlap."""
        out = []
        at = 0
        for span in spans:
            if span.start < at:
                raise AssertionError("spans overlap or are not sorted")
            value = text[span.start : span.end]
            out += [text[at : span.start], self._replacement(span, value)]
            at = span.end
            counts = self.counts.setdefault(span.label, {})
            counts[span.transform] = counts.get(span.transform, 0) + 1
        return "".join([*out, text[at:]])

    def _replacement(self, span: Span, value: str) -> str:
        if span.transform == PSEUDONYM:
            return self._stand_in(span.label, value)
        return _PLAIN[span.transform](span.label, value)

    def _stand_in(self, label: str, value: str) -> str:
        known = self._by_value.get(value)
        if known is None:
            known = self._by_value[value] = self._stand_ins.stand_in(label, value, self._taken)
            self.mapping[known] = value
            self._folded.add(known.casefold())
        return known

    def _taken(self, token: str) -> bool:
        folded = token.casefold()
        return folded in self._folded or any(folded in text for text in self._inputs)


def mask(_: str, value: str) -> str:
    """Stars; the last four characters of a long value stay readable (as on a receipt)."""
    shown = VISIBLE if sum(c.isalnum() for c in value) >= LONG else 0
    options = {"masking_char": "*", "chars_to_mask": len(value) - shown, "from_end": False}
    return str(_MASK.operate(value, options))


def redact(label: str, _: str) -> str:
    """``[CREDIT_CARD]``."""
    return f"[{label}]"


def generalize(label: str, value: str) -> str:
    """A coarser truth: the year of a date, the decade of an age, the network of an address; else the label."""
    return _GENERAL.get(label, redact)(label, value)


def _year(label: str, value: str) -> str:
    match = _YEAR.search(value)
    return match[0] if match else redact(label, value)


def _decade(label: str, value: str) -> str:
    match = _NUMBER.search(value)
    return f"{int(match[0]) // 10 * 10}s" if match and int(match[0]) < 130 else redact(label, value)


def _network(label: str, value: str) -> str:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return redact(label, value)
    return str(ipaddress.ip_network((address, 16 if address.version == 4 else 32), strict=False))


_GENERAL: Mapping[str, Callable[[str, str], str]] = {
    "DATE_TIME": _year,
    "DATE_OF_BIRTH": _year,
    "AGE": _decade,
    "IP_ADDRESS": _network,
}
_PLAIN: Mapping[str, Callable[[str, str], str]] = {
    MASK: mask,
    REDACT: redact,
    GENERALIZE: generalize,
    KEEP: lambda _, value: value,
}
