"""Stand-ins as models write them: which of ours stands at a place of a text, and what may still become one. Pure.

* *Exact*: label, underscore and code in any case, the underscore escaped or not (Markdown, Markdown in JSON).
* *Tolerant*: the 13 characters of the code carry 65 bits, so they alone say which stand-in is meant. The label before
  them may be joined by a space, a hyphen, an HTML or URL escape, a line break or nothing, may be in bold, may be
  another (``PERSONNE_``), or missing. The code may be broken by a line wrap or by invisible characters, never by text.
  Codes of less than 50 bits (tests force them) are read exactly.

A spelling is at most ``REACH`` characters long: more is never held back. In JSON strings (``units``) escapes are units;
``\\nRP_…`` holds no ``nRP_…``. Patterns hold labels only, since Python caches patterns: no code, no value.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from heapq import merge
from itertools import chain

REACH = 64
"""The longest spelling of a stand-in, in characters."""
BEGUN = 4
"""Derived characters (20 bits) from which on a stand-in that goes on wrong was meant to be one of ours."""
CERTAIN = 10
"""Derived characters (50 bits) from which on a code alone names its stand-in."""
CONTEXT = 8
"""Characters before a place that may matter: an escape, to see whether a word begins there."""

_JOIN = r"\\{0,4}_"
_UNDERSCORE = rf"(?:{_JOIN}|&#95;|&#[xX]5[fF];|&lowbar;|%5[fF]|\\u005[fF])"
_BREAK = r"(?:-?[ \t]{0,4}(?:\r?\n|(?:\\r)?\\n)[ \t>]{0,4})"
_HIDDEN = "[\u200b-\u200d\u2060\ufeff\u00ad]"
_GAP = "[ \u00a0\\-\u2010\u2011]"
_MARK = r"[*`~]{0,3}"
_WITHIN = f"{_HIDDEN}?(?:{_UNDERSCORE}{_BREAK}?|{_BREAK}{_UNDERSCORE}?|{_GAP})?{_HIDDEN}?"
_GLUE = f"(?P<close>{_MARK}){_WITHIN}(?P<open>{_MARK})"
_INNER = f"(?:{_HIDDEN}{{1,2}}|{_BREAK})?"
_CAPITAL = "A-ZÀ-ÖØ-ÞΑ-ΩА-ЯЁ"
_OTHER = rf"[{_CAPITAL}][{_CAPITAL}_]{{1,38}}"
_BOUND = r"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=\\u[0-9a-fA-F]{4}))"
_UNIT = r"\\(?:u[0-9a-fA-F]{4}|.)"

_ESCAPED = re.compile(r"\\{1,4}_")
_OPENING = re.compile(r"\\{1,4}\Z")
_NOISE = re.compile(
    f"{_UNDERSCORE}|\\\\u(?:[0-9a-fA-F]{{4}}|[0-9a-fA-F]{{0,3}}\\Z)|\\\\[nrt]|{_HIDDEN}"
    "|[ \u00a0\u2010\u2011\t\r\n>*`~_\\\\-]"
    r"|&(?:[#a-zA-Z0-9]{0,6}\Z)|%5?\Z"
)
"""All that may stand between the letters of a stand-in, and what may become such a thing."""
_SILENT = re.compile(r"\\[nr]|[^A-Za-z0-9]+")
_SOUND = re.compile(r"[^A-Za-z0-9]+")


_QUIET = bytes(c for c in range(128) if not chr(c).isalnum())
_LOW = bytes(range(128)).lower() + bytes(range(128, 256))


def sounds(text: str) -> str:
    """What is left of a text without all that may stand inside a code: it holds every code that the text holds."""
    if text.isascii() and "\\" not in text:  # the same, many times faster
        return text.encode("ascii").translate(_LOW, _QUIET).decode("ascii")
    return _SILENT.sub("", text).lower()


@dataclass(frozen=True, slots=True)
class Hit:
    """A stand-in up to ``end``. ``opened`` and ``closed``: marks that stood inside and belong before and after it.
    ``value``: what comes back where that is not all of the value of ``key``."""

    end: int
    key: str
    opened: str = ""
    closed: str = ""
    value: str | None = None


STAND_IN = re.compile(r"[A-Z][A-Z0-9_]*_[0-9a-z]+")
"""What a plain stand-in looks like; any other key of a mapping is a realistic surrogate."""


class Spellings:
    """The stand-ins ``keys``. Raises ValueError for a key that is none."""

    def __init__(self, keys: Iterable[str], *, tolerant: bool, units: bool) -> None:
        self._keys = {k.lower(): k for k in keys}
        split = {k: k.rpartition("_") for k in self._keys}
        if not all(label for label, _, _ in split.values()):
            raise ValueError("not a stand-in")
        loose = {k for k in self._keys if tolerant and len(split[k][2]) >= CERTAIN}
        self._exact = sorted(self._keys)
        self._sizes = tuple(sorted({len(code) for _, _, code in split.values()}, reverse=True))
        self._by_code: dict[str, list[str]] = {}
        for key in loose:
            self._by_code.setdefault(split[key][2], []).append(key)
        self._sounds = {k.replace("_", "") for k in loose}
        self._labelled = sorted(self._sounds)
        self._codes = sorted(self._by_code)
        self._code_sizes = tuple(sorted({len(c) for c in self._codes}, reverse=True))
        firsts = {s[0] for s in (*self._exact, *self._codes)}
        self._firsts = {*firsts, *(c.upper() for c in firsts), *(_CAPITALS if loose else ())}
        self._pairs = _Pairs({s[:2] for s in (*self._labelled, *self._codes, *self._exact)}, loose=bool(loose))
        self._longest = max((len(k) + 4 * k.count("_") for k in self._keys), default=0)
        self.shortest = min((len(label) + 1 + min(BEGUN, len(c)) for label, _, c in split.values()), default=0)
        """Nothing shorter is a stand-in, or the beginning of one that counts as altered."""
        if loose:
            self.shortest = min(self.shortest, *self._code_sizes)
        labels = tuple(sorted({label for label, _, _ in split.values()}, key=lambda w: (-len(w), w)))
        self._labels = tuple(_label(label) for label in labels) if loose else ()
        size = min(self._code_sizes, default=0)
        self._heads, self._heads_all = _heads(labels, units=units)
        self._loose = _loose(labels, size, units=units) if loose else None
        self._run, self._runs = _runs(size)
        self._code = {n: _code(n) for n in self._code_sizes}
        self._units = units

    def places(self, text: str, pos: int) -> Iterator[int]:
        """Where one may begin, at or after ``pos``, in order; some twice."""
        heads = (m.start() for m in self._heads_all.finditer(text, pos) if m["unit"] is None)
        return merge(heads, self._loose_places(text, pos)) if self._loose is not None else heads

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the stand-ins of a complete text are."""
        end = 0
        for start in self.places(text, 0):
            if start >= end and (hit := self.at(text, start)) is not None:
                yield start, (end := hit.end)

    def _loose_places(self, text: str, pos: int) -> Iterator[int]:
        """Around every code of ours that no exact label leads: nothing else in a text needs a closer look."""
        assert self._loose is not None
        here = self._run.match(text, pos)  # a run that began before this place
        for run in chain([here] if here else (), self._runs.finditer(text, here.end() if here else pos)):
            if not self._holds(text, run):
                continue
            at = max(pos, run.start() - REACH)
            for match in self._loose.finditer(text, _boundary(text, pos, at) if self._units else at):
                if match.start() >= run.end():
                    break
                if match["unit"] is None:
                    yield match.start()
            pos = run.end()

    def _holds(self, text: str, run: re.Match[str]) -> bool:
        sound = _SOUND.sub("", _NOISE.sub("", run[0])).lower()
        found = [
            (sound[i : i + n], i)
            for n in self._code_sizes
            for i in range(len(sound) - n + 1)
            if sound[i : i + n] in self._by_code
        ]
        if len(found) != 1 or found[0][1]:
            return bool(found)
        before = text[max(0, run.start() - REACH) : run.start()]
        if self._units and "\\" in before:  # the label may begin inside an escape
            return True
        before = _plain(before)
        return not any(before.endswith(k.removesuffix(found[0][0])) for k in self._by_code[found[0][0]])

    def at(self, text: str, at: int) -> Hit | None:
        """The stand-in that begins at ``at``."""
        head = self._heads.match(text, at)
        if head is not None:
            name = _plain(head[0])
            for size in self._sizes:
                tail = text[head.end() : head.end() + size]
                if tail.isascii() and (key := self._keys.get(name + tail.lower())) is not None:
                    return Hit(head.end() + size, key)
        return self._in_any_spelling(text, at) if self._labels else None

    def begun(self, text: str, at: int) -> bool:
        """Whether one of ours begins here that was cut short or altered after its first characters."""
        head = self._heads.match(text, at)
        start = text[head.end() : head.end() + BEGUN] if head is not None else ""
        return head is not None and len(start) == BEGUN and start.isascii() and self._starts(
            self._exact, _plain(head[0]) + start.lower()
        )  # fmt: skip

    def _in_any_spelling(self, text: str, at: int) -> Hit | None:
        for label, pattern in self._labels:
            match = pattern.match(text, at)
            if match is not None and (hit := self._coded(text, at, match.end(), label)) is not None:
                return Hit(hit.end, hit.key, match["open"], match["close"])
        if not _BOUNDARY.match(text, at):
            return None
        own = [e for e in _joints(text, at) if not self._labelled_at(text[at:e])]  # else that label is meant
        hits = (self._coded(text, at, end, "") for end in (*own, at))
        return next((hit for hit in hits if hit is not None), None)

    def _labelled_at(self, spelled: str) -> bool:
        name = _JOINTS.sub("_", spelled).rstrip("_").lower()
        return any(name.endswith(label) for label, _ in self._labels)

    def _coded(self, text: str, start: int, at: int, label: str) -> Hit | None:
        """The stand-in whose code stands at ``at``, in a spelling that began at ``start``."""
        for size in self._code_sizes:
            match = self._code[size].match(text, at)
            if match is None or match.end() - start > REACH:
                continue
            keys = self._by_code.get(_SOUND.sub("", _NOISE.sub("", match[0])).lower(), [])
            own = [k for k in keys if k.rpartition("_")[0] == label]
            if len(own or keys) == 1:
                return Hit(match.end(), self._keys[(own or keys)[0]])
        return None

    def grows(self, text: str, pos: int) -> int:
        """The first place at or after ``pos`` that more text may turn into the beginning of a stand-in (or escape)."""
        at = max(pos, len(text) - max(self._longest, REACH if self._labels else 0))
        if not self._units:
            firsts, pairs, last = self._firsts, self._pairs, len(text) - 1
            for i in range(at, last + 1):
                if text[i] in firsts and (i == last or text[i : i + 2] in pairs) and self._may_grow(text, i):
                    return i
            return last + 1
        for unit in _UNITS.finditer(text, _boundary(text, pos, at)):
            if _CUT.match(text, unit.start()) or (unit[0] in self._firsts and self._may_grow(text, unit.start())):
                return unit.start()
        return len(text)

    def _may_grow(self, text: str, at: int) -> bool:
        tail = text[at:]
        opening = _OPENING.search(tail)
        plain = _plain(tail[: opening.start()]) + "_" if opening else _plain(tail)
        if self._starts(self._exact, plain, longer=plain in self._keys):
            return True
        if not self._labels or len(tail) >= REACH:
            return False
        sound = _NOISE.sub("", tail).lower()
        if sound.isascii() and self._starts(self._labelled, sound, longer=sound in self._sounds):
            return True
        return bool(_BOUNDARY.match(text, at) and self._starts_code(tail)) or self._other(text, at)

    def _other(self, text: str, at: int) -> bool:
        """Whether another label stands here, with nothing behind it yet or with the beginning of a code."""
        other = _OTHERS_GROW.match(text, at) if len(text) - at < REACH and _BOUNDARY.match(text, at) else None
        if other is None:
            return False
        if other.end() == len(text):
            return True
        ends = (end for end in _joints(text, at) if text[end : end + 1] in self._firsts or end == len(text))
        return any(self._starts_code(text[end:]) for end in ends)

    def _starts_code(self, tail: str) -> bool:
        code = _NOISE.sub("", tail).lower()
        return code.isascii() and self._starts(self._codes, code, longer=code in self._by_code)

    @staticmethod
    def _starts(words: list[str], start: str, *, longer: bool = False) -> bool:
        at = bisect_left(words, start) + longer
        return at < len(words) and words[at].startswith(start)


def _joints(text: str, at: int) -> list[int]:
    """Where a code may stand behind another label that begins at ``at``: after each of its underscores."""
    other = _OTHERS.match(text, at)
    if other is None:
        return []
    last = other.end()
    found = (
        m for m in _JOINTS.finditer(text, at, last + 8) if at + 2 <= m.start() + (m[0][0] == "_") and m.start() <= last
    )
    return [m.end() for m in found]


def _plain(spelled: str) -> str:
    return _ESCAPED.sub("_", spelled).lower()


@lru_cache(maxsize=512)
def _label(label: str) -> tuple[str, re.Pattern[str]]:
    """A label in any spelling, with what joins it to its code."""
    words = _WITHIN.join(re.escape(w) for w in label.split("_"))
    return label, re.compile(f"(?:{words}){_GLUE}", re.IGNORECASE | re.ASCII)


@lru_cache(maxsize=8)
def _code(size: int) -> re.Pattern[str]:
    return re.compile(rf"[A-Za-z0-9](?:{_INNER}[A-Za-z0-9]){{{size - 1}}}")


@lru_cache(maxsize=64)
def _runs(size: int) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Letters and digits in a row: of a code's length at least, or broken."""
    broken = rf"[A-Za-z0-9]++(?:{_INNER[:-1]}[A-Za-z0-9]++)++"
    run = rf"(?:{broken}|[A-Za-z0-9]{{{max(size, 1)},}}+)"
    return re.compile(run), re.compile(f"(?<![A-Za-z0-9]){run}")


@lru_cache(maxsize=256)
def _heads(labels: tuple[str, ...], *, units: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Labels with their underscore, exactly; and every place where one begins."""
    exact = "|".join(re.escape(f"{w}_").replace("_", _JOIN) for w in labels) or "(?!)"
    flags = re.ASCII | re.DOTALL | re.IGNORECASE
    return re.compile(exact, flags), re.compile(f"(?P<unit>{_UNIT if units else '(?!)'})|(?={exact})", flags)


@lru_cache(maxsize=256)
def _loose(labels: tuple[str, ...], size: int, *, units: bool) -> re.Pattern[str]:
    """Every place where a stand-in in any spelling may begin, with a code of at least ``size`` characters."""
    code = f"(?:{_code(size).pattern})"
    words = "|".join(_WITHIN.join(re.escape(w) for w in label.split("_")) for label in labels)
    glue = _GLUE.replace("?P<close>", "?:").replace("?P<open>", "?:")
    choices = f"(?i:{words}){glue}{code}|{_BOUND}(?:{_OTHER}{_UNDERSCORE}?)?{code}"
    return re.compile(f"(?P<unit>{_UNIT if units else '(?!)'})|(?={choices})", re.ASCII | re.DOTALL)


class _Pairs(set[str]):
    """Two characters, in any case, with which a spelling may begin; also any two of which the second is no letter or
    digit, and two capitals (another label) where spellings are loose."""

    def __init__(self, pairs: Iterable[str], *, loose: bool) -> None:
        super().__init__(pairs)
        self._loose = loose

    def __contains__(self, pair: object) -> bool:
        assert isinstance(pair, str)
        return super().__contains__(pair.lower()) or not pair[1].isalnum() or (self._loose and pair[1] in _CAPITALS)


_BOUNDARY = re.compile(_BOUND)
_OTHERS = re.compile(_OTHER)
_OTHERS_GROW = re.compile(
    rf"[{_CAPITAL}][{_CAPITAL}_]{{0,38}}(?:\\u[0-9a-fA-F]{{0,3}}|&[#a-zA-Z0-9]{{0,6}}|%5?|\\{{0,4}})"
)
_JOINTS = re.compile(_UNDERSCORE)
_UNITS = re.compile(rf"{_UNIT}|.", re.DOTALL)
_CAPITALS = frozenset(c for c in map(chr, range(0x250, 0x430)) if re.fullmatch(f"[{_CAPITAL}]", c)) | frozenset(
    c for c in map(chr, range(0x250)) if re.fullmatch(f"[{_CAPITAL}]", c)
)
_CUT = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")


def _boundary(text: str, pos: int, at: int) -> int:
    """The last place at or before ``at``, not before ``pos``, that is certainly not inside an escape."""
    while (back := text.rfind("\\", max(pos, at - 6), at)) >= 0:
        at = back
    return at
