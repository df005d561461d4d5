"""Health told in passing is noticed, in every language, and talk of health that tells of nobody mostly is not.

The texts were written by somebody who saw neither rules nor word list (``tests/support/health_told.py``); the bounds
are what is noticed today less what chance explains.
"""

from __future__ import annotations

from collections import Counter

import health_told
import pytest

Shares = dict[tuple[str, bool], tuple[int, int, int]]


@pytest.fixture(scope="module")
def seen() -> Shares:
    return health_told.shares([*health_told.blind(), *health_told.marked()])


def summed(seen: Shares, told: bool, *where: str) -> tuple[float, float]:
    """Called health by what texts are about alone, and by what is told as well."""
    total: Counter[str] = Counter()
    for (group, kind), (n, about, both) in seen.items():
        if kind == told and group in where:
            total.update(n=n, about=about, both=both)
    return total["about"] / total["n"], total["both"] / total["n"]


LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pl", "pt")
PEOPLE = ("b_business", "b_posts", "b_prompts")


def test_most_of_what_is_told_in_passing_is_noticed(seen: Shares) -> None:
    about, both = summed(seen, True, *LANGUAGES)
    assert both >= 0.64 and both >= about + 0.35
    about, both = summed(seen, True, *PEOPLE)
    assert both >= 0.56 and both >= about + 0.35


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_is_left_behind(seen: Shares, language: str) -> None:
    assert summed(seen, True, language)[1] >= 0.45


def test_talk_of_health_that_tells_of_nobody_mostly_stays_what_it_was(seen: Shares) -> None:
    about, both = summed(seen, False, *LANGUAGES)
    assert both <= about + 0.09
    about, both = summed(seen, False, "a_benign", "b_benign")
    assert both <= about + 0.04 and both <= 0.07
