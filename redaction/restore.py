"""Real values back into text that arrives in any chunking. Theory of operation:

* Only the mapping of this request counts; a stand-in that it does not hold is text like any other, so nobody gets a
  value by naming its stand-in.
* Models change case and escape underscores (``PERSON\\_k3f9…``): both still match. A stand-in with a letter, digit or
  underscore right before or after it is another word and stays as it is.
* What is held back is at most the longest text that may still become a stand-in, plus the character that decides.
  Restored values are never looked at again: a value that contains a stand-in is not expanded twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

LOOK_BACK = 6
"""Characters before a stand-in that decide whether it starts a word: ``\\u00e9`` is the longest escape."""

_ESCAPED = re.compile(r"\\(?:[bfnrt]|u[0-9a-fA-F]{4})\Z")
"""An escape in JSON or code ends a word: in ``"Dear\\nPERSON_…"`` the ``n`` belongs to the escape."""


def json_escape(value: str) -> str:
    """``value`` as it stands inside a JSON string, without the quotes."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


class Restorer:
    """``feed`` returns what is safe to hand out now, ``close`` the rest; any cut gives the same text."""

    def __init__(self, mapping: Mapping[str, str], *, escape: Callable[[str], str] | None = None) -> None:
        self._values = {k.lower(): v for k, v in mapping.items()}
        self._escape = escape or (lambda value: value)
        self._held = ""
        self._before = ""
        """The last characters that were handed out; they decide whether a stand-in starts a word."""
        self.restored = 0
        self.seen = 0
        self._pattern = _compile(self._values)
        self._prefixes = _prefixes(self._values)

    def feed(self, chunk: str) -> str:
        if self._pattern is None:
            return chunk
        self._held += chunk
        return self._take(final=False)

    def close(self) -> str:
        if self._pattern is None:
            return ""
        return self._take(final=True)

    def _take(self, *, final: bool) -> str:
        """Hands out everything up to where a stand-in may still be growing."""
        assert self._pattern is not None
        text, end = self._held, len(self._held)
        out: list[str] = []
        at = 0
        for match in self._pattern.finditer(text):
            if match.end() == end and not final:
                break  # the next character decides whether it is a stand-in
            if not self._word_starts(text, match.start()) or _continues(text, match.end()):
                continue
            out += [text[at : match.start()], self._value(match[0])]
            at = match.end()
        stop = end if final else max(at, self._safe(text))
        out.append(text[at:stop])
        self._held = text[stop:]
        if stop:
            self._before = (self._before + text[:stop])[-LOOK_BACK:]
        return "".join(out)

    def _word_starts(self, text: str, start: int) -> bool:
        before = text[max(0, start - LOOK_BACK) : start]
        if len(before) < LOOK_BACK:
            before = (self._before + before)[-LOOK_BACK:]
        return not before or not _wordish(before[-1]) or _ESCAPED.search(before) is not None

    def _value(self, found: str) -> str:
        self.seen += 1
        self.restored += 1
        return self._escape(self._values[found.replace("\\", "").lower()])

    def _safe(self, text: str) -> int:
        """Where the shortest tail begins that may still become a stand-in, or that needs one more character."""
        if not text or not (_wordish(text[-1]) or text[-1] == "\\"):
            return len(text)
        longest = max(map(len, self._values), default=0)
        window = max(0, len(text) - 2 * longest - 2)  # every underscore may be escaped
        for start in range(window, len(text)):
            if self._word_starts(text, start) and self._may_grow(text[start:]):
                return start
        return len(text)

    def _may_grow(self, tail: str) -> bool:
        plain = tail.replace("\\\\_", "\\_").replace("\\_", "_")
        if plain.endswith("\\"):
            plain = plain[:-1]
        return plain.lower() in self._prefixes


def _wordish(char: str) -> bool:
    """ASCII letters, digits, underscore. Scripts without spaces put a stand-in right beside other letters."""
    return char.isascii() and (char.isalnum() or char == "_")


def _continues(text: str, end: int) -> bool:
    return end < len(text) and _wordish(text[end])


def _compile(values: Mapping[str, str]) -> re.Pattern[str] | None:
    """One alternation, longest first; an underscore may be escaped once or twice (Markdown, Markdown in JSON)."""
    if not values:
        return None
    words = sorted(values, key=len, reverse=True)
    return re.compile("|".join(re.escape(w).replace("_", r"\\{0,2}_") for w in words), re.IGNORECASE | re.ASCII)


def _prefixes(values: Mapping[str, str]) -> frozenset[str]:
    return frozenset(w[:i] for w in values for i in range(1, len(w) + 1))
