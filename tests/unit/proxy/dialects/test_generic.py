"""Unknown JSON is walked one way: everything readable is a segment, nothing is put back."""

from __future__ import annotations

import json

import pytest
from plain_restorer import factory

from proxy.dialects.generic import GenericJson
from proxy.errors import BadRequest, NotFound

GENERIC = GenericJson()


def test_every_string_key_and_number_is_a_segment() -> None:
    parsed = GENERIC.parse(b'{"query": "a", "role": "user", "deep": [{"n": 1.0, "t": true, "z": null}], "model": "m"}')
    assert [(s.pointer, s.kind, s.text) for s in parsed.segments] == [
        ("/query", "key", "query"), ("/query", "text", "a"), ("/role", "key", "role"), ("/role", "text", "user"),
        ("/deep", "key", "deep"), ("/deep/0/n", "key", "n"), ("/deep/0/n", "number", "1.0"), ("/deep/0/t", "key", "t"),
        ("/deep/0/z", "key", "z"), ("/model", "key", "model"), ("/model", "text", "m"),
    ]  # fmt: skip
    assert (parsed.model, parsed.stream) == ("m", False)


def test_edits_are_applied_and_the_model_is_set_only_where_there_is_one() -> None:
    parsed = GENERIC.parse(b'{"q": "a", "model": "m"}')
    assert GENERIC.render(parsed, {}, "m") == parsed.body
    assert GENERIC.render(parsed, {("/q", "text"): "b"}, "n") == b'{"q":"b","model":"n"}'
    other = GENERIC.parse(b'["a", {"model": 5}]')
    assert GENERIC.render(other, {}, "n") == other.body
    assert GENERIC.render(other, {("/0", "text"): "b"}, "n") == b'["b",{"model":5}]'
    alone = GENERIC.parse(b' "a"')
    assert GENERIC.render(alone, {("", "text"): "b"}, "") == b'"b"'


def test_what_parsers_disagree_about_is_refused_here_too() -> None:
    with pytest.raises(BadRequest):
        GENERIC.parse(b'{"a": 1, "a": 2}')


def test_answers_pass_as_they_are() -> None:
    restorers = factory({"PERSON_x": "Zoe"})
    assert GENERIC.restore(b"PERSON_x", restorers) == (b"PERSON_x", {})
    stream = GENERIC.restore_stream(restorers, lambda: "t")
    assert not stream.complete
    assert stream.feed(b"PERSON_x") + stream.close() == b"PERSON_x"
    assert stream.complete
    assert stream.usage == {}
    assert json.loads(GENERIC.error(NotFound("no"), "r"))["error"]["code"] == "not_found"
