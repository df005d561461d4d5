"""Where the pieces of an answer are: each encoding has one form, and nothing is found that was not named."""

import base64

import pytest
from clouds import dumped
from hypothesis import given
from hypothesis import strategies as st

from attestation.providers.parts import Asked, Place, chosen
from attestation.types import Malformed

BODY = dumped({"a": {"b/c": "00ff", "d~e": ["00", "ff"]}, "n": 1, "l": [], "m": ["00", 1], "u": "\u00e9", "z": ""})


def test_a_piece_is_found_where_it_is():
    assert Place("hex", "/a/b~1c").find(BODY) == Place("hex", "/a/d~0e").find(BODY) == b"\0\xff"
    assert Place("raw", "/a/b~1c").find(BODY) == b"00ff"
    assert (
        Place("base64").find(b" AP8=\n")
        == Place("base64url").find(b"AP8")
        == Place("base64url").find(b"AP8=")
        == b"\0\xff"
    )
    assert Place("raw").find(b" x ") == b" x "


@pytest.mark.parametrize("pointer", ["/x", "/a", "/n", "/l", "/m", "/u", "/z", "/a/d~0e/0", "/a/b~1c/x"])
def test_nothing_else_is_found(pointer):
    with pytest.raises(Malformed):
        Place("hex", pointer).find(BODY)


@pytest.mark.parametrize(("encoding", "text"), [
    ("hex", b"FF"), ("hex", b"f"), ("hex", b"0x00"), ("hex", b"00 ff"), ("base64", b"AP8"), ("base64", b"AP9="),
    ("base64", b"AP_="), ("base64", b"AP8=AP8="), ("base64url", b"AP9"), ("base64url", b"+_8"), ("base64url", b"AP8=="),
    ("base64url", b"A"), ("base64", b""), ("raw", b""), ("base64url", b"A/8"),
])  # fmt: skip
def test_an_encoding_has_one_form(encoding, text):
    with pytest.raises(Malformed):
        Place(encoding).find(text)


@pytest.mark.parametrize("pointer", ["a", "/", "/a//b", "/~2", "/a" * 9])
def test_a_pointer_is_one(pointer):
    with pytest.raises(ValueError, match="pointer"):
        Place("hex", pointer)


def test_fields_are_those_that_there_are():
    usual = {"a": Place("hex", "/a"), "b": Place("hex", "/b")}
    assert chosen({"a": Place("raw")}, usual) == {"a": Place("raw"), "b": Place("hex", "/b")}
    with pytest.raises(ValueError, match="fields"):
        chosen({"c": Place("raw")}, usual)


def test_a_question_carries_the_nonce_as_it_is_wanted():
    nonce = bytes(range(224, 256))
    text = base64.b64encode(nonce).decode()
    (ask,) = Asked(path="/a?b=c", nonce_encoding="base64").asks(nonce)
    assert ask.path == "/a?b=c&nonce=" + text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    assert Asked(path="/a", nonce_encoding="base64url", nonce_param="n").asks(nonce)[0].path.startswith("/a?n=4OHi")
    assert Asked(path="/a", no_nonce=True).asks(nonce)[0].path == "/a"
    assert Asked(path="/a", no_nonce=True, post=True).asks(nonce)[0].post == b"{}"
    assert (
        Asked(path="/a", no_nonce=True).sent(nonce) == b""
        and Asked(path="/a", nonce_bytes=20).sent(nonce) == nonce[:20]
    )


@given(raw=st.binary(max_size=60), encoding=st.sampled_from(["hex", "base64", "base64url"]))
def test_any_bytes_are_found_whole_or_malformed(raw, encoding):
    try:
        got = Place(encoding).find(raw)
    except Malformed:
        return
    again = {"hex": got.hex().encode(), "base64": base64.b64encode(got), "base64url": base64.urlsafe_b64encode(got)}
    assert again[encoding].rstrip(b"=") == raw.strip().rstrip(b"=")
