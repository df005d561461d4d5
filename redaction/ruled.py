"""A text as its tables are read: bars and line ends in plain signs. What is found keeps its place.

Terminals draw tables with bars of many kinds, word processors have line ends of their own, those of a table in a string
of a program or of JSON are escaped, and those of HTML are marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_BARS, _LINES = "│┃╎╏┆┇┊┋║╽╿¦｜", "\x0b\x0c\x1e\x85\u2028\u2029"
_BOXES = "".join(map(chr, range(0x2500, 0x2580)))
_SIGNS = str.maketrans(
    {
        **dict.fromkeys(_BOXES, "-"),
        **dict.fromkeys(_BARS, "|"),
        **dict.fromkeys(_LINES, "\n"),
        **dict.fromkeys("،、，", ","),
        "；": ";",
        "\x1f": "\t",
    }
)
_ODD = re.compile(f"[{''.join(map(chr, _SIGNS))}]")
_SOFT = re.compile(r"\\{1,4}[nrt]|</?(?:br|p|div|li|[uo]l|h[1-6])\b[^<>]{0,200}>", re.IGNORECASE)


def plain(text: str) -> str:
    """``text`` with plain bars, rules, commas and line ends, each in the place of the other."""
    return text.translate(_SIGNS) if _ODD.search(text) else text


def readings(text: str) -> Iterator[str]:
    """``text`` in plain signs; and, where it has escapes or marks of line ends, with line ends instead."""
    text = plain(text)
    yield text
    soft = _SOFT.sub(_line_end, text)
    if soft != text:
        yield soft


def _line_end(mark: re.Match[str]) -> str:
    said = mark[0]
    return said[:-1] + ("\t" if said[-1] == "t" else "\n") if said[0] == "\\" else "\n" * len(said)
