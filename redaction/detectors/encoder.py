"""The student's labels by an encoder that reads whole sentences, for inspections with all detectors.

Three layers that learned from six, which were Rampart's, trained further on the student's texts and labels
(``training/encoder.py``); as int8 on ONNX Runtime. It sees what a vocabulary without upper case leaves out, too: how a
word is written, what stood before it and the word lists in which it is. What it says of a token and what the student
says are put together, so that a word is a finding where both lean to it or one is sure. docs/encoder.md is its card.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from redaction.detectors.runtime import finite, session
from redaction.detectors.student import TAGS, StudentDetector
from redaction.detectors.wordview import KINDS, Token, broken
from redaction.types import DetectorFailed, Finding

VERSION = "7"
FOLDER = Path(__file__).resolve().parents[1] / "data" / "encoder"
WINDOW = 126
"""Pieces read at once without the two special ones: as in training."""
OVERLAP = 16
PASSAGE = 4000
"""Tokens whose pieces are held at once."""
PIECE_BUDGET = 60_000
"""Most pieces of one text; more raises DetectorFailed."""
CASES = 6
GAPS = 4
MARKS = len(KINDS) + CASES + GAPS
"""What is said of a piece beside its number: word lists, case, gap, each 0 or 1."""
_SLOW = ["SkipLayerNormFusion"]
"""Its sums in one thread take a quarter of the whole time; the parts that it puts together do not."""
WEIGHT = 0.65
"""Share of the encoder in the mean of both models' logarithms; the rest is the student's."""
LEAST = 1e-5
"""No model is surer than that of what it leaves out."""
THRESHOLDS: Mapping[str, float] = {
    "PERSON": 0.215, "ORGANIZATION": 0.35, "LOCATION": 0.42, "ADDRESS": 0.174, "DATE_TIME": 0.3, "AGE": 0.5,
    "NRP": 0.17, "PROFESSION": 0.21, "USERNAME": 0.231, "REFERENCE_NUMBER": 0.12, "PHONE_NUMBER": 0.525,
}  # fmt: skip
"""As the student's, for the probabilities put together."""


def case(word: str) -> int:
    """How a token is written: 0 a symbol, 1 lower, 2 upper, 3 title, 4 mixed, 5 digits."""
    if not word[0].isalpha():
        return 5 if word[0].isdecimal() else 0
    if word.islower():
        return 1
    if word.isupper():
        return 2 if len(word) > 1 else 3
    return 3 if word[0].isupper() and word[1:].islower() else 4


def marks(lists: Sequence[int], cases: Sequence[int], gaps: Sequence[int]) -> Any:
    """``[tokens, MARKS]`` of masks over ``KINDS``, of :func:`case` and of the gaps before the tokens."""
    masks = np.asarray(lists, np.int64)[:, None] >> np.arange(len(KINDS)) & 1
    return np.concatenate(
        [masks, np.eye(CASES)[np.asarray(cases)], np.eye(GAPS)[np.asarray(gaps)]], axis=1, dtype=np.float32
    )


class Encoder:
    """Probabilities of ``TAGS`` for the tokens of a text. One session, one thread by default."""

    def __init__(self, folder: Path = FOLDER, threads: int = 1) -> None:
        """Raises OSError for files that are not there."""
        model, pieces = (folder / "model.onnx").read_bytes(), (folder / "tokenizer.json").read_bytes()
        self._tokenizer = Tokenizer.from_str(pieces.decode())
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        vocabulary = self._tokenizer.get_vocab()
        self._tokenizer.encode_special_tokens = True  # "[SEP]" in a text is text
        self._cls, self._sep, self._unknown = (vocabulary[f"[{word}]"] for word in ("CLS", "SEP", "UNK"))
        self._session = session(model, threads, without=_SLOW)
        self.digest = hashlib.sha256(hashlib.sha256(model).digest() + hashlib.sha256(pieces).digest()).hexdigest()

    def scores(self, text: str, tokens: Sequence[Token], described: Any) -> Any:
        """``[tokens, TAGS]``, 0 for a token of which it knows nothing. ``described``: their :func:`marks`.

        Raises DetectorFailed for a text over the budget.
        """
        out, spent = [], 0
        for at in range(0, len(tokens), PASSAGE):
            some = tokens[at : at + PASSAGE]
            pieces, owners = self._pieces(text, some)
            spent += len(pieces)
            if spent > PIECE_BUDGET:
                raise DetectorFailed("encoder", "budget")
            out.append(_by_token(self._windows(pieces, described[at:][owners]), owners, len(some)))
        return np.concatenate(out) if out else np.zeros((0, len(TAGS)), np.float32)

    def _pieces(self, text: str, tokens: Sequence[Token]) -> tuple[Any, Any]:
        """Numbers of the pieces, and the place of the token that each belongs to.

        A name that an emoji or a rare symbol touches is one unknown word with it: its tokens are read one by one.
        """
        low = tokens[0].start
        said = self._tokenizer.encode(text[low : tokens[-1].end], add_special_tokens=False)
        pieces, spans = np.array(said.ids, np.int64), np.array(said.offsets, np.int64).reshape(-1, 2)
        starts = np.array([t.start - low for t in tokens], np.int64)
        owners, last = np.searchsorted(starts, spans[:, 0], "right") - 1, np.searchsorted(starts, spans[:, 1]) - 1
        lost = (pieces == self._unknown) & (last > owners)
        if not lost.any():
            return pieces, owners
        inside = np.concatenate([np.arange(a, b + 1) for a, b in zip(owners[lost], last[lost], strict=True)])
        words = [text[tokens[i].start : tokens[i].end] for i in inside]
        apart = self._tokenizer.encode(words, is_pretokenized=True, add_special_tokens=False)
        pieces = np.concatenate([pieces[~lost], np.array(apart.ids, np.int64)])
        owners = np.concatenate([owners[~lost], inside[np.array(apart.word_ids, np.int64)]])
        order = np.argsort(owners, kind="stable")
        return pieces[order], owners[order]

    def _windows(self, pieces: Any, described: Any) -> Any:
        """Probabilities per piece; where windows overlap, the one in which the piece is more central counts."""
        out = np.zeros((len(pieces), len(TAGS)), np.float32)
        for start in range(0, max(1, len(pieces) - OVERLAP), WINDOW - OVERLAP) if len(pieces) else ():
            end, low = min(start + WINDOW, len(pieces)), start + (OVERLAP // 2 if start else 0)
            out[low:end] = self._run(pieces[start:end], described[start:end])[low - start :]
        return out

    def _run(self, pieces: Any, described: Any) -> Any:
        """One window at a time: scales of activations are of all that is read at once, and several are no faster."""
        n = len(pieces) + 2
        ids = np.full((1, n), self._sep, np.int64)
        said = np.tile(marks([0], [0], [0]), (1, n, 1))
        ids[0, 0], ids[0, 1:-1], said[0, 1:-1] = self._cls, pieces, described
        logits = finite(self._session.run(None, {"ids": ids, "marks": said})[0], "encoder")[0, 1:-1]
        values = np.exp(logits - logits.max(-1, keepdims=True))
        return values / values.sum(-1, keepdims=True)


def _by_token(pieces: Any, owners: Any, count: int) -> Any:
    """The mean of a token's pieces, 0 without one; the first of them says whether a value starts."""
    out = np.zeros((count, len(TAGS)), np.float32)
    np.add.at(out, owners, pieces)
    held = np.bincount(owners, minlength=count)
    out /= np.maximum(held, 1)[:, None]
    known, first = np.unique(owners, return_index=True)
    begins, inside = pieces[first, 1::2], pieces[first, 2::2]
    share = begins / np.maximum(begins + inside, 1e-9)
    both = out[known, 1::2] + out[known, 2::2]
    out[known, 1::2], out[known, 2::2] = both * share, both * (1 - share)
    return out


def _logs(scores: Any) -> Any:
    return np.log(np.maximum(scores, LEAST))


class EncoderDetector:
    """Implements ``Detector``: the student and the encoder together."""

    name = "encoder"

    def __init__(self, student: StudentDetector, folder: Path = FOLDER, threads: int = 1) -> None:
        self._student, self._encoder = student, Encoder(folder, threads)
        settings = json.dumps([VERSION, WINDOW, OVERLAP, WEIGHT, dict(THRESHOLDS)])
        digest = hashlib.sha256(f"{settings} {student.digest} {self._encoder.digest}".encode())
        self.digest = digest.hexdigest()[:16]

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        """Raises DetectorFailed as the two do."""
        text = broken(text)
        tokens = self._student.tokens(text)
        if not tokens:
            return ()
        return self._student.judged(text, tokens, self.scores(text, tokens), THRESHOLDS, self.name)

    def given(self, word: str, /) -> bool:
        """Whether it is a common first name, written like one."""
        return self._student.given(word)

    def named(self, word: str, /, *, first: bool = False) -> bool:
        """Whether it is written like a name, a common one (``first``: first name), and hardly another word."""
        return self._student.named(word, first=first)

    def surname(self, word: str, /) -> bool:
        """Whether a list of surnames has it."""
        return self._student.surname(word)

    def scores(self, text: str, tokens: Sequence[Token]) -> Any:
        """Probabilities ``[tokens, TAGS]`` of both together. Raises DetectorFailed as the two do."""
        words = [text[t.start : t.end] for t in tokens]
        described = marks([self._student.lists(w) for w in words], [case(w) for w in words], [t.gap for t in tokens])
        read = self._encoder.scores(text, tokens, described)
        weight = np.where(read.any(1, keepdims=True), WEIGHT, 0.0)  # what it cannot read is the student's affair
        logs = (1 - weight) * _logs(self._student.scores(text, tokens)) + weight * _logs(read)
        both = np.exp(logs)
        return both / both.sum(1, keepdims=True)
