from __future__ import annotations

import base64
from collections.abc import Hashable
from urllib.parse import quote

import pytest

from redaction.joins import joints
from redaction.leakguard import Leak, leaks
from redaction.propagation import Seen


def views_of(text: str, *originals: str) -> list[str]:
    return [leak.view for leak in leaks({"part": text}, originals)]


def test_a_leak_names_part_and_view_and_shows_neither_in_its_repr() -> None:
    found = list(leaks({"content:/a": "fine", "key:/Maria Keller": "to Maria Keller"}, ["Maria Keller"]))
    assert found == [Leak("key:/Maria Keller", "plain")]
    assert "Maria" not in repr(found)


def test_nothing_is_found_where_nothing_is() -> None:
    assert views_of("Dear PERSON_k3f9xabcdefgh, 100% &c. \\o/", "Maria Keller", "4111 1111 1111 1111") == []
    assert views_of("anything") == []


@pytest.mark.parametrize(
    ("text", "original"),
    [
        ("Annual report of Annabel, joann", "Ann"),
        ("you may leave in may", "May"),
        ("mark my words", "Mark"),
        ("order 141111111111111119", "4111111111111111"),
        ("version 12 of 2024", "7"),
        ("x2", "x"),
        ("file 20240115.csv", "2024-01-15"),
        ("PERSON_k3f9xabcdefgh", "PERSON"),
        ("Hannover", "Hann"),
    ],
)
def test_what_only_looks_alike_is_not_refused(text: str, original: str) -> None:
    assert views_of(text, original) == []


@pytest.mark.parametrize(
    ("text", "original"),
    [
        ("MARIA KELLER", "Maria Keller"),
        ("Maria", "maria"),
        ("KELLER", "Keller"),
        ("A.B@X.EXAMPLE", "a.b@x.example"),
        ("(Ann)", "Ann"),
    ],
)
def test_case_does_not_hide_a_value(text: str, original: str) -> None:
    assert views_of(text, original) == ["plain"]


@pytest.mark.parametrize(
    ("text", "original"),
    [
        ("4111-1111-1111-1111", "4111 1111 1111 1111"),
        ("4111 1111 1111 1111 12/26 123", "4111111111111111"),
        ("12/26 4111.1111.1111.1111", "4111 1111 1111 1111"),
        ("tel (030) 123/4567-89", "030 123456789"),
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("123 45 6789", "123-45-6789"),
    ],
)
def test_separators_do_not_hide_a_number(text: str, original: str) -> None:
    assert views_of(text, original) == ["digits"]


@pytest.mark.parametrize("original", ["Mu\u0308ller-Lu\u0308denscheid", "Müller-Lüdenscheid"])
@pytest.mark.parametrize(
    "text", ["Mu\u0308ller-Lu\u0308denscheid", "Müller-Lüdenscheid", "Müller\u200b-Lüden\u00adscheid"]
)
def test_how_a_letter_is_composed_does_not_hide_a_value(text: str, original: str) -> None:
    assert len(views_of(f"an {text}.", original)) == 1


def test_numbers_are_found_in_views_too() -> None:
    assert views_of("card=4111%201111%201111%201111", "4111-1111-1111-1111") == ["undone"]
    assert views_of("４１１１ １１１１ １１１１ １１１１", "4111-1111-1111-1111") == ["letters"]


def test_base64_of_an_url_encoded_value_is_found() -> None:
    inner = quote("name=Maria Keller", safe="")
    assert views_of(base64.b64encode(inner.encode()).decode(), "Maria Keller")


def test_the_bytes_of_a_picture_are_no_short_name() -> None:
    data = bytes((i * 7919 + i // 251) % 256 for i in range(60_000)) + b" Wu "
    assert views_of(base64.b64encode(data).decode(), "Wu") == []


def test_a_long_row_of_single_digits_is_searched_in_time() -> None:
    assert views_of("1 " * 200_000, "4111 1111 1111 1111") == []


def test_a_value_that_neighbours_say_together_is_a_leak_and_one_that_stands_alone_is_counted_once() -> None:
    texts = ["ask Maria Kel", "ler now"]
    rows = joints(["row", "row"], texts)
    parts = {str(i): t for i, t in enumerate(texts)}
    assert list(leaks(parts, ["Maria Keller"], rows)) == [Leak("joined", "joined")]
    assert list(leaks(parts, ["ask", "now"], rows)) == [Leak("0", "plain"), Leak("1", "plain")]
    assert list(leaks(parts, ["Maria Kellermann"], rows)) == []


def test_more_than_may_be_searched_is_a_leak() -> None:
    word = base64.b64encode(b"nothing to see").decode()
    assert views_of(f"{word} " * 3000, "Maria Keller") == ["budget"]


class _Memo:
    def __init__(self) -> None:
        self.held: dict[str, Seen] = {}

    def mark(self, said: str) -> Hashable:
        return said

    def seen(self, text: str) -> Seen | None:
        return self.held.get(text)

    def note(self, text: str, seen: Seen) -> None:
        self.held[text] = seen


def test_a_memo_hides_no_leak() -> None:
    memo = _Memo()
    parts = {"a": "fine", "b": "to Maria%20Keller", "c": "again"}
    assert list(leaks(parts, ["Jonas Weber"], memo=memo)) == []
    for _ in range(2):
        assert list(leaks(parts, ["Maria Keller"], memo=memo)) == list(leaks(parts, ["Maria Keller"])) != []
    assert list(leaks(parts, ["Jonas Weber", "again"], memo=memo)) == list(leaks(parts, ["Jonas Weber", "again"]))
