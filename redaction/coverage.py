"""What no detector can read: text in a script, or a language, without a published recall figure. Pure, linear.

``redaction/data/coverage.json`` names what is covered; docs/languages.md gives its figures. Patterns find what they
find in any script; but that they found nothing in words that no model can read says nothing, so such a text is
*uninspected* (reason ``script`` or ``language``). Letters that stand alone are
symbols and no words: ``μ``, ``α = 0.05``, an emoticon.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from redaction import language
from redaction.lookalikes import looks_latin
from redaction.views import Reading

DATA = Path(__file__).resolve().parent / "data"
SCRIPT, LANGUAGE = "script", "language"
REASONS = frozenset({SCRIPT, LANGUAGE})
"""What a text is uninspected for that will be the same next time."""
SCATTERED = 8
"""Single letters of scripts in which nobody counts or measures: so many of them are no longer symbols."""
SYMBOLS, PER_LATIN = 40, 3
"""Single Greek letters of formulas, and how many other letters stand beside each."""

_BEYOND = re.compile(
    "[^\x00-\u02e9\u1e00-\u1eff\u2000-\u2125\u2190-\u27ff\u3000-\u3004\ufe00-\ufe0f\U0001f000-\U0001f8ff]"
)
"""What nearly all text in a covered language has none of."""
_WORDS = re.compile(r"OM*O|[OG]M*[OG]M*[OG]|OM*(?:g{1,3}OM*){3}|[OG]M*(?:g{1,3}[OG]M*){7}")
"""Two letters in a row, three where Greek ones are among them, or a row of letters with little between them."""
_WORD = re.compile(r"OM*[OG][OGM]*|GM*[OG]M*[OG][OGM]*|GM*O[OGM]*")
_ONLY = re.compile(r"OM*")
_BETWEEN = " \t\r\n.,;:_|*~'\"/-\\()[]{}<>#=+&\u2010\u2011\u2012\u2013\u2014\u00b7\u2022"
"""What may stand between the letters of one word that was spaced out."""
_ROW = re.compile(r"(?:[OG]M*){6}")
"""Letters in a row that count in what was decoded from digits; shorter rows are made by chance."""
_WHOLE = frozenset({"plain", "letters", "undone", "undone_twice"})
"""Readings of a whole text, the plainest one last."""
_KEPT = 20_000
"""Characters of which the kind is kept."""


class _Kinds(dict[int, str]):
    """Code point -> O: a letter of a script that is not covered, G: of Greek, M: a mark on one, g: what may stand
    between letters, a: another letter, a dot: the rest."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(map(ord, _BETWEEN), "g"))
        table = json.loads((DATA / "scripts.json").read_text(encoding="utf-8"))
        kinds = (("O", table["foreign"]), ("G", table["symbols"]), ("M", table["marks"]))
        rows = sorted((first, last, kind) for kind, ranges in kinds for first, last in ranges)
        self._starts = [first for first, _, _ in rows]
        self._rows = rows

    def __missing__(self, code: int) -> str:
        at = bisect_right(self._starts, code) - 1
        kind = self._rows[at][2] if at >= 0 and code <= self._rows[at][1] else ""
        kind = kind or ("a" if chr(code).isalpha() else "g" if chr(code).isspace() else ".")
        if len(self) < _KEPT:
            self[code] = kind
        return kind


@lru_cache(maxsize=1)
def _kinds() -> _Kinds:
    return _Kinds()


def digest() -> str:
    """Of the tables and of what is done with them."""
    settings = [SCATTERED, SYMBOLS, PER_LATIN, _BEYOND.pattern, _WORDS.pattern, _WORD.pattern, _ROW.pattern, _BETWEEN]
    h = hashlib.sha256(json.dumps(settings).encode() + language.digest().encode())
    for name in ("coverage.json", "scripts.json"):
        h.update((DATA / name).read_bytes())
    return h.hexdigest()[:16]


def passing(*reasons: str | None) -> str | None:
    """Of the reasons why a text is uninspected the last one that may be gone the next time, else the last one: only a
    text of which nothing else is unknown may be remembered."""
    given = [r for r in reasons if r is not None]
    return next((r for r in reversed(given) if r not in REASONS), given[-1] if given else None)


def foreign(text: str, *, decoded: bool = False) -> bool:
    """Whether a text holds words of a script that is not covered. ``decoded``: it was made from digits."""
    if text.isascii() or _BEYOND.search(text) is None:
        return False
    kinds = text.translate(_kinds())
    if decoded:
        return _ROW.search(kinds) is not None
    if _ONLY.fullmatch(kinds, *_inside(text)):  # the surname 李 in a field of its own is no symbol
        return True
    return _WORDS.search(kinds) is not None or _scattered(kinds)


def _inside(text: str) -> tuple[int, int]:
    """Where a text begins and ends without the blanks around it."""
    return len(text) - len(text.lstrip()), len(text.rstrip())


def _scattered(kinds: str) -> bool:
    """Whether letters that stand alone are too many for symbols."""
    foreign, symbols = kinds.count("O"), kinds.count("G")
    return foreign >= SCATTERED or (symbols >= SYMBOLS and symbols * PER_LATIN > kinds.count("a"))


def unread(readings: Sequence[Reading]) -> str | None:
    """Why nobody can say that a text is clean, or None. ``readings``: the text itself, then its other readings.

    Where look-alike letters were folded, what is left counts: a Latin word with a Cyrillic letter in it was read.
    """
    folded = any(r.name == "letters" and not r.encoded for r in readings)
    for reading in readings:
        if folded and reading.name == "plain":
            found = _genuine(reading.text)
        else:
            found = foreign(reading.text, decoded=reading.encoded)
        if found:
            return SCRIPT
    return None


def unread_language(readings: Sequence[Reading], prose: Iterable[str]) -> str | None:
    """As :func:`unread`, for languages: of the text with its disguises undone, and of passages that were encoded."""
    text = [r.text for r in readings if not r.encoded and r.name in _WHOLE][-1]
    return LANGUAGE if any(language.unknown(t) is not None for t in (text, *prose)) else None


def _genuine(text: str) -> bool:
    """Whether a word holds a letter that nobody takes for a Latin one: then it is no disguise of another."""
    if _BEYOND.search(text) is None:
        return False
    words = _WORD.finditer(text.translate(_kinds()))
    return any(not all(looks_latin(c) for c in text[m.start() : m.end()]) for m in words)
