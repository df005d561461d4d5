"""Windows: together they are the text, each reads enough around its core, and what is found in them is what is found in
the text as one piece, by patterns, secrets and the small model."""

from __future__ import annotations

import base64
import functools
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.texts import Texts
from proxy.inspect_worker import FAST, FORMAL, chosen
from redaction import windows as module
from redaction.pipeline import Pipeline
from redaction.types import Finding
from redaction.windows import CORE, KEY, LONG, MARGIN, TOKENS, gathered, windows

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


def _base64(width: int, code: str) -> Callable[[str], str]:
    def encode(text: str) -> str:
        said = base64.b64encode(text.encode(code)).decode()
        return "\n".join(said[i : i + width] for i in range(0, len(said), width))

    return encode


ENCODINGS: dict[str, Callable[[str], str]] = {
    "short lines": _base64(10, "utf-8"),
    "short lines of wide characters": _base64(18, "utf-16-le"),
    "hexadecimal, spaces": lambda text: text.encode().hex(" "),
    "hexadecimal of wide characters": lambda text: text.encode("utf-16-le").hex(" "),
    "bytes of a program": lambda text: ", ".join(f"0x{byte:02x}" for byte in text.encode()),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_a_run_whose_groups_begin_elsewhere_is_not_cut(encode: Callable[[str], str]) -> None:
    """Half of it says something else or nothing: a value in it vanished between two windows."""
    words = "ünïcødé wörds. " * 80
    for at in (300, 700, 1100):
        said = encode(f"{words[:at]} IBAN DE89370400440532013000 {words[at:]}")
        text = "plain words that say nothing at all. " * 60 + "\n" + said + "\n" + "and again words. " * 400
        (seen,) = formal().inspect([text], patterns_only=True)
        assert len(windows(text)) > 1
        assert "IBAN_CODE" in {f.label for f in seen.findings}


WRAPPED: dict[str, Callable[[str], str]] = {
    "program": lambda line: f'    "{line}\\n" +',
    "comment": lambda line: f" * {line}",
    "log": lambda line: f"10:00:00 INFO {line}",
    "blank lines": lambda line: f"{line}\n",
    "groups": lambda line: " ".join(line[i : i + 16] for i in range(0, len(line), 16)),
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_a_private_key_is_in_one_window_whatever_stands_around_its_lines(wrap: Callable[[str], str]) -> None:
    lines = PEM.splitlines()[1:26]
    key = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *map(wrap, lines), "-----END RSA PRIVATE KEY-----"])
    for before in range(20, 110, 7):
        text = "plain words that say nothing at all. " * before + key + "\n" + "and again words. " * 400
        start = text.index(key)
        assert any(w.first <= start and start + len(key) <= w.last for w in windows(text))


def test_a_key_without_an_end_does_not_make_one_window_of_a_text() -> None:
    text = "the line -----BEGIN RSA PRIVATE KEY----- alone " + "plain words that say nothing at all. " * 1000
    assert len(windows(text)) > 5
    assert windows(text)[0].last <= KEY + CORE


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


@functools.cache
def formal() -> Pipeline:
    return Pipeline(chosen(None, FORMAL), None)


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
    one = fast().about(text, fast().part(text, fast=True))
    assert seen.uninspected == one.uninspected == "script"  # there is Chinese in it
    for a, b in ((seen.findings, one.findings), (one.findings, seen.findings)):
        missing = [f for f in a if not any(f.label == o.label and f.start < o.end and o.start < f.end for o in b)]
        assert missing == []
