"""Undoing the disguises of characters, and the way back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redaction.escapes import letters, quoted, undo


def said(text: str) -> str | None:
    undone = undo(text)
    return undone.text if undone else None


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a%40b", "a@b"),
        ("a%E4b", "aäb"),
        ("%C3%A4", "ä"),
        ("%u0040", "@"),
        ("&#64;&#x40;&#64 &commat;", "@@@ @"),
        ("\\u0040\\\\u0040\\x40\\u{40}\\U00000040\\100", "@@@@@@"),
        ("\\ud83d\\ude00", "😀"),
        ("\\xc3\\xa4\\xe4", "Ã¤ä"),
        ("a\\_b\\\\c\\n", "a_b\\c\n"),
        ("a\u200bb\u00adc\ufeff\0", "abc"),
        ("ＡＢ１\u3000．", "AB1 ."),
        ("e\u0301 j\u0336", "é j"),
        ("\u0664\u096a", "44"),
        ("p\u0430yp\u0430l", "paypal"),
        ("a\u3002com", "a.com"),
        ("a<b>b</b><!-- c -->d<wbr/>e", "abde"),
        ("**J**ane *O*'Neil Ke**ll**er ~~An~~na In**es Fi**tz **41**11", "Jane O'Neil Keller Anna Ines Fitz 4111"),
    ],
)
def test_what_is_said(text: str, plain: str) -> None:
    assert said(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        "plain text, 100% & more <john@example.com>",
        "Привет, Москва на реке",
        "Η Αθήνα είναι όμορφη",
        "Größe, naïve, Zürich",
        "你好。世界",
        "<a href='mailto:a@b.example'>",
        "C:\\Users",
        "**bold** and *soft*, 2*3*4, f(*args, **more)\n* one\n* two ~~gone~~",
    ],
)
def test_what_says_what_it_says_is_left_alone(text: str) -> None:
    assert said(text) is None


def test_a_tag_that_may_hold_something_is_no_decoration() -> None:
    assert said("<a href='x&#64;y'>") == "<a href='x@y'>"


def test_letters_are_made_plain_before_the_escapes_that_they_spell() -> None:
    plain = letters("\\\U0001d431\u200b4\uff10")
    assert plain is not None and plain.text == "\\x40"


def test_quoted_printable_and_its_soft_line_ends() -> None:
    undone = quoted("jane=40exam=\nple.com")
    assert undone is not None and undone.text == "jane@example.com"
    assert undone.place(0, 16) == (0, 20)


@settings(max_examples=300, deadline=None, database=None)
@given(st.text(alphabet="ab4*~%0&#;x\\u{}\u200b\u0301\uff21\u0430 \n<>=+", max_size=40), st.booleans())
def test_every_place_has_a_way_back_that_keeps_its_order(text: str, flat: bool) -> None:
    undone = undo(text, flat=flat)
    if undone is None:
        return
    last = (0, 0)
    for i in range(len(undone.text)):
        place = undone.place(i, i + 1)
        assert place is not None and 0 <= place[0] < place[1] <= len(text)
        assert place[0] >= last[0] and place[1] >= last[1]
        last = place
