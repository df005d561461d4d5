"""One test per rule of a chain and of a revocation list; each starts from a right chain and changes one thing."""

import datetime as dt
from dataclasses import replace

import pytest
from attested import NOW, der, platform, vector
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from attestation.simulator import pki
from attestation.simulator.snp import ASK_SERIAL, TCB, vcek_extensions
from attestation.types import Malformed, Status
from attestation.x509 import (
    Chain,
    check_chain,
    check_revocation,
    common_name,
    load_certificate,
    load_chain,
    load_crl,
)

SIM = platform()
CHAIN = (SIM.chip.certificate, SIM.ask, SIM.root)
LEAF_NAME = pki.name("SEV-VCEK", "Sealgate Simulator")
EXTENSIONS = vcek_extensions("Genoa", TCB, SIM.chip.chip_id)
PAST = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
FUTURE = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def leaf(**changes) -> bytes:
    args = {"subject": LEAF_NAME, "key": SIM.chip.key.public_key(), "issuer": SIM.ask_name, "signer": SIM.ask_key}
    return pki.issue(**{**args, "extensions": EXTENSIONS, **changes})


def ask(**changes) -> bytes:
    args = {"subject": SIM.ask_name, "key": SIM.ask_key.public_key(), "issuer": SIM.root_name, "signer": SIM.root_key}
    return pki.issue(**{**args, "serial": ASK_SERIAL, "ca": True, **changes})


def root(**changes) -> bytes:
    args = {"subject": SIM.root_name, "key": SIM.root_key.public_key(), "issuer": SIM.root_name, "signer": SIM.root_key}
    return pki.issue(**{**args, "ca": True, **changes})


def failed(*chain: bytes, pinned: frozenset[bytes] | None = None, now: dt.datetime = NOW) -> set[str]:
    checks = check_chain(load_chain(chain), pinned or frozenset({chain[2]}), now)
    return {c.id for c in checks if c.status is not Status.PASS}


def test_a_right_chain_passes_every_check():
    checks = check_chain(load_chain(CHAIN), frozenset({SIM.root}), NOW)
    assert len({c.id for c in checks}) == len(checks) == 19
    assert failed(*CHAIN) == set()


def test_rebuilt_certificates_pass_so_that_the_changes_below_are_the_reason():
    assert failed(leaf(), ask(), SIM.root) == set()


def test_a_root_that_only_has_the_same_key_and_name_is_refused():
    assert failed(leaf(), ask(), root(serial=7), pinned=frozenset({SIM.root})) == {"chain.root"}


def test_no_pinned_root_refuses():
    assert "chain.root" in {c.id for c in check_chain(load_chain(CHAIN), frozenset(), NOW) if c.status is Status.FAIL}


OTHER_RSA = rsa.generate_private_key(65537, 2048)
WEAK_RSA = rsa.generate_private_key(65537, 1024)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())


@pytest.mark.parametrize(
    ("chain", "want"),
    [
        ((leaf(signer=OTHER_RSA), SIM.ask, SIM.root), {"chain.leaf-signature"}),
        ((SIM.chip.certificate, ask(signer=OTHER_RSA), SIM.root), {"chain.intermediate-signature"}),
        ((SIM.chip.certificate, SIM.ask, root(signer=OTHER_RSA)), {"chain.root-signature"}),
        ((leaf(issuer=SIM.root_name), SIM.ask, SIM.root), {"chain.leaf-issuer", "chain.leaf-signature"}),
        ((leaf(), ask(issuer=LEAF_NAME), SIM.root), {"chain.intermediate-issuer", "chain.intermediate-signature"}),
        ((leaf(), SIM.ask, root(issuer=LEAF_NAME)), {"chain.root-issuer", "chain.root-signature"}),
        ((leaf(digest=hashes.SHA256()), SIM.ask, SIM.root), {"chain.algorithm", "chain.leaf-signature"}),
        ((leaf(pss=None), SIM.ask, SIM.root), {"chain.algorithm", "chain.leaf-signature"}),
        ((leaf(pss=padding.PSS(padding.MGF1(hashes.SHA384()), 32)), SIM.ask, SIM.root), {"chain.leaf-signature"}),
        ((leaf(key=P256.public_key()), SIM.ask, SIM.root), {"chain.leaf-key"}),
        ((leaf(key=OTHER_RSA.public_key()), SIM.ask, SIM.root), {"chain.leaf-key"}),
        ((leaf(signer=WEAK_RSA), ask(key=WEAK_RSA.public_key()), SIM.root), {"chain.issuer-keys"}),
        (
            (leaf(signer=P384), ask(key=P384.public_key()), SIM.root),
            {"chain.issuer-keys", "chain.algorithm", "chain.leaf-signature"},
        ),
        ((leaf(ca=True), SIM.ask, SIM.root), {"chain.leaf-constraints"}),
        ((leaf(), ask(ca=None), SIM.root), {"chain.intermediate-constraints"}),
        ((leaf(), ask(ca=False), SIM.root), {"chain.intermediate-constraints"}),
        ((leaf(), ask(cert_sign=False), SIM.root), {"chain.intermediate-constraints"}),
        ((leaf(), SIM.ask, root(ca=False)), {"chain.root-constraints"}),
        ((leaf(critical=True), SIM.ask, SIM.root), {"chain.leaf-critical"}),
        ((leaf(), ask(extensions={"1.2.3": b"\5\0"}, critical=True), SIM.root), {"chain.intermediate-critical"}),
        ((leaf(), SIM.ask, root(extensions={"1.2.3": b"\5\0"}, critical=True)), {"chain.root-critical"}),
        ((leaf(end=PAST), SIM.ask, SIM.root), {"chain.leaf-validity"}),
        ((leaf(start=FUTURE), SIM.ask, SIM.root), {"chain.leaf-validity"}),
        ((leaf(), ask(end=PAST), SIM.root), {"chain.intermediate-validity"}),
        ((leaf(), SIM.ask, root(end=PAST)), {"chain.root-validity"}),
    ],
)
def test_each_rule_of_the_chain_refuses_on_its_own(chain, want):
    assert failed(*chain) == want


def test_dates_hold_to_the_second():
    end = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    chain = (leaf(end=end), SIM.ask, SIM.root)
    assert failed(*chain, now=end) == set()
    assert failed(*chain, now=end + dt.timedelta(seconds=1)) == {"chain.leaf-validity"}


@pytest.mark.parametrize("chain", [(), CHAIN[:2], (*CHAIN, SIM.root)])
def test_a_chain_of_another_length_is_malformed(chain):
    with pytest.raises(Malformed):
        load_chain(chain)


@pytest.mark.parametrize("bad", [b"", b"\x30", SIM.ask[:-1], SIM.ask + b"\0", b"0" * 9000, SIM.crl()])
def test_what_is_not_one_certificate_is_malformed(bad):
    with pytest.raises(Malformed):
        load_certificate(bad)


def test_a_certificate_with_an_extension_twice_is_malformed():
    doubled = leaf().replace(bytes.fromhex("060a2b060104019c78010301"), bytes.fromhex("060a2b060104019c78010302"))
    with pytest.raises(Malformed):
        load_certificate(doubled)


def test_no_bit_of_a_leaf_certificate_is_ignored():
    for at in range(len(CHAIN[0])):
        flipped = bytearray(CHAIN[0])
        flipped[at] ^= 1
        try:
            assert failed(bytes(flipped), SIM.ask, SIM.root), f"byte {at}"
        except Malformed:
            continue


def test_no_bit_of_a_real_leaf_certificate_is_ignored():
    real = vector("snp/milan_virtee/vcek_milan.der")
    pems = x509.load_pem_x509_certificates(vector("snp/milan_virtee/cert_chain_milan"))
    issuers = tuple(c.public_bytes(pki.Encoding.DER) for c in pems)
    now = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    assert failed(real, *issuers, now=now) == set()
    for at in range(len(real)):
        flipped = bytearray(real)
        flipped[at] ^= 1
        try:
            assert failed(bytes(flipped), *issuers, now=now), f"byte {at}"
        except Malformed:
            continue


def test_a_name_with_two_common_names_has_none():
    twice = x509.Name([*SIM.ask_name, *SIM.ask_name])
    assert common_name(SIM.ask_name) == "SEV-Genoa"
    assert common_name(twice) is None
    assert common_name(x509.Name([])) is None


def crl_failed(crl: bytes, now: dt.datetime = NOW, chain: Chain | None = None) -> set[str]:
    checks = check_revocation(load_crl(crl), chain or load_chain(CHAIN), now)
    return {c.id for c in checks if c.status is not Status.PASS}


def revocation_list(**changes) -> bytes:
    return pki.revocation_list(**{"issuer": SIM.root_name, "signer": SIM.root_key, **changes})


def test_without_a_list_revocation_is_unknown_and_not_passed():
    (only,) = check_revocation(None, load_chain(CHAIN), NOW)
    assert only.status is Status.UNKNOWN


def test_a_current_list_of_the_root_passes():
    assert crl_failed(SIM.crl()) == set()
    assert crl_failed(SIM.crl((1, 2, 3))) == set()


@pytest.mark.parametrize(
    ("crl", "want"),
    [
        (SIM.crl((ASK_SERIAL,)), {"crl.intermediate"}),
        (SIM.crl((5, ASK_SERIAL, 6)), {"crl.intermediate"}),
        (revocation_list(signer=OTHER_RSA), {"crl.signature"}),
        (revocation_list(issuer=SIM.ask_name), {"crl.issuer"}),
        (revocation_list(end=PAST), {"crl.window"}),
        (revocation_list(start=FUTURE), {"crl.window"}),
        (revocation_list(partial=True), {"crl.scope"}),
    ],
)
def test_each_rule_of_a_revocation_list_refuses_on_its_own(crl, want):
    assert crl_failed(crl) == want


@pytest.mark.parametrize("bad", [b"", b"\x30", SIM.crl()[:-1], SIM.crl() + b"\0", SIM.ask, b"0" * 70_000])
def test_what_is_not_one_revocation_list_is_malformed(bad):
    with pytest.raises(Malformed):
        load_crl(bad)


def real_crl(name: str) -> bytes:
    return x509.load_pem_x509_crl(vector(f"openpcc/extracted/{name}")).public_bytes(pki.Encoding.DER)


def real_chain(product: str) -> Chain:
    pem = vector(f"snp/roots/ask_ark_{product}.pem")
    issuer, anchor = x509.load_pem_x509_certificates(pem)
    leaf_ = load_certificate(der(vector("openpcc/extracted/test_vcek.pem")))
    return Chain(leaf_, issuer, anchor)


def test_the_real_revocation_lists_pass_in_their_window_and_not_after():
    inside = dt.datetime(2025, 8, 1, tzinfo=dt.UTC)
    assert crl_failed(real_crl("test_amd_milan_crl.pem"), inside, real_chain("milan")) == set()
    assert crl_failed(real_crl("test_amd_genoa_crl.pem"), inside, real_chain("genoa")) == set()
    late = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    assert crl_failed(real_crl("test_amd_milan_crl.pem"), late, real_chain("milan")) == {"crl.window"}


def test_the_genoa_intermediate_that_was_really_revoked_is_refused():
    revoked = replace(real_chain("genoa"), intermediate=load_certificate(ask(serial=0x20001)))
    inside = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
    assert crl_failed(real_crl("test_amd_genoa_crl.pem"), inside, revoked) == {"crl.intermediate"}


def test_a_revocation_list_of_another_product_is_refused():
    inside = dt.datetime(2025, 8, 1, tzinfo=dt.UTC)
    found = crl_failed(real_crl("test_amd_milan_crl.pem"), inside, real_chain("genoa"))
    assert found == {"crl.issuer", "crl.signature"}
