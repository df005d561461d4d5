from __future__ import annotations

import pytest

from redaction.pseudonym import StandIns
from redaction.transform import GENERALIZE, KEEP, MASK, PSEUDONYM, REDACT, Span, Transformer, generalize, mask, redact

KEY = b"k" * 32


def transformer(*inputs: str, chars: int = 13, originals: tuple[str, ...] = ()) -> Transformer:
    return Transformer(StandIns(KEY, "s", chars=chars), inputs, originals)


def one(value: str, label: str, transform: str, originals: tuple[str, ...] = ()) -> str:
    return transformer(value, originals=originals).apply(value, [Span(0, len(value), label, transform)])


def test_each_transform_does_what_its_name_says() -> None:
    assert one("Ann", "PERSON", KEEP) == "Ann"
    assert one("Ann", "PERSON", REDACT) == "[PERSON]"
    assert one("4111 1111 1111 1111", "CREDIT_CARD", MASK) == "***************1111"
    assert one("1980-05-12", "DATE_OF_BIRTH", GENERALIZE) == "1980"
    assert one("Ann", "PERSON", PSEUDONYM).startswith("PERSON_")


def test_a_transform_that_does_not_exist_keeps_nothing() -> None:
    with pytest.raises(KeyError):
        one("Ann", "PERSON", "whatever")


def test_text_around_spans_stays_and_neighbours_are_replaced_apart() -> None:
    made = transformer("AnnBob!").apply("AnnBob!", [Span(0, 3, "A", REDACT), Span(3, 6, "B", REDACT)])
    assert made == "[A][B]!"


@pytest.mark.parametrize("spans", [[(2, 4), (0, 1)], [(0, 3), (2, 4)], [(1, 1)], [(0, 9)], [(-1, 2)]])
def test_spans_that_overlap_or_lie_outside_are_refused(spans: list[tuple[int, int]]) -> None:
    with pytest.raises(AssertionError):
        transformer("abcd").apply("abcd", [Span(s, e, "X", REDACT) for s, e in spans])


def test_a_value_has_one_replacement_in_all_texts_of_a_request() -> None:
    t = transformer("Ann", "Ann.")
    assert (
        t.apply("Ann.", [Span(0, 3, "PERSON", PSEUDONYM)]) == t.apply("Ann", [Span(0, 3, "LOCATION", PSEUDONYM)]) + "."
    )
    assert list(t.mapping.values()) == ["Ann"]


def test_one_value_with_two_transforms_is_the_callers_mistake() -> None:
    t = transformer("Ann Ann")
    with pytest.raises(AssertionError):
        t.apply("Ann Ann", [Span(0, 3, "PERSON", PSEUDONYM), Span(4, 7, "PERSON", REDACT)])


def test_counts_are_by_label_and_transform() -> None:
    t = transformer("Ann Ann 5")
    t.apply("Ann Ann 5", [Span(0, 3, "P", PSEUDONYM), Span(4, 7, "P", PSEUDONYM), Span(8, 9, "AGE", MASK)])
    assert t.counts == {"P": {PSEUDONYM: 2}, "AGE": {MASK: 1}}


def test_only_stand_ins_can_come_back() -> None:
    t = transformer("Ann Bob")
    t.apply("Ann Bob", [Span(0, 3, "P", REDACT), Span(4, 7, "P", PSEUDONYM)])
    assert list(t.mapping.values()) == ["Bob"]


@pytest.mark.parametrize(
    "spelled", ["{}", "x{}y", "\\\\_", "upper", "{0}z", "cut"], ids=["plain", "in", "escaped", "upper", "longer", "cut"]
)
def test_a_stand_in_that_the_input_holds_is_derived_again(spelled: str) -> None:
    ours = one("Ann", "PERSON", PSEUDONYM)
    forms = {"\\\\_": ours.replace("_", "\\_"), "upper": ours.upper(), "cut": ours[:13]}
    other = forms.get(spelled) or spelled.format(ours)
    text = f"{other} Ann"
    t = transformer(text)
    sent = t.apply(text, [Span(len(text) - 3, len(text), "PERSON", PSEUDONYM)])
    assert sent.startswith(other) and ours not in t.mapping and len(t.mapping) == 1


def test_values_that_would_share_a_stand_in_do_not() -> None:
    text = " ".join(f"v{i}" for i in range(25))
    t = transformer(text, chars=1)
    spans, at = [], 0
    for word in text.split():
        spans.append(Span(at, at + len(word), "X", PSEUDONYM))
        at += len(word) + 1
    t.apply(text, spans)
    assert len(t.mapping) == 25


def test_a_replacement_never_shows_the_value_itself() -> None:
    assert one("password", "PASSWORD", REDACT) == "[REDACTED]"
    assert one("redacted", "REDACTED", REDACT) == "[---]"
    assert one("1980", "DATE_TIME", GENERALIZE) == "[DATE_TIME]"


def test_a_replacement_never_shows_another_original() -> None:
    assert one("12 May 1980", "DATE_OF_BIRTH", GENERALIZE, ("1980",)) == "[DATE_OF_BIRTH]"
    assert one("4111 1111 1111 2222", "CREDIT_CARD", MASK, ("2222",)) == "[CREDIT_CARD]"


@pytest.mark.parametrize(
    ("label", "value", "coarse"),
    [
        ("DATE_TIME", "3 March 2021", "2021"),
        ("DATE_TIME", "next Monday", "[DATE_TIME]"),
        ("AGE", "47 years old", "40s"),
        ("AGE", "7", "under 10"),
        ("AGE", "93", "90+"),
        ("AGE", "1999", "[AGE]"),
        ("AGE", "\u0664\u0667", "[AGE]"),
        ("IP_ADDRESS", "10.20.30.40", "10.20.0.0/16"),
        ("IP_ADDRESS", "2001:db8:1::1", "2001:db8::/32"),
        ("IP_ADDRESS", "10.20.30", "[IP_ADDRESS]"),
        ("PHONE_NUMBER", "+49 30 1234567", "+49"),
        ("PHONE_NUMBER", "030 1234567", "[PHONE_NUMBER]"),
        ("LOCATION", "Berlin", "[LOCATION]"),
        ("EMAIL_ADDRESS", "a@keller.example", "[EMAIL_ADDRESS]"),
    ],
)
def test_generalizing_tells_a_coarser_truth_or_only_the_label(label: str, value: str, coarse: str) -> None:
    assert generalize(label, value) == coarse


def test_a_mask_shows_four_characters_of_long_values_and_none_of_short_ones() -> None:
    assert mask("X", "DE89370400440532013000") == "*" * 18 + "3000"
    assert mask("X", "12345678") == "********"
    assert mask("X", "1-2-3-4-5") == "*********"


def test_redacting_says_the_label() -> None:
    assert redact("CREDIT_CARD", "4111") == "[CREDIT_CARD]"
