"""Requests are read strictly and written back as they were spelled."""

from __future__ import annotations

import json

import pytest

from proxy.dialects import json_text
from proxy.dialects.json_text import Number, parse, serialize, splice_member
from proxy.errors import BadRequest

SECRET = "canary-7f3a"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"canary-7f3a": 1, "canary-7f3a": 2}', "duplicate_key"),
        (b'{"a": {"b": 1, "\\u0062": "canary-7f3a"}}', "duplicate_key"),
        (b'{"canary-7f3a": NaN}', "invalid_json"),
        (b'{"canary-7f3a": -Infinity}', "invalid_json"),
        (b'{"canary-7f3a": "\xff"}', "invalid_encoding"),
        (b'\xef\xbb\xbf{"a": "canary-7f3a"}', "invalid_encoding"),
        ('{"a": "canary-7f3a"}'.encode("utf-16"), "invalid_encoding"),
        ('{"a": "canary-7f3a"}'.encode("utf-16-le"), "invalid_encoding"),
        (b'{"a": "canary-7f3a \\ud800"}', "invalid_encoding"),
        (b'{"a": ["\\uDC00 canary-7f3a"]}', "invalid_encoding"),
        (b'{"\\ud800": "canary-7f3a"}', "invalid_encoding"),
        (b'{"a": "canary-7f3a"', "invalid_json"),
        (b'{"a": "canary-7f3a"} x', "invalid_json"),
        (b"{'a': 'canary-7f3a'}", "invalid_json"),
        (b'{"a": 01}', "invalid_json"),
        (b'{"a": "canary-7f3a\n"}', "invalid_json"),
        (b'["canary-7f3a"]', "invalid_json"),
        (b'"canary-7f3a"', "invalid_json"),
        (b"", "invalid_json"),
    ],
)
def test_what_parsers_disagree_about_is_refused_without_quoting_it(body: bytes, code: str) -> None:
    with pytest.raises(BadRequest) as e:
        parse(body)
    assert e.value.code == code
    assert SECRET not in e.value.message
    assert SECRET not in repr(e.value)


@pytest.mark.parametrize("unit", [b"[", b'{"a":', b'{"a":[', b"[[],"])
def test_a_megabyte_of_open_brackets_is_refused_before_anything_recurses(unit: bytes) -> None:
    with pytest.raises(BadRequest) as e:
        parse(unit * (2**20 // len(unit)))
    assert e.value.code in {"too_deep", "invalid_json"}


def test_depth_is_counted_outside_of_strings_only() -> None:
    assert parse(json.dumps({"a": '[{"' * 100}).encode())
    assert parse(b'{"a":' * 63 + b"{}" + b"}" * 63)
    with pytest.raises(BadRequest):
        parse(b'{"a":' * 64 + b"{}" + b"}" * 64)
    with pytest.raises(BadRequest):
        parse(b'{"a": {"b": {}}}', max_depth=2)


def test_an_unterminated_string_full_of_quotes_is_scanned_once() -> None:
    with pytest.raises(BadRequest):
        parse(b'{"a": "' + b'\\"' * 2**19)


def test_numbers_and_key_order_are_written_as_they_were_spelled() -> None:
    body = b'{"z":1.0,"a":[1e5,-0,1E+2,12345678901234567890123,0.10,1e999],"n":null,"t":true,"f":false,"e":{},"l":[]}'
    assert serialize(parse(body)) == body


def test_text_is_written_in_utf8_and_pairs_of_surrogates_are_joined() -> None:
    assert serialize(parse(b'{"a":"\\u00e9 \\ud83d\\ude00 \\u2028"}')) == '{"a":"é 😀 \u2028"}'.encode()


def test_a_number_never_shows_itself() -> None:
    assert "4111" not in repr(Number("4111"))


def test_an_answer_may_hold_what_a_request_may_not() -> None:
    tree = json_text.loads_answer('{"a": 1, "a": "\\ud800 é"}')
    assert serialize(tree) == b'{"a":"\\ud800 \\u00e9"}'


def test_only_the_bytes_of_the_member_change() -> None:
    body = b' { "x": {"model": "no", "l": ["model", "no"]},\n "y": "\\"model\\":\\"no\\"",'
    body += b' "m\\u006fdel" :\t"old" , "z": 1.0}'
    assert splice_member(body, "model", 'n"ew') == body.replace(b'"old"', b'"n\\"ew"')
    assert json.loads(splice_member(b'{"v":"model","model":"model"}', "model", "x")) == {"v": "model", "model": "x"}
    with pytest.raises(KeyError):
        splice_member(b'{"a": "model"}', "model", "x")
