"""Codes that are no more than ``the code is …``: what they open, or that somebody shall type them, is said nearby.

A short number counts when the words of its own sentence lead to it (``The code is …``, ``enter … and pull``, ``opens
with …``) and the same message names a lock, a device or a sign-in; never beside words for other codes (errors, articles,
prices). Looks at a few hundred characters around each number that stands near such a word: linear.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from redaction.detectors import locks
from redaction.detectors.codes import UNIT, YEAR
from redaction.detectors.linear import Span, compile_pattern

MIXED = 5
"""Characters of a code of letters and digits."""
BEFORE, AFTER, CHAIN = 160, 90, 70
"""Code points before a number and behind it that are read; between two codes of one message."""
WORDS = 9
"""Words between the name of a code and the code at most."""
_STARTS = "|".join(sorted(locks.LOCK | locks.CODE | locks.SURE | locks.ONLY))
_CUE = compile_pattern(
    rf"(?i)\b(?:{_STARTS})|c[oó]d[eio]|combina|kombi|passcode|key ?(?:safe|box)|entry|phone|tür|tor\b|schlo|schlüssel|kasten|port[aã]|sleutel|kastje"
    r"|telef|telem|móvil|celular|handy|ipad|tan\b|otp|2fa|digit|voicemail|disarm|tasten|kindersicherung|sign(?:ing)?[ -]?in|log[ -]?in|confirm|verif|bo[iî]te"
)
_NUMBER = re.compile(
    r"(?<![\w.,/$€£%@&-])(?:[A-Z]{0,2}\d{3,6}[A-Z]{0,2}|[A-Z\d]{5,8}|\d{4,8}|\d{3}[ -]\d{3}|\d\d-\d\d-\d\d|\d(?:-\d){2,5}|\d\d? \d\d? \d\d? \d\d?)(?![\w%€$£]|[.,:/-]\d)"
)
_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+|\S|\n")
_HUMP = re.compile(r"(?<=[a-z]{2})(?=[A-Z])")
_ROUND = re.compile(r"\d{2}00|\d+000")
_ELIDED = re.compile(r"(l|d|dell|nell|all|sull)'(?=[^\W\d_]{3})")
_CLOCK = re.compile(r"(?:[01]\d|2[0-3])[0-5][05]")
_ANSWER = re.compile(
    r"(?:.{0,40}?[\d\])] ?(?:-|–)? ?[^\W\d_][\w .]{0,30}: |(?:A|Answer|Antwort|R)\s?: )?(?:(?:it['’]?s|its|it is|c['’]est|es|è|é|to|ist|is) )?\Z",
    re.I,
)
"""The line before a number that answers a question."""
SENT = 6
"""Digits of what services send."""
LINES = 3
"""Line ends between what is said and the number at most."""
CHAINED = 5
"""Words between two codes of a row at most."""
_CONTEXT = locks.KEYS | locks.DEVICE | locks.TOLD | locks.PLACES
_STOPS = frozenset(".!?;")


class _Around:
    """The words around a number."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.value = text[start:end]
        self.before = _tokens(text[max(0, start - BEFORE) : start])
        self.after = _tokens(text[end : end + AFTER].lstrip("#*"))
        self.year = YEAR.fullmatch(self.value) is not None
        self.plain = self.year or (_ROUND.fullmatch(self.value) is not None and self.value[0] != "0")
        self.mixed = _mixed(self.value)
        self.here = {*self.before, *self.after}
        self.starred = text[end : end + 1] in {"#", "*"} or (
            self.after[:1] == ["+"] and not locks.STAR.isdisjoint(self.after[1:3])
        )
        self.clause = _clause(self.before)
        self.rest = _clause(self.after[::-1])[::-1]
        lead = 0
        while lead < len(self.before) and (self.before[-1 - lead] in locks.LINK or self.before[-1 - lead] == "\n"):
            lead += 1
        self.links = self.before[len(self.before) - lead :]
        self.head = self.before[: len(self.before) - lead]

    @property
    def opened(self) -> bool:
        """Whether what it opens is named."""
        return opened(self.here)

    @property
    def ends(self) -> bool:
        """Whether the number ends what is said, or goes on as codes do."""
        first = self.after[0] if self.after else "\n"
        return not first[0].isalnum() or first in locks.ENDS

    @property
    def said(self) -> bool:
        """Whether a verb or a sign says that the number is what was named."""
        return not locks.SAID.isdisjoint(self.links)


def _tokens(text: str) -> list[str]:
    return [part for token in _TOKEN.findall(_HUMP.sub("_", text)) for part in _parts(token.lower().replace("’", "'"))]


def _parts(token: str) -> Sequence[str]:
    """``gate's`` is two words."""
    if len(token) > 3 and token.endswith("'s"):
        return token[:-2], "s"
    return (token[elided.end() :],) if (elided := _ELIDED.match(token)) else (token,)


def _clause(tokens: Sequence[str]) -> Sequence[str]:
    """The last of them from the last end of a sentence on."""
    for at in range(len(tokens) - 1, -1, -1):
        if tokens[at] in _STOPS or (tokens[at] == "\n" and at < len(tokens) - 1):
            return tokens[at + 1 :]
    return tokens


def lock(word: str) -> bool:
    """Whether it names what codes open."""
    return word in locks.LOCK or (len(word) > 5 and word.endswith(locks.LOCKS) and word not in locks.NOT_LOCKS)


def opened(words: Iterable[str]) -> bool:
    """Whether one of them names what opens with nothing but a code: a key has numbers of other kinds."""
    return any(lock(word) and word not in locks.KEYS for word in words)


def _mixed(value: str) -> bool:
    """Whether it has letters, too."""
    return not value.replace(" ", "").replace("-", "").isdigit()


def _counts(value: str) -> bool:
    """Whether it has as many digits as codes have."""
    return sum(map(str.isdigit, value)) >= (2 if _mixed(value) and len(value) >= MIXED else 4)


def code(word: str) -> bool:
    """Whether it names a code, and not one of errors or towns."""
    if word in locks.CODE or word in locks.SURE:
        return True
    return len(word) > 6 and word.endswith(locks.CODES) and not word.startswith(locks.NO_CODES)


def codes(text: str) -> Iterator[Span]:
    """Where they stand."""
    cues = [start for ((start, _),) in _CUE.spans(text)]
    if not cues:
        return
    last = -1
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        at = bisect_left(cues, start - BEFORE)
        if at == len(cues) or cues[at] > end + AFTER:
            continue
        if UNIT.match(text, end) or not _counts(match[0]):
            continue
        around = _Around(text, start, end)
        if around.links.count("\n") > LINES or not around.here.isdisjoint(locks.FOREIGN):
            continue
        chained = 0 <= start - last <= CHAIN and _chained(around, text[last:start])
        if chained or any(rule(around) for rule in _RULES) or _answers(text, start, around):
            last = end
            yield start, end + (text[end : end + 1] == "#")


def _named(a: _Around) -> bool:
    """``the code is 4821``, ``code 2580``, ``code to get in: 4821``, with what it opens somewhere around."""
    at = _place_of_code(a)
    if at is None or a.links.count("=") > 1:
        return False
    between, word = a.head[at + 1 :], a.head[at]
    owned = not locks.DETERMINER.isdisjoint(a.head[max(0, at - 1) : at]) or (at == 0 and not {":", "="} & {*a.links})
    told = not a.here.isdisjoint(_CONTEXT)
    known = a.opened or told or word in locks.SURE or (word not in locks.CODE and not word.endswith("pin"))
    near = any(map(lock, between)) or not _CONTEXT.isdisjoint(between)
    if (between and not (a.said or near)) or (a.plain and not (known and a.said)):
        return False
    inside = not between or not (locks.TO_OPEN | {"get"}).isdisjoint(between)
    return (known and (a.ends or a.said or near)) or (owned and a.said and a.ends and inside and not a.mixed)


def _place_of_code(a: _Around) -> int | None:
    """Where the name of a code stands before the number, in its sentence."""
    for at in range(len(a.head) - 1, max(-1, len(a.head) - 1 - WORDS), -1):
        word = a.head[at]
        if code(word):
            return at
        if word in _STOPS or (word.isdigit() and len(word) > 1) or word == "\n":
            return None
    return None


def _before_last(a: _Around) -> bool:
    """``We've changed the code. The new one is 4821``, ``combination to my lock? it's 0451``."""
    if not a.head or a.head[-1] not in _STOPS or (locks.IS.isdisjoint(a.links) and ":" not in a.links):
        return False
    if a.plain or not a.ends:
        return False
    asked = len(a.head)
    while asked and a.head[asked - 1] in _STOPS:
        asked -= 1
    last = {*_clause(a.head[:asked])[-WORDS * 2 :]}
    return any(map(code, last)) or (
        any(map(lock, last)) and not last.isdisjoint({"access", "entry", "zugang", "accès"})
    )


def _told(a: _Around) -> bool:
    """``enter 7310 and pull the lid``, ``4821 am Tastenfeld eingeben``."""
    at = len(a.before)
    while at and a.before[at - 1] in locks.PARTICLE:
        at -= 1
    verb = at > 0 and a.before[at - 1] in locks.VERB
    if verb and (needed := locks.PARTLY.get(a.before[at - 1])):
        verb = not needed.isdisjoint(a.before[at:])
    behind = not locks.BEHIND.isdisjoint(a.rest[:6])
    if a.plain or not (verb or (behind and any(map(lock, (*a.clause, *a.rest))))):
        return False
    return a.opened or not a.here.isdisjoint(locks.PINS | {"voicemail"})


def _opens(a: _Around) -> bool:
    """``the side gate opens with 6021``, ``use 6021 to get in``, ``3359 opens it``."""
    if a.plain or not a.before:
        return False
    clause, rest = a.clause, a.rest
    words = (*clause, *rest)
    what = opened(words) or not locks.DEVICE.isdisjoint(words)
    last = a.before[-1]
    verb = not locks.OPENS.isdisjoint((*clause, *rest[:2]))
    if (
        verb
        and what
        and (last in locks.WITH or (last in locks.OPENS and last != "open"))
        and (a.ends or rest[0] in locks.OPENS | locks.IF or any(map(lock, rest[:4])))
    ):
        return True
    if last in {"use", "with", "enter", "type", "code"} and rest[:1] == ["to"] and rest[1:]:
        sent = len(a.value) == SENT and rest[1] in locks.SENT
        return sent or not locks.TO_OPEN.isdisjoint(rest[1:3])
    return rest[:1] in (["opens"], ["unlocks"], ["öffnet"], ["ouvre"], ["abre"], ["apre"]) and (
        a.opened or "it" in rest
    )


def _belongs(a: _Around) -> bool:
    """``482913 is your … code``, ``… as the confirmation code``, ``is 9412 a safe PIN``."""
    if a.plain or a.mixed or not a.rest:
        return False
    asked = a.before[-1:] and a.before[-1] in locks.IS and a.rest[0] in locks.ARTICLE
    if not asked and a.rest[0] not in {*locks.IS, *locks.AS}:
        return False
    words = a.rest[0 if asked else 1 : 7]
    at = next((n for n, word in enumerate(words) if code(word)), None)
    if at is None:
        return False
    whose = {*words[:at], *words[at + 1 : at + 4]} & locks.DETERMINER
    known = a.opened or not _CONTEXT.isdisjoint(a.here)
    if asked:
        return words[at] in locks.PINS
    return not whose <= locks.THE or (known and (bool(whose) or len(a.value) == SENT))


def _paired(a: _Around) -> bool:
    """``Gate 4411``, ``the alarm is 1973``, ``Schlüsselbox: 2580``: what opens, and nothing but the number."""
    if not a.head or not a.ends or (a.plain and a.value[0] != "0" and not (a.year and a.said)):
        return False
    word, clause = a.head[-1], _clause(a.head)
    only = word in locks.ONLY or tuple(a.head[-2:]) in locks.PAIRS
    only = only or any(lock(w) and w in locks.ONLY for w in clause[-3 if not a.said else 0 :])
    if (only or (word == "fa" and ":" in a.links)) and not a.year:
        return locks.SIZE.isdisjoint(a.after[:3])
    if word in locks.NUMBER and a.said:
        return (
            any(pair in locks.PAIRS for pair in pairwise(a.before))
            or not locks.ONLY.isdisjoint(a.before)
            or any(lock(w) and w not in locks.KEYS | locks.HOMES for w in a.head[-2:])
        )
    if not lock(word) or word in locks.KEYS or (word in locks.HOMES and not any(map(code, a.here))):
        return False
    if a.starred or any(map(code, a.here)) or (a.year and not locks.VERB.isdisjoint(a.here)):
        return True
    sure = not (a.year or a.mixed or _CLOCK.fullmatch(a.value))
    return sure and (not locks.IS.isdisjoint(a.links) or (a.said and _another(a.after)))


def _another(after: Sequence[str]) -> bool:
    """Whether a second lock has its number there."""
    rows = zip(after, after[1:], after[2:], strict=False)
    return any(lock(one) and sign in locks.SAID and len(two) > 3 and two.isdigit() for one, sign, two in rows)


def _dialled(a: _Around) -> bool:
    """``34-12-27`` beside a safe, where it is no date."""
    parts = a.value.split("-")
    if len(parts) != 3 or not all(map(str.isdigit, parts)):
        return False
    return a.opened and (int(parts[0]) > 31 or int(parts[1]) > 12) and a.ends


def _handed(a: _Around) -> bool:
    """``they asked for the six digit code and I told them 482913``."""
    digits = sum(map(str.isdigit, a.value))
    if digits != SENT or a.plain or a.mixed:
        return False
    near = a.clause[-WORDS * 2 :]
    return any(map(code, near)) and not locks.TOLD.isdisjoint(near)


def _chained(a: _Around, between: str) -> bool:
    """A second code of a row: ``gate 4411, then back door 7765``."""
    words = _tokens(between)
    if (a.plain and not a.year) or any(word.isdigit() for word in words) or not a.ends:
        return False
    said = [word for word in words if word[0].isalpha() and word not in locks.NEXT and word not in locks.IS]
    named = bool(said) and (lock(said[-1]) or code(said[-1]))
    return named or (
        bool(said) and not a.year and not locks.NEXT.isdisjoint(words) and a.opened and len(said) < CHAINED
    )


def _answers(text: str, start: int, a: _Around) -> bool:
    """``what's the gate code? ⏎ 4417``."""
    low = text.rfind("\n", max(0, start - BEFORE), start)
    if low < 0 or a.plain or not a.ends or _ANSWER.match(text[low + 1 : start]) is None:
        return False
    asked = text[max(0, low - BEFORE) : low].rstrip()
    words = _clause(_tokens(asked[:-1]))
    line = _clause(_tokens(asked[asked.rfind("\n") + 1 :]))
    known = any(map(lock, words)) or not _CONTEXT.isdisjoint(words) or any(map(code, words[-2:]))
    return (asked.endswith("?") and any(map(code, words)) and known) or (any(map(code, line)) and any(map(lock, line)))


_RULES = (_named, _before_last, _told, _opens, _belongs, _paired, _dialled, _handed)
