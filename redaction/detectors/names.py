"""Names, addresses and identifiers by a token classifier (Rampart, seven Latin-script languages) on ONNX Runtime.

A folder in the Hugging Face layout: ``config.json`` (id2label), ``tokenizer.json``, ``model.onnx``. Sub-words are put
together to words, words to spans; offsets are code points of the original text. It reads names in prose well and
formats badly, so it stands beside the patterns, whose labels win where a checksum holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from stdnum.us import ssn
from tokenizers import Tokenizer

from redaction.detectors.runtime import finite, session
from redaction.types import DetectorFailed, Finding

VERSION = "2"
WINDOW = 126
"""Tokens of a window without the two special ones; the model was trained on short texts."""
OVERLAP = 32
BATCH = 8
TOKEN_BUDGET = 60_000
"""Most tokens of one text; more raises DetectorFailed."""
PIECE = 20_000
"""Characters tokenised at once."""
THRESHOLD = 0.5
MIN_ID = 5
"""Letters and digits that a number needs before the model alone may call it an identifier."""

LABELS: Mapping[str, str] = {
    "GIVEN_NAME": "PERSON",
    "SURNAME": "PERSON",
    "BUILDING_NUMBER": "ADDRESS",
    "STREET_NAME": "ADDRESS",
    "SECONDARY_ADDRESS": "ADDRESS",
    "ZIP_CODE": "ADDRESS",
    "CITY": "LOCATION",
    "STATE": "LOCATION",
    "GOVERNMENT_ID": "NATIONAL_ID",
    "DRIVERS_LICENSE": "DRIVER_LICENSE",
    "ROUTING_NUMBER": "BANK_ACCOUNT",
    "BANK_ACCOUNT": "BANK_ACCOUNT",
    "PHONE": "PHONE_NUMBER",
    "EMAIL": "EMAIL_ADDRESS",
    "TAX_ID": "TAX_ID",
    "PASSPORT": "PASSPORT",
    "URL": "URL",
}
NUMBERS = frozenset({"NATIONAL_ID", "DRIVER_LICENSE", "BANK_ACCOUNT", "PHONE_NUMBER", "TAX_ID", "PASSPORT"})
ISSUED = NUMBERS - {"PHONE_NUMBER"}
"""A model knows no checksum, so a number of a kind is some reference: what kind it is, validators say."""
JOINERS: Mapping[str, str] = {"PERSON": " \t-'’.\u00a0", "ADDRESS": " \t,.\u00a0", "PHONE_NUMBER": " ()-./+\u00a0"}
"""Characters across which two words of one label belong together (a space always does)."""


@dataclass(slots=True)
class _Word:
    start: int
    end: int
    label: str
    score: float


class RampartDetector:
    """Implements ``Detector``. One session, one thread by default."""

    name = "names"

    def __init__(self, model_dir: Path, threads: int = 1) -> None:
        config = json.loads((model_dir / "config.json").read_text("utf-8"))
        self._labels = [config["id2label"][str(i)] for i in range(len(config["id2label"]))]
        self._tokenizer = Tokenizer.from_file(str(model_dir / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._cls: int = self._tokenizer.get_vocab()["[CLS]"]
        self._sep: int = self._tokenizer.get_vocab()["[SEP]"]
        model = (model_dir / "model.onnx").read_bytes()
        self._session = session(model, threads)
        self.digest = hashlib.sha256(VERSION.encode() + hashlib.sha256(model).digest()).hexdigest()[:16]

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        if not any(c.isalpha() for c in text) and sum(c.isdigit() for c in text) < MIN_ID:
            return ()
        return tuple(self._spans(text, self._words(text)))

    def _words(self, text: str) -> Iterator[_Word]:
        spent = 0
        for base, piece in _pieces(text):
            encoding = self._tokenizer.encode(piece, add_special_tokens=False)
            spent += len(encoding.ids)
            if spent > TOKEN_BUDGET:
                raise DetectorFailed(self.name, "budget")
            if encoding.ids:
                scores = self._scores(encoding.ids)
                yield from self._judge(encoding, scores, base)

    def _scores(self, ids: list[int]) -> Any:
        """Label probabilities per token; where windows overlap, the one in which the token is more central counts."""
        step = WINDOW - OVERLAP
        starts = list(range(0, max(1, len(ids) - OVERLAP), step))
        out = np.zeros((len(ids), len(self._labels)), np.float32)
        for first in range(0, len(starts), BATCH):
            some = starts[first : first + BATCH]
            rows = [[self._cls, *ids[s : s + WINDOW], self._sep] for s in some]
            logits = self._run(rows)
            for s, row, values in zip(some, rows, logits, strict=True):
                low = s + (OVERLAP // 2 if s else 0)
                high = s + len(row) - 2
                out[low:high] = _softmax(values[1 + low - s : 1 + high - s])
        return out

    def _run(self, rows: list[list[int]]) -> Any:
        length = max(map(len, rows))
        ids = np.zeros((len(rows), length), np.int64)
        mask = np.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return finite(self._session.run(None, feed)[0], self.name)

    def _judge(self, encoding: Any, scores: Any, base: int) -> Iterator[_Word]:
        """Words with a label: the most certain of a word's tokens decides."""
        current: int | None = None
        word: _Word | None = None
        for (start, end), number, row in zip(encoding.offsets, encoding.word_ids, scores, strict=True):
            best = int(row.argmax())
            kind = self._labels[best]
            score = float(row[best]) if kind != "O" else 0.0
            if number != current or word is None:
                if word is not None and word.label:
                    yield word
                current, word = number, _Word(base + start, base + end, "", 0.0)
            word.end = base + end
            if score >= THRESHOLD and score > word.score:
                word.label, word.score = kind[2:], score
        if word is not None and word.label:
            yield word

    def _spans(self, text: str, words: Iterator[_Word]) -> Iterator[Finding]:
        open_: _Word | None = None
        for word in words:
            label = LABELS.get(word.label)
            if label is None:
                continue
            if open_ is not None and label == open_.label and _together(text[open_.end : word.start], label):
                open_.end, open_.score = word.end, max(open_.score, word.score)
                continue
            if open_ is not None:
                yield from self._finding(text, open_)
            open_ = _Word(word.start, word.end, label, word.score)
        if open_ is not None:
            yield from self._finding(text, open_)

    def _finding(self, text: str, span: _Word) -> Iterator[Finding]:
        value = text[span.start : span.end]
        label = span.label
        if label in NUMBERS and sum(c.isalnum() for c in value) < MIN_ID:
            return
        if label == "PERSON" and (len(value) < 2 or not any(c.isalpha() for c in value)):
            return
        if label == "NATIONAL_ID" and ssn.is_valid(value):
            label = "US_SSN"
        elif label in ISSUED:
            label = "REFERENCE_NUMBER"
        yield Finding(span.start, span.end, label, min(span.score, 0.99), self.name)


def _together(gap: str, label: str) -> bool:
    return len(gap) <= 3 and all(c in JOINERS.get(label, " ") for c in gap)


def _softmax(values: Any) -> Any:
    shifted = np.exp(values - values.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The text in pieces that end at white space where there is some."""
    at = 0
    while at < len(text):
        end = min(len(text), at + PIECE)
        if end < len(text):
            cut = max(text.rfind(" ", at + PIECE // 2, end), text.rfind("\n", at + PIECE // 2, end))
            end = cut + 1 if cut > 0 else end
        yield at, text[at:end]
        at = end
