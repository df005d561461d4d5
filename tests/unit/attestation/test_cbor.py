"""The strict CBOR reader reads one form of each value and refuses the rest."""

import pytest

from attestation.cbor import Tagged, load
from attestation.simulator.cborwriter import dump, tagged
from attestation.types import Malformed

VALUES = [0, 23, 24, 255, 256, 65535, 65536, 2**32, 2**64 - 1, -1, -35, b"", b"x" * 300, "", "ä", [], [1, [2]], {}]


@pytest.mark.parametrize("value", [*VALUES, {"a": {1: b"b", -1: None}}])
def test_a_value_comes_back(value):
    assert load(dump(value)) == value


def test_a_tag_must_be_asked_for():
    assert load(tagged(60000, [b"x"]), tags=frozenset({60000})) == Tagged(60000, [b"x"])
    with pytest.raises(Malformed, match="tag"):
        load(tagged(60000, [b"x"]), tags=frozenset({60001}))


def test_unknown_lengths_must_be_asked_for():
    assert load(bytes.fromhex("bf61619f0203ffff"), indefinite=True) == {"a": [2, 3]}
    with pytest.raises(Malformed, match="unknown length"):
        load(bytes.fromhex("bf61619f0203ffff"))
    with pytest.raises(Malformed):
        load(bytes.fromhex("5f4101ff"), indefinite=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "cut"),
        ("42aa", "cut"),
        ("0000", "after"),
        ("ff", "float"),
        ("1800", "shortest"),
        ("190018", "shortest"),
        ("1a0000ffff", "shortest"),
        ("1b00000000ffffffff", "shortest"),
        ("5801aa", "shortest"),
        ("1c", "reserved"),
        ("a201010102", "repeated"),
        ("a1410101", "repeated"),
        ("a1f501", "repeated"),
        ("f90000", "float"),
        ("fb0000000000000000", "float"),
        ("f7", "float"),
        ("61ff", "UTF-8"),
        ("81" * 10 + "00", "deep"),
        ("9bffffffffffffffff00", "cut"),
        ("82ff", "float"),
    ],
)
def test_other_forms_are_malformed(text, why):
    with pytest.raises(Malformed, match=why):
        load(bytes.fromhex(text))
