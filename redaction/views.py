"""Readings of a text: what it says once encodings and disguises are undone, and the way back to its own places. Pure.

Detection, the search of a request's values and the leak guard all look at the same readings, so that what one of them
can see the others can replace. Character-level disguises are undone twice over; runs of base64, hexadecimal digits and
tag characters are decoded two deep (a third layer is not), and what is found in a run stands for the whole run. The
work is bounded by the size of the text; a text with more in it than that cannot be judged.
"""

from __future__ import annotations

import binascii
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from redaction.detectors.linear import compile_pattern
from redaction.escapes import Undone, build, form, letters, quoted, undo

DEPTH = 2
"""Encodings within encodings."""
MAX_RUNS = 2_000
"""Encoded runs of one text that say something."""
GROWTH, SPARE = 8, 20_000
"""All readings of a text together may be this many times as long as it, and this much longer."""

_RUN = compile_pattern(
    r"[A-Za-z0-9+/_-][A-Z0-9+][A-Za-z0-9+/_-]{5}|[A-Za-z0-9+/_-]{6}[A-Z0-9+]|[A-Za-z0-9+/_-]{2}=|[0-9A-Fa-f]{8}"
    r"|[0-9A-Fa-f]{2}(?:[ :,\-]{1,2}(?:0[xX])?[0-9A-Fa-f]{2}){7}"
)
"""What every text with an encoded run holds: twelve letters without a capital or a digit are a word."""
_B64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:(?:[A-Za-z0-9+/_-]{8,}[ \t]*\r?\n[ \t>]*)+[A-Za-z0-9+/_-]+={0,2}"
    r"|[A-Za-z0-9+/_-]{12,}={0,2}|[A-Za-z0-9+/_-]{2,}={1,2})"
)
"""Twelve characters, fewer where padding shows what they are; lines as mail wraps them belong together."""
_B64_PART = re.compile(r"[A-Za-z0-9+]{12,}={0,2}|[A-Za-z0-9+]{2,}={1,2}")
"""A piece of a path or of a word with dashes: the separators are letters of base64 too."""
_LINE = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}")
_HEX = re.compile(
    r"(?<![0-9A-Za-z])(?:0[xX])?(?:[0-9A-Fa-f]{2}){4,}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z:])(?:0[xX])?[0-9A-Fa-f]{2}(?:(?: |:|, ?|-)(?:0[xX])?[0-9A-Fa-f]{2}){7,}(?![0-9A-Za-z:])"
)
_ANY_HEX = compile_pattern(r"[0-9A-Fa-f]{8}|[0-9A-Fa-f]{2}(?:[ :,\-]{1,2}(?:0[xX])?[0-9A-Fa-f]{2}){7}")
"""What every text with such digits holds, found many times faster."""
_NOT_HEX = re.compile(r"0[xX]|[^0-9A-Fa-f]")
_TAGS = re.compile("[\U000e0000-\U000e007f]{4,}")
_BLANK = re.compile(r"[\s>]+")
_JUNK = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
SHORT = 16
"""Rows of fewer decimal digits are numbers."""
LONG = 12
"""Bytes from which on UTF-8 is no accident, whatever it says."""
WIDE = 24
"""Bytes from which on UTF-16 of one script is no accident."""
_HAN = frozenset({0x20, 0x30, 0xFF, *range(0x4E, 0xA0)})
LOOSE = 4_000
"""Characters of the longest run in which short rows of text count; longer ones are files, where chance makes some."""
_ASCII = re.compile(rb"[\x20-\x7e]{10,}")
_ASCII_LONG = re.compile(rb"[\x20-\x7e]{16,}")
_GLUED = 16
"""Characters that ten bytes take, wherever their groups of four begin."""
_STANDARD = bytes.maketrans(b"-_", b"+/")
APART = "\n\n\n\n\n"


class TooMuch(Exception):
    """A text has more readings than may be looked at. Carries no text."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One spelling of a text. ``way`` leads back step by step; ``encoded``: it stood in runs that are taken whole."""

    name: str
    text: str = field(repr=False)
    way: tuple[Undone, ...] = ()
    encoded: bool = False

    def then(self, name: str, undone: Undone) -> Reading:
        return Reading(name, undone.text, (*self.way, undone), self.encoded or undone.apart)

    def place(self, start: int, end: int) -> tuple[int, int] | None:
        """Where ``[start, end)`` stands in the text itself; None where it is in two runs and so is nothing."""
        place: tuple[int, int] | None = (start, end)
        for undone in reversed(self.way):
            if place is None or place[0] >= place[1]:
                return None
            place = undone.place(*place)
        return place


def readings(text: str, *, flat: bool = False, bare: bool = False) -> list[Reading]:
    """Every spelling that differs from the text, each once. Raises TooMuch.

    ``flat``: for the search of known values (see :func:`redaction.escapes.undo`); otherwise for detectors. ``bare``: no
    encoded run of the text says anything, as is known.
    """
    return _Reader(text, flat=flat, depth=0 if bare else DEPTH).out


class _Reader:
    def __init__(self, text: str, *, flat: bool, depth: int) -> None:
        self.out: list[Reading] = []
        self._flat = flat
        self._known = {text}
        self._left = GROWTH * len(text) + SPARE
        self._read(Reading("plain", text), depth)

    def _read(self, base: Reading, depth: int) -> None:
        stages = [base]
        self._step(stages, "letters", base, letters(base.text))
        for name in ("undone", "undone_twice"):
            self._step(stages, name, stages[-1], undo(stages[-1].text, flat=self._flat))
        for stage in (base, stages[-1]):
            if self._step(stages, "quoted", stage, quoted(stage.text)):
                self._step(stages, "quoted_undone", stages[-1], undo(stages[-1].text, flat=self._flat))
                self._step(stages, "quoted_letters", stages[-1], letters(stages[-1].text))
        if not self._flat:
            self._step(stages, "form", stages[-1], form(stages[-1].text))
        if not depth:
            return
        for stage in stages:
            decoded = runs(stage.text)
            if decoded is not None and decoded.text not in self._known:
                inner = stage.then("encoded", decoded)
                self._keep(inner)
                self._read(inner, depth - 1)

    def _step(self, stages: list[Reading], name: str, base: Reading, undone: Undone | None) -> bool:
        new = undone is not None and undone.text not in self._known
        if undone is not None and new:
            stages.append(base.then(name, undone))
            self._keep(stages[-1])
        return new

    def _keep(self, reading: Reading) -> None:
        self._known.add(reading.text)
        self._left -= len(reading.text)
        if self._left < 0:
            raise TooMuch
        self.out.append(reading)


def runs(text: str) -> Undone | None:
    """What the encoded runs of a text say, one after the other, or None where there are none. Raises TooMuch."""
    if text.isascii() and _RUN.search(text) is None:
        return None
    found = sorted(r for part in (_base64(text), _hex(text), _tags(text)) for r in part)
    if len(found) > MAX_RUNS:
        raise TooMuch
    apart: list[tuple[int, int, str]] = []
    for start, end, said in found:  # hexadecimal digits may be read as base64 too: both are looked at
        apart += [(start, end, said), (end, end, APART)]
    return build(text, apart, apart=True)


def _base64(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _B64.finditer(text):
        run, start = match[0], match.start()
        found = list(_in_run(run))
        if not found:
            row = _ASCII if len(run) <= LOOSE else _ASCII_LONG
            found = [
                (*line.span(), said) for line in _LINE.finditer(run) if (said := _stretches(line[0], row)) is not None
            ]
        yield from ((start + first, start + end, said) for first, end, said in found)


def _in_run(run: str) -> Iterator[tuple[int, int, str]]:
    """The whole of a run, with and without its last line, which may be a word of the text; or its lines or parts."""
    one = "\n" not in run
    wholes = {run} if one else {run, run[: run.rindex("\n")].rstrip()}
    found = [(0, len(w), said) for w in wholes if (said := _decoded(w if one else _BLANK.sub("", w))) is not None]
    if not found and not run.isalnum():
        for part in (_B64_PART if one else _LINE).finditer(run):
            if (said := _decoded(part[0])) is not None:
                found.append((*part.span(), said))
    yield from found


def _stretches(run: str, row: re.Pattern[bytes]) -> str | None:
    """What a run says that something was glued to: rows of ASCII, wherever its groups of four begin."""
    data = run.encode().translate(_STANDARD, b"=")
    if len(data) < _GLUED:
        return None
    raws = b"\0".join([binascii.a2b_base64(data[i : i + (len(data) - i) // 4 * 4]) for i in range(4)])
    return APART.join([said.decode() for said in row.findall(raws)]) or None


def _decoded(run: str) -> str | None:
    data = run.encode().translate(_STANDARD, b"=")
    try:
        return _said(binascii.a2b_base64(data + b"=" * (-len(data) % 4), strict_mode=True))
    except binascii.Error:
        return None


def _said(raw: bytes) -> str | None:
    """Text, if the bytes are UTF-8 or UTF-16: those of an image must not look like a short name."""
    found = [_text(raw, "utf-8"), *(_wide(raw, code) for code in ("utf-16-le", "utf-16-be"))]
    return APART.join(said for said in found if said) or None


def _wide(raw: bytes, code: str) -> str | None:
    """UTF-16, if its letters are of few blocks: read backwards, or made of other bytes, they are of all."""
    if len(raw) % 2 or not (raw.count(0) * 8 >= len(raw) or len(raw) >= WIDE):
        return None
    said = _text(raw, code)
    if said is None or sum(c < "\u0300" for c in said) * 2 >= len(said):
        return said
    blocks = Counter(ord(c) >> 8 for c in said)
    few = sum(n for _, n in blocks.most_common(2)) * 10 >= 9 * len(said)
    han = sum(n for block, n in blocks.items() if block in _HAN) * 20 >= 19 * len(said)
    return said if len(raw) >= WIDE and (few or han) else None


def _text(raw: bytes, code: str) -> str | None:
    try:
        said = raw.decode(code)
    except UnicodeDecodeError:
        return None
    if code != "utf-8" and "\0" in said:  # rows of zeros would be UTF-16 of anything
        return None
    return said if len(raw) >= LONG or not _JUNK.search(said) else None


def _hex(text: str) -> Iterator[tuple[int, int, str]]:
    if text.isascii() and _ANY_HEX.search(text) is None:
        return
    for match in _HEX.finditer(text):
        digits = _NOT_HEX.sub("", match[0])
        said = None if digits.isdecimal() and len(digits) < SHORT else _said(bytes.fromhex(digits))
        if said is not None:
            yield *match.span(), said


def _tags(text: str) -> Iterator[tuple[int, int, str]]:
    """Invisible tag characters spell ASCII: readers see nothing, models read it."""
    if not text.isascii():
        for match in _TAGS.finditer(text):
            yield *match.span(), "".join(chr(ord(c) - 0xE0000) for c in match[0])
