"""Each way to misbehave is refused, and for the reason it stands for."""

import pytest
from attested import NOW, TODAY, platform, wanted

from attestation.binding import sealgate_snp_report_data
from attestation.simulator.misbehave import Misbehaviour, present
from attestation.simulator.snp import ASK_SERIAL
from attestation.trust import AMD
from attestation.types import Collateral, Malformed, Rejected
from attestation.validate import validate
from attestation.verify import verify
from attestation.wire import parse_sealgate_snp

SPKI = b"the key seen on the connection"
NONCE = bytes(range(32))

REASONS = {
    Misbehaviour.TAMPERED_REPORT: {"report.signature"},
    Misbehaviour.WRONG_NONCE: {"binding"},
    Misbehaviour.OTHER_KEY: {"binding"},
    Misbehaviour.DEBUG_GUEST: {"policy.debug"},
    Misbehaviour.VMPL_1: {"vmpl"},
    Misbehaviour.OLD_TCB: {"tcb.minimum"},
    Misbehaviour.WRONG_MEASUREMENT: {"measurement"},
    Misbehaviour.FALSE_ROOT: {"chain.root", "crl.issuer", "crl.signature"},
    Misbehaviour.EXPIRED_VCEK: {"chain.leaf-validity"},
    Misbehaviour.SWAPPED_VCEK: {"report.signature", "chip-id"},
    Misbehaviour.REVOKED_ASK: {"crl.intermediate"},
    Misbehaviour.TRAILING_BYTES: {"a report has 1184 bytes, got 1185"},
    Misbehaviour.TRUNCATED: {"a report has 1184 bytes, got 1183"},
    Misbehaviour.HUGE_DOCUMENT: {"the document has more than 65536 bytes"},
    Misbehaviour.NOT_JSON: {"the document is not JSON"},
}
OF_THE_SERVER = {Misbehaviour.HTTP_500, Misbehaviour.SLOW, Misbehaviour.KEY_ROTATION}


def judged(misbehaviour: Misbehaviour | None) -> set[str]:
    revoked = (ASK_SERIAL,) if misbehaviour is Misbehaviour.REVOKED_ASK else ()
    try:
        document = present(platform(), misbehaviour, SPKI, NONCE)
        claims = verify(
            parse_sealgate_snp(document), NOW, AMD, platform().trust, Collateral(amd_crl=platform().crl(revoked))
        )
        validate(claims, wanted(), TODAY, sealgate_snp_report_data(SPKI, NONCE))
    except Rejected as e:
        return {f.partition(":")[0] for f in e.failures}
    except Malformed as e:
        return {str(e)}
    return set()


def test_every_misbehaviour_has_a_reason_here_or_is_the_servers():
    assert set(REASONS) | OF_THE_SERVER == set(Misbehaviour)


@pytest.mark.parametrize("misbehaviour", REASONS)
def test_a_misbehaviour_is_refused_for_its_own_reason(misbehaviour):
    assert judged(misbehaviour) == REASONS[misbehaviour]


@pytest.mark.parametrize("misbehaviour", [None, *OF_THE_SERVER])
def test_an_honest_document_is_accepted(misbehaviour):
    assert judged(misbehaviour) == set()


def test_old_evidence_does_not_answer_a_new_nonce():
    old = parse_sealgate_snp(present(platform(), None, SPKI, NONCE))
    claims = verify(old, NOW, AMD, platform().trust)
    with pytest.raises(Rejected, match=r"^binding: "):
        validate(claims, wanted(), TODAY, sealgate_snp_report_data(SPKI, bytes(32)))
