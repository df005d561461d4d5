"""Identifiers that are spelled out, spaced out or broken over lines, where a strict form proves what they are. Pure.

``j a n e @ e x a m p l e . c o m``, ``jane at example dot com``, ``4 1 1 1 …``, a card number with odd separators, an
address that a line break cuts. Prose is full of "at", dots and numbers, so a domain must be known, an issuer's prefix,
length and check sum must fit, and a table of numbers is no card. Each form is a text with the disguise undone, what
counts in it, and the way back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from stdnum import iban

from redaction.detectors.formats import (
    IBAN_LENGTHS,
    LONGEST_CARD,
    NAME,
    emails,
    is_card,
    known_domain,
    may_be_card,
    near_card_word,
)  # fmt: skip
from redaction.detectors.linear import compile_pattern
from redaction.escapes import Piece, Undone, build
from redaction.types import Finding

_FEW = r"[ \t\x{a0}\n*_|~.\-]{1,3}"
_MAYBE_SPACED = compile_pattern(rf"[^\s]{_FEW}[^\s]{_FEW}[^\s]{_FEW}[^\s]{_FEW}[^\s]{_FEW}[^\s]{_FEW}[^\s](?:\s|$)")
_MAYBE_SAID = compile_pattern(
    r"(?i)[\])}>_\-\s](?:dot|punkt|punto|point)[\[({<_\-\s]|[\[({<]\s?(?:at|@|a|ät|arroba|dot|\.)\s?[\])}>]"
    r"|@[ \t]|[ \t]@\pL"
    r"|[ \t]\.[ \t]{0,2}\pL"
)
_MAYBE_CARD = compile_pattern(r"[1-9](?:[^0-9A-Za-z]{0,6}[0-9]){12}")


@dataclass(frozen=True, slots=True)
class Form:
    """``undone`` and which findings in it count: ``labels`` (None: any) from score ``least`` on, where something was
    undone. ``whole``: only where none of the pieces holds such a value of its own (``…@example.com`` before a line
    break is complete)."""

    undone: Undone
    labels: frozenset[str] | None
    least: float
    whole: bool = False
    read: Callable[[str], Iterable[Finding]] | None = None
    """What finds them; None: all patterns."""


MAIL = frozenset({"EMAIL_ADDRESS"})
STRICT = 0.8
LEAST_DIGITS = 7
LOCAL = 200
"""Characters before an at sign in which its mailbox stands."""


def forms(text: str) -> Iterator[Form]:
    """The forms of a text that detectors should read."""
    if (spaced := build(text, _spaced(text))) is not None:
        yield Form(spaced, None, STRICT)
    if (whole := build(text, _exponents(text))) is not None:
        yield Form(whole, None, STRICT)
    if (said := build(text, _said(text))) is not None:
        yield Form(said, MAIL, STRICT, read=emails)
    breaks = sorted([*(_lines(text) if "\n" in text else ()), *_strings(text)])
    mail = [p for p, kind in breaks if kind == "mail"]
    keys = [p for p, kind in breaks if kind == "key"]
    for some, labels, read in ((mail, MAIL, emails), (keys, KEYS, None)):
        for each in (some[::2], some[1::2], some[2:] and some):  # few values are broken twice
            if (joined := build(text, each)) is not None:
                yield Form(joined, labels, STRICT, whole=True, read=read)


# -- characters one by one ---------------------------------------------------------------------------------------------

_SPACED = re.compile(
    r"(?<!\S)\S(?:(?:[ \t\u00a0]{1,3}|[ \t]*\n[ \t]*)\S){6,}(?!\S)"
    r"|(?<!\S)\S(?P<mark>[-_*|~.])\S(?:(?P=mark)\S){5,}(?!\S)"
)
_BLANK = re.compile(r"\s+")


def _spaced(text: str) -> Iterator[Piece]:
    if _MAYBE_SPACED.search(text) is None:
        return
    for run in _SPACED.finditer(text):
        said = run[0]
        if not ("@" in said or sum(c.isdigit() for c in said) >= LEAST_DIGITS):
            continue
        gaps = re.compile(re.escape(run["mark"])) if run["mark"] else _BLANK
        kept = _domain_ends(gaps.sub("", said))
        for gap in islice(gaps.finditer(text, *run.span()), kept - 1):
            yield *gap.span(), ""


def _domain_ends(said: str) -> int:
    """Where an address ends that other words follow letter by letter; else the length."""
    at = said.rfind("@")
    if at < 0:
        return len(said)
    return next((n for n in range(len(said), at + 3, -1) if known_domain(said[at + 1 : n])), len(said))


# -- numbers with an exponent ------------------------------------------------------------------------------------------

_EXPONENT = compile_pattern(r"[0-9]{1,20}(?:\.[0-9]{1,20})?[eE][+\-]?[0-9]{1,2}")
MOST_DIGITS = 19


def _exponents(text: str) -> Iterator[Piece]:
    """``4.111111111111111e15`` as the whole number that it is."""
    for m in _EXPONENT.finditer(text):
        start, end = m.span()
        mantissa, _, power = m.group().lower().partition("e")
        first, _, rest = mantissa.partition(".")
        digits, zeros = first + rest, int(power) - len(rest)
        if text[max(0, start - 1) : start].isalnum() or text[end : end + 1].isalnum() or abs(zeros) > MOST_DIGITS:
            continue
        if zeros < 0 and digits.endswith("0" * -zeros):
            digits, zeros = digits[:zeros], 0
        if zeros >= 0 and LEAST_DIGITS <= len(digits) + zeros <= MOST_DIGITS:
            yield start, end, digits + "0" * zeros


# -- at and dot --------------------------------------------------------------------------------------------------------

_OPEN, _SHUT = r"\s{0,2}[\[({<]\s?", r"\s?[\])}>]\s{0,2}"
_DOT = (
    rf"(?:{_OPEN}(?:dot|punkt|punto|point|\.){_SHUT}|\s{{1,2}}(?:dot|punkt|punto)\s{{1,2}}"
    r"|[ \t]{1,2}\.[ \t]{0,2}|\.)"
)
_AT = re.compile(
    rf"(?i){_OPEN}(?:at|@|ät|arroba|a|at[ \-]?sign){_SHUT}"
    r"|(?P<plain>\s{1,2}(?:at(?:[ \-]sign)?|arroba)\s{1,2})|[ \t]{0,2}@[ \t]{0,2}"
)
_LABEL = r"[A-Za-z0-9\u00c0-\u024f][A-Za-z0-9\u00c0-\u024f\-]{0,62}+"
_NAMES = r"[A-Za-z0-9\u00c0-\u024f_+\-]{1,64}+"
_AFTER = re.compile(rf"(?i){_LABEL}(?:{_DOT}{_LABEL}){{1,5}}")
_BEFORE = re.compile(rf"(?i)(?<![\w@])(?:{_NAMES}{_DOT}){{0,3}}{_NAMES}\Z")
_DOTS = re.compile(f"(?i){_DOT}")
_GLUED = re.compile(r"(?i)[A-Za-z0-9][\w.\-]{0,150}")
_GLUED_SIGN = re.compile(r"(?i)[_\-](at|dot)[_\-]")
_FULL_NAME = re.compile(r"[^\W\d_][._][^\W\d_]")
"""In "thanks @example.com" the last word is no mailbox."""
_NOT_PEOPLE = frozenset(
    re.findall(
        r"\w+",
        """
        a all am an and are as available be been being but by call case check code download everything files find
        for found get go going had has have he here hosted i in information is issue it just know live lives located
        look looked looking looks me meet more now of on one online only or order out page please pointed posted
        project published read register running see served she shop sign site sites start starting stay stop store
        that the them then there these they this those try up us using version visit was we website were what when
        where which work working works you
        """,
    )
)
"""Words before "at" that are no mailbox: "find us at example dot com" names a site."""


def _said(text: str) -> Iterator[Piece]:
    if _MAYBE_SAID.search(text) is None:
        return
    found = [*_with_signs(text), *_glued(text)]
    end = 0
    for pieces in sorted(found):
        if pieces[0][0] >= end:
            yield from pieces
            end = pieces[-1][1]


def _with_signs(text: str) -> Iterator[list[Piece]]:
    for sign in _AT.finditer(text):
        after = _AFTER.match(text, sign.end())
        if after is not None:
            pieces = _address(text, sign, _shortened(text, after))
            if pieces:
                yield pieces


def _shortened(text: str, after: re.Match[str]) -> list[tuple[int, int]]:
    """The dots of the longest domain that is known; none where there is none."""
    dots = [m.span() for m in _DOTS.finditer(text, *after.span())]
    ends = [*(start for start, _ in dots[1:]), after.end()]
    for n in range(len(dots), 0, -1):
        if known_domain(_DOTS.sub(".", text[after.start() : ends[n - 1]])):
            return dots[:n]
    return []


def _address(text: str, sign: re.Match[str], dots: list[tuple[int, int]]) -> list[Piece]:
    """What to undo in one candidate; nothing where it is no address, or no disguise."""
    spelled = [d for d in dots if text[slice(*d)] != "."]
    plain = sign["plain"] is not None
    mention = sign[0][0].isspace() and sign[0].endswith("@")
    if not dots or ((plain or sign[0] == "@") and not spelled):
        return []
    before = _BEFORE.search(text, max(0, sign.start() - LOCAL), sign.start())
    if before is None or (plain and before[0].lower() in _NOT_PEOPLE) or (mention and not _FULL_NAME.search(before[0])):
        return []
    inner = [m.span() for m in _DOTS.finditer(text, *before.span())]
    pieces = [*((s, e, ".") for s, e in inner), (*sign.span(), "@"), *((s, e, ".") for s, e in dots)]
    return [p for p in pieces if text[p[0] : p[1]] != p[2]]


def _glued(text: str) -> Iterator[list[Piece]]:
    """``jane_at_example_dot_com``."""
    if "at" not in text.lower():
        return
    for word in _GLUED.finditer(text):
        signs = [*_GLUED_SIGN.finditer(word[0])]
        kinds = [m[1].lower() for m in signs]
        if kinds.count("at") == 1 and "dot" in kinds and "dot" in kinds[kinds.index("at") :]:
            domain = word[0][signs[kinds.index("at")].end() :]
            if known_domain(_GLUED_SIGN.sub(".", domain)):
                at = word.start()
                yield [(at + m.start(), at + m.end(), "@" if m[1].lower() == "at" else ".") for m in signs]


# -- lines -------------------------------------------------------------------------------------------------------------

KEYS = frozenset({"API_KEY", "SECRET", "PRIVATE_KEY", "US_SSN"})
_BREAK = re.compile(r"\n[ \t]*(?:>[ \t]?)*(?=\S)")
_KEY = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[\w+/=.\-]{20,}|\d{3}-\d{2}-\d{4}\W?")
"""What a line end may run through besides an address: a key, a number whose dashes show what it is."""
_SAID = re.compile(r"[^\W_]")
_TOKEN = 100
Break = tuple[Piece, str]


def _lines(text: str) -> Iterator[Break]:
    """Line ends within what may be one value."""
    for match in _BREAK.finditer(text):
        first = max(0, match.start() - _TOKEN)
        start = first + len(text[first : match.start()].rstrip(" \t\r"))
        yield from _break(text, start, match.end())


def _break(text: str, start: int, end: int) -> Iterator[Break]:
    before = text[max(0, start - _TOKEN) : start].split()[-1:]
    after = text[end : end + _TOKEN].split(maxsplit=1)[:1]
    if before and after and _SAID.search(before[0]) and _SAID.search(after[0]):  # the dash of a list breaks nothing
        token = before[0] + after[0]
        if "@" in token:
            yield (start, end, ""), "mail"
        elif _KEY.fullmatch(token.strip("\"',;:()<>")):
            yield (start, end, ""), "key"


_MAYBE_STRINGS = compile_pattern(r"[\"'][ \t\r\n]{0,8}(?:\+|\.|&|\|\|)[ \t\r\n]{0,8}[\"']")
_STRINGS = re.compile(r"([\"'])\s{0,8}(?:\+|\.|&|\|\|)\s{0,8}\1")


def _strings(text: str) -> Iterator[Break]:
    """``"jane@" + "example.com"``: strings that a program puts together."""
    if _MAYBE_STRINGS.search(text) is not None:
        for match in _STRINGS.finditer(text):
            yield from _break(text, *match.span())


# -- cards with odd separators -----------------------------------------------------------------------------------------

_GAP = (
    r"(?:[ \t\u00a0]{0,2}[.\-_/*~,;:|+=#'\u2019\u00b7][ \t\u00a0]{0,2}|[)\]][ \t]{0,2}[(\[]|[ \t\u00a0]{1,3}"
    r"|[ \t]*-?[ \t]*\r?\n[ \t]*(?:>[ \t]?)*)"
)
_CARD = re.compile(rf"(?<![0-9A-Za-z])[1-9][0-9]{{0,18}}(?:{_GAP}[0-9]{{1,16}}){{1,18}}(?![0-9A-Za-z])")
_DIGITS = re.compile(r"[0-9]+")
_NO_DIGIT = re.compile(r"[^0-9]+")
_SHAPES = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3)})
_ISSUERS = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|2(?:2(?:2[1-9]|[3-9][0-9])|[3-6][0-9]{2}|7(?:[01][0-9]|20))[0-9]{12}"
    r"|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|35(?:2[89]|[3-8][0-9])[0-9]{12}"
    r"|62[0-9]{14,17}"
)
"""Prefixes and lengths of large issuers, whose digits may stand one by one: rows of digits are many."""
_TABLE_LIKE = re.compile(r"[\t|,;\n]|[ \u00a0]{2}")
Groups = Sequence[tuple[int, int]]
_NUMBERS_ONLY = re.compile(r"[\d \t.,;|\-]*\d[\d \t.,;|\-]*")


def cards(text: str) -> Iterator[Finding]:
    """Card numbers whose groups are set apart in a way that no card is printed, or that go on in the next line."""
    if _MAYBE_CARD.search(text) is None:
        return
    for run in _CARD.finditer(text):
        groups = [m.span() for m in _DIGITS.finditer(text, *run.span())]
        for some in (groups, *_parts(text, groups)):
            if _is_card(text, some):
                yield Finding(some[0][0], some[-1][1], "CREDIT_CARD", 1.0, NAME)
                break


def _parts(text: str, groups: Groups) -> Iterator[Groups]:
    """Parts in a card's shape: the number of an item may stand before it, a date behind it."""
    parts = [groups[1:], groups[:-1]]
    first = 0
    for at in range(2, len(groups) + 1):
        if (
            at == len(groups)
            or text[groups[at - 1][1] : groups[at][0]] != text[groups[first][1] : groups[first + 1][0]]
        ):
            parts.append(groups[first:at])
            first = at - 1
    return (some for some in parts if tuple(e - s for s, e in some) in _SHAPES)


def _is_card(text: str, groups: Groups) -> bool:
    digits = "".join(text[s:e] for s, e in groups)
    if not 13 <= len(digits) <= LONGEST_CARD or not may_be_card(digits):
        return False
    span = groups[0][0], groups[-1][1]
    return near_card_word(text, *span) or (is_card(digits) and _printed(text, span, groups))


def _printed(text: str, span: tuple[int, int], groups: Groups) -> bool:
    """Whether the groups of an issuer's number are one number and no rows or columns of numbers."""
    shape = tuple(e - s for s, e in groups)
    gaps = {text[a[1] : b[0]] for a, b in pairwise(groups)}
    if set(shape) == {1}:
        return _ISSUERS.fullmatch(_NO_DIGIT.sub("", text[slice(*span)])) is not None
    breaks = sum("\n" in gap for gap in gaps)
    if breaks:
        first = text[text.rfind("\n", 0, span[0]) + 1 : span[1]].splitlines()
        column = _in_column(text, *span)
        rows = len(first) == 2 or (breaks == len(gaps) and shape in _SHAPES)
        return not column and rows and all(not _TABLE_LIKE.search(g) for g in gaps if "\n" not in g)
    return len(gaps) == 1 and shape in _SHAPES and not any(_TABLE_LIKE.search(g) for g in gaps)


def _in_column(text: str, start: int, end: int) -> bool:
    """Whether the lines before or after hold nothing but numbers either."""
    before = text[: text.rfind("\n", 0, start) + 1].splitlines()[-1:]
    below = text.find("\n", end)
    after = text[below + 1 :].split("\n", 1)[:1] if below >= 0 else []
    return any(_NUMBERS_ONLY.fullmatch(line) for line in (*before, *after))


# -- account numbers with odd separators -------------------------------------------------------------------------------

_IBAN = re.compile(rf"(?<![0-9A-Za-z])([A-Za-z]{{2}})[0-9]{{2}}(?:(?:{_GAP})?[A-Za-z0-9])++")
_MAYBE_IBAN = compile_pattern(r"(?i)[A-Z]{2}[0-9]{2}(?:[^0-9A-Za-z]{0,6}[0-9A-Za-z]){11}")


def ibans(text: str) -> Iterator[Finding]:
    """Account numbers of their country's length and form with a right check sum, whatever stands between the groups."""
    if _MAYBE_IBAN.search(text) is None:
        return
    for match in _IBAN.finditer(text):
        size = IBAN_LENGTHS.get(match[1].upper(), 0)
        places = [i for i in range(*match.span()) if text[i].isalnum()][:size]
        if len(places) < size or not size or text[places[-1] + 1 : places[-1] + 2].isalnum():
            continue
        if iban.is_valid("".join(text[i] for i in places), check_country=False):
            yield Finding(places[0], places[-1] + 1, "IBAN_CODE", 1.0, NAME)


def own(text: str) -> Iterator[Finding]:
    """What these readings find by themselves."""
    yield from cards(text)
    yield from ibans(text)
