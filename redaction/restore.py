"""Real values back into text that arrives in any chunking. Theory of operation:

* Only the mapping of this request counts; a stand-in that it does not hold is text like any other, so nobody gets a
  value by naming its stand-in.
* Models change case and escape underscores (``person\\_k3f9…``): both still match. What stands beside a stand-in does
  not matter: models write ``_PERSON_…_`` and ``PERSON_…s``, values stood beside letters before, and a text that begins
  with 65 bits of ours is ours. (A word of the input that begins like a stand-in is never chosen as one.)
* The leftmost match counts, then the longest. Text is held back only while it is a proper prefix of a stand-in.
  Restored values are never looked at again: a value that contains a stand-in is not expanded twice.
* With ``escape`` the text is the inside of JSON strings. Its escapes are units: in ``\\nRP_…`` there is no ``nRP_…``.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping

BEGUN = 4
"""Derived characters (20 bits) from which on a stand-in that goes on wrong was meant to be one of ours."""

_RUN = re.compile(r"[A-Za-z0-9_\\]*\Z")
_UNIT = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)|.", re.DOTALL)
_CUT = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_UNDERSCORE = re.compile(r"\\{1,2}_")
_OPEN = re.compile(r"\\{1,2}\Z")


def json_escape(value: str) -> str:
    """``value`` as it stands inside a JSON string, without the quotes."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


class Restorer:
    """``feed`` returns what is safe to hand out now, ``close`` the rest; any cut gives the same text and counts.

    ``restored`` counts values that were put back; ``seen`` adds stand-ins of ours that were cut short or altered after
    their first characters. Raises ValueError for a mapping whose keys are no stand-ins.
    """

    def __init__(self, mapping: Mapping[str, str], *, escape: Callable[[str], str] | None = None) -> None:
        self._values = {k.lower(): v for k, v in mapping.items()}
        self._keys = sorted(self._values)
        self._sizes = sorted({len(k) - k.rfind("_") - 1 for k in self._keys}, reverse=True)
        self._firsts = frozenset(c for k in self._keys for c in (k[0], k[0].upper()))
        self._window = max((len(k) + 2 * k.count("_") for k in self._keys), default=0)
        self._escape = escape
        self._pattern = _heads({k[: k.rfind("_") + 1] for k in self._keys}, units=escape is not None)
        self._held = ""
        self.restored = 0
        self.seen = 0

    def feed(self, chunk: str) -> str:
        if not self._values:
            return chunk
        self._held += chunk
        return self._take(final=False)

    def close(self) -> str:
        return self._take(final=True)

    def _take(self, *, final: bool) -> str:
        """Hands out everything up to where a stand-in may still be growing."""
        text = self._held
        out: list[str] = []
        at = pos = 0
        stop = len(text) if final else self._growing(text, 0)
        while (match := self._pattern.search(text, pos)) is not None and match.start() < stop:
            pos = match.end()
            if match["head"] is not None:
                value, pos = self._judge(text, match)
                if value is not None:
                    out += [text[at : match.start()], value]
                    at = pos
            if pos > stop:  # what seemed to grow was the inside of something complete
                stop = self._growing(text, pos)
        out.append(text[at:stop])
        self._held = text[stop:]
        return "".join(out)

    def _judge(self, text: str, head: re.Match[str]) -> tuple[str | None, int]:
        """The value of the stand-in at ``head``, or None, and where to go on."""
        name = _plain(head["head"])
        for size in self._sizes:
            tail = text[head.end() : head.end() + size]
            value = self._values.get(name + tail.lower()) if tail.isascii() else None
            if value is not None:
                self.restored += 1
                self.seen += 1
                return self._escape(value) if self._escape else value, head.end() + size
        begun = text[head.end() : head.end() + BEGUN]
        self.seen += len(begun) == BEGUN and begun.isascii() and self._begins(name + begun.lower())
        return None, head.start() + 1

    def _growing(self, text: str, pos: int) -> int:
        """Where the first tail at or after ``pos`` begins that more text may turn into a stand-in (or an escape)."""
        run = _RUN.search(text, max(pos, len(text) - max(self._window, 6)))
        at = run.start() if run else len(text)
        if self._escape is None:
            return next((i for i in range(at, len(text)) if self._may_grow(text, i)), len(text))
        for unit in _UNIT.finditer(text, _boundary(text, pos, at)):
            if _CUT.match(text, unit.start()) or self._may_grow(text, unit.start()):
                return unit.start()
        return len(text)

    def _may_grow(self, text: str, at: int) -> bool:
        if text[at] not in self._firsts:
            return False
        tail = text[at:]
        opened = _OPEN.search(tail)
        if opened:  # an underscore may be about to follow
            return self._begins(_plain(tail[: opened.start()]) + "_")
        plain = _plain(tail)
        return self._begins(plain, longer=plain in self._values)

    def _begins(self, start: str, *, longer: bool = False) -> bool:
        at = bisect_left(self._keys, start) + longer
        return at < len(self._keys) and self._keys[at].startswith(start)


def _plain(spelled: str) -> str:
    return _UNDERSCORE.sub("_", spelled).lower()


def _heads(heads: Iterable[str], *, units: bool) -> re.Pattern[str]:
    """One small alternation of labels; an underscore may be escaped once or twice (Markdown, Markdown in JSON)."""
    if not all(h[:-1] for h in heads):
        raise ValueError("not a stand-in")
    words = "|".join(re.escape(h).replace("_", r"\\{0,2}_") for h in sorted(heads, key=len, reverse=True))
    head = f"(?P<head>{words or '(?!)'})"
    return re.compile(rf"\\(?:u[0-9a-fA-F]{{4}}|.)|{head}" if units else head, re.IGNORECASE | re.ASCII | re.DOTALL)


def _boundary(text: str, pos: int, at: int) -> int:
    """The last place at or before ``at``, not before ``pos``, that is certainly not inside an escape."""
    while (back := text.rfind("\\", max(pos, at - 6), at)) >= 0:
        at = back
    return at
