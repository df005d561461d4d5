"""Letters, digits and signs that look like others: what a reader sees, in plain characters. Pure data and lookups.

Normal form NFKC, digits of every script, combining marks that only decorate, and a small table of letters that cannot
be told from Latin ones (after Unicode TR39 confusables). A look-alike counts only in a token that also holds ASCII
letters, digits or ``@``, so that a text really in Cyrillic or Greek is left as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

INVISIBLE = (
    "\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
"""The inside of a character class: default-ignorable, format and control characters other than tab and line ends."""

_LATIN = {
    "A": "\u0410\u0391\u13aa\ua4ee", "B": "\u0412\u0392\u13f4\ua4d0", "C": "\u0421\u03f9\u13df\ua4da",
    "D": "\u13a0\ua4d3", "E": "\u0415\u0395\u13ac\ua4f0", "F": "\ua4dd\u03dc", "G": "\u050c\u13c0\ua4d6",
    "H": "\u041d\u0397\u13bb\ua4e7", "I": "\u0406\u0399\u04c0\ua4f2", "J": "\u0408\u13ab\ua4d9",
    "K": "\u041a\u039a\u13e6\ua4d7", "L": "\u053c\u13de\ua4e1", "M": "\u041c\u039c\u13b7\ua4df", "N": "\u039d\ua4e0",
    "O": "\u041e\u039f\u0555\ua4f3", "P": "\u0420\u03a1\u13e2\ua4d1", "Q": "\u051a", "R": "\u13a1\u13d2\ua4e3",
    "S": "\u0405\u054f\u13da\ua4e2", "T": "\u0422\u03a4\u13a2\ua4d4", "U": "\u054d\ua4f4\u13cc",
    "V": "\u0474\u13d9\ua4e6", "W": "\u051c\u13b3\ua4ea", "X": "\u0425\u03a7\ua4eb", "Y": "\u04ae\u03a5\ua4ec",
    "Z": "\u0396\u13c3\ua4dc", "a": "\u0430\u03b1\u0251\u1d00", "b": "\u042c\u0299", "c": "\u0441\u1d04\u03f2",
    "d": "\u0501\u1d05", "e": "\u0435\u03b5\u1d07", "f": "\ua730", "g": "\u0261\u0581\u0262",
    "h": "\u04bb\u0570\u029c", "i": "\u0456\u03b9\u0131\u0269\u026a\u13a5", "j": "\u0458\u03f3\u1d0a",
    "k": "\u043a\u03ba\u1d0b", "l": "\u04cf\u029f", "m": "\u043c\u1d0d", "n": "\u0578\u03b7\u0274\u043f",
    "o": "\u043e\u03bf\u0585\u1d0f", "p": "\u0440\u03c1\u1d18", "q": "\u051b\u0566", "r": "\u0433\u0280",
    "s": "\u0455\ua731", "t": "\u0442\u03c4\u1d1b", "u": "\u057d\u03c5\u1d1c", "v": "\u0475\u03bd\u1d20",
    "w": "\u051d\u03c9\u1d21", "x": "\u0445\u03c7", "y": "\u0443\u03b3\u028f", "z": "\u1d22",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "3": "\u0417",
}  # fmt: skip
_TABLE = {ord(like): plain for plain, likes in _LATIN.items() for like in likes}
_TABLE |= {0x1F150 + i: chr(65 + i) for i in range(26)} | {0x1F170 + i: chr(65 + i) for i in range(26)}
_DOTS = "\u3002\u00b7\u2022\u2027\u2219\u22c5\u30fb\u06d4\u0701\u0702\ua4f8\uff61\uff65"
"""Full stops of other scripts and dots in the middle: a dot beside a Latin letter only, where no sentence ends."""

_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARK = re.compile(f"[{_MARKS}]+")
_CLUSTER = re.compile(rf".[{_MARKS}]*", re.DOTALL)
_SPECIAL = re.compile(f"[{_MARKS}{_DOTS}{''.join(map(chr, sorted(_TABLE)))}]|(?![0-9])\\d")
_TELLING = re.compile("[A-Za-z0-9@]")
TOKEN = 64
"""Characters on either side in which the rest of a token is looked at."""
LONGEST = 4
"""Compatibility characters that stand for more characters are ornaments (one is an Arabic phrase of 18)."""


def plain_letters(text: str, start: int, end: int, floor: int = 0) -> Iterator[tuple[int, int, str]]:
    """What in ``[start, end)``, a run of letters beyond ASCII, has a plainer form: places and forms.

    A mark at ``start`` stands on the character before, unless that lies before ``floor``.
    """
    if start > floor and _MARK.match(text, start) and text[start - 1].isascii() and text[start - 1].isalnum():
        start -= 1  # what the mark stands on
    run = text[start:end]
    if unicodedata.is_normalized("NFKC", run) and not _SPECIAL.search(run):
        return
    mixed = _mixed(text, start, end, run)
    for match in _CLUSTER.finditer(run):
        found = match[0]
        at = start + match.start()
        if found in _DOTS:
            plain = "." if _within(text, at) else found
        elif len(found) > 1:
            plain = _MARK.sub("", unicodedata.normalize("NFKC", found))
        else:
            plain = _single(found, mixed)
        if plain != found:
            yield at, at + len(found), plain


def mixed_scripts(text: str) -> bool:
    """Whether one word mixes ASCII letters with letters of another script that look like them."""
    return any(_LATIN_IN.search(m[0]) is not None for m in _WORD_WITH_LIKES.finditer(text))


def looks_latin(char: str) -> bool:
    """Whether a reader takes a character for a Latin letter, a digit or a decoration of one."""
    plain = _single(char, mixed=True)
    return plain.isascii() or _MARK.match(char) is not None


_WORD_WITH_LIKES = re.compile(rf"\w*[{''.join(chr(c) for c in sorted(_TABLE) if chr(c).isalpha())}]\w*")
_LATIN_IN = re.compile("[A-Za-z]")


def _mixed(text: str, start: int, end: int, run: str) -> bool:
    before = re.split(r"\s", text[max(0, start - TOKEN) : start])[-1]
    after = re.split(r"\s", text[end : end + TOKEN], maxsplit=1)[0]
    return _TELLING.search(f"{before}{unicodedata.normalize('NFKC', run[:1000])}{after}") is not None


def _within(text: str, at: int) -> bool:
    """Whether a dot stands between letters or digits, one of them a Latin letter."""
    beside = text[max(0, at - 1) : at], text[at + 1 : at + 2]
    return all(c.isalnum() for c in beside) and any(_single(c, mixed=True).isascii() for c in beside if c.isalpha())


@lru_cache(maxsize=4096)
def _single(char: str, mixed: bool) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    like = _TABLE.get(ord(char))
    if like is not None:
        return like if mixed else char
    plain = unicodedata.normalize("NFKC", char)
    if len(plain) > LONGEST:
        return char
    return plain.translate(_TABLE) if mixed else plain
