"""How often a number passes a check by chance, so that one which nothing but a check names is not called by a kind.

Of random numbers of nine digits nine in ten pass the check of some country: a check digit alone says little where no
word says what the number is. ``data/number_chances.json`` holds for each kind which share of random digits it accepts
at each length, and which separators it reads over (``python -m redaction.detectors.probing`` writes it).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import shake_256
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase, digits

CHANCES = Path(__file__).resolve().parents[1] / "data" / "number_chances.json"
BOUND = 0.3
"""A number is called by a kind if fewer than this share of numbers like it pass a check that is at least as hard."""
LEAST = 0.00025
"""Share of a kind that accepted none of the random numbers tried."""
DRAWS = 40
"""Random values of one form with letters."""
KEPT = 5_000
"""Answers that are kept, each the work of looking at every kind."""
_ALPHABETS = (digits, ascii_uppercase, ascii_lowercase)


@dataclass(frozen=True, slots=True)
class _Passing:
    share: Mapping[int, float]
    separators: frozenset[str]


class Chances:
    """What is known of the kinds, by name."""

    def __init__(self) -> None:
        held = json.loads(CHANCES.read_text("utf-8"))
        self._kinds = {
            name: _Passing({int(size): share for size, share in shares.items()}, frozenset(separators))
            for name, (shares, separators) in held.items()
        }
        self._known: dict[tuple[str, int, frozenset[str]], float] = {}

    def share(self, name: str, size: int) -> float:
        """Of random numbers of ``size`` digits, those that this kind accepts; all, where the kind is not known."""
        kind = self._kinds.get(name)
        return 1.0 if kind is None else kind.share.get(size, LEAST)

    def any(self, name: str, value: str) -> float:
        """Of numbers of as many digits, between separators as in ``value``, those that this kind, or another that is
        at least as hard to pass, accepts."""
        key = name, sum(map(str.isdigit, value)), frozenset(c for c in value if not c.isdigit())
        if key not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[key] = self._any(*key)
        return self._known[key]

    def _any(self, name: str, size: int, separators: frozenset[str]) -> float:
        bound = self.share(name, size)
        none = 1.0 - bound
        for other, kind in self._kinds.items():
            share = kind.share.get(size, 1.0)
            if share <= bound and other != name and separators <= kind.separators:
                none *= 1.0 - share
        return 1.0 - none


def drawn(value: str, accepts: Callable[[str], bool]) -> float:
    """Share of values in the form of ``value`` (a digit for a digit, a letter for a letter) that are accepted."""
    return sum(map(accepts, like(value, DRAWS))) / DRAWS


def like(value: str, count: int) -> Iterator[str]:
    """Values in the same form; always the same ones for the same form."""
    alphabets = [_alphabet(c) for c in value]
    noise = shake_256(form(value).encode()).digest(count * len(value))
    for n in range(count):
        part: Sequence[int] = noise[n * len(value) : (n + 1) * len(value)]
        yield "".join(a[b % len(a)] if a else c for a, b, c in zip(alphabets, part, value, strict=True))


def form(value: str) -> str:
    """The same for values that differ in digits and letters only."""
    return "".join((_alphabet(c) or c)[0] for c in value)


def _alphabet(char: str) -> str:
    return next((a for a in _ALPHABETS if char in a), "")
