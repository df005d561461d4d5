"""Windows: together they are the text, each reads enough around its core, and what is found in them is what is found in
the text as one piece, by patterns, secrets and the small model."""

from __future__ import annotations

import functools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.texts import Texts
from proxy.inspect_worker import FAST, chosen
from redaction import windows as module
from redaction.pipeline import Pipeline
from redaction.types import Finding
from redaction.windows import CORE, LONG, MARGIN, TOKENS, gathered, windows

PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq3Xy1kq2P0o9sVYh3v0m4Tz8mQ2Rj5nWc1L6fXo4sG7dKe\n" * 60
BLOCKS = (
    "plain words that say nothing at all. ", "Anna Keller lives in Hamburg, mail anna.keller@example.org. ", "\n\n",
    "\r\n", "MRN: 48291734, card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00\n", "x" * 700, "我是中村先生。",
    "jane%40example.org and am9obi5kb2VAZXhhbXBsZS5vcmcgaXMgaGlz ", "e\u0301🙂 ",
    "token = ghp_k2Vq8ZrT5nXwB7mJ4sLd9cYfH3gPaE1uR6oT\n",
)  # fmt: skip
texts = st.lists(st.tuples(st.sampled_from(BLOCKS), st.integers(1, 40)), min_size=1, max_size=25).map(
    lambda rows: "".join(block * times for block, times in rows)
)


@settings(deadline=None, database=None)
@given(texts)
def test_cores_are_the_text_and_margins_are_wide_enough(text: str) -> None:
    parts = windows(text)
    assert "".join(text[w.first : w.last] for w in parts) == text
    assert (len(parts) == 1) or len(text) > LONG
    for w in parts:
        assert 0 <= w.low <= w.first < max(w.last, 1) <= w.high <= len(text)
        assert w.low == 0 or w.first - w.low >= MARGIN // 2
        assert w.high == len(text) or w.high - w.last >= MARGIN // 2


def test_a_long_text_without_white_space_is_one_piece_and_prose_is_cut_at_sentences() -> None:
    assert len(windows("a" * 50_000)) == 1
    prose = "Plain words that say nothing at all. " * 1000
    parts = windows(prose)
    assert len(parts) >= len(prose) // CORE
    assert all(prose[: w.last].endswith(". ") for w in parts)
    long = module._TOKEN.findall(prose, parts[1].low, parts[1].first)
    assert len(long) >= TOKENS


def test_a_block_of_encoded_lines_is_not_cut() -> None:
    text = "words of a letter. " * 100 + PEM + "-----END RSA PRIVATE KEY-----\n" + "words again. " * 300
    start, end = text.index("-----BEGIN"), text.index("-----END")
    assert len(windows(text)) > 1
    assert any(w.low <= start and end <= w.high for w in windows(text))


def test_what_reaches_over_a_cut_counts_once_and_what_only_the_margin_saw_does_not() -> None:
    first, second = windows("word " * 1500)[:2]
    over = Finding(first.last - 4, first.last + 4, "PERSON", 0.5, "names")
    again = Finding(over.start - second.low, over.end - second.low, "PERSON", 0.7, "names")
    left = Finding(0, 4, "PERSON", 0.9, "names")
    rest = windows("word " * 1500)[2:]
    found = gathered([first, second, *rest], [[over], [left, again], *([] for _ in rest)])
    assert [(f.start, f.end, f.score) for f in found] == [(over.start, over.end, 0.7)]


@functools.cache
def fast() -> Pipeline:
    return Pipeline(chosen(None, FAST), None)


def _places(findings: tuple[Finding, ...]) -> dict[tuple[int, int, str, str], float]:
    """Each finding once, with its best score: some rules find the same."""
    return {(f.start, f.end, f.label, f.detector): round(f.score, 3) for f in sorted(findings, key=lambda f: f.score)}


def _mixed(seed: int) -> str:
    dice, source = random.Random(seed), Texts(seed)
    parts = (
        dice.choice((source.letter(dice.randint(50, 900)) + dice.choice(("\n", " ", "\n\n")), dice.choice(BLOCKS)))
        for _ in range(30)
    )
    text = "".join(parts)
    return text * (1 + 9_000 // len(text))


@pytest.mark.parametrize("seed", range(4))
def test_every_detector_finds_the_same_in_windows_as_in_one_piece(seed: int) -> None:
    text = _mixed(seed)
    parts = windows(text)
    assert len(parts) > 2
    for detector in fast().detectors:
        found = gathered(parts, [list(detector.detect(text[w.low : w.high])) for w in parts])
        assert _places(found) == _places(tuple(detector.detect(text)))


@pytest.mark.parametrize("seed", range(4))
def test_with_all_readings_the_same_is_found_at_the_same_places(seed: int) -> None:
    """Passages around disguises may begin elsewhere, so a finding over a line's end may be longer in one of the two."""
    text = _mixed(seed)
    (seen,) = fast().inspect([text], fast=True)
    one = fast().part(text, fast=True)
    assert seen.uninspected == one.uninspected == "script"  # there is Chinese in it
    for a, b in ((seen.findings, one.findings), (one.findings, seen.findings)):
        missing = [f for f in a if not any(f.label == o.label and f.start < o.end and o.start < f.end for o in b)]
        assert missing == []
