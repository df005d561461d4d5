"""Patterns that are linear by construction (RE2), with memory enough to keep their automaton.

The library's own Python layer costs several times what a match does: it builds a generator, a match object and a table
of offsets for each. Here a text is encoded once per search and offsets are counted forward, ASCII ones not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import re2

MEMORY = 64 * 1024 * 1024
"""Bytes RE2 may use per pattern; with less, long texts make it fall back to a slower engine and say so on stderr."""
SIGNS = r"\s\"#-'()*,\-/:;<=>@\[-\x60|~«»\x{2010}-\x{205e}\x{2190}-\x{27bf}\x{1f300}-\x{1faff}\x{fe0f}"
"""Of a set: white space, punctuation that ends no sentence, arrows, pictures. Smaller than all that is no letter."""
Span = tuple[int, int]
NOWHERE = (-1, -1)


class Match:
    """Where a pattern and its groups matched, in characters."""

    __slots__ = ("_spans", "_text")

    def __init__(self, text: str, spans: list[Span]) -> None:
        self._text = text
        self._spans = spans

    def start(self, group: int = 0) -> int:
        return self._spans[group][0]

    def end(self, group: int = 0) -> int:
        return self._spans[group][1]

    def span(self, group: int = 0) -> Span:
        """(-1, -1) for a group that took no part."""
        return self._spans[group]

    def group(self, group: int = 0) -> str:
        """Empty for a group that took no part."""
        start, end = self._spans[group]
        return self._text[start:end] if start >= 0 else ""

    @property
    def groups(self) -> int:
        """How many groups the pattern has."""
        return len(self._spans) - 1

    @property
    def taken(self) -> int:
        """The first group that took part, 0 if none did."""
        return next((n for n in range(1, len(self._spans)) if self._spans[n] != NOWHERE), 0)


class Pattern:
    """One compiled pattern. Raises re2.error for what RE2 cannot express (look-around, back-references)."""

    __slots__ = ("_match", "_unanchored", "groupindex", "pattern")

    def __init__(self, pattern: str) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = MEMORY
        self.pattern = pattern
        compiled = re2.compile(pattern, options)
        self.groupindex: dict[str, int] = dict(compiled.groupindex)
        engine: Any = compiled._regexp  # noqa: SLF001 - four times faster than its wrapper
        self._match = engine.Match
        self._unanchored = type(engine).Anchor.UNANCHORED

    def search(self, text: str, pos: int = 0, endpos: int | None = None) -> Match | None:
        return next(self.finditer(text, pos, endpos), None)

    def finditer(self, text: str, pos: int = 0, endpos: int | None = None) -> Iterator[Match]:
        """Matches that do not overlap, from left to right, within ``[pos, endpos)``; what stands before and after is
        seen by ``\\b``."""
        if text.isascii():
            return (Match(text, spans) for spans in self._raw(text.encode(), pos, endpos))
        return (Match(text, spans) for spans in self._decoded(text, pos, endpos))

    def spans(self, text: str, pos: int = 0) -> Iterator[list[Span]]:
        """As ``finditer``, but only the spans of the match and its groups: the quickest way."""
        if text.isascii():
            return self._raw(text.encode(), pos, None)
        return self._decoded(text, pos, None)

    def _raw(self, data: bytes, pos: int, endpos: int | None) -> Iterator[list[Span]]:
        match, how = self._match, self._unanchored
        end = len(data) if endpos is None else min(endpos, len(data))
        while pos <= end:
            spans: list[Span] = match(how, data, pos, end)
            start, stop = spans[0]
            if start < 0:
                return
            yield spans
            pos = stop if stop > start else stop + 1
            while pos < end and data[pos] & 0xC0 == 0x80:  # an empty match stepped into a character
                pos += 1

    def _decoded(self, text: str, pos: int, endpos: int | None) -> Iterator[list[Span]]:
        data = text.encode("utf-8", "replace")  # half a surrogate pair becomes one ``?``: it must not stop the search
        low = len(text[:pos].encode("utf-8", "replace")) if pos else 0
        high = None if endpos is None or endpos >= len(text) else low + len(text[pos:endpos].encode("utf-8", "replace"))
        byte, char = low, pos  # the last place counted so far
        for spans in self._raw(data, low, high):
            known = {-1: -1}
            for at in sorted({place for span in spans for place in span if place >= 0}):
                char += len(data[byte:at].decode())
                byte = at
                known[at] = char
            yield [(known[start], known[end]) for start, end in spans]


SET_OFF = rf"(?:[{SIGNS}]{{1,6}}|\s?(?:…|\.\.\.)\s?)"
"""Before what is told: spaces, and signs that set it off."""


def loose(pattern: str) -> str:
    """``pattern`` with one to three signs of white space for each blank outside of a set: texts are wrapped."""
    out: list[str] = []
    inside = False
    signs = iter(range(len(pattern)))
    for at in signs:
        char, following = pattern[at], pattern[at + 1 : at + 2]
        if char == "\\":
            char += following
            next(signs, None)
        elif char in "[]":
            inside = char == "["
        elif char == " " and not inside and following not in {"{", "*", "+"}:
            char = r"\s{0,3}" if following == "?" else r"\s{1,3}"
            next(signs, None) if following == "?" else None
        out.append(char)
    return "".join(out)


def compile_pattern(pattern: str) -> Pattern:
    """A compiled pattern. Raises re2.error for what RE2 cannot express (look-around, back-references)."""
    return Pattern(pattern)
