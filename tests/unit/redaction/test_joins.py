"""Values split over neighbouring texts: joints, borders, pieces; what lies in one text alone is left to it."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from redaction.joins import GAP, SPLIT, TAIL, Joint, joints, merge
from redaction.pipeline import NOTHING, Pipeline, propagate
from redaction.types import Finding, TextResult


@functools.cache
def pipeline() -> Pipeline:
    from proxy.inspect_worker import build

    return build(None, names=False)


def seen(*texts: str) -> list[TextResult]:
    """What is found when all texts are one row."""
    results = pipeline().inspect(texts)
    rows = joints(["row"] * len(texts), texts)
    for row in rows:
        for near in row.borders():
            merge(near, pipeline().inspect([near.text], patterns_only=True)[0], results)
    return propagate(texts, results, rows)


def pieces(*texts: str, label: str = "EMAIL_ADDRESS") -> list[str]:
    return [
        t[f.start : f.end] for t, r in zip(texts, seen(*texts), strict=True) for f in r.findings if f.label == label
    ]


@pytest.mark.parametrize(
    ("texts", "label", "found"),
    [
        (("to jane.doe@exam", "ple.com now"), "EMAIL_ADDRESS", ["jane.doe@exam", "ple.com"]),
        (("to jane.doe", "@example.com now"), "EMAIL_ADDRESS", ["jane.doe", "@example.com"]),
        (("to jane.doe@", "example", ".com now"), "EMAIL_ADDRESS", ["jane.doe@", "example", ".com"]),
        (tuple("jane@example.com"), "EMAIL_ADDRESS", list("jane@example.com")),
        (("card 4111 1111 ", "1111 1111"), "CREDIT_CARD", ["4111 1111 ", "1111 1111"]),
        (("card 41111111", "11111111 ok"), "CREDIT_CARD", ["41111111", "11111111"]),
        (("DE89 3704 0044 ", "0532 0130 00"), "IBAN_CODE", ["DE89 3704 0044 ", "0532 0130 00"]),
        (("key ghp_k2Vq8ZrT5nXwB7mJ4s", "Ld9cYfH3gPaE1uR6oT"), "API_KEY", None),
        (("jane.doe%40exam", "ple.com"), "EMAIL_ADDRESS", ["jane.doe%40exam", "ple.com"]),
        (("amFuZS5kb2VA", "ZXhhbXBsZS5jb20="), "EMAIL_ADDRESS", ["amFuZS5kb2VA", "ZXhhbXBsZS5jb20="]),
        (("to jane.doe\uff20exam", "ple.com"), "EMAIL_ADDRESS", ["jane.doe\uff20exam", "ple.com"]),
        (("My SSN is", "536-22-8674"), "US_SSN", ["536-22-8674"]),
    ],
)
def test_a_split_value_is_found_in_each_text(texts: tuple[str, ...], label: str, found: list[str] | None) -> None:
    got = pieces(*texts, label=label)
    if found is None:
        assert len(got) >= 2
    else:
        assert got == found


@pytest.mark.parametrize(
    "texts",
    [
        ("Regards", "jane@example.com"),
        ("jane@example.com", "Thanks"),
        ("See you at 5", "pm. Call 911", "0 or so"),
        ("Hello.", "World"),
        ("2019", "2020", "2021", "2022", "2023"),
        ("1234", "5678", "9012", "3456"),
        ("a@b", "c"),
        ("version 1.2", "3.4 follows"),
    ],
)
def test_innocent_neighbours_are_not_put_together(texts: tuple[str, ...]) -> None:
    assert not [f for r in seen(*texts) for f in r.findings if f.detector == SPLIT]


def test_pieces_are_looked_for_nowhere_else() -> None:
    found = seen("to jane.doe@example.", "com", "a com object")
    assert [[f.detector for f in r.findings] for r in found] == [[SPLIT], [SPLIT], []]


def test_a_value_known_from_elsewhere_is_found_across_a_border() -> None:
    texts = ["Maria Keller called.", "Ask Maria Kel", "ler again"]
    first = TextResult((Finding(0, 12, "PERSON", 0.9, "names"),), NOTHING)
    rows = joints([None, "row", "row"], texts)
    spread = propagate(texts, [first, TextResult((), NOTHING), TextResult((), NOTHING)], rows)
    assert [texts[i][f.start : f.end] for i in (1, 2) for f in spread[i].findings] == ["Maria Kel", "ler"]


def test_the_middle_of_a_long_text_is_left_out_and_places_stay_right() -> None:
    texts = ["x" * 5000 + " to jane.doe@exam", "ple.com" + " y" * 5000]
    (joint,) = joints(["row", "row"], texts)
    assert len(joint.text) == 4 * TAIL + 2 * len(GAP)
    assert pieces(*texts) == ["jane.doe@exam", "ple.com"]


def test_a_joint_that_could_not_be_judged_leaves_its_texts_uninspected() -> None:
    texts = ["a1", "b2", "c"]
    results = [TextResult((), NOTHING) for _ in texts]
    (joint,) = joints(["row", "row", None], texts)
    merge(joint, TextResult((), NOTHING, "patterns:budget"), results)
    assert [r.uninspected for r in results] == ["patterns:budget", "patterns:budget", None]


def test_texts_without_anything_telling_at_their_borders_are_not_read_again() -> None:
    for texts in (["One sentence.", "Another one."], ["Привет, мир", "и Москва"], ["你好。", "世界"]):
        assert joints(["row"] * 2, texts)[0].borders() == []


def test_a_row_of_thousands_of_pieces_is_read_a_few_times_each() -> None:
    """A slice or a search per piece took seconds for 20,000 short members of a list."""

    class Counted(tuple[tuple[int, int, int, int], ...]):
        read = 0

        def __getitem__(self, at: Any) -> Any:
            found = super().__getitem__(at)
            Counted.read += len(found) if isinstance(at, slice) else 1
            return found

    (row,) = joints(["row"] * 2000, ["4111", "1111"] * 1000)
    assert len(Joint(row.text, Counted(row.pieces)).borders()) == 3
    assert Counted.read < 50 * 2000


def test_a_joint_that_failed_is_not_hidden_behind_a_text_that_nobody_can_read() -> None:
    (row,) = joints(["row"] * 2, ["one 4111", "1111 two"])
    results = [TextResult((), NOTHING, "script"), TextResult((), NOTHING, None)]
    merge(row, TextResult((), NOTHING, "deadline"), results)
    assert [r.uninspected for r in results] == ["deadline", "deadline"]
    merge(row, TextResult((), NOTHING, "script"), results)
    assert [r.uninspected for r in results] == ["deadline", "deadline"]
