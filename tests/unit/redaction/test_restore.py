from __future__ import annotations

import json
import re

import pytest

from redaction.restore import Restorer, json_escape
from redaction.spellings import Spellings

A, B = "PERSON_k3f9xabcdefgh", "EMAIL_7h2m0qrstvwxy"
MAPPING = {A: "Maria Keller", B: "m@k.example"}


def whole(text: str, mapping: dict[str, str] = MAPPING) -> str:
    r = Restorer(mapping)
    return r.feed(text) + r.close()


def tool(text: str, mapping: dict[str, str]) -> str:
    r = Restorer(mapping, escape=json_escape)
    return r.feed(text) + r.close()


@pytest.mark.parametrize(
    "written",
    [A, A.lower(), A.upper(), A.replace("_", "\\_"), A.replace("_", "\\\\_"), "PeRsOn" + A[6:]],
    ids=["as sent", "lower", "upper", "markdown", "markdown in JSON", "mixed"],
)
def test_case_and_markdown_escapes_do_not_hide_a_stand_in(written: str) -> None:
    assert whole(f"Dear {written},") == "Dear Maria Keller,"


def test_what_stands_beside_a_stand_in_does_not_matter() -> None:
    assert whole(f"_{A}_ **{A}** {A}s x{A}李{A}{A}") == (
        "_Maria Keller_ **Maria Keller** Maria Kellers xMaria Keller李Maria KellerMaria Keller"
    )


def test_a_stand_in_that_the_request_does_not_hold_stays() -> None:
    foreign = "PERSON_0000000000000"
    assert whole(foreign) == foreign
    assert whole(A, {B: "x"}) == A
    assert whole(A, {}) == A


def test_look_alikes_of_other_alphabets_are_no_stand_ins() -> None:
    for other in ("\u212a", "\u017f", "\u0130"):  # what folds to k, s and i
        for text in (A.replace("k", other), A.replace("S", other)):
            if text != A:
                assert whole(text) == text


def test_a_value_that_holds_a_stand_in_is_not_expanded_twice() -> None:
    assert whole(f"{A} {B}", {A: f"<{B}>", B: f"<{A}>"}) == f"<{B}> <{A}>"


def test_a_complete_stand_in_is_given_out_at_once() -> None:
    r = Restorer(MAPPING)
    assert r.feed(A[:-1]) == "" and r.feed(A[-1]) == "Maria Keller"


def test_text_is_held_only_while_it_begins_a_stand_in() -> None:
    r = Restorer(MAPPING)
    assert r.feed("I know ") == "I know "
    assert r.feed("his p") == "his "
    assert r.feed("ast") == "past"
    assert r.feed("PERSON_k3f9z") == "PERSON_k3f9z"
    assert r.feed("ab_") == "ab_"
    assert r.feed("\\") == "\\"


def test_what_is_held_at_the_end_comes_out() -> None:
    r = Restorer(MAPPING)
    assert r.feed(A[:9]) == "" and r.close() == A[:9] and r.close() == ""


def test_a_failed_beginning_may_hide_the_true_one() -> None:
    text = f"PERSON_{A} PERSON_k3f9{A}"
    r = Restorer(MAPPING)
    assert "".join([*map(r.feed, text), r.close()]) == whole(text) == "PERSON_Maria Keller PERSON_k3f9Maria Keller"


def test_of_two_that_begin_alike_the_longer_counts() -> None:
    mapping = {"A_abcd": "1", "A_abcdef": "2"}
    for text, out in (("A_abcdef", "2"), ("A_abcde", "1e"), ("A_abcd", "1")):
        r = Restorer(mapping)
        assert whole(text, mapping) == "".join([*map(r.feed, text), r.close()]) == out


def test_counts_tell_restored_ones_and_those_that_were_altered() -> None:
    text = f"{A} {A[:-1]}. {A[:12]}uuu PERSON_format EMAIL_address PERSON_0000000000000"
    for pieces in ([text], list(text)):
        r = Restorer(MAPPING)
        for piece in pieces:
            r.feed(piece)
        r.close()
        assert (r.restored, r.seen) == (1, 3)


def test_tool_arguments_stay_json() -> None:
    value = 'Zoë "Z"\nO\\N'
    assert json.loads(tool(json.dumps({"to": f"{A}\n{A}"}), {A: value})) == {"to": f"{value}\n{value}"}


def test_a_windows_path_in_tool_arguments_is_restored() -> None:
    assert json.loads(tool(json.dumps(rf"C:\Users\{A}\x"), MAPPING)) == r"C:\Users\Maria Keller\x"


@pytest.mark.parametrize("escape", ["\\n", "\\u000e", "\\u000E"])
def test_a_stand_in_does_not_begin_inside_an_escape(escape: str) -> None:
    key = escape[-1].upper() + "RP_k3f9xabcdefgh"
    text = f'"{escape}{key[1:]}"'
    for pieces in ([text], list(text)):
        r = Restorer({key: "x"}, escape=json_escape)
        assert "".join([*map(r.feed, pieces), r.close()]) == text


@pytest.mark.parametrize("tail", ["\\", "\\u", "\\u00", "\\ux", "\\\\\\"])
def test_broken_escapes_at_the_end_come_out_as_they_are(tail: str) -> None:
    assert tool(f"x{tail}", MAPPING) == f"x{tail}"


def test_keys_that_are_no_stand_ins_are_refused_without_their_text() -> None:
    with pytest.raises(ValueError, match="not a stand-in") as e:
        Spellings({"Maria": "x"}, tolerant=True, units=False)
    assert "Maria" not in str(e.value)


def test_two_thousand_stand_ins_in_a_megabyte_are_all_restored() -> None:
    mapping = {f"PERSON_{i:013d}": f"<{i}>" for i in range(2000)}
    filler = "PERSON_00000 EMAIL_ \\_ word " * 17
    text = filler.join(mapping)
    assert len(text) > 900_000
    assert whole(text, mapping) == filler.join(mapping.values())


def test_the_pattern_that_python_may_cache_holds_no_stand_in_and_no_value() -> None:
    spellings = Spellings(MAPPING, tolerant=True, units=False)
    patterns = [
        spellings._loose,
        spellings._run,
        spellings._heads_all,
        spellings._heads,
        *spellings._code.values(),
        *(p for _, p in spellings._labels),
    ]
    assert not any(re.search("k3f9|7h2m|Keller", p.pattern) for p in patterns)
