import copy
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sealed import refused, x

from attestation.sealing import CurveSecret, Fault, SealingError, X25519Secret, check_x25519, from_hex, one_header
from attestation.types import AttestationError

P = 2**255 - 19
# RFC 7748 §7 and the list of cr.yp.to/ecdh.html: every encoding of a point of low order in 255 bits
LOW = {
    "zero": 0,
    "one": 1,
    "order 8, first": int.from_bytes(x("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"), "little"),
    "order 8, second": int.from_bytes(x("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"), "little"),
    "minus one": P - 1,
}


@pytest.mark.parametrize("name", LOW)
def test_a_point_of_low_order_is_refused_before_it_is_used(name):
    raw = LOW[name].to_bytes(32, "little")
    refused(Fault.KEY, check_x25519, raw)
    refused(Fault.KEY, X25519Secret().shared, raw)


@pytest.mark.parametrize("u", [P, P + 1, 2**255 - 1, 9 + P, 2**255 + 9])
def test_a_second_spelling_of_a_point_is_refused(u):
    refused(Fault.KEY, check_x25519, u.to_bytes(32, "little"))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_length_is_refused(size):
    refused(Fault.KEY, check_x25519, b"\x09" + bytes(size - 1) if size else b"")


def test_the_all_zero_secret_is_refused_whatever_the_library_does():
    class Careless:
        def exchange(self, _peer):
            return bytes(32)

    ours = X25519Secret()
    ours._key = Careless()
    refused(Fault.KEY, ours.shared, X25519Secret().public)


def test_both_sides_get_one_secret():
    for make in (X25519Secret, lambda: CurveSecret(ec.SECP256K1()), lambda: CurveSecret(ec.SECP256R1())):
        a, b = make(), make()
        assert a.shared(b.public) == b.shared(a.public)


@pytest.mark.parametrize("raw", [b"", b"\4" + bytes(64), b"\2" + bytes(32), b"\0" * 65, b"\4" + b"\1" * 64])
def test_what_is_no_point_is_refused(raw):
    refused(Fault.KEY, CurveSecret(ec.SECP256R1()).shared, raw)


def test_a_point_of_another_curve_is_refused():
    refused(Fault.KEY, CurveSecret(ec.SECP256R1()).shared, CurveSecret(ec.SECP256K1()).public)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_holder_of_keys_cannot_be_copied(copied):
    with pytest.raises(TypeError):
        copied(X25519Secret())


@pytest.mark.parametrize("text", ["AB", "a", "0xab", " ab", "a b0", "ab\n", "gg", "٠٠"])
def test_only_plain_hex_is_hex(text):
    refused(Fault.FRAME, from_hex, text, Fault.FRAME, "a field")


def test_hex_has_its_size():
    assert from_hex("abcd", Fault.FRAME, "a field", 2) == b"\xab\xcd"
    refused(Fault.FRAME, from_hex, "abcd", Fault.FRAME, "a field", 3)


def test_a_header_is_read_once_in_any_case():
    assert one_header([("A", "1"), ("b", "2")], "a") == "1"
    assert one_header([], "a") is None
    refused(Fault.UNSEALED, one_header, [("A", "1"), ("a", "1")], "a")


def test_the_error_is_an_error_of_attestation_and_says_its_fault():
    assert issubclass(SealingError, AttestationError)
    assert str(SealingError(Fault.KEY, "text")) == "key: text"
