"""Cards and accounts whose check is wrong, where a word says what they are: a digit is mistyped, or two are swapped.

No check stands behind these, so the word must stand directly before the number. They are some number, as sensitive as
any, and less surely a card or an IBAN. Pure, linear: a bounded stretch is read at each word.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from redaction.detectors.formats import CARD_WORD, IBAN_LENGTHS
from redaction.detectors.linear import Span, compile_pattern
from redaction.detectors.numbers import INDEX, NAMED_BEFORE, PLAIN, REFUSED, SOME_NUMBER, neutral
from redaction.types import Finding

MISSING = 6
"""Letters and digits by which a mistyped IBAN may be too short or too long."""
SHORTEST, LONGEST = 15, 34
"""Letters and digits of an IBAN (ISO 13616-1)."""

_IBAN_WORD = compile_pattern(r"(?i)(?:^|\PL)ibans?(?:[ _\-]?(?:codes?|no|nr|num|numbers?|nummer))?(?:\PL|$)")
_NO_PAYMENT = re.compile(
    r"(?:id|ids|identity|sim|insurance|health|library|member|membership|loyalty)[ _\-]?\Z", re.IGNORECASE
)
"""Before "card": one of these is no means of payment."""
_TO = rf"(?:[ _\-]?(?i:no|nr|num|number|id))?{INDEX}[^\d\n!?;]{{0,{NAMED_BEFORE}}}?(?:\r?\n[ \t]{{0,8}})?"
_CARD_NUMBER = r"((?=\d{3})(?!(?:19|20)\d\d-\d\d-)\d(?:[ \-\u00a0\u2011\u202f]?\d){11,18}|\d{4}(?:\.\d{4}){3})"
_IBAN_NUMBER = (
    r"(?<!\w)([A-Za-z]{2} ?[0-9]{2}[A-Za-z0-9]{0,34}"
    r"(?:[ \-/\u00a0](?:[A-Z]{0,4}[0-9][A-Za-z0-9]{0,34}|[A-Z]{1,4}(?!\w))){0,9})"
)
_IS = r" (?:is|as|ist|als|est|comme|es|como|è|come|to|jako)(?: [^\W\d_]{1,8}){0,3}[ _\-]?\Z"
_CARD = re.compile(rf"{_TO}(?<!\w){_CARD_NUMBER}(?![\d/]|[.,\-]\d|[^\W_])")
_IBAN = re.compile(rf"{_TO}{_IBAN_NUMBER}(?!\w)")
_CARD_IS = re.compile(rf"(?<![\w.,/\-])(?<!\d ){_CARD_NUMBER}{_IS}")
_IBAN_IS = re.compile(rf"{_IBAN_NUMBER}{_IS}")
"""What is said to be one: ``4111… is my card``."""
SAID = 80
"""Characters before the word in which it stands."""
_TOKEN = re.compile(r"\w+")


def mistyped(text: str, known: Iterable[Span]) -> Iterator[Finding]:
    """Those in no place where it is known better what stands there."""
    said = sorted(known)
    ends = list(accumulate((end for _, end in said), max))
    for start, end, label in (*_cards(text), *_ibans(text)):
        at = bisect_left(said, (end, 0))
        if not at or ends[at - 1] <= start:
            yield from neutral(start, end, label, REFUSED)


def _cards(text: str) -> Iterator[tuple[int, int, str]]:
    done = 0
    for word in (spans[0] for spans in CARD_WORD.spans(text)):
        m = _CARD.match(text, _behind(text, word)) or _CARD_IS.search(text, max(0, word[0] - SAID), _first(text, word))
        if m and m.start(1) >= done and not PLAIN.fullmatch(m[1]):
            payment = _NO_PAYMENT.search(text, max(0, word[0] - 12), word[0] + 1) is None
            yield *m.span(1), "CREDIT_CARD" if payment else SOME_NUMBER
            done = m.end(1)


def _ibans(text: str) -> Iterator[tuple[int, int, str]]:
    for spans in _IBAN_WORD.spans(text):
        word = spans[0]
        m = _IBAN.match(text, _behind(text, word)) or _IBAN_IS.search(text, max(0, word[0] - SAID), _first(text, word))
        if m and (end := _end(text, *m.span(1))):
            yield m.start(1), end, "IBAN_CODE"


def _behind(text: str, word: Span) -> int:
    """Where a word ends: its pattern takes the sign behind it as well."""
    return word[1] if text[word[1] - 1].isalpha() else word[1] - 1


def _first(text: str, word: Span) -> int:
    """Where a word begins: its pattern may take the sign before it as well."""
    return word[0] if text[word[0]].isalpha() else word[0] + 1


def _end(text: str, start: int, last: int) -> int:
    """Where the number ends whose length is nearest to what its country has; 0 where none is near."""
    ends, size = [], 0
    for token in _TOKEN.finditer(text, start, last):
        size += token.end() - token.start()
        if not token[0].isalpha():
            ends.append((size, token.end()))
    meant = IBAN_LENGTHS.get(text[start : start + 2].upper())
    if meant is None:
        return max((end for size, end in ends if SHORTEST <= size <= LONGEST), default=0)
    near = [(abs(size - meant), end) for size, end in ends if abs(size - meant) <= MISSING]
    return min(near, default=(0, 0))[1]
