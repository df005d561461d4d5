"""Chains of any length: one test per rule."""

import datetime as dt

import pytest
from attested import NOW
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from attestation.paths import ECDSA, MAX_CHAIN, RSA, check_issuers, check_path, ends, load_path
from attestation.simulator import pki
from attestation.types import Malformed, Status
from attestation.x509 import load_certificate

KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
NAMES = [pki.name(f"n{i}", "test") for i in range(3)]
OTHER = "1.2.3.4"


def issued(number: int, by: int, key=None, signer=None, depth: int | None = None, **how: object) -> bytes:
    if depth is not None:
        builder = x509.CertificateBuilder(NAMES[by], NAMES[number], KEYS[number].public_key(), 7, pki.START, pki.END)
        builder = builder.add_extension(x509.BasicConstraints(True, depth), True)
        return builder.sign(KEYS[by], hashes.SHA256()).public_bytes(Encoding.DER)
    digest = how.pop("digest", hashes.SHA256())
    public = (key or KEYS[number]).public_key()
    return pki.issue(NAMES[number], public, NAMES[by], signer or KEYS[by], digest=digest, **how)


ROOT, MIDDLE, LEAF = issued(0, 0, ca=True), issued(1, 0, ca=True), issued(2, 1)


def verdict(*chain: bytes, algorithms=ECDSA, now: dt.datetime = NOW) -> set[str]:
    checks = check_path("c", load_path(chain), frozenset({ROOT}), now, algorithms)
    return {c.id.removeprefix("c.") for c in checks if c.status is Status.FAIL}


def test_a_good_chain_passes():
    assert verdict(LEAF, MIDDLE, ROOT) == set()


def test_the_root_is_pinned_byte_for_byte():
    assert verdict(LEAF, MIDDLE, issued(0, 0, ca=True)) == {"root"}


def test_algorithms_and_key_sizes_are_on_a_list():
    assert verdict(LEAF, MIDDLE, ROOT, algorithms=RSA) == {"algorithm"}
    assert verdict(issued(2, 1, digest=hashes.SHA512()), MIDDLE, ROOT) == {"algorithm"}
    small = rsa.generate_private_key(65537, 1024)
    assert verdict(issued(2, 1, key=small), MIDDLE, ROOT) == {"algorithm"}
    short = ec.generate_private_key(ec.SECP192R1())
    assert verdict(issued(2, 1, key=short), MIDDLE, ROOT) == {"algorithm"}


def test_keys_of_every_kind_that_is_taken_are_taken_and_no_other():
    key = rsa.generate_private_key(65537, 2048)
    root = issued(0, 0, key=key, signer=key, ca=True, pss=None)
    leaf = issued(2, 0, key=key, signer=key, pss=None)
    checks = check_path("c", load_path((leaf, root)), frozenset({root}), NOW, RSA)
    assert {c.status for c in checks} == {Status.PASS}
    edwards = issued(2, 1, key=Ed25519PrivateKey.generate())
    assert verdict(edwards, MIDDLE, ROOT) == {"algorithm"}


def test_each_is_signed_by_the_next():
    assert verdict(issued(2, 1, signer=KEYS[0]), MIDDLE, ROOT) == {"signature"}
    assert verdict(issued(2, 0), MIDDLE, ROOT) == {"issuer", "signature"}


def test_all_are_in_force():
    assert verdict(issued(2, 1, end=NOW - dt.timedelta(1)), MIDDLE, ROOT) == {"validity"}
    second, short = dt.timedelta(seconds=1), issued(2, 1, start=NOW, end=NOW + dt.timedelta(1))
    assert verdict(short, MIDDLE, ROOT) == verdict(short, MIDDLE, ROOT, now=NOW + dt.timedelta(1)) == set()
    assert verdict(short, MIDDLE, ROOT, now=NOW - second) == {"validity"}
    assert verdict(short, MIDDLE, ROOT, now=NOW + dt.timedelta(1) + second) == {"validity"}
    assert ends(load_path((short, MIDDLE, ROOT))) == NOW + dt.timedelta(1)
    assert verdict(LEAF, issued(1, 0, ca=True, start=NOW + dt.timedelta(1)), ROOT) == {"validity"}


def test_issuers_are_authorities_and_the_leaf_is_none():
    assert verdict(issued(2, 1, ca=True), MIDDLE, ROOT) == {"constraints"}
    assert verdict(issued(2, 1, ca=True, cert_sign=False), MIDDLE, ROOT) == {"constraints"}
    assert verdict(issued(2, 1, ca=False, cert_sign=False), MIDDLE, ROOT) == set()
    assert verdict(LEAF, issued(1, 0), ROOT) == {"constraints"}
    assert verdict(LEAF, issued(1, 0, ca=False), ROOT) == {"constraints"}
    assert verdict(LEAF, issued(1, 0, ca=True, cert_sign=False), ROOT) == {"constraints"}


@pytest.mark.parametrize(("usage", "good"), [("03020780", True), ("03020520", False), ("03020106", False)])
def test_a_leafs_key_may_sign_where_it_says_what_it_may_do(usage, good):
    """Under one root there are keys that open secrets beside those that sign (Google's TPMs)."""
    leaf = issued(2, 1, extensions={"2.5.29.15": bytes.fromhex(usage)})
    assert verdict(leaf, MIDDLE, ROOT) == (set() if good else {"constraints"})


def issuers(*chain: bytes, now: dt.datetime = NOW, algorithms=ECDSA, pinned: bytes = ROOT) -> set[str]:
    path = tuple(load_certificate(der) for der in chain)
    checks = check_issuers("c", path, frozenset({pinned}), now, algorithms)
    return {c.id.removeprefix("c.") for c in checks if c.status is Status.FAIL}


def test_a_chain_of_issuers_has_no_leaf():
    assert issuers(MIDDLE, ROOT) == issuers(ROOT) == set()
    assert issuers(LEAF, MIDDLE, ROOT) == issuers(issued(1, 0, ca=False), ROOT) == {"constraints"}
    assert issuers(issued(1, 0, ca=True, cert_sign=False), ROOT) == {"constraints"}
    for depth in (0, 1):
        above = issued(0, 0, depth=depth)
        assert issuers(above, pinned=above) == set()
        assert issuers(MIDDLE, above, pinned=above) == (set() if depth else {"constraints"})
    assert issuers(MIDDLE) == {"root", "issuer", "signature"}
    assert issuers(issued(0, 0, ca=True)) == {"root"}
    assert issuers(MIDDLE, ROOT, ROOT) == {"distinct"}
    assert issuers(MIDDLE, ROOT, algorithms=RSA) == {"algorithm"}
    assert issuers(MIDDLE, ROOT, now=pki.START - dt.timedelta(1)) == {"validity"}


def test_an_authority_reaches_as_deep_as_it_says():
    below = issued(1, 0, depth=0)
    assert verdict(LEAF, below, ROOT) == set()
    deeper = issued(0, 0, depth=0)
    checks = check_path("c", load_path((LEAF, MIDDLE, deeper)), frozenset({deeper}), NOW)
    assert {c.id for c in checks if c.status is Status.FAIL} == {"c.constraints"}


def test_an_unknown_critical_extension_is_refused():
    assert verdict(issued(2, 1, extensions={OTHER: b"\5\0"}, critical=True), MIDDLE, ROOT) == {"critical"}
    assert verdict(issued(2, 1, extensions={OTHER: b"\5\0"}), MIDDLE, ROOT) == set()
    purpose = {"2.5.29.37": bytes.fromhex("300a06082b06010505070302")}
    assert verdict(issued(2, 1, ca=False, cert_sign=False, extensions=purpose, critical=True), MIDDLE, ROOT) == set()


def test_no_certificate_comes_twice():
    assert verdict(LEAF, MIDDLE, ROOT, ROOT) == {"distinct"}


@pytest.mark.parametrize("count", [2, MAX_CHAIN])
def test_a_chain_of_any_other_length_is_read(count):
    assert len(load_path((ROOT,) * count)) == count


@pytest.mark.parametrize("count", [0, 1, MAX_CHAIN + 1])
def test_a_chain_of_another_length_is_malformed(count):
    with pytest.raises(Malformed):
        load_path((ROOT,) * count)
