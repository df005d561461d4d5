"""Whether a text is in a language without a published recall figure. Pure, linear.

Words and letter triples are weighed for some sixty languages and for program code (``training/languages.py`` makes
the table; docs/languages.md has its figures). A passage counts where one uncovered language explains it better than
every covered one, by more than a few words could by chance; names, numbers and unknown words say nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).resolve().parent / "data"
CODE = "code"
"""Program code and markup: no language of people, and read by what reads them."""
HALF = 15
"""Words of half a passage; the second half of each begins the next."""
MARGIN = 3.5
"""By how much the better language must lead, in natural logarithms of likelihoods."""
SURE = 8.0
"""By how much a covered language must lead for letters not to be weighed."""
STEP = 16.0
"""What the table's integers are of one."""
LEAST = 3
"""Different words of the table that a passage needs."""
PER_WORD = 3.0
"""What the letters of one unknown word may say at most."""

LONGEST = 30
"""Letters of a word that are looked at."""

_TOKEN = re.compile(r"(?<!\w)[^\W\d_]+(?:['’][^\W\d_]+)?(?!\w)")
"""Letters beside digits or underscores are parts of names and keys."""
_HOST = re.compile(r"(?:https?://|www\.|@)[\w.\-]+", re.I)
"""``se`` and ``us`` are no words there that could be held against a text; what stands behind the host may be some."""


class _Table(NamedTuple):
    names: tuple[str, ...]
    words: dict[str, int]
    scores: NDArray[np.uint8]
    triples: dict[str, int]
    weights: NDArray[np.uint8]
    covered: int
    """How many of the names are covered: they come first."""


@lru_cache(maxsize=1)
def covered() -> frozenset[str]:
    """The languages with published figures, as ISO 639-1 codes."""
    return frozenset(json.loads((DATA / "coverage.json").read_text(encoding="utf-8"))["languages"])


@lru_cache(maxsize=1)
def table() -> _Table:
    with np.load(DATA / "languages.npz") as held:
        names, words, triples = (held[k].tobytes().decode().split("\n") for k in ("names", "words", "triples"))
        known = [name == CODE or name in covered() for name in names]
        order = sorted(range(len(names)), key=lambda i: not known[i])
        return _Table(
            tuple(names[i] for i in order),
            {w: i for i, w in enumerate(words)},
            np.vstack([held["scores"][:, order], np.zeros((1, len(names)), np.uint8)]),
            {t: i for i, t in enumerate(triples)},
            np.ascontiguousarray(held["weights"][:, order]),
            sum(known),
        )


def digest() -> str:
    """Of the table and of how it is read."""
    settings = [HALF, MARGIN, SURE, LEAST, PER_WORD, LONGEST, _TOKEN.pattern, _HOST.pattern]
    data = (DATA / "languages.npz").read_bytes()
    return hashlib.sha256(json.dumps(settings).encode() + data).hexdigest()[:16]


def unknown(text: str) -> str | None:
    """The uncovered language that a passage of a text is in, or the nearest one known; None where there is none."""
    found = _unknown(text)
    return _unknown(_HOST.sub(" ", text)) if found and _HOST.search(text) else found


def _unknown(text: str) -> str | None:
    held = table()
    tokens = [t for t in _TOKEN.findall(text) if len(t) > 1]
    rows = [held.words.get(t.lower().replace("’", "'"), -1) for t in tokens]
    costs = _costs(held, rows)
    leads = costs[:, : held.covered].min(1) - costs[:, held.covered :].min(1)
    for number in np.flatnonzero(leads > -SURE):
        here = slice(number * HALF, number * HALF + 2 * HALF)
        if len({row for row in rows[here] if row >= 0}) >= LEAST:
            cost = costs[number] + _letters(held, _unlisted(tokens[here], rows[here]))
            best = held.covered + int(cost[held.covered :].argmin())
            if cost[: held.covered].min() - cost[best] > MARGIN:
                return held.names[best]
    return None


def _costs(held: _Table, rows: list[int]) -> NDArray[np.float64]:
    """What each passage costs in each language: a row per passage of two halves, each of which begins the next.

    A word counts once in a half: what a form or a program repeats is no more of a language for that.
    """
    flat: list[int] = []
    starts: list[int] = []
    for at in range(0, max(1, len(rows)), HALF):
        starts.append(len(flat))
        flat.append(len(held.words))  # the row that says nothing
        flat += {row for row in rows[at : at + HALF] if row >= 0}
    halves = np.add.reduceat(held.scores[flat], starts, dtype=np.uint32) / STEP
    return np.asarray(halves[:-1] + halves[1:] if len(halves) > 1 else halves, dtype=np.float64)


def _unlisted(tokens: list[str], rows: list[int]) -> list[str]:
    """Words of a passage that are in no list and are no names."""
    return sorted({t.lower() for t, row in zip(tokens, rows, strict=True) if row < 0 and len(t) > 2 and t[0].islower()})


def _letters(held: _Table, words: list[str]) -> NDArray[np.float64]:
    """What the letters of words say, of each no more than ``PER_WORD``."""
    found: list[int] = []
    starts: list[int] = []
    for word in words:
        edged = f"^{word[:LONGEST]}$"
        at = len(found)
        found += [t for i in range(len(edged) - 2) if (t := held.triples.get(edged[i : i + 3])) is not None]
        if len(found) > at:
            starts.append(at)
    if not found:
        return np.zeros(len(held.names))
    cost = np.add.reduceat(held.weights[found].astype(np.float64), starts) / STEP
    cost -= cost.min(1, keepdims=True)
    return np.asarray(np.minimum(cost, PER_WORD).sum(0))
