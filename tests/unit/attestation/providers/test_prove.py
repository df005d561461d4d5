"""What an endpoint claims counts only when every piece of it is proven."""

from dataclasses import replace

import pytest
from attested import BINDING, NOW, platform, wanted

from attestation.providers.base import Channel, Piece, Presented
from attestation.providers.prove import Proof, prove
from attestation.simulator.nitro import PCRS, shared_hypervisor
from attestation.simulator.nvidia import evidence, shared_vendor
from attestation.simulator.snp import shared_platform
from attestation.trust import AMD, VENDORS
from attestation.types import Check, Collateral, Evidence, Rejected, Source, Status

KEY = Channel(spki_sha256=bytes(32))


def cpu(binding: bytes = BINDING) -> Piece:
    return Piece("cpu", platform().evidence(binding), {"report_data": BINDING})


def proven(presented: Presented, **want: object) -> Proof:
    return prove(presented, replace(wanted(), **want), NOW, AMD, platform().trust)


def refused(presented: Presented, **want: object) -> set[str]:
    try:
        proven(presented, **want)
    except Rejected as e:
        return {f.partition(":")[0] for f in e.failures}
    return set()


def test_a_bound_and_approved_enclave_is_proven():
    proof = proven(Presented((cpu(),), KEY, True))
    assert proof.claims.tee == "sev-snp" and proof.not_after == proof.claims.not_after and proof.channel is KEY


def test_without_a_key_nothing_is_proven():
    assert refused(Presented((cpu(),), Channel(), True)) == {"channel"}


def test_no_piece_two_cpus_or_an_unbound_piece_are_refused():
    assert refused(Presented((), KEY, True)) == {"pieces"}
    assert refused(Presented((cpu(), cpu()), KEY, True)) == {"pieces"}
    assert "pieces" in refused(Presented((replace(cpu(), bound={}),), KEY, True))


def test_every_failure_is_named_at_once():
    own = Check("document", Status.FAIL, Source.VERIFIER, "not as it should be")
    waste = Piece("gpu", Evidence("nvidia", b"[]"), {"nonce": bytes(32)})
    got = refused(Presented((cpu(bytes(64)), waste), KEY, True, (own,)), vmpl=frozenset({1}))
    assert got == {"document", "binding", "vmpl", "gpu.format"}


def test_an_unknown_check_of_the_provider_refuses():
    own = Check("document", Status.UNKNOWN, Source.VERIFIER, "nobody knows")
    assert refused(Presented((cpu(),), KEY, True, (own,))) == {"document"}


def test_evidence_of_no_known_kind_is_refused():
    piece = Piece("cpu", Evidence("unheard-of", b""), {"report_data": BINDING})
    assert refused(Presented((piece,), KEY, True)) == {"cpu.format"}


def test_a_gpu_is_bound_and_is_no_software_beside_real_hardware():
    vendor, nonce = shared_vendor(), bytes(range(32))
    own = vendor.gpu()
    gpu = Piece("gpu", evidence(own.entry(own.report(nonce))), {"nonce": nonce})
    presented = Presented((cpu(), gpu), KEY, True)
    trust = replace(platform().trust, more=frozenset({vendor.trust.root}))
    proof = prove(presented, wanted(), NOW, VENDORS, trust)
    assert [role for role, _ in proof.others] == ["gpu"] and proof.not_after <= proof.claims.not_after
    other = Presented((cpu(), replace(gpu, bound={"nonce": bytes(32)})), KEY, True)
    no_software = replace(wanted(), allow_simulated=False)
    for wrong, want, why in ((other, wanted(), "binding"), (presented, no_software, "simulated")):
        with pytest.raises(Rejected) as caught:
            prove(wrong, want, NOW, VENDORS, trust)
        assert {f.partition(":")[0] for f in caught.value.failures} == {why}


def test_a_greatest_age_needs_a_nonce_or_a_signed_time():
    """``max_age`` of the expectations: evidence of unknown age fails, however well it binds the channel's key."""
    assert refused(Presented((cpu(),), KEY, True), max_age_s=60) == set()
    assert refused(Presented((cpu(),), KEY, False), max_age_s=60) == {"max-age"}
    assert refused(Presented((cpu(),), KEY, False)) == set()
    timed = Piece("cpu", shared_hypervisor().evidence(NOW, public_key=b"k"), {"public_key": b"k"})
    want = replace(wanted(), tees=frozenset({"nitro"}), measurements={PCRS[0]: "image"}, minimum_tcb={}, max_age_s=60)
    prove(Presented((timed,), KEY, False), want, NOW, VENDORS, shared_hypervisor().trust)


def test_collateral_that_came_along_is_used_only_where_there_is_none():
    own, foreign = platform().crl(), shared_platform("Somebody").crl()
    presented = replace(Presented((cpu(),), KEY, True), offered=Collateral(amd_crl=foreign))
    with pytest.raises(Rejected, match="crl"):
        prove(presented, wanted(), NOW, AMD, platform().trust)
    proof = prove(presented, wanted(), NOW, AMD, platform().trust, Collateral(amd_crl=own))
    assert not [c for c in proof.checks if c.id.startswith("collateral.")]
    offered = replace(presented, offered=Collateral(amd_crl=own))
    found = [c for c in prove(offered, wanted(), NOW, AMD, platform().trust).checks if c.id == "collateral.amd-crl"]
    assert [(c.status, c.source) for c in found] == [(Status.UNKNOWN, Source.PROVIDER)]
