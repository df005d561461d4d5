"""Other spellings of a text: what it says once an encoding or a disguise is undone. Pure, bounded, cheap when clean."""

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
MAX_TEXT = 1_000_000

_B64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}){6,}(?![0-9A-Za-z])")
_JSON_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\([\"\\/bfnrt])")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def _url(text: str) -> str | None:
    return unquote(text) if "%" in text else None


def _html(text: str) -> str | None:
    return html.unescape(text) if "&" in text else None


def _json(text: str) -> str | None:
    if "\\" not in text:
        return None
    return _JSON_ESCAPE.sub(lambda m: chr(int(m[1] or m[2], 16)) if m[1] or m[2] else _SIMPLE.get(m[3], m[3]), text)


def _normal(text: str) -> str | None:
    if text.isascii():
        return None
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def _base64(text: str) -> str | None:
    found = [d for m in _B64.finditer(text) if (d := _decoded(m[0])) is not None]
    return "\n".join(found) if found else None


def _decoded(run: str) -> str | None:
    run = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        text = base64.b64decode(run + "=" * (-len(run) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text if text.isprintable() or "\n" in text else None


def _hex(text: str) -> str | None:
    found = []
    for match in _HEX.finditer(text):
        try:
            found.append(bytes.fromhex(match[0]).decode("utf-8"))
        except (ValueError, UnicodeDecodeError):
            continue
    return "\n".join(found) if found else None


VIEWS = (("url", _url), ("html", _html), ("json", _json), ("normal", _normal), ("base64", _base64), ("hex", _hex))


def views(text: str, depth: int = DEPTH) -> Iterator[tuple[str, str]]:
    """``(name, text)`` of every view that differs from the text, and of their views in turn."""
    if depth == 0 or len(text) > MAX_TEXT:
        return
    for name, view in VIEWS:
        seen = view(text)
        if seen is not None and seen != text:
            yield name, seen
            yield from views(seen, depth - 1)
