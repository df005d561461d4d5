from __future__ import annotations

import hashlib
import json
from types import MappingProxyType
from typing import Any

import pytest

from policies.types import Transform, Zone
from proxy.audit.canonical import GENESIS, canonical, chain_hash, head_mac
from proxy.errors import Misuse


@pytest.mark.parametrize(
    ("value", "want"),
    [
        # RFC 8785 section 3.2.2, the parts a record may hold: literals, integers, sorting, no white space
        ({"literals": [None, True, False]}, b'{"literals":[null,true,false]}'),
        ({"numbers": [333333333, 0, -1, 2**53 - 1]}, b'{"numbers":[333333333,0,-1,9007199254740991]}'),
        ({"b": 1, "a": {"z": [], "A": {}}, "1": ""}, b'{"1":"","a":{"A":{},"z":[]},"b":1}'),
        ({"peach": 1, "peach.": 2, "peacH": 3, "10": 4, "1": 5}, b'{"1":5,"10":4,"peacH":3,"peach":1,"peach.":2}'),
        ({"t": Transform.PSEUDONYM, "z": Zone.CLOUD, "p": (1, 2)}, b'{"p":[1,2],"t":"pseudonym","z":3}'),
        (MappingProxyType({"a": MappingProxyType({})}), b'{"a":{}}'),
    ],
)
def test_bytes_are_those_of_rfc_8785(value: Any, want: bytes) -> None:
    assert canonical(value) == want
    assert canonical(json.loads(want)) == want


@pytest.mark.parametrize(
    "value",
    [
        {"score": 0.5},
        {"n": 2**53},
        {"n": float("nan")},
        {"raw": b"x"},
        {"set": {1}},
        {1: "a"},
        {"a key with spaces": 1},
        {"name": "Jane Roe"},
        {"name": "Zoë"},
        {"name": "line\nbreak"},
        {"name": "x" * 161},
        {"name": '"quoted"'},
        {"code": ""},
        {"code": "9lives"},
        {"zone": "jane.roe@example.com"},
        {"kind": None, "action": "x" * 81},
        {"body_mac": "not-hex"},
        {"lease": {"key_sha256": "abc"}},
        {"user_hash": "jane"},
        {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}},
    ],
)
def test_what_is_no_enum_name_hash_or_integer_is_refused_without_showing_it(value: Any) -> None:
    with pytest.raises(Misuse) as caught:
        canonical(value)
    assert "Jane" not in str(caught.value) and "jane" not in str(caught.value)


def test_the_chain_hash_covers_predecessor_and_bytes() -> None:
    first = chain_hash(GENESIS, b"{}")
    assert first == hashlib.sha256(b"sealgate.record.v1\0" + bytes(32) + b"{}").hexdigest()
    assert len({first, chain_hash(first, b"{}"), chain_hash(GENESIS, b"[]")}) == 3


def test_the_head_mac_depends_on_key_seq_and_hash() -> None:
    inputs = [(b"k" * 32, 7, GENESIS), (b"K" * 32, 7, GENESIS), (b"k" * 32, 8, GENESIS), (b"k" * 32, 7, "1" * 64)]
    assert len({head_mac(*each) for each in inputs}) == 4
