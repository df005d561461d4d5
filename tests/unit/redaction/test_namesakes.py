"""Attacks on what is called nobody's: who is named like a figure, a thing or a dish, whose age stands where ages of all
people stand, or whose profession where a model is told its role, stays a finding."""

from collections.abc import Iterable
from functools import cache

import namesakes as n

from redaction.detectors.student import FOLDER, load_view
from redaction.detectors.wordview import View
from redaction.figures import figures
from redaction.nobody import without_nobody
from redaction.types import Finding


@cache
def lists() -> View:
    """Names as the models have them."""
    return load_view(FOLDER / "words.npz")


def lost(texts: Iterable[str], sign: str, values: Iterable[str], label: str) -> set[str]:
    """Texts that lose a value which stands where ``sign`` does."""
    return {text for text in texts for value in values if not stays(text.replace(sign, value), value, label)}


def stays(text: str, value: str, label: str) -> bool:
    found = Finding(text.index(value), text.index(value) + len(value), label, 0.9, "student")
    return without_nobody(text, (found,), lists()) == (found,)


def test_who_is_named_like_a_figure_stays() -> None:
    assert {name.casefold() for name in n.NAMESAKES} <= {name.casefold() for name in figures().values()}
    assert lost(n.LIKE_FIGURES, "{p}", n.NAMESAKES, "PERSON") == set()


def test_who_has_what_things_are_called_after_stays() -> None:
    assert lost(n.LIKE_THINGS, "{s}", n.SURNAMES, "PERSON") == set()


def test_who_stands_in_brackets_or_behind_a_recipe_stays() -> None:
    assert lost(n.LIKE_PRODUCTS, "{s}", n.SURNAMES, "PERSON") == set()


def test_ages_of_some_stay() -> None:
    assert lost(n.AGES, "{n}", ("7", "34", "52", "81"), "AGE") == set()
    assert lost(n.CASES, "{n}", ("34", "52", "81"), "AGE") == set()


def test_professions_of_some_stay() -> None:
    assert lost(n.AT_WORK, "{j}", n.PROFESSIONS, "PROFESSION") == set()


def test_nations_and_faiths_of_some_stay() -> None:
    assert lost(n.FROM_AFAR, "{r}", n.NATIONS, "NRP") == set()


def test_numbers_and_days_that_look_like_sums_stay() -> None:
    said = [line.split("|") for line in n.NUMBERS]
    label = {True: "DATE_TIME", False: "REFERENCE_NUMBER"}
    assert [text for text, value in said if not stays(text, value, label["/" in value])] == []
