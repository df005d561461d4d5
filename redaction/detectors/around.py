"""The words around a place of a text, looked up by position: once per text, whatever the number of candidates."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

from redaction.spans import fold

BEFORE, AFTER = 60, 30
"""Characters around a candidate in which context words are looked for."""
_PART = re.compile(r"[^\W\d_]+|\d+")


@lru_cache(maxsize=1024)
def _folded(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Each word as it is searched for, with its first letters or digits: what every text with it holds."""
    plain = dict.fromkeys(fold(w) for w in words)
    return tuple((w, part[0] if (part := _PART.search(w)) else "") for w in plain)


class Around:
    """The context words of one text."""

    def __init__(self, text: str) -> None:
        self._text = fold(text)
        self._parts: str | None = None
        self._places: dict[tuple[str, ...], _Places | None] = {}

    def anywhere(self, words: tuple[str, ...]) -> bool:
        """Whether one of ``words`` (lower case) stands anywhere in the text."""
        return self._of(words) is not None

    def near(self, start: int, end: int, words: tuple[str, ...]) -> bool:
        """Whether one of ``words`` (lower case) stands close to ``[start, end)``, as a word of its own."""
        places = self._of(words)
        return places is not None and places.near(start, end)

    def _of(self, words: tuple[str, ...]) -> _Places | None:
        if words in self._places:
            return self._places[words]
        if self._parts is None:
            self._parts = " ".join(dict.fromkeys(_PART.findall(self._text)))
        hits = [hit for word, part in _folded(words) if part in self._parts for hit in self._hits(word)]
        found = self._places[words] = _Places(self._text, hits) if hits else None
        return found

    def _hits(self, word: str) -> list[tuple[int, int]]:
        out = []
        at = self._text.find(word)
        while at >= 0:
            out.append((at, at + len(word)))
            at = self._text.find(word, at + 1)
        return out


class _Places:
    """Where some words stand. A word that touches a candidate is bounded by it."""

    def __init__(self, text: str, hits: Sequence[tuple[int, int]]) -> None:
        whole = []
        self._ends_at: set[int] = set()
        self._starts_at: set[int] = set()
        for start, end in hits:
            left = not (start and text[start - 1].isalnum())
            right = not text[end : end + 1].isalnum()
            if left and right:
                whole.append((start, end))
            elif left:
                self._ends_at.add(end)
            elif right:
                self._starts_at.add(start)
        by_end = sorted(whole, key=lambda hit: hit[1])
        by_start = sorted(whole)
        self._ends = [end for _, end in by_end]
        self._latest = list(accumulate((start for start, _ in by_end), max))
        self._starts = [start for start, _ in by_start]
        self._soonest = list(accumulate((end for _, end in reversed(by_start)), min))[::-1]

    def near(self, start: int, end: int) -> bool:
        if start in self._ends_at or end in self._starts_at:
            return True
        before = bisect_right(self._ends, start)  # those that end before the candidate
        if before and self._latest[before - 1] >= start - BEFORE:
            return True
        after = bisect_left(self._starts, end)
        return after < len(self._starts) and self._soonest[after] <= end + AFTER


def near(text: str, start: int, end: int, words: tuple[str, ...]) -> bool:
    """:meth:`Around.near` for one candidate."""
    low = max(0, start - BEFORE - 1)
    return Around(text[low : end + AFTER + 1]).near(start - low, end - low, words)
