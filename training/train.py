"""``python -m training.train``: the student from data to ONNX with one command and one seed.

Needs the extra ``train``, the folder of labelled court cases and the installed Rampart bundle (its vocabulary, and its
token vectors as a start). About an hour on one core.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from redaction.detectors.student import TAGS, load_view
from redaction.detectors.wordview import WIDTH, View, tokens
from training import generate, lists, wide
from training.export import export, ranges
from training.model import Shape, Student

DATA = Path(__file__).resolve().parents[1] / "redaction" / "data" / "student"
LONGEST = 224
IGNORED = -100


@dataclass(slots=True)
class Corpus:
    """Texts as numbers: distinct tokens once, texts as places in them."""

    view: View
    rows: list[list[int]]
    places: dict[str, int]
    texts: list[tuple[Any, Any, Any]]

    def add(self, text: str, spans: Sequence[generate.Span]) -> None:
        marks = labelled(text, spans)
        found = list(tokens(text))
        ids = []
        for token in found:
            word = text[token.start : token.end]
            place = self.places.get(word)
            if place is None:
                place = self.places[word] = len(self.rows)
                self.rows.append(self.view.describe(word))
            ids.append(place)
        tags = [IGNORED if (m := marks[t.start]) == generate.SKIP else TAGS.index(m) for t in found]
        pack = (np.array(ids, np.int32), np.array([t.gap for t in found], np.int8), np.array(tags, np.int8))
        for at in range(0, len(found), LONGEST):
            self.texts.append(tuple(a[at : at + LONGEST] for a in pack))  # type: ignore[arg-type]  # three arrays stay three


def labelled(text: str, spans: Sequence[generate.Span]) -> list[str]:
    """The tag of the token that starts at each character."""
    marks = ["O"] * (len(text) + 1)
    for start, end, label in spans:
        for at in range(start, min(end, len(text))):
            if label == generate.SKIP:
                marks[at] = label
            else:
                marks[at] = ("B-" if at == start else "I-") + label
    return marks


def collect(view: View, seed: int, count: int) -> Corpus:
    corpus = Corpus(view, [], {}, [])
    source = generate.texts(seed)
    for _ in range(count):
        corpus.add(*next(source))
    return corpus


class Batches:
    """Batches of texts of like length, with parts of words hidden at random."""

    def __init__(self, corpus: Corpus, size: int, seed: int) -> None:
        self.texts, self.size, self.r = corpus.texts, size, Random(seed)
        self.rows = np.zeros((len(corpus.rows), WIDTH), np.int32)
        for at, row in enumerate(corpus.rows):
            self.rows[at, : len(row)] = row
        self.random = np.random.default_rng(seed)
        self.view = corpus.view

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        while True:
            pool = self.r.sample(self.texts, min(len(self.texts), 4000))
            pool.sort(key=lambda t: len(t[0]))
            batches, batch = [], []
            for text in pool:
                if batch and (len(batch) + 1) * len(text[0]) > self.size:
                    batches.append(batch)
                    batch = []
                if len(text[0]):
                    batch.append(text)
            self.r.shuffle(batches)
            for some in batches:
                yield self._pack(some, hide=True)

    def _pack(self, texts: Sequence[Any], hide: bool) -> tuple[torch.Tensor, ...]:
        length = max(len(t[0]) for t in texts)
        ids = np.zeros((len(texts), length), np.int64)
        gaps, tags = np.zeros_like(ids), np.full_like(ids, IGNORED)
        mask = np.zeros((len(texts), length, 1), np.float32)
        for at, (words, gap, tag) in enumerate(texts):
            n = len(words)
            ids[at, :n], gaps[at, :n], tags[at, :n], mask[at, :n] = words, gap, tag, 1
        distinct, index = np.unique(ids, return_inverse=True)
        rows = self.rows[distinct].copy()
        if hide:
            self._hide(rows)
        return tuple(map(torch.from_numpy, (rows, index.reshape(ids.shape), gaps, mask, tags)))

    def _hide(self, rows: Any) -> None:
        """Some words lose their place in the lists, some their vocabulary pieces, some a part of their letters."""
        view, n = self.view, len(rows)
        lose_lists = self.random.random((n, 1)) < 0.2
        lose_pieces = self.random.random((n, 1)) < 0.12
        lose_letters = self.random.random((n, 1)) < 0.1
        listed = (rows >= view.kinds) & (rows < view.rows - 1)
        pieces = (rows > 0) & (rows < view.hashed)
        letters = (rows >= view.hashed) & (rows < view.shapes)
        rows[(listed & lose_lists) | (pieces & lose_pieces)] = 0
        rows[letters & lose_letters & (self.random.random(rows.shape) < 0.7)] = 0


def start(student: Student, view: View, rampart: Path) -> None:
    """Puts the main directions of Rampart's token vectors (CC BY 4.0) into the table's first rows."""
    held = {t.name: t for t in onnx.load(str(rampart)).graph.initializer if "word_embeddings" in t.name}
    name = "bert.embeddings.word_embeddings.weight"
    zero = float(numpy_helper.to_array(held[name + "_zero_point"]))
    values = (numpy_helper.to_array(held[name + "_quantized"]).astype(np.float32) - zero) * float(
        numpy_helper.to_array(held[name + "_scale"])
    )
    values -= values.mean(0)
    _, _, axes = np.linalg.svd(values[np.random.default_rng(0).permutation(len(values))[:6000]], full_matrices=False)
    small = values @ axes[: student.shape.table].T
    small *= 0.15 / small.std()
    with torch.no_grad():
        student.table.weight[1 : view.hashed] = torch.from_numpy(small[: view.hashed - 1].copy())


def fit(student: Student, batches: Batches, minutes: float, rate: float, steps: int, kept: Path) -> None:
    """Trains for so many minutes of wall time, or so many steps where given (reproducible); saves now and then."""
    table = torch.optim.SparseAdam([student.table.weight], lr=rate)
    rest = torch.optim.AdamW(
        [p for n, p in student.named_parameters() if not n.startswith("table")], lr=rate, weight_decay=0.01
    )
    began, seen, total, step = time.monotonic(), 0, 0.0, 0
    student.train()
    for rows, index, gaps, mask, tags in batches:
        done = step / steps if steps else (time.monotonic() - began) / (minutes * 60)
        if done >= 1:
            break
        factor = min(1.0, (step + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * done)))
        for group in (*table.param_groups, *rest.param_groups):
            group["lr"] = rate * factor
        logits = student(rows, index, gaps, mask)  # in 32 bits: a tenth of the time of 16 on processors without them
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), tags.flatten().long(), ignore_index=IGNORED, label_smoothing=0.02
        )
        table.zero_grad()
        rest.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for n, p in student.named_parameters() if not n.startswith("table")], 1.0)
        table.step()
        rest.step()
        step, seen, total = step + 1, seen + int(mask.sum()), 0.98 * total + 0.02 * loss.item()
        if step % 500 == 0:
            torch.save(student.state_dict(), kept)
        if step % 100 == 0:
            spent = time.monotonic() - began
            print(
                f"step {step}  loss {total / (1 - 0.98**step):.4f}  {seen / spent:.0f} tokens/s  {spent / 60:.1f} min",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--rampart", type=Path, required=True, help="folder of the installed bundle")
    parser.add_argument("--wordnet", type=Path, required=True, help="folder of WordNet 3.1's files (data.noun, ...)")
    parser.add_argument("--out", type=Path, default=DATA)
    parser.add_argument("--texts", type=int, default=200_000)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--batch", type=int, default=5000, help="tokens at once")
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--weights", type=Path, help="student.pt of an earlier run to go on from")
    parser.add_argument("--seed", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    generate.SUITE = args.suite
    wide.WORDNET = args.wordnet
    args.out.mkdir(parents=True, exist_ok=True)
    lists.build(args.out / "words.npz", args.rampart / "tokenizer.json")
    view = load_view(args.out / "words.npz")
    corpus = collect(view, args.seed, args.texts)
    print(
        f"{time.process_time():.0f} s: {len(corpus.texts)} texts, {sum(len(t[0]) for t in corpus.texts)} tokens, {len(corpus.rows)} distinct",
        flush=True,
    )
    student = Student(Shape(view.rows, len(TAGS)))
    start(student, view, args.rampart / "model.onnx")
    if args.weights:
        student.load_state_dict(torch.load(args.weights))
    batches = Batches(corpus, args.batch, args.seed)
    fit(student, batches, args.minutes, args.rate, args.steps, args.out / "student.pt")
    torch.save(student.state_dict(), args.out / "student.pt")
    export(student.eval(), ranges(student, batches), args.out / "model.onnx")
    (args.out / "about.json").write_text(json.dumps({"seed": args.seed, "texts": args.texts}) + "\n")


if __name__ == "__main__":
    main()
