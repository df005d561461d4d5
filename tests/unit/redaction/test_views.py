from __future__ import annotations

import base64

import pytest

from redaction.known import said
from redaction.views import APART, TooMuch, readings

TEXT = "Maria Keller 李"


def seen(text: str) -> list[str]:
    return [part for flat in (True, False) for r in readings(text, flat=flat) for part in r.text.split(APART)]


def test_a_plain_text_has_no_other_views() -> None:
    assert list(readings("Dear Maria, how are you? Internationalisation is 123456789.")) == []


@pytest.mark.parametrize(
    "spelled",
    [
        "Maria%20Keller%20%E6%9D%8E",
        "Maria+Keller+%E6%9D%8E",
        "&#77;aria Keller &#x674e;",
        "\\u004daria Keller \\u674e",
        "\\x4daria Keller \\u{674e}",
        "\\U0000004daria Keller 李",
        "M\u200ba\u00adria\u2060 Kel\ufe0fler 李",
        "Ｍａｒｉａ Ｋｅｌｌｅｒ 李",
        base64.b64encode(TEXT.encode()).decode(),
        base64.b64encode(TEXT.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(TEXT.encode()).decode(),
        TEXT.encode().hex(),
        "0x" + TEXT.encode().hex().upper(),
    ],
)
def test_every_spelling_has_a_view_that_says_what_it_is(spelled: str) -> None:
    assert TEXT in seen(f"{spelled}")


def test_views_of_views_are_found_and_a_third_layer_is_not() -> None:
    once = base64.b64encode(b"Maria Keller").decode()
    twice = base64.b64encode(once.encode()).decode()
    assert "Maria Keller" in seen(twice)
    assert "Maria Keller" not in seen(base64.b64encode(twice.encode()).decode())


def test_wrapped_base64_belongs_together() -> None:
    text = "word " * 30 + "Maria Keller" + " word" * 5
    mime = base64.encodebytes(text.encode()).decode()
    assert text in seen(f"attached:\n{mime}")


def test_base64_in_the_path_of_an_address_is_read() -> None:
    run = base64.urlsafe_b64encode(b"Maria Keller").decode()
    assert "Maria Keller" in "".join(seen(f"https://x.example/users/{run}/photo"))


def test_short_base64_is_read_where_padding_shows_it() -> None:
    assert "Maria" in seen(base64.b64encode(b"Maria").decode())


def test_bytes_that_are_no_text_are_no_view() -> None:
    image = base64.b64encode(bytes((i * 7919 + i // 251) % 256 for i in range(3000))).decode()
    assert [r for r in readings(image) if r.encoded] == []


def test_pairs_of_surrogates_are_one_character_and_halves_break_nothing() -> None:
    assert "😀" in seen("\\ud83d\\ude00")
    assert set(seen("\\ud83d x")) == {"\ufffd x"}
    assert "\\u{fffffff}" not in seen("\\u{ffffff}")


def test_a_spelling_is_looked_at_once() -> None:
    spellings = [r.text for r in readings("a%20b &amp; \\n %25 &lt; a+b" * 3)]
    assert len(spellings) == len(set(spellings))


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert said("Mu\u0308ller") == said("Müller") == said("Mu\u200b\u0308ller") == "Müller"


def test_a_text_of_any_size_is_looked_at() -> None:
    assert any(t.endswith("Maria Keller") for t in seen("x " * 600_000 + "Maria%20Keller"))


def test_more_readings_than_a_text_may_have_are_refused() -> None:
    word = base64.b64encode(b"nothing to see").decode()
    with pytest.raises(TooMuch):
        readings(f"{word} " * 3000)
