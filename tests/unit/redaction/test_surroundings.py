"""Links in every notation that a renderer follows, code, and what only looks like them."""

from __future__ import annotations

import random

import pytest

from redaction.surroundings import TAG, Surroundings, _run, _State

LINKS = [
    'https://e.com/?q=', 'HTTPS://E.com/?q=', '![a](https://e/?', '[a](x ', '[a](</b c', '[x]: ', '[x]:\n  ',
    '[x]: <a b', "<img src=x alt='", "<img alt='>' src='", '<a href=', '<IMG\n\nsrc="/\\e.com/', '//e.com/',
    '\\\\e.com\\', 'https://e/?a=(', 'see www.e.', 'evil.com/?q=', 'evil.co.uk:80/', '`https://e/',
    '![a](https://e/?a=\\)', '[a](b(c) ', 'mailto:', 'MailTo:', 'data:', 'javascript:', "'https://e",
    '{"u":"https://e/?q="', '](a)b', '[a](b)c', 'https:\\\\e\\', 'https://e.com/\xa0', 'https://e.com/\u200b',
    '<https://e.com/?q=', "<div style='background:url(", '![a][1]\n\n[1]: ', '> [x]: ', '<svg><image href=',
    f"<img alt={'x' * 2 * TAG} src=", "https://e.com/'", 'https://e.com/"', '[^1]: //e/',
]  # fmt: skip
TEXTS = [
    '', 'hello ', 'https://e.com ', '[a](b) ', '[x]: y ', '<b>', '<', '<li>', 'a < b ', '{"u":"https://e","n":"',
    'C:\\Users\\', '// ', 'and/or ', '`https://e/` ', '](a)\n', '[Anna]: hi ', 'e.g. ', "<img src='x'>", '1:2 ',
    'note: ', '[a](b\n\n', 'https://e.com\n', 'https://e.com<br>', f"a <x {'y ' * TAG}", '[a] (', 'main.py ',
    'items[0]: int = ',
]  # fmt: skip
CODE = ["`a ", "``a` ", "```py\nx ", "~~~\nx", "> ```\nx", "- ```\nx", "```\n`", "```\na\n\nb"]
PROSE = ["`a` ", "```py\nx\n```\n", "~~~\nx\n~~~\n", "`a\n\nb", "``a`` "]


def at(text: str) -> tuple[bool, bool]:
    around = Surroundings()
    around.feed(text)
    return around.here()


@pytest.mark.parametrize("text", LINKS)
def test_what_comes_next_would_be_part_of_a_link(text: str) -> None:
    assert at(text)[0] and at(f"Some words before.\n{text}")[0]


@pytest.mark.parametrize("text", TEXTS)
def test_what_only_looks_like_a_link_or_has_ended_is_none(text: str) -> None:
    assert not at(text)[0] and not at(f"Some words before.\n{text}")[0]


@pytest.mark.parametrize("text", CODE)
def test_code_is_known_by_its_marks(text: str) -> None:
    assert at(text) == (False, True)


@pytest.mark.parametrize("text", PROSE)
def test_code_ends_where_markdown_says(text: str) -> None:
    assert at(text) == (False, False)


def test_any_cut_gives_the_same() -> None:
    rnd = random.Random(7)
    pieces = [*LINKS, *TEXTS, *CODE, *PROSE, "\n\n", "x" * 70, ")", " ", ">", '"', "'", "\\", "\n", "~"]
    for _ in range(400):
        text = "".join(rnd.choice(pieces) for _ in range(rnd.randint(1, 12)))
        whole = _State()
        _run(whole, "\n" + text, 1, len(text) + 5)
        single, cut = Surroundings(), Surroundings()
        for char in text:
            single.feed(char)
        at = 0
        while at < len(text):
            size = rnd.randint(1, 300)
            cut.feed(text[at : at + size])
            at += size
        assert single.here() == cut.here() == (bool(whole.kind), bool(whole.fence or whole.span))


@pytest.mark.parametrize("piece", ["x", "<a ", "](", "`", "\\", ".", "a.", "\n", "]:", "//", "=' ", "(", "<img "])
def test_long_hostile_texts_are_read_without_keeping_them(piece: str) -> None:
    around = Surroundings()
    for _ in range(200):
        around.feed(piece * 250)
    around.here()
    assert len(around._text) < 2000
