"""Realistic surrogates as models write them: ``Lena Hofmann``, ``HOFMANN's``, ``Lena``, ``L. Hofmann``. Pure.

* A surrogate is found word-bounded, in any case, broken over lines or escaped; a name also in the plural.
* A part of a name (first, last, with an initial) stands for the same part of the value, where that is the only one it
  can stand for: no other surrogate has it with another meaning, no text of the request says it itself, and it is no
  common word. What is ambiguous is left alone: never guessed, and no order of appearance decides.
* A value takes the case of what stood for it: ``LENA`` gives ``MARIA``. Anything but a name comes back as it was.

Nothing of a surrogate gets into a pattern but first letters, since Python caches patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from redaction.spellings import Hit

MAX_GAP = 6
"""Characters that a space may have become (a line break with its indent)."""
MIN_PART = 3
"""Letters from which on a part of a name says anything."""
_COMMON = """
    able alt amber angel april art august autumn baker bauer becker berg bill bishop black blanc blue bob bond braun
    brown butler campos carpenter chance chase chip christian clay cliff cook cooper cruz dale dawn day dean dolly drew
    earl east eve faith field fischer fisher flores ford forest fox frank fuchs gene german glass glen gold grace graf
    grant gray green grey groß guy hahn hall hand harry hazel heath herbst herr hill holly hope hunter iris ivy jack
    jade jahn jean jet jordan joy june jung kaiser kaufmann king klein knight koch könig kurz lake lane lang law lee
    leroy little long love luz major marchand mark marsh mason may miles miller mills müller neu nick noble noir north
    olive page park parker pat paris patience pearl penny petit pierce pope potter power price prince ray reed rey reyes
    rice rich richter river rivers rob robin rock roman rosa rose roth roux ruby rusty sandy savage schmidt schneider
    schwarz sharp shepherd short silver singer sky small smith snow sol sommer south spring stark stein sterling stone
    street strong sue summer swift taylor temple turner vera victor vogel wade walker wall ward waters weaver weber weiß
    west white will winter wise wolf wood woods worth young zimmermann
"""
COMMON = frozenset(_COMMON.split())
"""First and last names that are words as well; in lower case."""
_NAME = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?(?:\s[^\W\d_]+(?:['’-][^\W\d_]+)*\.?){0,4}")
_WORDS = re.compile(r"[^\W_]+")
_HIDDEN = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")
_CUT = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_UNIT = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = re.compile(r"\\(?:[bfnrt]|u[0-9a-fA-F]{4})\Z")
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "b": " ", "f": " "}
_WIDE = "\u2e80"
"""From here on scripts put no spaces between words."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What may be written (lower case), whose it is, and what it stands for."""

    spelled: str
    key: str
    value: str
    name: bool


class Likenesses:
    """The surrogates of one request. ``inputs``: all texts of the request as the app wrote it."""

    def __init__(self, pairs: Mapping[str, str], *, inputs: Iterable[str] = (), units: bool) -> None:
        entries = [
            _Entry(k.lower(), k, v, bool(_NAME.fullmatch(k))) for k, v in pairs.items() if len(k.lower()) == len(k)
        ]
        own = {e.spelled for e in entries}
        entries += [e for e in _parts(entries, _said(inputs) if entries else frozenset()) if e.spelled not in own]
        self._by_first: dict[str, list[_Entry]] = {}
        for e in entries:
            self._by_first.setdefault(e.spelled[0], []).append(e)
        for same in self._by_first.values():
            same.sort(key=lambda e: -len(e.spelled))
        firsts = {c for f in self._by_first for c in (f, f.upper()) if len(c) == 1}
        start = "|".join(map(re.escape, sorted(firsts))) or "(?!)"
        self._start = re.compile(rf"\\(?:u[0-9a-fA-F]{{4}}|.)|{start}" if units else start, re.DOTALL)
        self._units = units
        self.shortest = min((len(e.spelled) for e in entries), default=0)
        self._longest = max((len(e.spelled) * (6 if units else 1) + 4 * MAX_GAP for e in entries), default=0)

    def places(self, text: str, pos: int) -> Iterator[int]:
        """Where one may begin, at or after ``pos``, in order."""
        return (m.start() for m in self._start.finditer(text, pos) if self._first(text, m.start()) in self._by_first)

    def _plain(self, spelled: str) -> str:
        """Without the escapes of JSON."""
        if not self._units or "\\" not in spelled:
            return spelled
        return _UNIT.sub(lambda m: _char(m[0], 0, units=True)[0], spelled)

    def _first(self, text: str, at: int) -> str:
        return _char(text, at, units=self._units)[0].lower()

    def at(self, text: str, at: int) -> Hit | None:
        """The longest surrogate that begins at ``at``."""
        for entry, end in self._found(text, at):
            if end is None or not _bounded(text, end, entry):
                continue
            return Hit(end, entry.key, value=_cased(entry, self._plain(text[at:end])))
        return None

    def _found(self, text: str, at: int) -> Iterator[tuple[_Entry, int | None]]:
        """Entries that stand here, with their end, or with None where the text ends before they do."""
        first = self._first(text, at)
        before = "" if self._units and _ESCAPED.search(text, max(0, at - 6), at) else text[at - 1 : at]
        if _one_word(before, first):
            return
        for entry in self._by_first.get(first, ()):
            end = _follow(entry.spelled, text, at, units=self._units)
            if end != -1:
                yield entry, end if end >= 0 else None

    def begun(self, text: str, at: int) -> bool:
        """A part of a surrogate is a part of some other name as well: nothing is counted."""
        return False

    def grows(self, text: str, pos: int) -> int:
        """The first place at or after ``pos`` where more text may make a surrogate, a longer one, or another word."""
        at = max(pos, len(text) - self._longest)
        if self._units:
            while (back := text.rfind("\\", max(pos, at - 6), at)) >= 0:
                at = back
        for match in self._start.finditer(text, at):
            for entry, end in self._found(text, match.start()):
                if end is None or end == len(text) or (entry.name and text[end:].lower() == "s"):
                    return match.start()
        cut = _CUT.search(text, max(at, len(text) - 6)) if self._units else None
        return cut.start() if cut is not None and _whole_units(text, at, cut.start()) else len(text)


def _whole_units(text: str, at: int, cut: int) -> bool:
    """Whether the backslash at ``cut`` begins an escape and does not end one."""
    run = len(text[at:cut]) - len(text[at:cut].rstrip("\\"))
    return run % 2 == 0


def _said(inputs: Iterable[str]) -> frozenset[str]:
    return frozenset(w.lower() for text in inputs for w in _WORDS.findall(text))


def _parts(entries: Sequence[_Entry], said: frozenset[str]) -> Iterator[_Entry]:
    """Parts of names that can only mean one thing."""
    meant: dict[str, set[tuple[str, str, str]]] = {}
    for e in entries:
        whole = e.spelled.split()
        if e.name:
            for word in whole:
                meant.setdefault(word, set())
        value = e.value.split()
        if not e.name or len(whole) < 2 or len(value) < 2:
            continue
        first, last = (whole[0], value[0]), (whole[-1], value[-1])
        for word, part in (first, last):
            meant[word].add((e.key, word, part))
        short = f"{whole[0][0]}. {whole[-1]}"
        meant.setdefault(short, set()).add((e.key, short, f"{value[0][0]}. {value[-1]}"))
    for word, all_ in meant.items():
        if len({part for _, _, part in all_}) != 1 or len({key for key, _, _ in all_}) != 1:
            continue
        (key, spelled, part), letters = next(iter(all_)), _WORDS.findall(word)
        plain = all(w not in said for w in letters if len(w) > 1)
        if plain and word not in COMMON and len(letters[-1]) >= MIN_PART:
            yield _Entry(spelled, key, part, name=True)


def _char(text: str, at: int, *, units: bool) -> tuple[str, int]:
    """The character at ``at`` and where the next one is; -1 where it is cut."""
    char = text[at]
    if char != "\\":
        return char, at + 1
    if units:
        match = _UNIT.match(text, at)
        if match is None:
            return "", -1
        return (chr(int(match[1], 16)) if match[1] else _CONTROL.get(match[2], match[2])), match.end()
    if at + 1 == len(text):
        return "", -1
    return (text[at + 1], at + 2) if not text[at + 1].isalnum() else (char, at + 1)


def _follow(spelled: str, text: str, at: int, *, units: bool) -> int:
    """Where ``spelled`` ends that begins at ``at``; -1 where it does not stand; -2 where the text ends too soon."""
    for want in spelled:
        gap = 0
        while True:
            if at >= len(text):
                return -2
            char, after = _char(text, at, units=units)
            if after < 0:
                return -2
            if char in _HIDDEN or (want == " " and char in " \t\r\n\u00a0" and gap < MAX_GAP):
                gap += char not in _HIDDEN
                at = after
                continue
            break
        if want == " ":
            if not gap:
                return -1
            continue
        lower = char.lower()
        if lower != want and not (want in "'’" and char in "'’"):
            return -1
        at = after
    return at


def _one_word(a: str, b: str) -> bool:
    """Whether two neighbours belong to one word."""
    return bool(a and b) and a[-1].isalnum() and b[0].isalnum() and a[-1] < _WIDE and b[0] < _WIDE


def _bounded(text: str, end: int, entry: _Entry) -> bool:
    last, after = entry.spelled[-1], text[end : end + 1]
    if not _one_word(last, after):
        return True
    return entry.name and after in "sS" and not _one_word(after, text[end + 1 : end + 2])


def _cased(entry: _Entry, spelled: str) -> str:
    """The value in the case of what stood for it, if that is a name."""
    if not entry.name or spelled == entry.key:
        return entry.value
    letters = [c for c in spelled if c.isalpha()]
    if len(letters) > 1 and all(c.isupper() for c in letters) and not entry.key.isupper():
        return entry.value.upper()
    if all(c.islower() for c in letters) and not entry.key.islower():
        return entry.value.lower()
    return entry.value
