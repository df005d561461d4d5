import json

import pytest

from attestation.strictjson import load, load_object, raw_members
from attestation.types import Malformed


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"a":1}x', b'\xef\xbb\xbf{"a":1}', b"\xff", b"[NaN]", b"[-Infinity]", b'{"a":1,"a":1}',
            b'[{"a":{"b":1,"b":1}}]', b"[" * 100_000, b"9" * 5000],
)  # fmt: skip
def test_what_is_not_json_with_each_key_once_is_malformed(raw):
    for reader in (load, load_object, raw_members):
        with pytest.raises(Malformed):
            reader(raw, 1 << 20)


def test_more_than_the_limit_is_not_read():
    assert load(b"[1]", 3) == [1]
    with pytest.raises(Malformed, match="more than 2 bytes"):
        load(b"[1]", 2)
    with pytest.raises(Malformed, match="not a JSON object"):
        raw_members(b"[1]", 3)


@pytest.mark.parametrize(
    "raw", [b"{}", b" { } ", b'{"a":1}', b'{"a" : [1, {"b":"}"}] , "c":null}\n', b'\t{"\\u0061\\"":"\xc3\xa9","":{}}',
            b'{"a":{"a":{"a":1.50}},"b":"\\ud800"}'],
)  # fmt: skip
def test_members_are_the_bytes_that_stand_there(raw):
    members = raw_members(raw, 1000)
    assert {k: json.loads(v) for k, v in members.items()} == json.loads(raw)
    assert all(v in raw and v == v.strip() for v in members.values())


def test_members_are_not_written_anew():
    raw = b'{"x": {"b" :1.0, "a":"\\u00e9"}, "y":2}'
    assert raw_members(raw, 100) == {"x": b'{"b" :1.0, "a":"\\u00e9"}', "y": b"2"}
