"""Persons, organisations, places, dates and more by a small token classifier of our own, in eight languages.

A table of token parts and dilated convolutions (``training/``) as int8 on ONNX Runtime: about a tenth of what an
encoder costs. A token sees ``REACH`` neighbours to each side and nothing farther, so windows that overlap by that much
give what one pass over the whole text would give, at a cost linear in its length. docs/student.md is its card.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from redaction.detectors import wordview
from redaction.detectors.numbers import is_alone
from redaction.detectors.runtime import finite, session
from redaction.detectors.things import THINGS
from redaction.detectors.wordview import KINDS, Gazetteer, Token, View, matrix
from redaction.spans import NUMERIC
from redaction.types import DetectorFailed, Finding

VERSION = "11"
FOLDER = Path(__file__).resolve().parents[1] / "data" / "student"
LABELS = (
    "PERSON", "ORGANIZATION", "LOCATION", "ADDRESS", "DATE_TIME", "AGE", "NRP", "PROFESSION", "USERNAME",
    "REFERENCE_NUMBER", "PHONE_NUMBER",
)  # fmt: skip
TAGS = ("O", *(f"{mark}-{label}" for label in LABELS for mark in "BI"))
REACH = 64
"""Tokens that a label can depend on, to each side: the sum of the convolutions' distances."""
WINDOW = 1024
"""Tokens judged at once, without the neighbours they see."""
TOKEN_BUDGET = 400_000
"""Most tokens of one text (a megabyte and more); more raises DetectorFailed."""
_SYMBOLIC = frozenset({"USERNAME", "REFERENCE_NUMBER", "PHONE_NUMBER"})
_LEAST: Mapping[str, int] = {"PERSON": 2, "ORGANIZATION": 2, "LOCATION": 2, "REFERENCE_NUMBER": 3, "PHONE_NUMBER": 6}
"""Letters and digits that a finding needs."""
_LETTERS = re.compile(r"(?=(?:[ ./-]?[A-Z]){5})[A-Z]+(?:[ ./-][A-Z]+)*")
"""A code without a digit: ``QWXZRT``, ``HH-KLM``; shorter ones are mostly the names of codes."""
_YEARS = re.compile(
    r"[ -]?(?:years?[ -]old|years of age|y/o|años|meses|ans|anni|anos|Jahre|jährige?[rn]?|jaar|lata?)\b"
)
"""An age with its years, where the model stopped before them."""
_DEGREE = re.compile(r",? (?:M\.?D|Ph\.?D|D\.?D\.?S|D\.?V\.?M|R\.?N|Esq|MBA|CPA|Jr|Sr|II|III|IV)\b\.?")
"""What stands behind a name and belongs to it."""
_FULL_STOP = re.compile(r"[^\W\d_]{4}\.$")
"""The end of a sentence, of which a name is no part; after fewer letters it may shorten a word (``Inc.``)."""
_AREA = re.compile(r"(?<![0-9A-Za-z])\+?(?:[0-9]{1,3}[ \-]?)?\([0-9]{1,5}\)[ \-/]?$")
"""What stands before a phone number and belongs to it."""
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W\d_]+")
MONTH = 1 << KINDS.index("month")
LONGEST_FIELD = 60
_SAID_BEFORE = frozenset({"mail", "email", "e-mail", "phone", "tel", "fax", "mobile", "iban", "card", "ssn", "address"})
"""Words before a value, in small letters, which models take for a part of it."""
_FIELD = re.compile(r"[a-z]+(?:_[a-z]+)+")
_COLON = re.compile(r'"\s{0,3}:')
THRESHOLDS: Mapping[str, float] = {
    "PERSON": 0.08, "ORGANIZATION": 0.4, "LOCATION": 0.1, "ADDRESS": 0.06, "DATE_TIME": 0.15, "AGE": 0.6, "NRP": 0.1,
    "PROFESSION": 0.8, "USERNAME": 0.1, "REFERENCE_NUMBER": 0.05, "PHONE_NUMBER": 0.2,
}  # fmt: skip
"""The probability from which a token counts: where a lower one would mask more innocent text of the development sets
than it would save values. Scores are put on one scale by it: ``SURE`` means the same for every label."""
ODDS, ODDS_FIRST = 3.0, 2.0
"""How much likelier a strange word is a value than a model says: within a sentence, and as its first word, where words
that are no names have a capital, too."""
FAINT = 1e-3
"""Belief that a word is any value below which nothing is raised: it would not count then either."""
_ENDS = frozenset(".!?:\n")
SURE = 0.5
"""The score of a token whose probability is its label's threshold."""
TORN = 0.85
"""A token that is certainly something, but of which label is open, counts as the likeliest from this sum on."""
BESIDE = 0.25
"""Beside a token of a label, one of this score belongs to it: names and addresses have parts that alone are words."""


def load_view(file: Path) -> View:
    """The vocabulary and word lists as one view. Raises OSError, KeyError for a file that is none."""
    with np.load(file) as held:
        pieces = held["pieces"].tobytes().decode().split("\n")
        return View(pieces, Gazetteer(held["hashes"], held["masks"]))


class StudentDetector:
    """Implements ``Detector``. One session, one thread by default."""

    name = "student"

    def __init__(self, folder: Path = FOLDER, threads: int = 1) -> None:
        model = (folder / "model.onnx").read_bytes()
        words = folder / "words.npz"
        self._view = load_view(words)
        self._session = session(model, threads)
        weights = [SURE, TORN, BESIDE, ODDS, ODDS_FIRST]
        settings = json.dumps([VERSION, wordview.VERSION, dict(THRESHOLDS), weights, TAGS, sorted(THINGS)])
        digest = hashlib.sha256(settings.encode() + hashlib.sha256(model).digest())
        digest.update(hashlib.sha256(words.read_bytes()).digest())
        self.digest = digest.hexdigest()[:16]

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        """Raises DetectorFailed for a text over the budget, and for scores that are no numbers."""
        text = wordview.broken(text)
        found = self.tokens(text)
        return self.judged(text, found, self.scores(text, found), THRESHOLDS, self.name) if found else ()

    def given(self, word: str, /) -> bool:
        """Whether it is a common first name, written like one."""
        return word[:1].isupper() and self._view.given(word)

    def named(self, word: str, /, *, first: bool = False) -> bool:
        """Whether it is written like a name, a common one (``first``: first name), and hardly another word."""
        return self._view.named(word, first=first)

    def surname(self, word: str, /) -> bool:
        """Whether a list of surnames has it."""
        return self._view.surname(word)

    def belief(self, text: str, findings: Sequence[Finding]) -> list[float]:
        """For each finding, the largest probability of a token in it to be of any label. Raises DetectorFailed."""
        text = wordview.broken(text)
        found = self.tokens(text)
        if not found:
            return [0.0] * len(findings)
        some = 1.0 - self.scores(text, found)[:, 0]
        ends = [t.end for t in found]
        starts = [t.start for t in found]
        parts = (some[bisect_right(ends, f.start) : bisect_left(starts, f.end)] for f in findings)
        return [float(part.max(initial=0.0)) for part in parts]

    def lists(self, word: str, /) -> int:
        """The word lists in which a token stands, as a mask over ``KINDS``."""
        return self._view.lists(word)

    def tokens(self, text: str, /) -> list[Token]:
        """Raises DetectorFailed for a text over the budget."""
        found = list(islice(wordview.tokens(text), TOKEN_BUDGET + 1))
        if len(found) > TOKEN_BUDGET:
            raise DetectorFailed(self.name, "budget")
        return found

    def scores(self, text: str, found: Sequence[Token]) -> Any:
        """Probabilities ``[tokens, TAGS]``. Raises DetectorFailed for what are none."""
        out = []
        for at in range(0, len(found), WINDOW):
            low, high = max(0, at - REACH), min(len(found), at + WINDOW + REACH)
            part = found[low:high]
            rows, index = matrix(self._view, [text[t.start : t.end] for t in part])
            gaps = np.fromiter((t.gap for t in part), np.int64, len(part))
            values = self._session.run(None, {"rows": rows, "index": index, "gaps": gaps})[0]
            out.append(values[at - low : at - low + WINDOW])
        logits = finite(np.concatenate(out), self.name)
        shifted = np.exp(logits - logits.max(1, keepdims=True))
        return shifted / shifted.sum(1, keepdims=True)

    def judged(
        self, text: str, found: Sequence[Token], scores: Any, thresholds: Mapping[str, float], name: str
    ) -> tuple[Finding, ...]:
        """What probabilities ``[tokens, TAGS]`` of the tokens of ``text`` say, as findings of the detector ``name``."""
        return tuple(self._findings(text, found, _judged(self._raised(text, found, scores), thresholds), name))

    def _raised(self, text: str, found: Sequence[Token], scores: Any) -> Any:
        """``scores`` with more weight on what is half believed of strange words: models learn names from the names that
        they have seen, and a word that nobody knows is a name more often than they think."""
        odds = np.ones((len(found), 1), np.float32)
        faint, begins = (scores[:, 0] > 1 - FAINT).tolist(), True
        for number, token in enumerate(found):
            first = text[token.start]
            if first.isalpha():
                if not faint[number] and self._view.strange(text[token.start : token.end]):
                    odds[number] = ODDS_FIRST if begins else ODDS
                begins = False
            elif first in _ENDS:
                begins = True
        weighed = np.concatenate([scores[:, :1], scores[:, 1:] * odds], axis=1)
        return weighed / weighed.sum(1, keepdims=True)

    def _findings(self, text: str, found: Sequence[Token], judged: Any, name: str) -> Iterator[Finding]:
        """Neighbouring tokens of one label are one finding; its score is that of its surest token."""
        kinds, values, starts = judged
        open_: Finding | None = None
        for number in np.flatnonzero(kinds >= 0).tolist():
            label, score, token = LABELS[kinds[number]], float(values[number]), found[number]
            if open_ and open_.label == label and not starts[number] and _close(text, open_.end, token.start):
                open_ = Finding(open_.start, token.end, label, max(open_.score, score), name)
                continue
            if open_:
                yield from self._worth(text, open_)
            open_ = Finding(token.start, token.end, label, score, name)
        if open_:
            yield from self._worth(text, open_)

    def _worth(self, text: str, f: Finding) -> Iterator[Finding]:
        """What counts of ``f``. A number that is all there is to a text shows a model nothing but its shape: there,
        formats come first."""
        for trimmed in _trimmed(text, replace(f, score=min(f.score, SURE)) if is_alone(text) else f):
            if f.label == "USERNAME" and self._is_word(text, trimmed.start, trimmed.end):
                continue
            if f.label == "DATE_TIME" and not self._is_dated(text[trimmed.start : trimmed.end]):
                continue
            if f.label == "PERSON" and text[trimmed.start : trimmed.end] in _SAID_BEFORE:
                continue
            yield trimmed

    def _is_dated(self, value: str) -> bool:
        """Whether a date says when: "next week" and "last night" tell nothing of anybody."""
        return _DIGIT.search(value) is not None or any(self.lists(word) & MONTH for word in _WORD.findall(value))

    def _is_word(self, text: str, start: int, end: int) -> bool:
        """Whether it is the name of a field or function, or part of one: English words, as a key of JSON
        (``"receipt_to": …``) or with nothing else around (``tool_call``)."""
        low, high = max(0, start - LONGEST_FIELD), end + LONGEST_FIELD
        while start > low and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        while end < min(len(text), high) and (text[end].isalnum() or text[end] == "_"):
            end += 1
        alone = start == 0 and end == len(text)
        if not alone and not (text[start - 1 : start] == '"' and _COLON.match(text, end)):
            return False
        value = text[start:end]
        return _FIELD.fullmatch(value) is not None and all(map(self._view.plain, value.split("_")))


def _judged(scores: Any, thresholds: Mapping[str, float]) -> tuple[Any, Any, Any]:
    """For each token its label's number (-1: none), its score, and whether a new value starts with it."""
    begins, inside = scores[:, 1::2], scores[:, 2::2]
    exponents = np.log(SURE) / np.log([thresholds[label] for label in LABELS])
    scaled = np.minimum(begins + inside, 1.0) ** exponents
    best, values = scaled.argmax(1), scaled.max(1)
    torn = (values < SURE) & (1.0 - scores[:, 0] >= TORN)
    values = np.where(torn, SURE, values)
    kinds = np.where(values >= SURE, best, -1)
    starts = np.take_along_axis(begins > inside, best[:, None], 1)[:, 0]
    for number in np.flatnonzero(kinds >= 0).tolist():
        for step in (1, -1):
            _spread(scaled, kinds, values, starts, number, step)
    return kinds, values, starts


def _spread(scaled: Any, kinds: Any, values: Any, starts: Any, number: int, step: int) -> None:
    """Gives the label of a token to its neighbours on one side as far as they are likely enough to be of it."""
    kind, at = kinds[number], number + step
    while 0 <= at < len(kinds) and kinds[at] < 0 and scaled[at, kind] >= BESIDE:
        kinds[at], values[at] = kind, SURE
        starts[at if step > 0 else at + 1] = False
        at += step


def _trimmed(text: str, f: Finding) -> Iterator[Finding]:
    """Without symbols at its ends (those of a handle or number count); nothing if it is too little for its label."""
    start, end = f.start, f.end
    opening = "@#+(" if f.label in _SYMBOLIC else "("
    while start < end and not text[start].isalnum() and text[start] not in opening:
        start += 1
    closing = ")" if f.label in _SYMBOLIC else ".)"
    while end > start and not text[end - 1].isalnum() and text[end - 1] not in closing:
        end -= 1
    if _FULL_STOP.search(text, max(start, end - 5), end):
        end -= 1
    if f.label == "PHONE_NUMBER" and (area := _AREA.search(text, max(0, start - 14), start)):
        start = area.start()
    behind = _YEARS if f.label == "AGE" else _DEGREE if f.label == "PERSON" else None
    if behind and (more := behind.match(text, end)):
        end = more.end()
    value = text[start:end]
    if sum(c.isalnum() for c in value) < _LEAST.get(f.label, 1):
        return
    lettered = f.label == "REFERENCE_NUMBER" and _LETTERS.fullmatch(value)
    if f.label in NUMERIC and not lettered and not _DIGIT.search(value):
        return
    yield replace(f, start=start, end=end)


def _close(text: str, end: int, start: int) -> bool:
    return start - end <= 3 and not text[end:start].strip()
