"""Many patterns in one pass: which of them can match at all is asked once, of the parts of a text that may hold one.

RE2 only, so the time is linear whatever the text holds. A set's automaton has a state for every way in which all of its
patterns can be half matched, and each new one costs thousands of times what an old one does: texts of random digits
would never stop making new ones. So there are several small sets, and what is longer than ``SETS`` is asked pattern by
pattern, which costs about the same for every text. An RE2 set that runs out of memory says "no match"; a pattern that
matches everything is therefore one of each set, and where its answer is missing every pattern is tried by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import re2

from redaction.detectors.linear import MEMORY, Pattern, compile_pattern

MARGIN = 32
"""Characters kept on either side of a digit: the letters that a number may begin or end with."""
SETS = 8_000
"""Characters of the longest parts that sets are asked about."""
TOGETHER = 17
"""Patterns of one set; neighbours, which resemble one another."""
_GAP = "\n" + "\x00" * 7
"""Between parts; longer than any gap that a pattern bridges with "any character". It begins with white space, where a
value of "anything but white space" ends: such a value would else go on into the next part, and match in neither."""


def around_digits(margin: int) -> str:
    """A pattern of the parts of a text that lie within ``margin`` characters of an ASCII digit."""
    gap = rf"[^0-9]{{0,{margin}}}"
    return rf"(?s){gap}[0-9](?:{gap}{gap}[0-9])*{gap}"


class Sweep:
    """Finds matches, or a group of them, of patterns that all lie within one of the ``parts`` of a text.

    ``group``: one number for all patterns, or one for each.
    """

    def __init__(
        self, patterns: Sequence[str], parts: str = around_digits(MARGIN), group: int | Sequence[int] = 0
    ) -> None:
        self._parts = compile_pattern(parts)
        self._groups = [group] * len(patterns) if isinstance(group, int) else list(group)
        self._sources = tuple(patterns)
        self._compiled: dict[int, Pattern] = {}
        self._sets = [_set(patterns[at : at + TOGETHER]) for at in range(0, len(patterns), TOGETHER)]

    def find(self, text: str, wanted: Callable[[int], bool] | None = None) -> Iterator[tuple[int, int, int]]:
        """Number of the pattern, start and end of each match. Patterns that are not ``wanted`` are left out; it is
        asked only about those that match somewhere."""
        parts = [spans[0] for spans in self._parts.spans(text)]
        if not parts:
            return
        short = _GAP.join([text[a:b] for a, b in parts])
        places = []
        at = 0
        for start, end in parts:
            places.append((at, at + end - start, start - at))
            at += end - start + len(_GAP)
        for number in self._possible(short):
            if wanted is None or wanted(number):
                yield from self._matches(number, text, short, places)

    def pattern(self, number: int) -> Pattern:
        """Compiled when a text first asks for it: hundreds at start would keep a worker from its first text."""
        found = self._compiled.get(number)
        if found is None:
            found = self._compiled[number] = compile_pattern(self._sources[number])
        return found

    def _possible(self, short: str) -> Iterator[int]:
        """Numbers of the patterns that may match, in order."""
        if len(short) > SETS:
            yield from range(len(self._sources))
            return
        data = short.encode("utf-8", "replace")
        for n, some in enumerate(self._sets):
            first, count = n * TOGETHER, min(TOGETHER, len(self._sources) - n * TOGETHER)
            possible = some.Match(data) or ()
            if count not in possible:
                yield from range(first, first + count)
            elif len(possible) > 1:
                yield from (first + m for m in sorted(possible) if m < count)

    def _matches(
        self, number: int, text: str, short: str, places: Sequence[tuple[int, int, int]]
    ) -> Iterator[tuple[int, int, int]]:
        """Matches within one part that are no halves of words that the part cuts. Parts and matches are in order."""
        part = 0
        first, last, shift = places[0]
        group = self._groups[number]
        for spans in self.pattern(number).spans(short):
            left, right = spans[0]
            while last < left:
                part += 1
                first, last, shift = places[part]
            low, high = spans[group]
            if left < first - 1 or low < first or right > last + 1:  # one of the gap may be "no letter", or "a space"
                continue
            right, high = min(right, last), min(high, last)
            start, end = max(left, first) + shift, right + shift
            cut = left <= first and _word(text, start - 1) and _word(text, start)
            if not cut and not (right == last and _word(text, end - 1) and _word(text, end)):
                yield number, low + shift, high + shift


def _set(patterns: Sequence[str]) -> re2.Set:
    """Asked which of ``patterns`` match; one more matches everything, to tell "none" from "no answer"."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 4 * MEMORY
    out = re2.Set.SearchSet(options)
    for pattern in (*patterns, ""):
        out.Add(pattern)
    out.Compile()
    return out


def _word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and (text[at].isalnum() or text[at] == "_")
