"""Pointers find one place, and edits change nothing else."""

from __future__ import annotations

import pytest

from proxy.dialects.base import Untransformable
from proxy.dialects.json_text import Number, loads, serialize_text
from proxy.dialects.pointers import edit, escape, get, unescape
from proxy.errors import Misuse

RFC = loads('{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8}')


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("/foo/0", "bar"), ("/", Number("0")), ("/a~1b", Number("1")), ("/c%d", Number("2")), ("/e^f", Number("3")),
     ("/g|h", Number("4")), ("/i\\j", Number("5")), ('/k"l', Number("6")), ("/ ", Number("7")), ("/m~0n", Number("8"))],
)  # fmt: skip
def test_the_examples_of_rfc_6901_section_5_hold(pointer: str, value: object) -> None:
    assert get(RFC, pointer) == value


@pytest.mark.parametrize("pointer", ["/nope", "/foo/2", "/foo/01", "/foo/-", "/foo/0/x", "/foo#", "/foo/²"])
def test_a_pointer_to_nowhere_is_a_key_error(pointer: str) -> None:
    with pytest.raises(KeyError):
        get(RFC, pointer)


def test_escaping_is_undone_exactly() -> None:
    for token in ("~01", "~", "/", "#", "~2", "a#/b", "~0~1~2"):
        assert unescape(escape(token)) == token
        assert "#" not in escape(token)
        assert "/" not in escape(token)


def test_a_hash_in_a_key_is_not_a_step_into_a_nested_document() -> None:
    tree = {"a": '{"b": "inner"}', "a#": {"b": "outer"}}
    assert get(tree, "/a#/b") == "inner"
    assert get(tree, "/a~2/b") == "outer"
    changed = edit(tree, {("/a~2/b", "text"): "X"})
    assert changed == {"a": '{"b": "inner"}', "a#": {"b": "X"}}


def test_an_edit_inside_a_string_keeps_its_numbers_and_its_order() -> None:
    tree = {"args": '{"z": 1.0, "n": {"e": "old", "l": [1e5, "old"]}}'}
    changed = edit(tree, {("/args#/n/e", "text"): 'n"w', ("/args#/n/l/1", "text"): "é"})
    assert changed["args"] == '{"z":1.0,"n":{"e":"n\\"w","l":[1e5,"é"]}}'
    assert tree["args"].startswith('{"z": 1.0')


def test_a_renamed_key_keeps_its_place_and_its_value_can_change_too() -> None:
    changed = edit({"a": Number("1"), "b": "x", "c": True}, {("/b", "key"): "B", ("/b", "text"): "y"})
    assert serialize_text(changed) == '{"a":1,"B":"y","c":true}'


@pytest.mark.parametrize(
    "edits", [{("/a", "key"): "b"}, {("/b", "key"): "a"}, {("/a", "key"): "c", ("/b", "key"): "c"}]
)
def test_two_keys_never_become_one(edits: dict[tuple[str, str], str]) -> None:
    with pytest.raises(Untransformable):
        edit({"a": "1", "b": "2"}, edits)


def test_a_number_stays_a_number() -> None:
    assert serialize_text(edit({"a": Number("1.50")}, {("/a", "number"): "0"})) == '{"a":0}'
    for text in ("PERSON_x", "", "01", "NaN", "1 ", "1\n"):
        with pytest.raises(Untransformable):
            edit({"a": Number("1.50")}, {("/a", "number"): text})


@pytest.mark.parametrize(
    "place", [("/x", "text"), ("/a/b", "text"), ("/a", "number"), ("/n", "text"), ("/t", "text"), ("/n#/x", "text")]
)
def test_an_edit_of_what_is_not_there_is_our_own_bug(place: tuple[str, str]) -> None:
    with pytest.raises(Misuse):
        edit({"a": "1", "n": Number("1"), "t": True}, {place: "2"})
