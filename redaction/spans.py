"""Spans: overlapping findings become groups; values are found again at every word-bounded place. Linear, pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from redaction.types import GROUPS, Finding

_WORD = re.compile(r"\w+")


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


VALIDATED = frozenset({"patterns", "secrets"})
"""Detectors that check structure; at an equal place their label beats a model's."""


def _rank(f: Finding) -> tuple[bool, float, int]:
    return f.detector in VALIDATED and f.score >= 0.6, f.score, f.end - f.start


def resolve(findings: Iterable[Finding]) -> list[Group]:
    """Sorted groups that do not overlap; each spans the union of its findings."""
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
    return [_group(g) for g in groups]


def _proven(f: Finding) -> bool:
    return f.detector in VALIDATED and f.score >= 1.0


def credible(findings: Sequence[Finding]) -> list[Finding]:
    """Without what a model thought of a part of something that a checksum proves.

    Secrets always count: their rules must see them whatever else lies there.
    """
    proven = sorted((p for p in findings if _proven(p)), key=lambda p: p.start)
    starts = [p.start for p in proven]
    ends = list(accumulate((p.end for p in proven), max))
    return [f for f in findings if f.label in GROUPS["@secrets"] or _proven(f) or not _covered(f, starts, ends)]


def _covered(f: Finding, starts: Sequence[int], ends: Sequence[int]) -> bool:
    """Whether a proven finding that starts at or before ``f`` reaches its end."""
    at = bisect_right(starts, f.start)
    return at > 0 and ends[at - 1] >= f.end


def _group(findings: Sequence[Finding]) -> Group:
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


def spaceless(char: str) -> bool:
    """Whether the script of ``char`` writes words without spaces, so that a word boundary means nothing."""
    if char < "\u0e00":
        return False
    name = unicodedata.name(char, "")
    return name.startswith(
        ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR", "HALFWIDTH KATAKANA")
    )


def _wordish(char: str) -> bool:
    return (char.isalnum() or char == "_" or unicodedata.combining(char) != 0) and not spaceless(char)


def bounded(text: str, start: int, end: int) -> bool:
    """Whether ``[start, end)`` is not part of a longer word at an edge that is itself a word character."""
    if start and _wordish(text[start]) and _wordish(text[start - 1]):
        return False
    return not (end < len(text) and _wordish(text[end - 1]) and _wordish(text[end]))


FOLD = 4
"""Values of this many characters that are more than one plain word are found in any case."""


def fold(text: str) -> str:
    """Lower case that keeps every offset."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def worth(value: str) -> bool:
    """Whether a value is looked for elsewhere: single characters and numbers of up to three digits mean nothing."""
    return len(value) > 1 and not (len(value) < FOLD and value.isdigit())


class Occurrences:
    """Finds every word-bounded occurrence of a set of values in texts.

    A value with a space, digit or symbol is found in any case; a single word as written, capitalised or in capitals
    (``Mark`` must not match ``mark``). Values are indexed by their first word, so that a text is scanned once whatever
    their number.
    """

    def __init__(self, values: Iterable[str]) -> None:
        wanted = {v for v in values if worth(v)}
        anycase = {v for v in wanted if len(v) >= FOLD and not v.isalpha()}
        words = {w for v in wanted - anycase for w in (v, v.upper(), v.capitalize())}
        self._exact = _Index(words)
        self._folded = _Index({fold(v) for v in anycase})

    def __bool__(self) -> bool:
        return bool(self._exact) or bool(self._folded)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Sorted ``(start, end)``; occurrences of different values may overlap."""
        found = set(self._exact.find(text)) if self._exact else set()
        if self._folded:
            found.update(self._folded.find(fold(text)))
        return sorted(found)


class _Index:
    """Values by their first word; values that start in a spaceless script, or hold no word, one by one.

    Per first word only the lengths of its values are tried, so that thousands of values that begin alike cost no more
    than the lengths they have.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._values = frozenset(values)
        self._by_word: dict[str, set[tuple[int, int]]] = {}
        self._plain: list[str] = []
        for value in self._values:
            match = _WORD.search(value)
            if match is None or spaceless(value[match.start()]):
                self._plain.append(value)
            else:
                self._by_word.setdefault(match[0], set()).add((match.start(), len(value)))

    def __bool__(self) -> bool:
        return bool(self._values)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        for match in _WORD.finditer(text):
            for offset, length in self._by_word.get(match[0], ()):
                start = match.start() - offset
                end = start + length
                whole = start >= 0 and end <= len(text) and text[start:end] in self._values
                if whole and bounded(text, start, end):
                    yield start, end
        # A run of a spaceless script holds many words, and other words may stand in it: there, search for everything.
        dense = not text.isascii() and any(map(spaceless, text))
        for value in self._values if dense else self._plain:
            yield from _search(text, value, 0, len(text))


def _search(text: str, value: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    at = text.find(value, start, stop)
    while at >= 0:
        if bounded(text, at, at + len(value)):
            yield at, at + len(value)
        at = text.find(value, at + 1, stop)
