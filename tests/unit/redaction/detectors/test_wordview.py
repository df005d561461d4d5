"""Tokens have exact offsets; descriptions are rows of the table, whatever the text."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest

from redaction.detectors.student import FOLDER
from redaction.detectors.wordview import KINDS, WIDTH, Gazetteer, View, broken, fold, matrix, tokens

VIEW = View(["an", "##na", "no"], Gazetteer(np.array([], np.uint32), np.array([], np.uint16)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Anna's car", ["Anna", "'", "s", "car"]),
        ("B-12/3a", ["B", "-", "12", "/", "3", "a"]),
        ("e\u0301te\u0301 ok", ["e\u0301te\u0301", "ok"]),
        ("a\r\n\n👩‍💻b_c", ["a", "\n\n", "👩", "‍", "💻", "b", "_", "c"]),
        ("", []),
    ],
)
def test_a_text_falls_into_letters_digits_and_symbols(text: str, words: list[str]) -> None:
    assert [text[t.start : t.end] for t in tokens(text)] == words


def test_a_token_says_what_stands_before_it() -> None:
    assert [t.gap for t in tokens("a b-c\nd")] == [3, 1, 0, 0, 0, 2]


@pytest.mark.parametrize("word", ["Anna", "ß" * 90, "２０２４", "²", "٣", "𝐀", "中文", "\u200d", "007", "x" * 10_000])
def test_any_token_has_a_few_rows_of_the_table(word: str) -> None:
    rows = VIEW.describe(word)
    assert 1 <= len(rows) <= WIDTH
    assert all(0 < row < VIEW.rows for row in rows)


def test_lists_add_rows_and_case_and_accents_do_not_matter_for_them() -> None:

    gazetteer = Gazetteer(np.array([crc32(b"lodz")], np.uint32), np.array([1 << KINDS.index("city")], np.uint16))
    view = View(["an"], gazetteer)
    assert view.kinds + KINDS.index("city") in view.describe("ŁÓDŹ")
    assert fold("Łódź") == "lodz"


def test_each_distinct_word_is_described_once() -> None:
    rows, index = matrix(VIEW, ["Anna", "and", "Anna"])
    assert rows.shape == (2, WIDTH)
    assert index.tolist() == [0, 1, 0]


def test_a_word_is_found_by_halves() -> None:
    words = sorted(("anna", "berlin", "zoo", "teacher"), key=lambda w: crc32(w.encode()))
    lists = Gazetteer(np.array([crc32(w.encode()) for w in words], np.uint32), np.arange(1, 5, dtype=np.uint32))
    assert [lists.mask(word) for word in words] == [1, 2, 3, 4]
    assert lists.mask("nowhere") == lists.mask("") == 0
    assert Gazetteer(np.array([], np.uint32), np.array([], np.uint32)).mask("anna") == 0


def test_the_shipped_lists_are_sorted_and_of_known_kinds() -> None:
    with np.load(FOLDER / "words.npz") as held:
        assert (np.diff(held["hashes"].astype(np.int64)) > 0).all()
        assert int(held["masks"].max()) < 1 << len(KINDS)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (r"Best,\nAlex", "Best, \nAlex"),
        (r"Best\n\nalex", "Best   \nalex"),
        (r"a\tAlex\r\nÉva", "a \nAlex   \nÉva"),
        (r"regards.\\nalex", "regards.  \nalex"),
        (r"list:\n- one\n2", "list: \n- one \n2"),
        (r"end\n", "end \n"),
        (r"C:\Users\nadia\notes", r"C:\Users\nadia\notes"),
        (r"C:\nadia ..\nadia", r"C:\nadia ..\nadia"),
        (r"$\tau \rho$ and \newline", r"$\tau \rho$ and \newline"),
        ("plain\nAlex", "plain\nAlex"),
        (r"^Anna\sKeller\b$", "^Anna \nKeller \n$"),
        (r"x\vAnna\f\bKeller", "x \nAnna   \nKeller"),
        (r"see.\section \frac \beta C:\bin", r"see.\section \frac \beta C:\bin"),
        (r"\Sigma \Beta \Anna", r"\Sigma \Beta \Anna"),
    ],
)
def test_an_escaped_break_parts_words_and_moves_nothing(text: str, seen: str) -> None:
    assert broken(text) == seen and len(seen) == len(text)
