"""Texts that name nobody carry no label; what may be a name in a definition is left open."""

from __future__ import annotations

from random import Random

import pytest

pytest.importorskip("faker")
pytest.importorskip("wordfreq")

from training import generate, negatives, wide
from training.fillers import Fill

LINES = (
    '00402461 13 n 02 pear 0 pome 0 001 @ 00401453 n 0000 | sweet fruit; "the pear of Mary grew in 1815 near Paris"',
    "00402462 18 n 01 Albert_Einstein 0 001 @i 00401453 n 0000 | physicist born in Germany",
    *(f"0040248{n} {n:02d} n 01 thing{'a' * n} 0 000 | a thing" for n in range(4, 28)),
    "00402463 30 v 01 carry 0 000 | move something",
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for cached in (wide.words, wide.things, wide.famous, wide.glosses):
        cached.cache_clear()
    monkeypatch.setattr(wide, "_lines", lambda: LINES)


@pytest.mark.parametrize("language", ["en", "de", "pl"])
def test_people_of_word_problems_are_nobody(language: str) -> None:
    text, spans = negatives.problem(Fill(Random(4), language))
    assert text
    assert spans == []


def test_what_may_be_a_name_in_a_definition_is_left_open() -> None:
    r = Random(1)
    seen = {text[a:b] for _ in range(60) for text, spans in [negatives.gloss(Fill(r, "en"))] for a, b, _ in spans}
    assert {"Mary", "1815", "Paris", "Germany"} <= seen
    assert not seen & {"pear", "fruit", "physicist"}


def test_places_are_left_open_and_nothing_only_in_texts_that_name_nobody() -> None:
    writer, fill = generate.Writer(1), Fill(Random(1), "en")
    general = [writer._filled("What is the capital of {pl}?", fill, harmless=True)[1] for _ in range(40)]
    assert {tuple(s[2] for s in spans) for spans in general} == {(), (generate.SKIP,)}
    personal = [writer._filled("My trip to {pl} was fine.", fill)[1] for _ in range(40)]
    assert {tuple(s[2] for s in spans) for spans in personal} == {(generate.SKIP,)}


def test_words_have_their_forms() -> None:
    assert {"pear", "pears", "carry", "carries", "carried"} <= wide.words()
    assert "Albert_Einstein" not in wide.words()
    assert wide.famous() == ("Albert Einstein",)


def test_names_of_every_origin_are_drawn() -> None:
    r = Random(2)
    for origin in wide.GROUPS:
        assert wide.first(r, origin)[0].isupper()
        assert wide.last(r, origin)[0].isupper()
