"""Numbers that a state, a bank or a company issues: python-stdnum's validators, on candidates found in linear time.

A candidate is a run of tokens with digits. What may be in it is decided by the words around it, by a form of its own,
or by its standing alone in the text; the validator of the kind has the last word: a wrong check sum is no finding.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from importlib import import_module
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path

from stdnum.exceptions import InvalidLength, ValidationError

from redaction.detectors.chance import BOUND, DRAWS, Chances, drawn
from redaction.detectors.kinds import FORMS, KINDS, LABEL_OF
from redaction.detectors.linear import compile_pattern
from redaction.detectors.purse import Purse
from redaction.types import Finding

NAME = "patterns"
LENGTHS = Path(__file__).resolve().parents[1] / "data" / "number_lengths.json"
"""Written by ``python -m redaction.detectors.numbers``; a test holds it equal to what probing finds."""
BEFORE, AFTER = 60, 30
"""Characters around a run in which a word says what it is."""
NEAREST = 4
"""Words looked at on one run."""
TOKENS = 9
"""Tokens of one number."""
LONGEST = 40
"""Characters of one number."""
CHECK = 16
"""What one validator's answer costs, in microseconds."""
SHORTEST = 7
"""Letters and digits of a number of a kind whose validator does not say how many it has."""
COUNTRY = 3
"""Letters that may stand before a number or behind it."""
COMBINATIONS = 5_000
"""Groups of neighbouring words whose kinds are kept."""
ALONE = 8
"""Characters that a number without any word needs to mean something."""
BY_ITSELF = 0.58
"""Score of a number that no word names. Many kinds accept any number of their length, so it says little."""
SOME_NUMBER = "REFERENCE_NUMBER"
"""Label of a number of which nobody can say by whom it was issued. It is an identifier as any other: as sensitive, and
replaced as they are."""
REFUSED = 0.65
"""Score of a number that is not what the words say it is: a digit is wrong, or the word means another."""
DOUBTED = 0.4
"""Score of the kind itself in both cases, so that what a policy says of that kind holds as well."""
NAMED_BEFORE = 24
"""Characters between the word that says what a number is and the number."""

_DIGITED = r"[\pL\pN]*\pN[\pL\pN]*"
_SEPARATOR = r"[ \-./,:·\x{a0}\x{2011}\x{202f}]{1,2}"
_RUN = compile_pattern(
    rf"(?:\b[A-Z]{{1,4}}[ \-./]{{1,2}}){{0,2}}{_DIGITED}(?:{_SEPARATOR}(?:{_DIGITED}|[A-Z]{{1,3}}\b))*"
)
_WORD = re.compile(r"[^\W_]+")
_LETTER = re.compile(r"[^\W\d_]")
_SQUASH = re.compile(r"[\W_]+")
PLAIN = re.compile(r"\d{1,4}[\-/.]\d{1,2}[\-/.]\d{1,4}|\d+[.,:]\d+|(?:19|20)\d\d[01]\d[0-3]\d|1[4-8]\d{8}(?:\d{3})?")
"""A date, a time, a decimal number, a Unix time of our days."""
CARD = 16
"""Digits alone, so many, are a card, or a number that is none by chance, or nothing."""
_NO_NUMBER = re.compile(
    r"\d{1,3}(?:[., ]\d{3})+(?:[.,]\d{1,2})?|\d+[.,:]\d+|"
    r"\d{4}[\-/.]\d{1,2}[\-/.]\d{1,2}|\d{1,2}[\-/.]\d{1,2}[\-/.]\d{4}"
)
"""An amount or a date: a word beside it that names a number means another one."""
INDEX = r"(?:_?\d{1,3}(?=\s?[=:\"'\]]))?"
"""Of a name in a row of them: ``IBAN_2=``."""
_BETWEEN = re.compile(rf"{INDEX}[^\d\n!?;]*")
_GOES_ON = re.compile(r" (?=\w{0,3}[A-Z])\w{0,3}\d\w{0,3}\b")
"""A short token of digits and letters: one of a number's own, not the next word."""
_ONE = re.compile(r"\W*(?:[A-Z]{1,4}[ ./-]{1,2}){0,2}\w*\d\w*(?:[ ./,-]{1,2}(?:\w*\d\w*|[A-Z]{1,3}\b))*\W*")


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One kind of number. Compared by identity: kinds are keys of what is known of a number."""

    module: str
    label: str
    words: tuple[str, ...]
    validate: Callable[[str], str]
    lengths: frozenset[int]
    """How many letters and digits it may have, as its validator says."""

    def long_enough(self, size: int, value: str) -> bool:
        """Whether it may have ``size`` letters and digits; a country's letters may stand before the number itself."""
        spare = 0 if _LETTER.search(value) is None else COUNTRY
        return any(n in self.lengths for n in range(size - spare, size + 1))

    def accepts(self, text: str) -> bool:
        try:
            self.validate(text)
        except (ValidationError, ValueError, KeyError, IndexError):
            return False
        return True


def _lengths(validate: Callable[[str], str]) -> frozenset[int]:
    """Lengths that the validator does not refuse as such; those of tax numbers where it looks at a country first."""
    probes = ((size, ("1" * size, "1" * (size - 1) + "A")) for size in range(1, LONGEST))
    sizes = frozenset(size for size, some in probes if any(_long_enough(validate, probe) for probe in some))
    return sizes if len(sizes) < LONGEST // 2 else frozenset(size for size in sizes if size >= SHORTEST)


def _long_enough(validate: Callable[[str], str], probe: str) -> bool:
    try:
        validate(probe)
    except InvalidLength:
        return False
    except (ValidationError, ValueError, KeyError, IndexError):
        return True
    return True


def is_alone(text: str) -> bool:
    """Whether a text is nothing but one short value."""
    return len(text) <= LONGEST + 10 and _ONE.fullmatch(text) is not None


def _validator(module: str) -> Callable[[str], str]:
    """python-stdnum's own, imported when a number first asks for it."""

    def validate(text: str) -> str:
        checked: str = import_module(f"stdnum.{module}").validate(text)
        return checked

    return validate


def known_lengths() -> Mapping[str, frozenset[int]]:
    """What probing found for each module of the installed python-stdnum; empty for another version than it was."""
    held = json.loads(LENGTHS.read_text("utf-8"))
    if held["python-stdnum"] != version("python-stdnum"):
        return {}
    return {module: frozenset(sizes) for module, sizes in held["lengths"].items()}


def probed_lengths() -> dict[str, frozenset[int]]:
    """The same, found anew (a second of CPU time)."""
    return {module: _lengths(_validator(module)) for module, _, _ in KINDS}


def _kinds() -> tuple[Kind, ...]:
    lengths = known_lengths() or probed_lengths()
    return tuple(
        Kind(module, LABEL_OF.get(module, label), words, _validator(module), lengths[module])
        for module, label, words in KINDS
    )


@dataclass(frozen=True, slots=True)
class _Hit:
    """A word that names kinds of numbers."""

    start: int
    end: int
    kinds: tuple[Kind, ...]


class Numbers:
    """Finds them. Work is counted: a text that would need more fails the detector (``budget``)."""

    def __init__(self) -> None:
        self.kinds = _kinds()
        self._specific = sorted(
            self.kinds, key=lambda k: (len(k.lengths) > 9, k.label == "REFERENCE_NUMBER", len(k.lengths))
        )
        self.chances = Chances()
        self._hardest: dict[int, tuple[Kind, ...]] = {}
        self._named: dict[str, tuple[Kind, ...]] = {}
        self._by_size: dict[tuple[tuple[tuple[Kind, ...], ...], int, bool], tuple[Kind, ...]] = {}
        for kind in self.kinds:
            for word in kind.words:
                key = _SQUASH.sub("", word)
                self._named[key] = (*self._named.get(key, ()), kind)
        words = sorted({w for k in self.kinds for w in k.words}, key=len, reverse=True)
        spelled = "|".join(map(_spelled, words))
        self._words = compile_pattern(rf"(?i)(?:^|[^\pL\pN])({spelled})")
        by_module = {k.module: k for k in self.kinds}
        lines = (line.partition(": ") for line in FORMS.splitlines())
        self.forms = [(form, by_module[module]) for module, _, form in lines]
        """Patterns of kinds that need no word."""
        self.digest = hashlib.sha256(repr((KINDS, FORMS, _RUN.pattern)).encode()).hexdigest()[:16]

    def find(self, text: str, purse: Purse | None = None) -> Iterator[Finding]:
        """Findings of numbers with a word, or alone in their text; with them, of score ``REFUSED``, those that are not
        what their word says. Raises DetectorFailed."""
        runs = [spans[0] for spans in _RUN.spans(text)]
        if not runs:
            return
        checks = _Checks(purse or Purse(NAME, len(text)))
        hits = list(self._hits(text))
        starts = [h.start for h in hits]
        for start, end in runs:
            low = bisect_left(starts, start - BEFORE)
            if low < len(hits) and starts[low] < end + AFTER:
                near = hits[low : bisect_left(starts, end + AFTER)]
                yield from self._named_in(text, start, end, near, checks)
        if len(runs) == 1 and len(text) <= LONGEST + 10:
            start, end = runs[0]
            yield from self._alone(text, start, end, checks)

    def _hits(self, text: str) -> Iterator[_Hit]:
        for _, (start, last) in self._words.spans(text):
            end = last
            while end > start and (
                text[end : end + 1].isalnum() or _SQUASH.sub("", text[start:end]).lower() not in self._named
            ):
                end = max(text.rfind(c, start, end) for c in " -._")  # ``vat note`` is ``vat``
            if end > start:
                word = _SQUASH.sub("", text[start:end]).lower()
                yield _Hit(start, end, self._named[word])

    def in_form(self, number: int, text: str, start: int, end: int) -> Iterator[Finding]:
        """The number in a match of form ``number``; words of the sentence may stand before it."""
        kind = self.forms[number][1]
        end = start + len(text[start:end].rstrip(" .-"))
        while start < end:
            if kind.accepts(text[start:end]):
                yield Finding(start, end, kind.label, 1.0, NAME)
                return
            start = text.find(" ", start, end) + 1 or end

    def _named_in(self, text: str, start: int, end: int, near: Sequence[_Hit], checks: _Checks) -> Iterator[Finding]:
        """The longest numbers of a run that the words near it allow; else what a word wrongly says is one."""
        hits = nsmallest(
            NEAREST, near, key=lambda h: start - h.end if h.end <= start + 2 else 40 + abs(h.start - start)
        )
        named = tuple(h.kinds for h in hits)
        done, refused = start, None
        for left, right, size in _windows(text, start, end, checks):
            if refused is not None and left >= refused.end:  # nothing in it was accepted
                yield from neutral(refused.start, refused.end, refused.label, REFUSED)
                done, refused = refused.end, None
            if left < done:
                continue
            value = text[left:right]
            found = checks.first(value, self._of(named, size, value))
            tied = _tied(text, left, right, start, end)
            if found is not None and tied:
                yield Finding(left, right, "REFERENCE_NUMBER", BY_ITSELF, NAME)
            elif found is not None and not self._part(text, left, right, size, found):
                yield Finding(left, right, found.label, 1.0, NAME)
                done, refused = right, None
            elif refused is None:
                refused = self._refused(text, left, right, size, near)
        if refused is not None:
            yield from neutral(refused.start, refused.end, refused.label, REFUSED)

    @staticmethod
    def _part(text: str, left: int, right: int, size: int, kind: Kind) -> bool:
        """Whether it goes on behind ``right`` in a way its kind allows, and is refused as a whole."""
        more = _GOES_ON.match(text, right)
        return more is not None and kind.long_enough(size + len(more[0]) - 1, text[left : more.end()])

    def _refused(self, text: str, left: int, right: int, size: int, near: Sequence[_Hit]) -> Finding | None:
        """What a word beside a number means and its kinds refused, if they have numbers as long."""
        beside = _beside(text, left, right, near)
        if not beside or size < SHORTEST:
            return None
        value = text[left:right]
        kinds = () if _NO_NUMBER.fullmatch(value) else self._of(beside, size, value)
        return Finding(left, right, kinds[0].label, REFUSED, NAME) if kinds else None

    def _of(self, named: tuple[tuple[Kind, ...], ...], size: int, value: str) -> tuple[Kind, ...]:
        """Kinds of a few words that a value may be by the number of its letters and digits."""
        key = named, size, _LETTER.search(value) is None
        if key not in self._by_size:
            if len(self._by_size) >= COMBINATIONS:
                self._by_size.clear()
            kinds = dict.fromkeys(k for some in named for k in some)
            self._by_size[key] = tuple(k for k in kinds if k.long_enough(size, value))
        return self._by_size[key]

    def _alone(self, text: str, start: int, end: int, checks: _Checks) -> Iterator[Finding]:
        """A number that is all there is to the text."""
        value = text[start:end]
        size, words = sum(map(str.isalnum, value)), len(_WORD.findall(value))
        bare = size >= max(ALONE, 2 * words) and not PLAIN.fullmatch(value)  # a row of single digits is no number
        if bare and not any(map(str.isalnum, text[:start] + text[end:])):
            yield from self._by_itself(start, end, value, size, checks)

    def _by_itself(self, start: int, end: int, value: str, size: int, checks: _Checks) -> Iterator[Finding]:
        """By the kind whose check is hardest to pass, if passing it is no chance; else as some number."""
        lettered = _LETTER.search(value) is not None
        kinds = self._specific if lettered else self._by_hardness(size)
        found = checks.first(value, tuple(k for k in kinds if k.long_enough(size, value)))
        if found is None:
            return
        if lettered:
            checks.purse.pay(DRAWS * CHECK)
            chance = drawn(value, found.accepts)
        else:
            chance = self.chances.any(found.module, value)
        if chance < BOUND:
            yield Finding(start, end, found.label, BY_ITSELF, NAME)
        elif size != CARD or not value.isdigit():
            yield from neutral(start, end, found.label, BY_ITSELF)

    def _by_hardness(self, size: int) -> tuple[Kind, ...]:
        if size not in self._hardest:
            self._hardest[size] = tuple(sorted(self._specific, key=lambda k: self.chances.share(k.module, size)))
        return self._hardest[size]


def _spelled(word: str) -> str:
    """A pattern of a word of the table. Its end is seen where RE2 can, so that one that is the beginning of another
    word (``n° sécu``) hides nothing that stands in it."""
    said = r"[ _.\-]{0,2}".join(map(re.escape, re.split(r"[ .\-]+", word)))
    return said + r"(?:\b|_)" if word[-1].isascii() and word[-1].isalnum() else said


def neutral(start: int, end: int, label: str, score: float) -> Iterator[Finding]:
    """As some number, and less surely as ``label``."""
    yield Finding(start, end, SOME_NUMBER, score, NAME)
    if label != SOME_NUMBER:
        yield Finding(start, end, label, DOUBTED, NAME)


def _beside(text: str, left: int, right: int, near: Sequence[_Hit]) -> tuple[tuple[Kind, ...], ...]:
    """Kinds of the words that stand directly before a number, or behind it in brackets; none if one stands within."""
    at = bisect_left(near, left, key=attrgetter("start"))
    before, behind = near[at - 1 : at] if at else (), near[at : at + 1]
    if behind and behind[0].start < right:
        return ()
    named = [h.kinds for h in behind if text[right : h.start] in {" (", "("}]
    for h in before:
        if left - NAMED_BEFORE <= h.end <= left and _BETWEEN.fullmatch(text, h.end, left):
            named.append(h.kinds)
    return tuple(named)


def _windows(text: str, start: int, end: int, checks: _Checks) -> Iterator[tuple[int, int, int]]:
    """Neighbouring tokens of a run, from each token on the longest first, and how many letters and digits they have.
    Numbers are printed in groups: rows of single digits are none."""
    tokens = [m.span() for m in _WORD.finditer(text, start, end)]
    for i, (left, _) in enumerate(tokens):
        size = 0
        ways = []
        for n, (first, right) in enumerate(tokens[i : i + TOKENS], 1):
            size += right - first
            if right - left > LONGEST or ", " in text[left:right]:  # the next item of a list
                break
            if size >= 2 * n - 1:
                ways.append((left, right, size))
        checks.purse.pay(1 + len(ways))
        yield from reversed(ways)


_TIED_BEFORE = re.compile(r"(?<![0-9])(?!(?:19|20)\d\d[\-.]$)\d{1,40}[\-.]$")
_TIED_AFTER = re.compile(r"[\-.](?!(?:19|20)\d\d(?![0-9])|[A-Za-z]+[0-9])\w{0,40}?\d|/[A-Za-z]\b")
"""A year, or a word with a number, is no part of the number beside it: ``-2024``, ``-v2``."""


def _tied(text: str, left: int, right: int, start: int, end: int) -> bool:
    """Whether a hyphen or point ties it to more digits of the run, so that it may be a part of another number."""
    before = _TIED_BEFORE.search(text, max(start, left - LONGEST), left)
    return before is not None or _TIED_AFTER.match(text, right, end) is not None


class _Checks:
    """The answers of validators about the numbers of one text, each asked once."""

    def __init__(self, purse: Purse) -> None:
        self.purse = purse
        self._known: dict[tuple[str, tuple[Kind, ...]], Kind | None] = {}

    def first(self, value: str, kinds: tuple[Kind, ...]) -> Kind | None:
        """The first kind that ``value`` is. Raises DetectorFailed."""
        if not kinds:
            return None
        key = value, kinds
        if key not in self._known:
            home = f"{value[:2].lower()}." if value[:2].isalpha() else ""
            ordered = sorted(kinds, key=lambda k: not k.module.startswith(home)) if home else kinds
            self._known[key] = next((k for k in ordered if self._accepts(k, value)), None)
        return self._known[key]

    def _accepts(self, kind: Kind, value: str) -> bool:
        self.purse.pay(CHECK)
        return kind.accepts(value)


if __name__ == "__main__":
    table = {module: sorted(sizes) for module, sizes in sorted(probed_lengths().items())}
    LENGTHS.write_text(json.dumps({"python-stdnum": version("python-stdnum"), "lengths": table}) + "\n", "utf-8")
