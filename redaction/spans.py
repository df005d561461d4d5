"""Spans: overlapping findings become groups; values are found again at every word-bounded place. Linear, pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate

from redaction.types import GROUPS, Finding

_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]{2}")


@dataclass(frozen=True, slots=True)
class Group:
    """Overlapping findings as one span. ``label`` is the best one, for reports; the strictest transform of all
    ``labels`` applies."""

    start: int
    end: int
    label: str
    labels: frozenset[str]
    score: float
    detector: str
    scores: tuple[tuple[str, float], ...] = ()
    """The best score of each of ``labels``."""


OWN = "custom"
"""The detector of an organisation's own patterns and terms. What it says counts, and proves nothing of others."""
VALIDATED = frozenset({"patterns", "secrets", OWN})
"""Detectors that check structure; at an equal place their label beats a model's."""
GUESSING = frozenset({"encoder", "names", "places", "student"})
"""Detectors that go by likeness and take names of models, styles and fonts for people and towns; others know a form."""


NUMERIC = frozenset({"PHONE_NUMBER", "REFERENCE_NUMBER"})
"""Labels of a guess that is none without a digit."""


def _rank(f: Finding) -> tuple[bool, float, int]:
    return f.detector in VALIDATED and f.score >= 0.6, f.score, f.end - f.start


def resolve(findings: Iterable[Finding]) -> list[Group]:
    """Sorted groups that do not overlap; each spans the union of its findings."""
    return list(_resolved(tuple(findings)))


@lru_cache(maxsize=4096)  # asked several times in one request, and again on every turn of a conversation; holds no text
def _resolved(findings: tuple[Finding, ...]) -> tuple[Group, ...]:
    ordered = sorted((f for f in findings if f.start < f.end), key=lambda f: (f.start, -f.end))
    groups: list[list[Finding]] = []
    end = -1
    for f in ordered:
        if groups and f.start < end:
            groups[-1].append(f)
            end = max(end, f.end)
        else:
            groups.append([f])
            end = f.end
    return tuple(_group(g) for g in groups)


def _proven(f: Finding) -> bool:
    return f.detector in VALIDATED and f.detector != OWN and f.score >= 1.0


def _stays(f: Finding) -> bool:
    return f.label in GROUPS["@secrets"] or f.detector == OWN or _proven(f)


def credible(findings: Sequence[Finding]) -> list[Finding]:
    """Without what a model thought of a part of something that a checksum proves.

    Secrets and an organisation's own always count: their rules must see them whatever else lies there.
    """
    proven = sorted((p for p in findings if _proven(p)), key=lambda p: p.start)
    starts = [p.start for p in proven]
    ends = list(accumulate((p.end for p in proven), max))
    return [f for f in findings if _stays(f) or not covered(f.start, f.end, starts, ends)]


def cut(text: str, findings: Sequence[Finding]) -> list[Finding]:
    """Where a model's guess reaches over something that a checksum proves, what is left of the guess on either side.

    ``card 4111…`` taken for an address would swallow the word before the number. A rest counts by itself if it holds a
    capital or a digit, as names, streets and numbers do; that of a number only with a digit (``VAT 4111…``), that of a
    person in any case: many write without capitals.
    """
    proven = sorted({(p.start, p.end) for p in findings if _proven(p)})
    starts = [start for start, _ in proven]
    ends = list(accumulate((end for _, end in proven), max))
    out: list[Finding] = []
    for f in findings:
        first = bisect_right(ends, f.start)  # earlier ones end before it
        inside = proven[first : bisect_right(starts, f.end - 1)]
        if f.detector in VALIDATED or not inside or covered(f.start, f.end, starts, ends):
            out.append(f)
        else:
            out += _rests(text, f, inside)
    return out


def _rests(text: str, f: Finding, inside: Iterable[tuple[int, int]]) -> Iterator[Finding]:
    at = f.start
    for start, end in (*inside, (f.end, f.end)):
        rest = text[at : max(at, min(start, f.end))]
        some = any(c.isdigit() or (c.isupper() and f.label not in NUMERIC) for c in rest)
        if some or (f.label == "PERSON" and _LETTERS.search(rest)):
            left = at + len(rest) - len(rest.lstrip())
            yield replace(f, start=left, end=at + len(rest.rstrip()))
        at = max(at, end)


def covered(start: int, end: int, starts: Sequence[int], ends: Sequence[int]) -> bool:
    """Whether one of the places that begin at ``starts``, and with those before it reach to ``ends``, holds it."""
    at = bisect_right(starts, start)
    return at > 0 and ends[at - 1] >= end


def met(start: int, end: int, starts: Sequence[int], ends: Sequence[int]) -> bool:
    """Whether one of such places has a part of it."""
    at = bisect_right(starts, end - 1)
    return at > 0 and ends[at - 1] > start


def _group(findings: Sequence[Finding]) -> Group:
    if len(findings) == 1:  # most are
        (f,) = findings
        return Group(f.start, f.end, f.label, frozenset({f.label}), f.score, f.detector, ((f.label, f.score),))
    best = max(findings, key=_rank)
    labels = frozenset(f.label for f in credible(findings))
    scores = tuple((label, max(f.score for f in findings if f.label == label)) for label in sorted(labels))
    return Group(
        min(f.start for f in findings),
        max(f.end for f in findings),
        best.label,
        labels,
        best.score,
        best.detector,
        scores,
    )


_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u19e0-\u19ff\u2e80-\u2ef3\u3031-\u318f\u31c0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\ua960-\ua97f\ua9e0-\ua9ff\uaa60-\uaa7f\uac00-\ud7ff\uf900-\ufaff\uff65-\uffdc\U00016ff0-\U0001b16f"
    "\U00020000-\U000323af]"
)
"""Thai, Lao, Myanmar, Khmer, Hangul, Kana, Han."""


def spaceless(char: str) -> bool:
    """Whether the script of ``char`` writes words without spaces, so that a word boundary means nothing."""
    return _SPACELESS.match(char) is not None


def _wordish(char: str) -> bool:
    if char < "\x80":
        return char.isalnum() or char == "_"
    return (char.isalnum() or char == "_" or unicodedata.combining(char) != 0) and not spaceless(char)


def bounded(text: str, start: int, end: int) -> bool:
    """Whether ``[start, end)`` is not part of a longer word at an edge that is itself a word character.

    Emphasis is no part of it (``_Jane_``).
    """
    if (
        start
        and _wordish(text[start])
        and _wordish(text[start - 1])
        and not _stressed(text[max(0, start - 4) : start][::-1])
    ):
        return False
    inside = end < len(text) and _wordish(text[end - 1]) and _wordish(text[end])
    return not inside or _stressed(text[end : end + 4])


def _stressed(beside: str) -> bool:
    """Whether what stands beside a word, nearest first, is emphasis: up to three underscores that do not join words."""
    rest = beside.lstrip("_")
    return 0 < len(beside) - len(rest) < 4 and not (rest and _wordish(rest[0]))


FOLD = 4
"""Values of this many characters that are more than one plain word are found in any case."""


def fold(text: str) -> str:
    """Lower case that keeps every offset and does not depend on what stands beside a letter (final sigma)."""
    lower = text.lower()
    if lower.isascii() and text.isascii():
        return lower
    same = lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return same.replace("ς", "σ")


WORK = 10_000_000
"""What one search of a request may cost, in comparisons of short strings (about 0.15 µs each)."""
FEW = 32
"""So many values are sooner looked for one by one than by the words of a text."""
HIT = 50
"""What one occurrence costs, with all that is done to it later."""


class Exhausted(Exception):
    """There is more to compare than a request may cost. Carries no text."""


def worth(value: str) -> bool:
    """Whether a value is looked for elsewhere: single characters and numbers of up to three digits mean nothing."""
    return len(value) > 1 and not (len(value) < FOLD and value.isdigit())


class Occurrences:
    """Finds every word-bounded occurrence of a set of values in texts.

    A value with a space, digit or symbol is found in any case; a single word as written, capitalised or in capitals
    (``Mark`` must not match ``mark``). Values are indexed by their first word, so that a text is scanned once whatever
    their number. What all texts together may cost is bounded.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._search = Search(*needles(values), Purse())

    def __bool__(self) -> bool:
        return bool(self._search)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Sorted ``(start, end)``; occurrences of different values may overlap. Raises Exhausted."""
        return sorted({(start, end) for start, end, _ in self._search.places(text)})


def needles(values: Iterable[str]) -> tuple[set[str], set[str]]:
    """What is looked for on behalf of ``values``: strings that must stand there as they are, and folded ones."""
    wanted = {v for v in values if worth(v)}
    anycase = {v for v in wanted if len(v) >= FOLD and not v.isalpha()}
    words = {w for v in wanted - anycase for w in (v, v.upper(), v.capitalize())}
    return words, {fold(w) for v in anycase for w in (v, v.upper())}


EXACT, FOLDED = "x", "f"
"""Before a needle, which kind it is."""


class Search:
    """Where needles stand in a text, each for itself: what is found for some does not depend on the others."""

    def __init__(self, exact: Iterable[str], folded: Iterable[str], purse: Purse) -> None:
        self._exact = _Index(exact, purse)
        self._folded = _Index(folded, purse)

    def __bool__(self) -> bool:
        return bool(self._exact) or bool(self._folded)

    def places(self, text: str) -> list[tuple[int, int, str]]:
        """Sorted ``(start, end, kind and needle)``. Raises Exhausted."""
        found = [(s, e, EXACT + text[s:e]) for s, e in self._exact.find(text)] if self._exact else []
        if self._folded:
            low = fold(text)
            found += [(s, e, FOLDED + low[s:e]) for s, e in self._folded.find(low)]
        return sorted(found)


class Purse:
    """What is left to spend on one request."""

    def __init__(self, left: int = WORK) -> None:
        self._left = left

    def pay(self, cost: int) -> None:
        self._left -= cost
        if self._left < 0:
            raise Exhausted


def _places(text: str, some: Collection[str], words: int) -> Iterator[tuple[str, int]]:
    """Where ``some`` of the words of a text stand in it, which has so many. Few are sooner looked for one by one."""
    if sum(map(text.count, some)) * 2 > words:
        yield from ((match[0], match.start()) for match in _WORD.finditer(text) if match[0] in some)
        return
    for word in some:
        end = 0
        while (at := text.find(word, end)) >= 0:
            end = at + len(word)
            if not (at and _WORD.match(text, at - 1, at)) and not _WORD.match(text, end, end + 1):
                yield word, at


class _Index:
    """Values by their first word; values that start in a spaceless script, or hold no word, one by one.

    Per first word only the lengths of its values are tried, so that thousands of values that begin alike cost no more
    than the lengths they have.
    """

    def __init__(self, values: Iterable[str], purse: Purse) -> None:
        self._values = frozenset(values)
        self._purse = purse
        self._plain: list[str] = []
        shapes: dict[str, set[tuple[int, int]]] = {}
        for value in self._values:
            match = _WORD.search(value)
            if match is None or spaceless(value[match.start()]):
                self._plain.append(value)
            else:
                shapes.setdefault(match[0], set()).add((match.start(), len(value)))
        self._by_word = {
            word: (tuple(places), sum(1 + length // 64 for _, length in places)) for word, places in shapes.items()
        }
        """First word -> (offset, length) of its values, and what trying them all costs."""

    def __bool__(self) -> bool:
        return bool(self._values)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        if len(self._values) <= FEW and not any(value in text for value in self._values):
            return
        words = _WORD.findall(text)
        some = self._by_word.keys() & words  # mostly nothing, and then this is all the work
        for word, begin in _places(text, some, len(words)) if some else ():
            known = self._by_word[word]
            self._purse.pay(known[1])
            for offset, length in known[0]:
                start = begin - offset
                end = start + length
                whole = start >= 0 and end <= len(text) and text[start:end] in self._values
                if whole and bounded(text, start, end):
                    self._purse.pay(HIT)
                    yield start, end
        # A run of a spaceless script holds many words, and other words may stand in it: there, search for everything.
        dense = not text.isascii() and _SPACELESS.search(text) is not None
        for value in self._values if dense else self._plain:
            self._purse.pay(1 + len(text) // 64)
            yield from self._search(text, value)

    def _search(self, text: str, value: str) -> Iterator[tuple[int, int]]:
        at = text.find(value)
        while at >= 0:
            self._purse.pay(HIT)
            if bounded(text, at, at + len(value)):
                yield at, at + len(value)
            at = text.find(value, at + 1)
