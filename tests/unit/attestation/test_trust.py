"""Vendor roots are those named in the source, and no other root gets in."""

import hashlib
from importlib import resources

import pytest
from attested import NOW, platform, verdict

from attestation import trust
from attestation.trust import AMD, PRODUCTS, SimulatedTrust, TrustStore, amd_chain, certificate
from attestation.types import Evidence, Rejected
from attestation.verify import verify

# Written here a second time, so that source and test must both be changed to trust another root.
ARKS = {
    "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd",
    "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1",
    "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a",
}


def test_the_default_trust_is_exactly_the_three_vendor_roots():
    assert {hashlib.sha256(root).hexdigest() for root in AMD.roots} == ARKS


@pytest.mark.parametrize("name", trust.FILES)
def test_each_shipped_certificate_has_the_digest_in_the_source(name):
    assert hashlib.sha256(certificate(name)).hexdigest() == trust.FILES[name]


def test_a_vendors_root_counts_for_its_own_evidence_only():
    for vendor, files in trust.VENDOR_ROOTS.items():
        assert trust.VENDORS.of(vendor, None) == {certificate(name) for name in files}
    assert AMD.of("intel", None) == frozenset()


def test_the_folder_of_roots_holds_nothing_else():
    files = {f.name for f in resources.files("attestation.roots").iterdir() if f.name.endswith(".pem")}
    assert files == {f"{name}.pem" for name in trust.FILES}


def test_a_replaced_file_is_refused(monkeypatch):
    monkeypatch.setattr(trust, "FILES", {"amd_milan_ark": "0" * 64})
    with pytest.raises(ValueError, match="not the certificate"):
        certificate("amd_milan_ark")


def test_a_trust_store_takes_no_root_that_is_not_in_the_source():
    with pytest.raises(ValueError, match="not one of the vendor roots"):
        TrustStore(frozenset({platform().root}))
    with pytest.raises(ValueError, match="not one of the vendor roots"):
        TrustStore(frozenset({amd_chain("Milan")[0]}))


def test_an_empty_trust_store_is_refused():
    with pytest.raises(ValueError, match="trusts nothing"):
        TrustStore(frozenset())


def test_the_simulated_root_is_refused_by_default_trust():
    assert verdict(platform().evidence(bytes(64))) == {"chain.root"}


def test_another_simulated_root_is_refused():
    other = SimulatedTrust(amd_chain("Milan")[0])
    with pytest.raises(Rejected, match=r"chain\.root"):
        verify(platform().evidence(bytes(64)), NOW, AMD, other)


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("vlek", [False, True])
def test_shipped_intermediates_chain_to_their_root(product, vlek):
    intermediate, root = amd_chain(product, vlek=vlek)
    found = verdict(
        Evidence("sealgate-snp", platform().report(bytes(64)), (platform().chip.certificate, intermediate, root))
    )
    assert not found & {"chain.root", "chain.intermediate-signature", "chain.root-signature"}


def test_an_unknown_product_has_no_chain():
    with pytest.raises(ValueError, match="unknown product"):
        amd_chain("Naples")
