"""The encoder that ships: a few layers that learn to say what the six of ``training/encoder.py`` say.

Each layer of the small one begins as one of the large one and learns to hand on what the large one hands on at twice
its depth; the last learns what the large one thinks of every piece, wrong guesses and doubts included. That says more
than labels do, and needs none: mail, speeches and a novel that nobody labelled teach as well as templates, and so do
texts with words exchanged at random.
"""

from __future__ import annotations

import email
import email.message
import hashlib
import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from redaction.detectors.wordview import View
from training.encoder import Batches, Encoder, Passage, Run, learn, passages
from training.train import IGNORED

FROM, LIKE = (0, 2, 4), (1, 3, 5)
"""Layers of the large encoder with which those of the small one begin, and what they learn to hand on."""
SURE, GOLD, INSIDE = 5.0, 0.3, 0.5
"""Weight of a piece of a value beside that of a plain word, of labels where there are some, and of what is handed on."""
NATURAL = 4_500_000
"""Pieces of texts without labels."""
LONGEST = 3_000
"""Characters of a mail."""
PARAGRAPH = 40
"""Characters that a paragraph of a book has at least."""
_MARKUP = re.compile(r"(?is)<(script|style)\b.*?</\1>|<[^>]+>")


def small(large: Encoder) -> Encoder:
    """An encoder of as many layers as ``FROM`` names, with the weights of those."""
    made = Encoder(large.word.num_embeddings, len(FROM))
    held = large.state_dict()
    state = {name: value for name, value in held.items() if not name.startswith("layers.")}
    for at, source in enumerate(FROM):
        head = f"layers.{source}."
        state |= {f"layers.{at}.{n.removeprefix(head)}": v for n, v in held.items() if n.startswith(head)}
    made.load_state_dict(state)
    return made


def natural(folder: Path, seed: int) -> Iterator[str]:
    """Texts of the files ``*.txt`` of ``folder``, in the order of their digests, whatever their folders are called: mails
    whole, with their heads now and then; of other files some paragraphs."""
    random, seen = Random(seed), set()
    for file in sorted(folder.rglob("*.txt"), key=_digest):
        raw = file.read_bytes()
        mail = email.message_from_bytes(raw)
        if mail["From"] is None or mail["Date"] is None:
            parts = [p.strip() for p in re.split(r"\n\s*\n", raw.decode("utf-8", "replace"))]
            random.shuffle(parts)
            yield from [p for p in parts if len(p) > PARAGRAPH][:6]
        elif (said := _body(mail)) and said[:200] not in seen:
            seen.add(said[:200])
            names = ("From", "To", "Cc", "Subject", "Date")
            head = "\n".join(f"{n}: {mail[n]}" for n in names if mail[n]) if random.random() < 0.4 else ""
            yield f"{head}\n\n{said}" if head else said


def _digest(file: Path) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()


def _body(mail: email.message.Message) -> str:
    for part in mail.walk():
        kind, raw = part.get_content_type(), part.get_payload(decode=True)
        if kind in {"text/plain", "text/html"} and isinstance(raw, bytes):
            said = raw.decode("utf-8" if part.get_content_charset() == "utf-8" else "latin-1", "replace")
            if kind == "text/html":
                said = re.sub(r"[ \t]+", " ", html.unescape(_MARKUP.sub(" ", said)))
            return re.sub(r"\n\s*\n+", "\n\n", said.replace("\r", ""))[:LONGEST]
    return ""


def unlabelled(view: View, tokenizer: Tokenizer, texts: Iterator[str], most: int) -> list[Passage]:
    """Passages of at most so many pieces in all, none of which says anything about labels."""
    out: list[Passage] = []
    left = most
    for text in texts:
        for ids, lists, forms, _ in passages(view, tokenizer, text, ()):
            out.append((ids, lists, forms, np.full(len(ids), IGNORED, np.int8)))
            left -= len(ids)
        if left <= 0:
            break
    return out


def distil(large: Encoder, made: Encoder, batches: Batches, run: Run) -> None:
    """Trains ``made`` as :func:`training.encoder.learn` does."""
    teacher = large.eval()
    optimizer = torch.optim.AdamW([p for p in made.parameters() if p.requires_grad], lr=run.rate, weight_decay=0.01)

    def loss_of(_: int, ids: Any, mask: Any, said: Any, tags: Any) -> Any:
        with torch.no_grad():
            wanted = teacher.handed_on(ids, mask, said)
        return _loss(wanted, made.handed_on(ids, mask, said), mask.bool(), tags)

    learn(made, optimizer, loss_of, batches, run)


def _loss(wanted: tuple[Any, Sequence[Any]], given: tuple[Any, Sequence[Any]], real: Any, tags: Any) -> Any:
    teacher, student = (torch.log_softmax(logits.float()[real], -1) for logits in (wanted[0], given[0]))
    apart = F.kl_div(student, teacher, log_target=True, reduction="none").sum(-1)
    weights = 1 + (SURE - 1) * (1 - teacher[:, 0].exp())
    loss = (apart * weights).mean()
    for at, place in enumerate(LIKE):
        loss = loss + INSIDE / len(LIKE) * F.mse_loss(given[1][at].float()[real], wanted[1][place].float()[real])
    if (tags != IGNORED).any():
        flat = given[0].float().flatten(0, 1)
        loss = loss + GOLD * F.cross_entropy(flat, tags.flatten(), ignore_index=IGNORED, label_smoothing=0.02)
    return loss
