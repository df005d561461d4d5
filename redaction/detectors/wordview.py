"""A text as the small token classifier sees it: tokens with exact offsets, and numbers that describe each. Pure.

A token is a run of letters, a run of digits, a run of line breaks or one symbol. Each distinct token becomes rows of
one table: pieces of a public vocabulary, hashed letter sequences, its shape and the word lists it stands in. The same
code describes training texts, so it must not change without training again: ``VERSION`` is part of the digest.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from redaction.detectors.things import THINGS

VERSION = 2
TOKEN = re.compile(r"(?:[^\W\d_][\u0300-\u036f]*)+|\d+|\n+|[^\w\s]|_")
KINDS = (
    "first_name", "surname", "city", "place_part", "country", "demonym", "job", "month", "weekday", "company_form",
    "title", "street_word", "region", "org_word", "id_word", "first_seldom", "surname_seldom", "english_word",
)  # fmt: skip
"""Word lists; the place in this tuple is the bit in a gazetteer's mask."""
_ENGLISH = 1 << KINDS.index("english_word")
_GIVEN = 1 << KINDS.index("first_name")
_SURNAME = 1 << KINDS.index("surname")
_OTHERWISE = sum(
    1 << KINDS.index(kind) for kind in ("english_word", "demonym", "country", "region", "month", "weekday")
)
_GIVENS = _GIVEN | 1 << KINDS.index("first_seldom")
_SURNAMES = _SURNAME | 1 << KINDS.index("surname_seldom")
_NAMES = 1 << KINDS.index("first_name") | 1 << KINDS.index("surname")
_FIELDS = frozenset(
    ("my", "me", "to", "in", "on", "at", "is", "id", "or", "an", "as", "do", "no", "up", "us", "we", "so", "it",
     "name", "from", "type", "date", "list", "key", "code", "data", "text", "page", "file", "url", "new", "old",
     "first", "last")
)  # fmt: skip
"""Words of names of fields that are somebody's name, too."""
_SMALL = _FIELDS | frozenset(
    ("the", "with", "into", "from", "them", "were", "among", "ran", "else", "nor", "per", "got", "goes", "via", "lice",
     "media", "int", "harder", "milder", "rode", "der", "england", "wales", "scotland", "asia", "america", "holland",
     "burma", "london", "paris", "boston", "dallas", "houston", "sydney", "madrid", "rome", "vienna", "bristol")
)  # fmt: skip
"""Words that lists of names hold, too."""
_MOSTLY_NAMES = frozenset(
    ("smith", "miller", "khan", "lee", "muller", "garcia", "pierre", "guadalupe", "taylor", "baker", "cooper", "turner",
     "parker", "carter", "walker", "wright", "clark", "weber", "fischer", "meyer", "wagner", "schneider")
)  # fmt: skip
"""Names that lists of other words hold, too."""
HASHED = 60_000
SHAPES = 256
WIDTH = 26
"""Rows of one token at most."""
PIECES = 4
SPAN = 24
"""Letters of a token that are looked at: its beginning and its end."""
STRANGE = 4
"""Letters of a word at least that is taken for strange: shorter ones are often abbreviations."""
KNOWN = 30_000
"""Most words whose rows are kept."""
_SUBWORD = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Token:
    """``[start, end)`` in code points; ``gap`` to the token before: 0 none, 1 space, 2 a line break, 3 no token."""

    start: int
    end: int
    gap: int


_ESCAPED = re.compile(r"(?:\\{1,4}[nrtvfsb])+")
_AFTER = frozenset(".,;:!?>\"')]}")
_DRIVE = re.compile(r"(?:\b[A-Za-z]:|\.\.)$")


def broken(text: str) -> str:
    """``text`` with the escapes of line breaks, tabs and, in patterns, of white space as line breaks; offsets stay.

    In strings within strings (arguments and results of tools) ``\\nAlex`` would be one word that nobody knows. Before a
    small letter it may be a path (``\\new``), so there it is a break only twice in a row or behind a sentence.
    """
    return _ESCAPED.sub(_white, text) if "\\" in text else text


def _white(match: re.Match[str]) -> str:
    text, (start, end), said = match.string, match.span(), match[0]
    twice = len(said) - said.count("\\") > 1
    if not twice and text[end : end + 1].islower():
        behind = (
            said[-1] in "nrt"
            and text[start - 1 : start] in _AFTER
            and not _DRIVE.search(text, max(0, start - 3), start)
        )
        if not behind:
            return said
    return " " * (len(said) - 1) + "\n"


def tokens(text: str, base: int = 0) -> Iterator[Token]:
    """The tokens of ``text`` in order, offsets moved by ``base``. Linear."""
    end, after_break = -1, False
    for match in TOKEN.finditer(text):
        start = match.start()
        gap = 3 if end < 0 else 2 if after_break else 1 if start > end else 0
        end, after_break = match.end(), text[start] == "\n"
        yield Token(base + start, base + end, gap)


_MOSTLY_GIVEN = """
adam adrian ahmed aisha albert alex alexander amanda amelie amy andrew angela anita anna anne anthony anton arjun
arthur ashley barbara becky ben benjamin beth betty billy bob brenda brian bruno caleb carl carla carlos catherine
charles charlie chiara chris christian christina cindy claire clara claudia cody cynthia daisy dan daniel darius
dave david debbie deborah dennis derek diana diane diego donna dora doris dorothy dylan edith eduardo edward eleanor
elena elias elizabeth ella emil emily emma eric erica erik erin ernest ethan eva evelyn fabian fatima felix fernando
francis frank fred gabriel gary george gina giovanni giulia gloria grace greg hannah harry heather heidi heike helen
henry hiro ian ingrid irene isaac isabel isabella isabelle ivan jack jackie jacob jake james jane janet janice jared
jasmine jason jean jeff jeffrey jennifer jenny jeremy jerry jessica jill jimmy joan joanna joe joey john johnny
jonathan jorge joseph josh joshua josie juan judith judy julia julian justin karen karl kate kathleen kathy katie
katrina ken kevin kimberly klaus kristen kyle larry lars laura lauren leah lena leo leon leonard liam lily linda
lisa lori louis luca lucas lucia lucy luis luke luther mandy marcel marcus margaret maria marie marina mario marissa
mark marta martha mary matt matthew max megan meghan mei melissa mia michael michelle miguel mike mohammed molly
monica nancy natalie natasha nate nathan neil nicholas nick nicole nina noah olga oliver olivia omar oscar pablo
pamela patricia patrick paul paula pedro peggy peter phil philip phillip pierre priscilla priya rachel rafael rahul
ralph randy ray rebecca richard ricky rita rob robert rodrigo roger ronald ronnie rosa rose roxanne ruben ruth ryan
sabrina sally sam samantha samuel sandra sanjay sara sarah sean sebastian shawn sheila simon sofia sophia
sophie stacy stella stephanie stephen steve steven susan suzanne sven tammy tara teresa theo theresa
timothy tina toby tom tommy toni tony trevor uwe valentina vanessa vera veronica victor vincent virginia vivian
walter wanda wendy william yolanda yuki zach zoe
"""
MOSTLY_GIVEN = frozenset(_MOSTLY_GIVEN.split())
"""First names that are surnames too, of far fewer people."""


class Gazetteer:
    """Word -> mask over ``KINDS``, by a 32-bit hash of the folded word, so that the lists stay small.

    ``hashes`` are sorted. They stay arrays and are searched by halves: a dict of them would take ten times the memory
    and most of the start.
    """

    def __init__(self, hashes: Any, masks: Any) -> None:
        self._hashes = array("I", np.ascontiguousarray(hashes, np.uint32).tobytes())
        self._masks = array("I", np.ascontiguousarray(masks, np.uint32).tobytes())

    def mask(self, folded: str) -> int:
        key = crc32(folded.encode())
        at = bisect_left(self._hashes, key)
        return self._masks[at] if at < len(self._hashes) and self._hashes[at] == key else 0


class View:
    """Describes tokens as rows of the model's table."""

    def __init__(self, vocabulary: Sequence[str], gazetteer: Gazetteer) -> None:
        self._pieces = {piece: number for number, piece in enumerate(vocabulary, 1)}
        self._gazetteer = gazetteer
        self.hashed = 1 + len(vocabulary)
        self.shapes = self.hashed + HASHED
        self.kinds = self.shapes + SHAPES
        self.rows = self.kinds + len(KINDS) + 1
        self._known: dict[str, Any] = {}

    def row(self, word: str) -> Any:
        """``describe`` as an array filled up with 0. Kept for words of the public vocabulary, never for others."""
        row = self._known.get(word)
        if row is None:
            found = self.describe(word)
            row = np.zeros(WIDTH, np.int32)
            row[: len(found)] = found
            if len(self._known) < KNOWN and (word in self._pieces or word.lower() in self._pieces):
                self._known[word] = row
        return row

    def describe(self, word: str) -> list[int]:
        """Row numbers of one token, at most ``WIDTH``, never 0 (which means none)."""
        shape = self.shapes + _shape(word)
        if not _SUBWORD.match(word):
            rows = [shape]
            if len(word) <= 4:
                rows.append(self._row(word))
            return rows
        folded = fold(word)
        rows = [shape, *self._lists(folded), *self._subwords(folded), self._row("=" + folded)]
        edge = folded if len(folded) <= SPAN else folded[: SPAN // 2] + folded[-SPAN // 2 :]
        base = self.hashed
        rows += [base + crc32(part) % HASHED for part in _parts(edge)]
        return rows[:WIDTH]

    def lists(self, word: str) -> int:
        """The mask over ``KINDS`` of a token; 0 for digits and symbols."""
        return self._gazetteer.mask(fold(word)) if word[0].isalpha() else 0

    def plain(self, word: str) -> bool:
        """Whether it is an English word or one that every vocabulary has, and no common name."""
        folded = fold(word)
        mask = self._gazetteer.mask(folded)
        known = mask & _ENGLISH or folded in self._pieces
        return folded in _FIELDS or bool(known and not mask & _NAMES)

    def strange(self, word: str) -> bool:
        """Whether it is written like a name and neither an English word nor one that every vocabulary has."""
        if len(word) < STRANGE or not word[0].isupper() or word.isupper() or not word[0].isalpha():
            return False
        folded = fold(word)
        known = folded in self._pieces or folded in THINGS or self._gazetteer.mask(folded) & _ENGLISH
        return not known

    def given(self, word: str) -> bool:
        """Whether it is a common first name, and no surname or seldom one (the lists of both share most words); or a
        seldom first name that nobody has as a surname."""
        folded = fold(word)
        mask = self._gazetteer.mask(folded)
        if not mask & _SURNAMES:
            return bool(mask & _GIVENS)
        return bool(mask & _GIVEN) and (not mask & _SURNAME or folded in MOSTLY_GIVEN)

    def named(self, word: str, *, first: bool = False) -> bool:
        """Whether it is written like a name, a common first name or surname (``first``: no surname), and hardly another
        word."""
        if len(word) < 3 or not word[0].isupper() or not word[1:].islower():
            return False
        folded = fold(word)
        if folded in _SMALL:
            return False
        mask = self._gazetteer.mask(folded)
        return (
            folded in MOSTLY_GIVEN
            or (not first and folded in _MOSTLY_NAMES)
            or bool(mask & (_GIVEN if first else _GIVEN | _SURNAME) and not mask & _OTHERWISE)
        )

    def surname(self, word: str) -> bool:
        """Whether it is a surname, common or seldom."""
        return bool(self._gazetteer.mask(fold(word)) & _SURNAMES)

    def _row(self, letters: str) -> int:
        return self.hashed + crc32(letters.encode()) % HASHED

    def _lists(self, folded: str) -> list[int]:
        mask = self._gazetteer.mask(folded)
        if not mask:
            return []
        return [self.kinds + bit for bit in range(len(KINDS)) if mask >> bit & 1]

    def _subwords(self, folded: str) -> list[int]:
        """Greedy longest pieces of the public vocabulary; one extra row says that there are several."""
        rows: list[int] = []
        at, mark = 0, ""
        while at < len(folded) and len(rows) < PIECES:
            for end in range(min(len(folded), at + SPAN), at, -1):
                number = self._pieces.get(mark + folded[at:end])
                if number is not None:
                    rows.append(number)
                    break
            else:
                return rows or [self.kinds + len(KINDS)]
            at, mark = end, "##"
        return rows


def _parts(edge: str) -> list[bytes]:
    """Beginnings, endings and all threes of letters. Most words are ASCII, where letters are bytes: twice as fast."""
    if not edge.isascii():
        parts = ["^" + edge[:1], edge[-1:] + "$", "^" + edge[:2], edge[-2:] + "$", "^" + edge[:3], edge[-3:] + "$"]
        parts += [edge[-4:] + "$", *[edge[at : at + 3] for at in range(len(edge) - 2)]]
        return [part.encode() for part in parts]
    raw = edge.encode()
    ends = [b"^" + raw[:1], raw[-1:] + b"$", b"^" + raw[:2], raw[-2:] + b"$", b"^" + raw[:3], raw[-3:] + b"$"]
    return [*ends, raw[-4:] + b"$", *[raw[at : at + 3] for at in range(len(raw) - 2)]]


def fold(word: str) -> str:
    """Lower case without accents; what has no plain letter below stays."""
    lower = word.lower()
    if lower.isascii():
        return lower
    plain = "".join(c for c in unicodedata.normalize("NFD", lower) if not unicodedata.combining(c))
    return plain.replace("ß", "ss").replace("ł", "l").replace("ø", "o").replace("ı", "i")


def _shape(word: str) -> int:
    """0 to 255: the kind of characters, case pattern and length."""
    first = word[0]
    size = min(len(word), 8) - 1
    if first.isdecimal():
        return 16 + size if len(word) > 4 else _number(word)
    if first == "\n":
        return 8 if len(word) == 1 else 9
    if not first.isalpha():
        return 128 + ord(first) % 128
    if word.islower():
        return 32 + size
    if word.isupper():
        return 40 + size
    if first.isupper() and word[1:].islower():
        return 48 + size
    return 56 + size if first.isupper() else 64 + size


def _number(word: str) -> int:
    """What a short number may mean: day, month, age, year, or just so many digits."""
    value, zero = int(word), word[0] == "0"
    if len(word) == 4:
        return 72 if 1900 <= value < 2000 else 73 if 2000 <= value < 2040 else 74
    if len(word) == 3:
        return 75
    if zero:
        return 76 if 0 < value <= 12 else 77
    for row, limit in ((78, 0), (79, 12), (80, 23), (81, 31), (82, 59), (83, 99)):
        if value <= limit:
            return row if len(word) == 2 or value < 10 else 84
    return 84


def matrix(view: View, words: Sequence[str]) -> tuple[Any, Any]:
    """Rows of the distinct words ``[distinct, WIDTH]`` and the place of each word in them ``[words]``."""
    places: dict[str, int] = {}
    index = np.fromiter((places.setdefault(word, len(places)) for word in words), np.int64, len(words))
    if not places:
        return np.zeros((1, WIDTH), np.int32), index
    return np.stack([view.row(word) for word in places]), index
