"""Overlaps, and finding values again: exact, word-bounded, the same in every script."""

from __future__ import annotations

from dataclasses import replace

import pytest

from redaction.spans import Group, Occurrences, bounded, cut, resolve
from redaction.types import Finding


def places(text: str, *values: str) -> list[str]:
    return [text[a:b] for a, b in Occurrences(values).find(text)]


def test_overlapping_findings_become_their_union_with_every_label() -> None:
    findings = [Finding(0, 5, "PERSON", 0.9, "names"), Finding(3, 9, "LOCATION", 0.5, "places")]
    (group,) = resolve(findings)
    assert (group.start, group.end, group.label) == (0, 9, "PERSON")
    assert group.labels == {"PERSON", "LOCATION"}
    assert dict(group.scores) == {"PERSON": 0.9, "LOCATION": 0.5}


def test_chains_of_overlaps_are_one_group_and_neighbours_are_two() -> None:
    chain = [Finding(a, a + 3, "PERSON", 0.9, "names") for a in (0, 2, 4)]
    assert [(g.start, g.end) for g in resolve(chain)] == [(0, 7)]
    beside = [Finding(3, 6, "PERSON", 0.9, "names"), Finding(0, 3, "PERSON", 0.9, "names")]
    assert [(g.start, g.end) for g in resolve(beside)] == [(0, 3), (3, 6)]


def test_a_checksum_wins_the_label_over_a_more_certain_model() -> None:
    findings = [Finding(0, 19, "PHONE_NUMBER", 0.99, "names"), Finding(0, 19, "CREDIT_CARD", 1.0, "patterns")]
    (group,) = resolve(findings)
    assert group.label == "CREDIT_CARD"


def test_what_a_checksum_does_not_cover_keeps_its_own_label() -> None:
    findings = [Finding(0, 30, "PERSON", 0.9, "names"), Finding(10, 20, "CREDIT_CARD", 1.0, "patterns")]
    (group,) = resolve(findings)
    assert group.labels == {"PERSON", "CREDIT_CARD"}


def test_a_secret_is_told_whatever_else_lies_there() -> None:
    findings = [Finding(0, 20, "CREDIT_CARD", 1.0, "patterns"), Finding(5, 10, "PASSWORD", 0.7, "secrets")]
    (group,) = resolve(findings)
    assert "PASSWORD" in group.labels


def test_empty_spans_are_dropped_and_order_does_not_matter() -> None:
    findings = [Finding(4, 4, "PERSON", 1.0, "x"), Finding(5, 8, "AGE", 0.5, "x"), Finding(1, 3, "NRP", 0.5, "x")]
    assert resolve(findings) == resolve(reversed(findings))
    assert [g.label for g in resolve(findings)] == ["NRP", "AGE"]
    assert all(isinstance(g, Group) for g in resolve(findings))


@pytest.mark.parametrize(
    ("text", "values", "found"),
    [
        ("Ann and Annual, ANN, ann", ["Ann"], ["Ann", "ANN"]),
        ("Mark will mark it", ["Mark"], ["Mark"]),
        ("maria keller; MARIA KELLER", ["Maria Keller"], ["maria keller", "MARIA KELLER"]),
        ("a@b.org, A@B.ORG xa@b.org", ["a@b.org"], ["a@b.org", "A@B.ORG"]),
        ("+49 30 9, 1+49 30 9", ["+49 30 9"], ["+49 30 9", "+49 30 9"]),
        ("José, Jose\u0301, Jose", ["Jose\u0301"], ["Jose\u0301"]),
        ("Jose\u0301", ["Jose"], []),
        ("王小明说王小明", ["王小明"], ["王小明", "王小明"]),
        ("请Anna来, Annabel", ["Anna"], ["Anna"]),
        ("Anna王さん", ["Anna王"], ["Anna王"]),
        ("สมชายไป", ["สมชาย"], ["สมชาย"]),
        ("👩\u200d💻Zoë👩\u200d💻", ["Zoë"], ["Zoë"]),
        ("k_key key_k key", ["key"], ["key"]),
        ("line\r\nMaria Keller\r\nline", ["Maria Keller"], ["Maria Keller"]),
        ("STRAUSS und Strauß", ["Strauß"], ["STRAUSS", "Strauß"]),
        ("1 12 123 1234", ["1", "12", "123", "1234"], ["1234"]),
        ("see case 1", ["case 1", "case 12"], ["case 1"]),
        ("", ["x1y2"], []),
    ],
)
def test_a_value_is_found_at_word_bounds(text: str, values: list[str], found: list[str]) -> None:
    assert places(text, *values) == found


def test_thousands_of_values_that_begin_alike_are_found_in_one_scan() -> None:
    values = [f"case {n:05d}" for n in range(5_000)]
    text = ", ".join(reversed(values))
    assert len(Occurrences(values).find(text)) == len(values)


def test_an_empty_set_of_values_is_false() -> None:
    assert not Occurrences(["", "1"])
    assert Occurrences(["ab"])


def test_bounds_look_only_at_edges_that_are_words() -> None:
    assert bounded("x(a)x", 1, 4)
    assert not bounded("xa", 1, 2)


def test_a_guess_over_a_proven_value_keeps_only_what_may_be_something() -> None:
    text = "card 4111111111111111 and Main St 4111111111111111 Oxford 12"
    first, second = text.index("4"), text.rindex("4111111111111111")
    proven = [
        Finding(first, first + 16, "CREDIT_CARD", 1.0, "patterns"),
        Finding(second, second + 16, "CREDIT_CARD", 1.0, "patterns"),
    ]
    guesses = [
        Finding(0, first + 16, "ADDRESS", 0.8, "student"),
        Finding(text.index("Main"), len(text), "ADDRESS", 0.8, "student"),
    ]
    kept = [text[f.start : f.end] for f in cut(text, [*proven, *guesses]) if f.label == "ADDRESS"]
    assert kept == ["Main St", "Oxford 12"]
    inner = Finding(first, first + 4, "PERSON", 0.8, "student")
    unproven = Finding(0, 8, "PERSON", 0.8, "student")
    assert cut(text, [*proven, inner]) == [*proven, inner]
    assert cut("card 411", [unproven]) == [unproven]


def test_a_name_without_capitals_beside_a_proven_value_is_left_of_a_guess_over_both() -> None:
    text = "ngozi ferreira anna.k@example.com, "
    proven = Finding(15, 33, "EMAIL_ADDRESS", 1.0, "patterns")
    guess = Finding(0, 19, "PERSON", 0.9, "encoder")
    assert Finding(0, 14, "PERSON", 0.9, "encoder") in cut(text, [proven, guess])
    assert cut(text, [proven, replace(guess, start=15, end=35)]) == [proven], "signs are no name"
    assert cut(text, [proven, replace(guess, label="ADDRESS")]) == [proven]


def test_the_word_before_a_proven_number_is_no_rest_of_a_number() -> None:
    text = "please send KRA PIN A004416331M-77"
    proven = Finding(text.index("A0"), text.index("-77"), "TAX_ID", 1.0, "patterns")
    guess = Finding(text.index("KRA"), len(text), "REFERENCE_NUMBER", 0.9, "student")
    assert [text[f.start : f.end] for f in cut(text, [proven, guess])] == ["A004416331M", "-77"]


def test_emphasis_is_no_part_of_a_word() -> None:
    assert places("_Roe_, __Roe__ and ___Roe___, _a-1b2c3_ 48291734: _48291734_", "Roe", "a-1b2c3", "48291734") == [
        "Roe", "Roe", "Roe", "a-1b2c3", "48291734", "48291734",
    ]  # fmt: skip
    assert places("my_Roe, Roe_x, x__Roe__, ____Roe____, _Roe2_", "Roe") == []
    assert bounded("_a", 1, 2)
    assert bounded("a_ ", 0, 1)
    assert not bounded("b_a", 2, 3)
    assert not bounded("a_b", 0, 1)
    assert not bounded("ab", 0, 1)
    assert places("_x1_y2_ and x1_y2", "x1_y2") == ["x1_y2", "x1_y2"]
