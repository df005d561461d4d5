"""Bytes to text, and what plain text and JSON say. Pure."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from redaction.documents.types import Reading, Unreadable

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_CHARSETS = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]|gb(?:2312|k|18030)|big5|"
    r"shift[_-]jis|euc-(?:jp|kr)|utf-?16(?:[lb]e)?|utf-?32(?:[lb]e)?",
    re.I,
)
"""Character sets that are taken at their word. Others (UTF-7, EBCDIC, ISO 2022) let bytes mean two things."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_PRINTABLE = re.compile(rb"[\x20-\x7e]{4,}")
_PRINTABLE_WIDE = re.compile(rb"(?:[\x20-\x7e]\x00){4,}")


def decode(data: bytes, charset: str | None, reading: Reading) -> str:
    """The text. What cannot be said for certain is marked missing, and read as well as it can be."""
    for bom, name in _BOMS:
        if data.startswith(bom):
            return _strict(data, name, reading)
    name = (charset or "utf-8").strip().strip("\"'")
    if not _CHARSETS.fullmatch(name):
        reading.missing("charset")
        name = "utf-8"
    return _strict(data, name, reading)


def _strict(data: bytes, name: str, reading: Reading) -> str:
    try:
        text = data.decode(name)
    except (UnicodeDecodeError, LookupError):
        reading.missing("encoding")
        text = data.decode("cp1252", "replace")
    if _CONTROL.search(text):
        reading.missing("control")
    return text


def printable(data: bytes) -> str:
    """Runs of readable characters in bytes of no known meaning, one a line."""
    runs = [m[0].decode("ascii") for m in _PRINTABLE.finditer(data)]
    runs += [m[0].decode("utf-16-le") for m in _PRINTABLE_WIDE.finditer(data)]
    return "\n".join(runs)


def read_text(text: str, reading: Reading) -> None:
    """Plain text, Markdown, CSV, source code: as it is."""
    reading.prose(text)


def read_json(text: str, reading: Reading) -> None:
    """What its strings say once their escapes are undone, each beside its key; and the document as it is."""
    try:
        tree = json.loads(text, parse_int=str, parse_float=str, object_pairs_hook=_Pairs)
    except RecursionError:
        raise Unreadable("depth") from None
    except ValueError:
        reading.prose(text)  # not JSON, or several documents in one: text like any other
        return
    reading.prose("\n".join(_lines(tree, reading)))
    reading.technical(text)


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, the repeated ones too."""


def _lines(tree: Any, reading: Reading) -> Iterator[str]:
    stack: list[tuple[str, Any]] = [("", tree)]
    while stack:
        reading.node()
        key, node = stack.pop()
        if isinstance(node, _Pairs):
            if key:
                yield f"{key}:"
            stack += reversed(node)
        elif isinstance(node, list):
            stack += [(key, item) for item in reversed(node)]
        else:
            value = "" if node is None or isinstance(node, bool) else str(node)
            yield f"{key}: {value}" if key else value
