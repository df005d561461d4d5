"""``python -m training.encoder``: Rampart's encoder trained further on the student's texts, then made smaller, to ONNX.

Needs the extra ``train-student``, the folder of labelled court cases and the installed Rampart bundle. The table of
pieces stays as it is; six layers, what is said of a piece beside its number, and the head are trained; then three layers
learn to say what the six say (``training.distil``), and ship. Products are of 16 bits (with AMX ten times as fast as of
32), so a processor of another kind gives other bytes of the same kind. What chance decides follows from the seed and the
number of the step alone, so a run that was stopped goes on from its last save (``--resume``) as if nothing had happened.
"""

from __future__ import annotations

import argparse
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional as F

from redaction.detectors.encoder import FOLDER, GAPS, MARKS, case, marks
from redaction.detectors.student import TAGS, load_view
from redaction.detectors.wordview import View, tokens
from training import generate, wide
from training.encoder_graph import export
from training.train import IGNORED, labelled

WIDE, HEADS, INNER, LAYERS = 384, 12, 1536, 6
PIECES = 128
"""Most pieces of a passage."""
BATCH = 4096
"""Pieces at once, about."""
UNSEEN, UNLISTED, UNCASED, SWAPPED = 0.06, 0.2, 0.1, 0.04
"""Shares of pieces that are hidden, of pieces whose word lists are, of passages whose upper case is, and of pieces that
another stands for where three layers learn from six: what is odd is learned, too."""


SIX = 7
"""Twelfths of all steps that six layers take; the rest are for the three that learn from them."""
KEEP_EVERY = 250
"""Steps between saves."""

Lose = Callable[[torch.Tensor], torch.Tensor]


def whole(x: torch.Tensor) -> torch.Tensor:
    """Loses nothing."""
    return x


class Loses:
    """Loses a share of the numbers at random, by ``seed`` and ``step``. Torch draws one at a time, three times as long."""

    def __init__(self, share: float, seed: int, step: int) -> None:
        self._least = round(256 * share)
        self._random = np.random.default_rng([seed, step])

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        drawn = torch.from_numpy(np.frombuffer(bytearray(self._random.bytes(x.numel())), np.uint8))
        return x * ((drawn.view_as(x) >= self._least).to(x.dtype) * (256 / (256 - self._least)))


def product(x: torch.Tensor, *parts: nn.Linear) -> torch.Tensor:
    """Of 16 bits: several parts in one."""
    weight, bias = (torch.cat([getattr(p, name) for p in parts]).to(torch.bfloat16) for name in ("weight", "bias"))
    return F.linear(x.to(torch.bfloat16), weight, bias)


class Layer(nn.Module):
    """One layer of BERT. Attention step by step: torch's own for processors takes twice the time for short passages."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDE, WIDE) for _ in range(4))
        self.up, self.down = nn.Linear(WIDE, INNER), nn.Linear(INNER, WIDE)
        self.n1, self.n2 = (nn.LayerNorm(WIDE, eps=1e-12) for _ in range(2))

    def forward(self, x: torch.Tensor, bias: torch.Tensor, lose: Lose) -> torch.Tensor:
        b, t, _ = x.shape
        asked = product(x, self.q, self.k, self.v).view(b, t, 3, HEADS, WIDE // HEADS)
        q, k, v = asked.permute(2, 0, 3, 1, 4).unbind(0)
        seen = ((q * (WIDE // HEADS) ** -0.5) @ k.transpose(-1, -2) + bias).softmax(-1) @ v
        x = self.n1(x + lose(product(seen.transpose(1, 2).reshape(b, t, WIDE), self.o)))
        return self.n2(x + lose(product(F.gelu(product(x, self.up)), self.down)))


class Encoder(nn.Module):
    """Pieces and what is said of them to ``TAGS``."""

    def __init__(self, vocabulary: int, layers: int = LAYERS) -> None:
        super().__init__()
        self.word, self.pos, self.typ = nn.Embedding(vocabulary, WIDE), nn.Embedding(512, WIDE), nn.Embedding(2, WIDE)
        self.n0 = nn.LayerNorm(WIDE, eps=1e-12)
        self.feat = nn.Linear(MARKS, WIDE, bias=False)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.head = nn.Linear(WIDE, len(TAGS))
        nn.init.zeros_(self.feat.weight)
        self.word.requires_grad_(False)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, said: torch.Tensor, lose: Lose = whole) -> torch.Tensor:
        return self.handed_on(ids, mask, said, lose)[0]

    def handed_on(
        self, ids: torch.Tensor, mask: torch.Tensor, said: torch.Tensor, lose: Lose = whole
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Logits, and what each layer hands on."""
        x = self.n0(self.word(ids) + self.pos.weight[: ids.shape[1]] + self.typ.weight[0] + self.feat(said))
        bias = torch.zeros(mask.shape, dtype=torch.bfloat16).masked_fill(mask == 0, -1e4)[:, None, None, :]
        out = []
        for layer in self.layers:
            x = layer(x, bias, lose)
            out.append(x)
        return self.head(lose(x)), out


def start(encoder: Encoder, rampart: Path) -> None:
    """Puts Rampart's weights (CC BY 4.0) into ``encoder``; the head and ``feat`` stay as they are."""
    held = {t.name: numpy_helper.to_array(t).astype(np.float32) for t in onnx.load(str(rampart)).graph.initializer}

    def whole(name: str) -> torch.Tensor:
        return torch.from_numpy((held[f"{name}_quantized"] - held[f"{name}_zero_point"]) * held[f"{name}_scale"])

    state = {
        k: whole(f"bert.embeddings.{n}_embeddings.weight")
        for k, n in (("word.weight", "word"), ("pos.weight", "position"), ("typ.weight", "token_type"))
    }
    plain = {"n0": "bert.embeddings.LayerNorm"}
    parts = {
        "q": "attention/self/query", "k": "attention/self/key", "v": "attention/self/value",
        "o": "attention/output/dense", "up": "intermediate/dense", "down": "output/dense",
    }  # fmt: skip
    for i in range(LAYERS):
        for ours, theirs in parts.items():
            matrix = whole(f"/bert/encoder/layer.{i}/{theirs}/MatMul_Q4.fp32")
            state[f"layers.{i}.{ours}.weight"] = matrix.T.contiguous()
            bias = held[f"bert.encoder.layer.{i}.{theirs.replace('/', '.')}.bias"]
            state[f"layers.{i}.{ours}.bias"] = torch.from_numpy(bias.copy())
        plain[f"layers.{i}.n1"] = f"bert.encoder.layer.{i}.attention.output.LayerNorm"
        plain[f"layers.{i}.n2"] = f"bert.encoder.layer.{i}.output.LayerNorm"
    for ours, theirs in plain.items():
        state |= {f"{ours}.{w}": torch.from_numpy(held[f"{theirs}.{w}"].copy()) for w in ("weight", "bias")}
    left = encoder.load_state_dict(state, strict=False)
    if left.unexpected_keys or set(left.missing_keys) != {"head.weight", "head.bias", "feat.weight"}:
        raise ValueError(f"{rampart} is another encoder")


Passage = tuple[Any, Any, Any, Any]
"""Of each piece: its number, the word lists of its token (a mask), case * GAPS + gap, its tag."""


def passages(view: View, tokenizer: Tokenizer, text: str, spans: Sequence[generate.Span]) -> Iterator[Passage]:
    """A labelled text as passages of at most ``PIECES``. A value starts in the first piece of its first token."""
    labels, found = labelled(text, spans), list(tokens(text))
    starts = [t.start for t in found]
    encoding = tokenizer.encode(text, add_special_tokens=False)
    owners = [bisect_right(starts, start) - 1 for start, _ in encoding.offsets]
    tags, last = [], -1
    for owner in owners:
        label = labels[found[owner].start]
        first = label[:2] != "B-" or owner != last
        tags.append(IGNORED if label == generate.SKIP else TAGS.index(label if first else f"I-{label[2:]}"))
        last = owner
    words = [text[found[o].start : found[o].end] for o in owners]
    forms = [case(w) * GAPS + found[o].gap for w, o in zip(words, owners, strict=True)]
    pack = (
        np.array(encoding.ids, np.int16), np.array([view.lists(w) for w in words], np.int32),
        np.array(forms, np.int8), np.array(tags, np.int8),
    )  # fmt: skip
    for at in range(0, len(owners), PIECES):
        yield tuple(part[at : at + PIECES] for part in pack)  # type: ignore[misc]  # four parts stay four


class Batches:
    """Batches of passages of like length, with parts of what is known of a piece hidden at random."""

    def __init__(self, held: list[Passage], tokenizer: Tokenizer, seed: int, swapped: float = 0.0) -> None:
        self.swapped, self.seed = swapped, seed
        self.held, self.order, self.random = list(held), Random(seed), np.random.default_rng(seed)
        self.cls, self.sep, self.mask = (tokenizer.get_vocab()[f"[{name}]"] for name in ("CLS", "SEP", "MASK"))

    def after(self, steps: int) -> Iterator[tuple[torch.Tensor, ...]]:
        """Those that come after so many."""
        for step, batch in enumerate(self._order(), 1):
            if step > steps:
                self.random = np.random.default_rng([self.seed, step])
                yield self.pack(batch)

    def _order(self) -> Iterator[list[Passage]]:
        while True:
            self.order.shuffle(self.held)
            for at in range(0, len(self.held), 6000):
                batches: list[list[Passage]] = [[]]
                for passage in sorted(self.held[at : at + 6000], key=lambda p: len(p[0])):
                    if batches[-1] and (len(batches[-1]) + 1) * (len(passage[0]) + 2) > BATCH:
                        batches.append([])
                    batches[-1].append(passage)
                self.order.shuffle(batches)
                yield from batches

    def pack(self, some: Sequence[Passage]) -> tuple[torch.Tensor, ...]:
        """Numbers, mask, ``[passages, pieces, MARKS]`` and tags."""
        shape = (len(some), max(len(p[0]) for p in some) + 2)
        ids, mask, lists, forms = (np.zeros(shape, np.int64) for _ in range(4))
        tags = np.full(shape, IGNORED, np.int64)
        for i, (pieces, listed, form, tag) in enumerate(some):
            n = len(pieces)
            ids[i, 0], ids[i, 1 : n + 1], ids[i, n + 1], mask[i, : n + 2] = self.cls, pieces, self.sep, 1
            lists[i, 1 : n + 1], forms[i, 1 : n + 1], tags[i, 1 : n + 1] = listed, form, tag
        inside = (mask == 1) & (ids != self.cls) & (ids != self.sep)
        ids = np.where((self.random.random(shape) < UNSEEN) & inside, self.mask, ids)
        if self.swapped:
            other = (self.random.random(shape) < self.swapped) & inside
            ids, tags = (
                np.where(other, self.random.permutation(ids.ravel()).reshape(shape), ids),
                np.where(other, IGNORED, tags),
            )
        lists = np.where(self.random.random(shape) < UNLISTED, 0, lists)
        cases, gaps = forms // GAPS, forms % GAPS
        uncased = (self.random.random((len(some), 1)) < UNCASED) & (cases > 0) & (cases < 5)
        cases = np.where(uncased, 1, cases)
        said = marks(lists.ravel(), cases.ravel(), gaps.ravel()).reshape(*shape, MARKS)
        return tuple(map(torch.from_numpy, (ids, mask, said, tags)))


@dataclass(frozen=True, slots=True)
class Run:
    """How long to learn, and where what was learned is kept. ``before``: steps of an earlier part, for who counts them."""

    steps: int
    minutes: float
    rate: float
    seed: int
    kept: Path
    resume: bool
    before: int = 0

    def done(self, step: int, spent: float) -> float:
        """The share of the way, after so many steps or seconds."""
        return step / self.steps if self.steps else spent / (self.minutes * 60)


def fit(encoder: Encoder, batches: Batches, run: Run) -> None:
    """Trains on labels."""
    new = [p for n, p in encoder.named_parameters() if n.startswith(("head", "feat"))]
    old = [p for n, p in encoder.named_parameters() if p.requires_grad and not n.startswith(("head", "feat"))]
    optimizer = torch.optim.AdamW(
        [{"params": old, "lr": run.rate}, {"params": new, "lr": run.rate * 5}], weight_decay=0.01
    )

    def loss_of(step: int, ids: Any, mask: Any, said: Any, tags: Any) -> Any:
        flat = encoder(ids, mask, said, Loses(0.1, run.seed, step)).float().flatten(0, 1)
        return F.cross_entropy(flat, tags.flatten(), ignore_index=IGNORED, label_smoothing=0.02)

    learn(encoder, optimizer, loss_of, batches, run)


def learn(
    encoder: Encoder, optimizer: torch.optim.Optimizer, loss_of: Callable[..., Any], batches: Batches, run: Run
) -> None:
    """Steps along ``loss_of`` a batch; the rates of ``optimizer`` rise, then fall to almost nothing. Saves now and then;
    with ``run.resume`` it goes on from the last save, if there is one."""
    rates, first = [group["lr"] for group in optimizer.param_groups], 0
    if run.resume and run.kept.is_file():
        held = torch.load(run.kept)
        encoder.load_state_dict(held["encoder"])
        optimizer.load_state_dict(held["optimizer"])
        first = held["step"]
    began, seen, total = time.monotonic(), 0, 0.0
    encoder.train()
    for step, batch in enumerate(batches.after(first), first + 1):
        done = run.done(step, time.monotonic() - began)
        if done >= 1:
            break
        for group, most in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = most * min(1.0, step / 150) * (0.02 + 0.98 * (1 - done))
        loss = loss_of(step, *batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        seen, total = seen + int(batch[1].sum()), 0.98 * total + 0.02 * loss.item()
        if step % 50 == 0:
            spent = time.monotonic() - began
            mean, pace = total / (1 - 0.98 ** (step - first)), seen / spent
            print(f"step {run.before + step}  loss {mean:.4f}  {pace:.0f} pieces/s  {spent / 60:.1f} min", flush=True)
        if step % KEEP_EVERY == 0:
            _keep({"encoder": encoder.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, run.kept)


def _keep(state: Any, target: Path) -> None:
    """In one go: whoever stops the run in between finds the save before."""
    part = target.with_suffix(".part")
    torch.save(state, part)
    part.replace(target)


def main() -> None:
    from training import distil

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--rampart", type=Path, required=True, help="folder of the installed bundle")
    parser.add_argument("--wordnet", type=Path, required=True, help="folder of WordNet 3.1's files (data.noun, ...)")
    parser.add_argument("--natural", type=Path, help="folder of mails and books (*.txt), read without labels")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--texts", type=int, default=174_000)
    parser.add_argument("--minutes", type=float, default=70, help="of each of the two encoders")
    parser.add_argument("--steps", type=int, default=0, help="of both together")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--rate", type=float, default=1.5e-4, help="of the large one; the small one learns twice as fast"
    )
    parser.add_argument("--resume", action="store_true", help="go on where an earlier run into the same folder stopped")
    parser.add_argument("--large", type=Path, help="large.pt of an earlier run, from which the small one learns")
    parser.add_argument("--seed", type=int, default=101)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    generate.SUITE, wide.WORDNET = args.suite, args.wordnet
    view = load_view(FOLDER.parent / "student" / "words.npz")
    words = (args.rampart / "tokenizer.json").read_bytes()
    tokenizer = Tokenizer.from_str(words.decode())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    source = generate.texts(args.seed)
    held = [p for _ in range(args.texts) for p in passages(view, tokenizer, *next(source))]
    print(f"{time.process_time():.0f} s: {len(held)} passages, {sum(len(p[0]) for p in held)} pieces", flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    large, first = Encoder(tokenizer.get_vocab_size()), args.steps * SIX // 12
    start(large, args.rampart / "model.onnx")
    kept = args.out / "large.pt"
    if args.large or (args.resume and kept.is_file()):
        large.load_state_dict(torch.load(args.large or kept))
    else:
        run = Run(first, args.minutes, args.rate, args.seed, args.out / "large.run", args.resume)
        fit(large, Batches(held, tokenizer, args.seed), run)
        _keep(large.state_dict(), kept)
    if args.natural:
        held += distil.unlabelled(view, tokenizer, distil.natural(args.natural, args.seed), distil.NATURAL)
    made, batches = distil.small(large), Batches(held, tokenizer, args.seed, SWAPPED)
    run = Run(args.steps - first, args.minutes, 2 * args.rate, args.seed, args.out / "small.run", args.resume, first)
    distil.distil(large, made, batches, run)
    _keep(made.state_dict(), args.out / "small.pt")
    export(made.eval().state_dict(), args.out / "model.onnx")
    (args.out / "tokenizer.json").write_bytes(words)
    for part in ("large", "small"):
        (args.out / f"{part}.run").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
