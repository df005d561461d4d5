"""A text with its character-level disguises undone, and the way back to the places of the text itself. Pure, linear.

Escapes (``%40``, ``&#64;``, ``\\u0040``, ``\\x40``, ``=40``), emphasis within a word (``**J**ane``), invisible
characters, wide, combined, look-alike letters.
What is found in the undone text is replaced where it stands; what was undone is always taken as a whole. It must not
be used to replace text as a whole, and it judges nothing: that a look-alike was undone does not make a text suspicious.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from redaction.lookalikes import INVISIBLE, plain_letters

_MARKED, _WORDS = (rf"{c}{{1,40}}(?:[ '\u2019.-]{{1,2}}{c}{{1,40}}){{0,3}}" for c in (r"[^\W_]", r"[^\W\d_]"))
_ESCAPES = (
    r"(?P<unicode>(?:\\{1,8}u[0-9a-fA-F]{4})+)|(?P<code>(?:\\{1,8}x[0-9a-fA-F]{2})+)"
    r"|(?P<octal>(?:\\[0-3][0-7]{2})+)|(?P<point>\\{1,8}(?:u\{[0-9a-fA-F]{1,10}\}|U[0-9a-fA-F]{8}))"
    r"|(?P<control>\\[nrtbf])|(?P<escape>\\{1,8}[!-/:-@\[\]^_`{|}~])|(?P<slash>\\\\)"
    r"|(?P<percent>(?:%[0-9a-fA-F]{2})+)|(?P<iis>(?:%u[0-9a-fA-F]{4})+)"
    r"|(?P<entity>&(?:\#[0-9]{1,12};?|\#[xX][0-9a-fA-F]{1,12};?|[a-zA-Z][a-zA-Z0-9]{1,31};))"
    r"|(?P<tag></?(?:a|b|bdi|big|code|em|font|i|mark|s|small|span|strong|sub|sup|tt|u|wbr)(?:\s[^<>@&%\\]{0,200})?/?>"
    r"|<!--[^<>@&%\\]{0,200}-->)"
    rf"|(?P<emphasis>(?<!\w)(?P<begin>\*\*\*?|~~){_MARKED}(?P=begin)(?=[._'\u2019-]?[^\W_])"
    rf"|(?<=[^\W_])(?P<inner>\*\*\*?|~~){_MARKED}(?P=inner)"
    rf"|(?<!\w)\*{_WORDS}\*(?=['\u2019-]?[^\W\d_])|(?<=[^\W\d_])\*{_WORDS}\*)"
    rf"|(?P<none>[{INVISIBLE}]+)|(?P<letters>[^\x00-\x7f{INVISIBLE}]+)"
)
_DISGUISED = re.compile(_ESCAPES)
_UNICODE = re.compile(rf"(?P<none>[{INVISIBLE}]+)|(?P<letters>[^\x00-\x7f{INVISIBLE}]+)")
_FLAT = re.compile(rf"(?P<space>\\[nrt]|\+|\s+)|{_ESCAPES}")
_QUOTED = re.compile(r"(?P<quoted>(?:=[0-9A-Fa-f]{2})+)|(?P<none>=[ \t]*\r?\n)")
_PLUS = re.compile(r"(?P<space>(?<=\w)\++(?=\w))")
_BEGIN_PLUS = re.compile(r"\+")
_BEGIN = re.compile(r"[\\%&<*~\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\U0010ffff]")
"""How each alternative begins: searching for these first is many times faster."""
_BEGIN_UNICODE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\U0010ffff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BEGIN_FLAT = re.compile(r"[\\%&<+*~\x00-\x1f\x7f-\U0010ffff]|[ ](?=\s)")
_CODE_POINT = re.compile(r"[0-9a-fA-F]{2,}")
Piece = tuple[int, int, str]
"""Start and end in the original, and what is said there."""


@dataclass(frozen=True, slots=True)
class Undone:
    """``text`` is what is said; ``pieces`` are what was undone: start and end there, start and end in the original.

    ``apart``: the pieces are separate texts, and nothing that lies in two of them is anything.
    """

    text: str = field(repr=False)
    pieces: tuple[tuple[int, int, int, int], ...]
    starts: tuple[int, ...] = field(repr=False)
    """Where the pieces start in ``text``."""
    apart: bool = False
    of: str = field(default="", repr=False)
    """The original."""

    def place(self, start: int, end: int) -> tuple[int, int] | None:
        """Where ``[start, end)`` stands in the original; what was undone is taken as a whole."""
        if self.apart and self._piece(start) != self._piece(end - 1):
            return None
        return self._back(start, after=False), self._back(end - 1, after=True)

    def touched(self, start: int, end: int) -> bool:
        """Whether anything at or between ``start`` and ``end`` was undone."""
        n = self._piece(end)
        return n >= 0 and self.pieces[n][1] >= start

    def inside(self, start: int, end: int) -> bool:
        """Whether anything between ``start`` and ``end``, not at them, was undone."""
        n = self._piece(end - 1)
        return n >= 0 and self.pieces[n][1] >= start and (self.pieces[n][0] > start or self.pieces[n][1] > start)

    def between(self, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """The pieces that ``[start, end)`` overlaps, in order."""
        for n in range(max(0, self._piece(start)), len(self.pieces)):
            if self.pieces[n][0] >= end:
                break
            if self.pieces[n][1] > start:
                yield self.pieces[n]

    def _piece(self, at: int) -> int:
        return bisect_right(self.starts, at) - 1

    def _back(self, at: int, *, after: bool) -> int:
        n = self._piece(at)
        if n < 0:
            return at + after
        _, end, first, last = self.pieces[n]
        if at < end:
            return last if after else first
        return last + at - end + after


def build(text: str, changes: Iterable[Piece], *, apart: bool = False) -> Undone | None:
    """``text`` with ``changes`` (sorted, apart) made, or None where there are none."""
    out: list[str] = []
    pieces: list[tuple[int, int, int, int]] = []
    at = made = 0
    for start, end, plain in changes:
        out += ["" if apart else text[at:start], plain]
        made += 0 if apart else start - at
        pieces.append((made, made + len(plain), start, end))
        made += len(plain)
        at = end
    if not pieces:
        return None
    starts = tuple(piece[0] for piece in pieces)
    return Undone("".join([*out, "" if apart else text[at:]]), tuple(pieces), starts, apart, text)


def letters(text: str) -> Undone | None:
    """``text`` in plain, visible characters, its escapes as they are, or None where it is that already."""
    if text.isascii() and not _CONTROL.search(text):
        return None
    return build(text, _changes(text, _UNICODE, _BEGIN_UNICODE))


def undo(text: str, *, flat: bool = False) -> Undone | None:
    """``text`` with its disguises undone, or None where there are none.

    ``flat``: line breaks, tabs, rows of spaces and ``+`` are one space, for the search of known values.
    """
    pattern, begin = (_FLAT, _BEGIN_FLAT) if flat else (_DISGUISED, _BEGIN)
    return build(text, _changes(text, pattern, begin)) if begin.search(text) else None


def quoted(text: str) -> Undone | None:
    """``text`` with quoted-printable undone (RFC 2045 §6.7)."""
    return build(text, _changes(text, _QUOTED, _QUOTED)) if "=" in text else None


def form(text: str) -> Undone | None:
    """``text`` with ``+`` between words as a space (HTML form encoding)."""
    return build(text, _changes(text, _PLUS, _BEGIN_PLUS)) if "+" in text else None


def _changes(text: str, pattern: re.Pattern[str], begin: re.Pattern[str]) -> Iterator[Piece]:
    at = 0
    for first in begin.finditer(text):
        match = pattern.match(text, first.start()) if first.start() >= at else None
        if match is None:
            continue
        floor, (start, at) = at, match.span()
        kind = match.lastgroup or ""
        if kind == "letters":
            yield from plain_letters(text, start, at, floor)
        elif (plain := _PLAIN[kind](match[0])) != match[0]:
            yield start, at, plain


def _unicode(found: str) -> str:
    return bytes.fromhex("".join(re.findall(r"[uU]([0-9a-fA-F]{4})", found))).decode("utf-16-be", "replace")


def _code(found: str) -> str:
    return _bytes("".join(re.findall(r"x([0-9a-fA-F]{2})", found)))


def _bytes(digits: str) -> str:
    raw = bytes.fromhex(digits)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _point(found: str) -> str:
    code = int(_CODE_POINT.findall(f"0{found.lstrip(chr(92))[1:].strip('{}')}")[0], 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else found


def _percent(found: str) -> str:
    said = unquote(found)
    return unquote(found, "latin-1") if "\ufffd" in said else said


_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": " ", "f": "\n"}
_PLAIN: dict[str, Callable[[str], str]] = {
    "unicode": _unicode,
    "iis": _unicode,
    "code": _code,
    "octal": lambda found: _bytes("".join(f"{int(code, 8):02x}" for code in found[1:].split("\\"))),
    "point": _point,
    "control": lambda found: _CONTROLS[found[-1]],
    "space": lambda found: " ",
    "escape": lambda found: found[-1],
    "slash": lambda found: found[-1],
    "percent": _percent,
    "entity": lambda found: html.unescape(found).replace("\u00a0", " "),
    "tag": lambda found: "",
    "emphasis": lambda found: found.strip("*~"),
    "none": lambda found: "",
    "quoted": lambda found: _bytes(found.replace("=", "")),
}
