"""One spelling of a text with common disguises undone, and the way back to the places of the text itself. Pure, linear.

``Hello\\nMaria%20Keller``, a name that is broken across two lines, one with a zero-width space or a combining accent: a
known value is found in the undone text and replaced where it stands. (``redaction.views`` undoes more, without a way
back, for the leak guard.) It must not be used to replace text as a whole.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from urllib.parse import unquote

_DISGUISED = re.compile(
    r"(?P<unicode>(?:\\u[0-9a-fA-F]{4})+)|(?P<space>\\[nrt]|\+|[^\S ]\s*| \s+)|(?P<escape>\\[\"'\\/])"
    r"|(?P<percent>(?:%[0-9a-fA-F]{2})+)|(?P<entity>&(?:\#[0-9]{1,7}|\#x[0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});)"
    "|(?P<none>[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+)"
    "|(?P<normal>[^\\W\\d_][\u0300-\u036f]+|[\uff01-\uff5e]+)"
)


@dataclass(frozen=True, slots=True)
class Undone:
    """``text`` is what is said; ``pieces`` are what was undone: start and end there, start and end in the original."""

    text: str = field(repr=False)
    pieces: tuple[tuple[int, int, int, int], ...]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where ``[start, end)`` stands in the original; what was undone is taken as a whole."""
        return self._back(start, after=False), self._back(end - 1, after=True)

    def _back(self, at: int, *, after: bool) -> int:
        n = bisect_right(self.pieces, at, key=lambda p: p[0]) - 1
        if n < 0:
            return at + after
        _, end, first, last = self.pieces[n]
        if at < end:
            return last if after else first
        return last + at - end + after


def undo(text: str) -> Undone | None:
    """``text`` with its disguises undone, or None where there are none."""
    out: list[str] = []
    pieces: list[tuple[int, int, int, int]] = []
    at = made = 0
    for match in _DISGUISED.finditer(text):
        plain = _plain(match)
        out += [text[at : match.start()], plain]
        made += match.start() - at
        pieces.append((made, made + len(plain), *match.span()))
        made += len(plain)
        at = match.end()
    if not pieces:
        return None
    return Undone("".join([*out, text[at:]]), tuple(pieces))


def _plain(match: re.Match[str]) -> str:
    found = match[0]
    match match.lastgroup:
        case "space":
            return " "
        case "escape":
            return found[1]
        case "unicode":
            return bytes.fromhex(found.replace("\\u", "")).decode("utf-16-be", "replace")
        case "percent":
            return unquote(found)
        case "entity":
            return html.unescape(found).replace("\u00a0", " ")
        case "none":
            return ""
        case _:
            return unicodedata.normalize("NFKC", found)
