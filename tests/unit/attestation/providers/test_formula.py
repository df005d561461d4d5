"""Formulas: what they give, what they name, and that nothing but the documented form is read."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attestation.providers.formula import Binding, Known, parse, parse_binding

K = Known(b"nonce", b"spki", b"certificate", b"key")
FIELDS = frozenset({"report_data"})


@pytest.mark.parametrize(("text", "want"), [
    ("spki", b"spki"), ("  spki+nonce ", b"spkinonce"), ("certificate", b"certificate"), ("key", b"key"),
    ("'a + b' + spki", b"a + bspki"), ("bytes(00ff)+zeros(3)", b"\0\xff\0\0\0"),
    ("sha256(spki)", hashlib.sha256(b"spki").digest()), ("sha384(spki)", hashlib.sha384(b"spki").digest()),
    ("sha512('t:'+spki)", hashlib.sha512(b"t:spki").digest()), ("hex(nonce)", b"6e6f6e6365"),
    ("base64(nonce)", base64.b64encode(b"nonce")), ("base64url(nonce)", b"bm9uY2U"),
    ("hex(sha256(spki + nonce)) + 'x'", hashlib.sha256(b"spkinonce").hexdigest().encode() + b"x"),
])  # fmt: skip
def test_a_formula_gives_its_bytes(text, want):
    assert parse(text).value(K) == want


@pytest.mark.parametrize("text", [
    "", " ", "+", "spki +", "+ spki", "spki nonce", "spki,nonce", "sha256", "sha256()", "sha256(spki", "sha256 spki)",
    "md5(spki)", "spki)", "(spki)", "bytes(0)", "bytes(0G)", "bytes()", "bytes(FF)", "zeros(0)", "zeros(2000)",
    "zeros(-1)", "''", "'\u00e9'", "'unclosed", "SPKI", "report_data", "sha256(sha256(sha256(sha256(sha256(spki)))))",
    "+".join(["spki"] * 9), "spki" + " " * 1000, "bytes (00)", "\u00a0spki\u00a0\u00a0x",
])  # fmt: skip
def test_another_form_is_refused(text):
    with pytest.raises(ValueError, match="formula"):
        parse(text)


def test_a_formula_knows_what_it_names():
    assert parse("hex(sha256(spki + nonce)) + 'key'").uses == {"spki", "nonce"}
    assert Binding({"a": parse("key"), "b": parse("nonce")}).uses == {"key", "nonce"}


@pytest.mark.parametrize("raw", [{}, {"report_data": "nonce"}, {"other": "spki"}, {"report_data@": "spki"},
                                 {"report_data@01": "spki"}, {"report_data@-1": "spki"}, {"report_data@99999": "spki"},
                                 {"report_data@2@3": "spki"}])  # fmt: skip
def test_a_binding_without_a_key_or_of_an_unknown_field_is_none(raw):
    with pytest.raises(ValueError, match="bind"):
        parse_binding(raw, FIELDS)


def test_no_secret_is_shown():
    assert "nonce" not in repr(K) and "key" not in repr(K)


@given(st.text(alphabet="spkinoce()+' \t\n'sha256hexbytes01", max_size=60) | st.text(max_size=40))
def test_any_text_is_a_formula_or_refused(text):
    try:
        formula = parse(text)
    except ValueError:
        return
    assert isinstance(formula.value(K), bytes)
