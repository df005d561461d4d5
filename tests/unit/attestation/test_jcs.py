import pytest

from attestation.jcs import canonical
from attestation.types import Malformed


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ({"b": 1, "a": [True, False, None, -5, "x"]}, b'{"a":[true,false,null,-5,"x"],"b":1}'),
        ({}, b"{}"),
        ([], b"[]"),
        ('\x00\x1f\b\t\n\f\r"\\/\x7f€', b'"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\/\x7f\xe2\x82\xac"'),
        # RFC 8785 §3.2.3: sorted by UTF-16 code units
        (
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
            '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'.encode(),
        ),
        (2**53 - 1, b"9007199254740991"),
    ],
)  # fmt: skip
def test_a_value_has_one_spelling(value, want):
    assert canonical(value) == want


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), 2**53, -(2**53), {1: 2}, b"x", "\ud800", {"\ud800": 1}, object(), (1,)]
)
def test_what_has_no_spelling_is_refused(value):
    with pytest.raises(Malformed):
        canonical(value)


def test_depth_is_an_error_of_its_own():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Malformed):
        canonical(deep)
