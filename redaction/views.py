"""Other spellings of a text: what it says once an encoding or a disguise is undone. Pure, cheap when clean.

Every view is linear in its text, none but Unicode normalisation is longer than it, and views of views stop at two
levels: the work is bounded by the size of the body. No text is too long to be looked at, since what is skipped leaks.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

DEPTH = 2
"""Views of views: base64 of a URL-encoded value is found, a third layer is not."""

_B64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])"
    r"(?:(?:[A-Za-z0-9+/]{60,80}\r?\n)*[A-Za-z0-9+/_-]{12,}={0,2}|(?:[A-Za-z0-9+/]{60,80}\r?\n)*[A-Za-z0-9+/_-]{2,}={1,2})"
)
"""Twelve characters, fewer where padding shows what they are; lines as mail wraps them belong together."""
_B64_PART = re.compile(r"[A-Za-z0-9+]{12,}={0,2}")
"""A piece of a path or of a word with dashes: the separators are letters of base64 too."""
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:0x)?((?:[0-9A-Fa-f]{2}){4,})(?![0-9A-Za-z])")
_ESCAPE = re.compile(
    r"(?P<u>(?:\\u[0-9a-fA-F]{4})+)|\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|U([0-9a-fA-F]{8})|([\"'\\/bfnrt]))"
)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e01ef]"
)
_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def normal(text: str) -> str:
    """NFKC without zero-width and bidi characters, variation selectors and soft hyphens."""
    if text.isascii():
        return text
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)))


def _url(text: str) -> str | None:
    return unquote(text) if "%" in text else None


def _form(text: str) -> str | None:
    return unquote(text.replace("+", " ")) if "+" in text else None


def _html(text: str) -> str | None:
    return html.unescape(text) if "&" in text else None


def _json(text: str) -> str | None:
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else None


def _unescaped(match: re.Match[str]) -> str:
    if match["u"]:
        return bytes.fromhex(match["u"].replace("\\u", "")).decode("utf-16-be", "replace")
    code = match[2] or match[3] or match[4]
    if code is None:
        return _SIMPLE.get(match[5], match[5])
    return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else match[0]


def _base64(text: str) -> str | None:
    found: list[str] = []
    for match in _B64.finditer(text):
        run = match[0]
        whole = _decoded(run)
        if whole is not None:
            found.append(whole)
        elif not run.isalnum():
            found += [d for m in _B64_PART.finditer(run) if (d := _decoded(m[0])) is not None]
    return "\n".join(found) if found else None


def _decoded(run: str) -> str | None:
    """What a run of base64 says, if that is UTF-8: the bytes of an image must not look like a short name."""
    run = run.translate(_STANDARD)
    try:
        return base64.b64decode(run + "=" * (-len(run) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None


_STANDARD = str.maketrans({"-": "+", "_": "/", "=": None, "\r": None, "\n": None})


def _hex(text: str) -> str | None:
    found = []
    for match in _HEX.finditer(text):
        try:
            found.append(bytes.fromhex(match[1]).decode("utf-8"))
        except UnicodeDecodeError:
            continue
    return "\n".join(found) if found else None


VIEWS = (
    ("url", _url),
    ("form", _form),
    ("html", _html),
    ("json", _json),
    ("normal", normal),
    ("base64", _base64),
    ("hex", _hex),
)


def views(text: str, depth: int = DEPTH) -> Iterator[tuple[str, str]]:
    """``(name, text)`` of every view that differs from the text, and of their views in turn, each spelling once."""
    return _views(text, depth, {text})


def _views(text: str, depth: int, known: set[str]) -> Iterator[tuple[str, str]]:
    for name, view in VIEWS:
        seen = view(text)
        if seen is not None and seen not in known:
            known.add(seen)
            yield name, seen
            if depth > 1:
                yield from _views(seen, depth - 1, known)
