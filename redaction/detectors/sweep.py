"""Many patterns in one pass: which of them can match at all is asked once, of the parts of a text that may hold one.

RE2 only, so the time is linear whatever the text holds. An RE2 set that runs out of memory says "no match"; a pattern
that matches everything is therefore one of the set, and where its answer is missing every pattern is tried by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import re2

from redaction.detectors.linear import MEMORY, compile_pattern

MARGIN = 32
"""Characters kept on either side of a digit: the letters that a number may begin or end with."""
_GAP = "\x00" * 8
"""Between parts; longer than any gap that a pattern bridges with "any character"."""


def around_digits(margin: int) -> str:
    """A pattern of the parts of a text that lie within ``margin`` characters of an ASCII digit."""
    gap = rf"[^0-9]{{0,{margin}}}"
    return rf"(?s){gap}[0-9](?:{gap}{gap}[0-9])*{gap}"


class Sweep:
    """Finds matches, or their group ``group``, of patterns that all lie within one of the ``parts`` of a text."""

    def __init__(self, patterns: Sequence[str], parts: str = around_digits(MARGIN), group: int = 0) -> None:
        self._parts = compile_pattern(parts)
        self._group = group
        self._patterns = [compile_pattern(p) for p in patterns]
        options = re2.Options()
        options.log_errors = False
        options.max_mem = 4 * MEMORY
        self._set = re2.Set.SearchSet(options)
        for pattern in (*patterns, ""):
            self._set.Add(pattern)
        self._set.Compile()

    def find(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Number of the pattern, start and end of each match."""
        parts = [m.span() for m in self._parts.finditer(text)]
        if not parts:
            return
        short = _GAP.join(text[a:b] for a, b in parts)
        places = []
        at = 0
        for start, end in parts:
            places.append((at, at + end - start, start - at))
            at += end - start + len(_GAP)
        for number in self._possible(short):
            yield from self._matches(number, text, short, places)

    def _possible(self, short: str) -> Sequence[int]:
        possible = self._set.Match(short)
        everything = len(self._patterns)
        return sorted(n for n in possible if n < everything) if everything in possible else range(everything)

    def _matches(
        self, number: int, text: str, short: str, places: Sequence[tuple[int, int, int]]
    ) -> Iterator[tuple[int, int, int]]:
        """Matches within one part that are no halves of words that the part cuts. Parts and matches are in order."""
        part = 0
        for m in self._patterns[number].finditer(short):
            left, right = m.span()
            while places[part][1] < left:
                part += 1
            first, last, shift = places[part]
            if left < first or right > last:
                continue
            start, end = left + shift, right + shift
            cut = left == first and _word(text, start - 1) and _word(text, start)
            if not cut and not (right == last and _word(text, end - 1) and _word(text, end)):
                yield number, m.start(self._group) + shift, m.end(self._group) + shift


def _word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and (text[at].isalnum() or text[at] == "_")
