from __future__ import annotations

import re

import pytest

from redaction.pseudonym import ALPHABET, CHARS, StandIns, StandInsExhausted

KEY = b"k" * 32


def never(_: str) -> bool:
    return False


def test_a_stand_in_is_a_short_label_and_thirteen_plain_characters() -> None:
    ins = StandIns(KEY, "s")
    assert re.fullmatch(rf"PERSON_[{ALPHABET}]{{13}}", ins.stand_in("PERSON", "Maria Keller", never))
    assert ins.stand_in("EMAIL_ADDRESS", "a@b.cd", never).startswith("EMAIL_")
    assert ins.stand_in("PHONE_NUMBER", "+49 30 1", never).startswith("PHONE_")
    assert ins.stand_in("CUSTOM", "x", never).startswith("CUSTOM_")


def test_the_text_carries_at_least_64_bits() -> None:
    assert len(set(ALPHABET)) ** CHARS >= 2**64


def test_the_same_inputs_give_the_same_stand_in_in_every_instance() -> None:
    assert StandIns(KEY, "s").stand_in("PERSON", "Ann", never) == StandIns(KEY, "s").stand_in("PERSON", "Ann", never)


def test_a_stand_in_never_changes_between_releases() -> None:
    assert StandIns(KEY, "s").stand_in("PERSON", "Maria Keller", never) == "PERSON_zrh3ar91d9a0f"


def test_key_scope_label_and_value_all_matter() -> None:
    made = {
        StandIns(KEY, "s").stand_in("PERSON", "Ann", never).rpartition("_")[2],
        StandIns(b"x" * 32, "s").stand_in("PERSON", "Ann", never).rpartition("_")[2],
        StandIns(KEY, "t").stand_in("PERSON", "Ann", never).rpartition("_")[2],
        StandIns(KEY, "s").stand_in("LOCATION", "Ann", never).rpartition("_")[2],
        StandIns(KEY, "s").stand_in("PERSON", "ann", never).rpartition("_")[2],
    }
    assert len(made) == 5


def test_parts_cannot_be_shifted_into_each_other() -> None:
    first = StandIns(KEY, "ab").stand_in("X", "c", never)
    assert first[2:] != StandIns(KEY, "a").stand_in("X", "bc", never)[2:]
    assert StandIns(KEY, "a").stand_in("XY", "Z", never)[3:] != StandIns(KEY, "a").stand_in("X", "YZ", never)[2:]


def test_a_taken_stand_in_is_derived_again_and_always_in_the_same_way() -> None:
    ins = StandIns(KEY, "s")
    first = ins.stand_in("PERSON", "Ann", never)
    second = ins.stand_in("PERSON", "Ann", {first}.__contains__)
    assert second != first and second == ins.stand_in("PERSON", "Ann", {first}.__contains__)


def test_in_a_small_space_every_value_still_gets_its_own() -> None:
    ins, used = StandIns(KEY, "s", chars=1), set[str]()
    for number in range(20):
        used.add(ins.stand_in("X", str(number), used.__contains__))
    assert len(used) == 20


def test_a_full_space_is_an_error_and_not_a_shared_stand_in() -> None:
    with pytest.raises(StandInsExhausted):
        StandIns(KEY, "s", chars=1).stand_in("X", "v", lambda _: True)


def test_half_a_character_is_a_value_like_any_other() -> None:
    assert StandIns(KEY, "s").stand_in("X", "\ud83d", never)
