"""Whole words and phrases in a text, whatever their case and accents. One walk over the words of the text. Pure.

Text and terms are read as words, without case and accents (``Łódź`` is ``lodz``, ``Straße`` is ``strasse``). White
space and what joins words (hyphen, underscore, apostrophe, dot, slash, quote) mean nothing: ``Blue Heron`` is found in
``blue-heron`` and in ``BLUE_HERON's``. Any other sign is a word of its own, so that ``C++`` is not ``C``. Scripts that
write words without spaces are read character by character.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import regex as re

from redaction.spans import spaceless

LONGEST = 64
"""Words of the longest term."""
_TOKEN = re.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{L}\p{N}\p{M}\s\p{Cf}_.'’‘`´\-‐‑‒–—/\\\"“”„«»·]")
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})

Token = tuple[int, int, str]


@lru_cache(maxsize=20_000)
def plain(word: str) -> str:
    """A word without case and accents."""
    if word.isascii():
        return word.lower()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    return "".join(c for c in folded if not unicodedata.combining(c)).translate(_LETTERS)


def words(text: str) -> Iterator[Token]:
    """``(start, end, word)`` of every word."""
    for m in _TOKEN.finditer(text):
        start, end = m.span()
        if text.isascii() or m[0].isascii() or not any(map(spaceless, m[0])):
            if said := plain(m[0]):
                yield start, end, said
        else:
            yield from _characters(m[0], start)


def _characters(run: str, at: int) -> Iterator[Token]:
    """A run in which a spaceless script occurs; what else stands in it are words between its characters."""
    begun = 0
    for number, char in enumerate((*run, "")):
        if char and not spaceless(char):
            continue
        if begun < number and (said := plain(run[begun:number])):
            yield at + begun, at + number, said
        if char and (said := plain(char) or char):
            yield at + number, at + number + 1, said
        begun = number + 1


def key(text: str) -> tuple[str, ...]:
    """What two spellings of one term have in common; empty where there is no word."""
    return tuple(word for _, _, word in words(text))


class Terms:
    """Finds terms, each with the number it was given. The longest one counts at each place."""

    def __init__(self, terms: Iterable[tuple[str, int]]) -> None:
        """Raises ValueError for a term without a word or with too many."""
        self._root: dict[str, Any] = {}
        for term, number in terms:
            said = key(term)
            if not 0 < len(said) <= LONGEST:
                raise ValueError("a term has one to 64 words")
            node = self._root
            for word in said:
                node = node.setdefault(word, {})
            node.setdefault("", set()).add(number)

    def find(self, text: str) -> Iterator[tuple[int, int, int]]:
        """``(start, end, number)``; a term of several lists with each of their numbers."""
        if not self._root:
            return
        said = list(words(text))
        for at, (start, _, word) in enumerate(said):
            node, longest = self._root.get(word), None
            following = at
            while node is not None:
                if "" in node:
                    longest = (said[following][1], node[""])
                following += 1
                node = node.get(said[following][2]) if following < len(said) else None
            if longest is not None:
                for number in sorted(longest[1]):
                    yield start, longest[0], number
