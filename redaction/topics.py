"""The weights of the payload classifier: what each word piece says about the topic of a text.

Two weights per word piece and class: one for its share of the text, one for its damped frequency (1 + log), divided by
the length of the vector of these. They come from a linear model over the mean of static vectors of an encoder and over
the frequencies, multiplied out, so that nothing but this table is needed to judge a text (``proxy.models.train``).
``topics.npy`` holds 16-bit integers, ``topics.json`` what they mean. Reads its files and computes nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).with_name("data")
FILES = ("topics.json", "topics.npy", "vocab.txt")
FORMAT = 2


@dataclass(frozen=True, slots=True)
class Topics:
    """``share`` and ``rate`` are word pieces x classes, ``bias`` is classes; scores above ``thresholds`` count."""

    classes: tuple[str, ...]
    share: Any
    rate: Any
    bias: Any
    thresholds: Mapping[str, float]
    about: Mapping[str, Any] = field(default_factory=dict)

    def logits(self, ids: Any) -> Any:
        """One score per class of a window of word pieces, an array of int64."""
        pieces, counts = np.unique(ids, return_counts=True)
        damped = 1.0 + np.log(counts)
        words = counts[pieces >= FIRST_WORD].sum()
        logits = self.bias + damped @ self.rate[pieces] / (np.linalg.norm(damped) + FEW)
        return logits + counts @ self.share[pieces] / (words + FEW)

    def weight(self, piece: int, of: int) -> float:
        """How much a word piece speaks for class number ``of``."""
        return float(self.share[piece, of] + self.rate[piece, of])


FEW = 1.0
"""Added to the number of words, so that one word alone does not make a topic."""
FIRST_WORD = 999
"""Word pieces below are marks, unused or single characters; their vectors say nothing."""


def save(topics: Topics, folder: Path = DATA) -> None:
    """Writes ``topics.npy`` and ``topics.json``."""
    both = np.concatenate([topics.share, topics.rate], axis=1)
    steps = np.maximum(np.abs(both).max(axis=0), 1e-9) / 32_767
    np.save(folder / "topics.npy", np.round(both / steps).astype("<i2"))
    meaning = {
        "format": FORMAT,
        "about": dict(topics.about),
        "classes": list(topics.classes),
        "thresholds": dict(topics.thresholds),
        "bias": [round(float(value), 6) for value in topics.bias],
        "steps": [float(f"{value:.8g}") for value in steps],
    }
    (folder / "topics.json").write_text(json.dumps(meaning, indent=1) + "\n", encoding="utf-8")


def load(folder: Path = DATA) -> Topics:
    """Reads the weights. Raises OSError, KeyError or ValueError when files are missing or not what they should be."""
    raw = json.loads((folder / "topics.json").read_bytes())
    if raw["format"] != FORMAT or not raw["classes"]:
        raise ValueError(f"not topics of format {FORMAT}")
    table = np.load(folder / "topics.npy", allow_pickle=False)
    count = len(raw["classes"])
    if table.dtype != np.dtype("<i2") or table.shape != (vocabulary_size(folder), 2 * count):
        raise ValueError("topics.npy does not belong to topics.json")
    values = table.astype(np.float32) * np.array(raw["steps"], np.float32)
    if not np.isfinite([*raw["steps"], *raw["bias"], *raw["thresholds"].values()]).all():
        raise ValueError("topics.json holds what is no number: nothing would count")
    return Topics(
        classes=tuple(raw["classes"]),
        share=np.ascontiguousarray(values[:, :count]),
        rate=np.ascontiguousarray(values[:, count:]),
        bias=np.array(raw["bias"], np.float32),
        thresholds={name: float(value) for name, value in raw["thresholds"].items()},
        about=raw["about"],
    )


def vocabulary_size(folder: Path = DATA) -> int:
    """Word pieces of ``vocab.txt``, one a line."""
    return (folder / "vocab.txt").read_bytes().count(b"\n")


def tokenizer(folder: Path = DATA) -> Any:
    """BERT's uncased word pieces, without marks around a text."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    lines = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
    vocabulary = {piece: number for number, piece in enumerate(lines)}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))  # noqa: S106 - no secret
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def digest(folder: Path = DATA) -> str:
    """SHA-256 over the files, in hex."""
    whole = hashlib.sha256()
    for name in FILES:
        with (folder / name).open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()
