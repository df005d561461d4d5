"""What NVIDIA's responder said about a device: which answers count, and what each says."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from attested import NOW, flips, ids
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponseBuilder, OCSPResponseStatus
from published import snapshot

from attestation.collateral.loose import loose
from attestation.collateral.pieces import Kind
from attestation.collateral.select import find
from attestation.der import SEQUENCE, items, one
from attestation.nvidia import ocsp
from attestation.nvidia.ocsp import compare, key_of, keys_for, read_answer
from attestation.simulator import pki
from attestation.simulator.nvidia import evidence, shared_vendor
from attestation.simulator.ocsp import DAY, Responder, answers, responders
from attestation.trust import VENDORS
from attestation.types import Check, Collateral, Malformed, Status
from attestation.verify import verify
from attestation.x509 import load_certificate

SIM = shared_vendor()
GPU = SIM.gpu()
PATH = tuple(load_certificate(der) for der in GPU.chain)
DEVICE, ISSUER = PATH[1], PATH[2]
GOOD = answers(SIM, GPU, NOW)
OWN = responders(SIM)[0]
ISSUER_KEY = SIM.keys[2]
OTHER = ec.generate_private_key(ec.SECP384R1())
PASS, FAIL, UNKNOWN = Status.PASS, Status.FAIL, Status.UNKNOWN


def judged(given: dict[str, bytes], now: dt.datetime = NOW) -> Check:
    return compare([PATH], tuple(given.values()), now)[0]


def with_device(der: bytes, now: dt.datetime = NOW) -> Check:
    """Beside good answers about the CAs."""
    name = next(k for k, v in GOOD.items() if read_answer(v).issuer_key_hash == read_answer(FIRST).issuer_key_hash)
    return judged({k: v for k, v in GOOD.items() if k != name} | {key_of(read_answer(der)): der}, now)


FIRST = OWN.answer(DEVICE, NOW)
FIRST_OF_GOOD = next(iter(GOOD.values()))


def pki_certificate(serial: int) -> Any:
    """Another certificate of the same issuer."""
    name = pki.name("another", "Sealgate Simulator")
    return load_certificate(pki.issue(name, OTHER.public_key(), ISSUER.subject, ISSUER_KEY, serial=serial))


def test_a_device_is_good_where_every_certificate_of_it_is():
    got, until = compare([PATH, PATH], tuple(GOOD.values()), NOW)
    assert got.status is PASS and until == NOW + DAY and "3 certificates" in got.detail
    for missing in GOOD:
        got = judged({k: v for k, v in GOOD.items() if k != missing})
        assert got.status is UNKNOWN and "no answer is here" in got.detail
    assert judged({}).status is UNKNOWN and compare([], tuple(GOOD.values()), NOW)[0].status is UNKNOWN


@pytest.mark.parametrize("named", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384()])
def test_an_answer_may_name_its_issuer_in_several_ways(named):
    assert with_device(OWN.answer(DEVICE, NOW, named=named)).status is PASS


def test_a_responder_may_say_that_its_key_signs():
    own = Responder(ISSUER, ISSUER_KEY, key_usage=bytes.fromhex("03020780"))
    assert with_device(own.answer(DEVICE, NOW)).status is PASS
    assert with_device(Responder(ISSUER, ISSUER_KEY, ca=False).answer(DEVICE, NOW)).status is PASS


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    number = size.to_bytes(1 if size < 256 else 2)
    return bytes((tag,)) + (number if size < 128 else bytes((0x80 + len(number),)) + number) + content


def test_an_answer_about_several_certificates_is_malformed():
    """One would have to choose, and two readers could choose differently."""
    own = Responder(ISSUER, ISSUER_KEY, delegated=False)
    parts = [items(one(read_answer(own.answer(DEVICE, NOW, status=s)).tbs_response_bytes, SEQUENCE))
             for s in (OCSPCertStatus.REVOKED, OCSPCertStatus.GOOD)]  # fmt: skip
    for chosen in (parts[:1], parts, parts[::-1], []):
        singles = b"".join(content for found in chosen for _, content in found[2:3])
        head = b"".join(tlv(tag, content) for tag, content in parts[0][:2])
        tbs = tlv(SEQUENCE, head + tlv(SEQUENCE, singles))
        signature = ISSUER_KEY.sign(tbs, ec.ECDSA(hashes.SHA384()))
        algorithm = bytes.fromhex("300a06082a8648ce3d040303")
        basic = tlv(SEQUENCE, tbs + algorithm + tlv(3, b"\0" + signature))
        inner = tlv(SEQUENCE, bytes.fromhex("06092b0601050507300101") + tlv(4, basic))
        der = tlv(SEQUENCE, bytes.fromhex("0a0100") + tlv(0xA0, inner))
        if len(chosen) == 1:
            assert with_device(der).status is FAIL  # the same by hand
        else:
            with pytest.raises(Malformed):
                read_answer(der)


def test_what_is_revoked_stays_so_when_its_responder_has_ended():
    """Responders live for days, and the device would be unknown again."""
    for end in (NOW + DAY, NOW - DAY):
        ended = Responder(ISSUER, ISSUER_KEY, end=end)
        assert with_device(ended.answer(DEVICE, NOW, status=OCSPCertStatus.REVOKED), NOW + 2 * DAY).status is FAIL


def test_a_good_answer_counts_as_long_as_its_responder():
    early = Responder(ISSUER, ISSUER_KEY, end=NOW + DAY / 2)
    der = early.answer(DEVICE, NOW)
    got, until = compare([PATH], (*GOOD.values(), der), NOW)
    assert got.status is PASS and until == NOW + DAY  # of two that are good the longer one
    alone = tuple(v for k, v in GOOD.items() if k != key_of(read_answer(der)))
    got, until = compare([PATH], (*alone, der), NOW)
    assert got.status is PASS and until == NOW + DAY / 2
    assert compare([PATH], (*alone, der), NOW + DAY / 2)[0].status is PASS
    late = compare([PATH], (*alone, der), NOW + DAY / 2 + dt.timedelta(seconds=1))[0]
    assert late.status is UNKNOWN and late.detail.endswith("its answer is not current")
    ahead = Responder(ISSUER, ISSUER_KEY, start=NOW + dt.timedelta(seconds=1))
    assert with_device(ahead.answer(DEVICE, NOW)).status is UNKNOWN
    assert with_device(ahead.answer(DEVICE, NOW), NOW + dt.timedelta(seconds=1)).status is PASS


def test_what_ends_first_ends_the_answer_for_all():
    own = OWN.answer(DEVICE, NOW, end=DAY / 4)
    alone = {k: v for k, v in GOOD.items() if k != key_of(read_answer(own))}
    for given in ((own, *alone.values()), (*alone.values(), own)):
        got, until = compare([PATH], given, NOW)
        assert got.status is PASS and until == NOW + DAY / 4


def test_a_responder_may_have_several_certificates_and_the_last_one_counts():
    own = Responder(ISSUER, ISSUER_KEY, end=NOW - DAY)
    again = Responder(ISSUER, ISSUER_KEY)
    own.extra += [Responder(ISSUER, ISSUER_KEY, own=own.key).certificate, again.certificate]
    assert with_device(own.answer(DEVICE, NOW)).status is PASS


def test_what_is_revoked_needs_no_end():
    der = OWN.answer(DEVICE, NOW, status=OCSPCertStatus.REVOKED, end=None)
    assert with_device(der, NOW + 9 * DAY).status is FAIL


@pytest.mark.parametrize("reason", [None, x509.ReasonFlags.key_compromise, x509.ReasonFlags.certificate_hold])
def test_what_is_revoked_fails_for_whatever_reason_and_however_old_the_answer(reason):
    der = OWN.answer(DEVICE, NOW, status=OCSPCertStatus.REVOKED, reason=reason)
    for now in (NOW, NOW + 9 * DAY):
        got = with_device(der, now)
        assert got.status is FAIL and got.detail == f"serial {DEVICE.serial_number:x}: NVIDIA revoked it"


def test_what_the_responder_does_not_know_is_not_known():
    assert "does not know" in with_device(OWN.answer(DEVICE, NOW, status=OCSPCertStatus.UNKNOWN)).detail


def test_an_answer_counts_from_its_beginning_to_its_end():
    for now, status in (
        (NOW - dt.timedelta(seconds=61), UNKNOWN), (NOW - dt.timedelta(seconds=60), PASS), (NOW + DAY, PASS),
        (NOW + DAY + dt.timedelta(seconds=1), UNKNOWN),
    ):  # fmt: skip
        assert judged(GOOD, now).status is status


NAMESAKE = load_certificate(pki.issue(ISSUER.subject, OTHER.public_key(), ISSUER.subject, OTHER, ca=True))
ENCRYPTION = bytes.fromhex("03020520")
"""keyUsage: keyEncipherment."""
STRANGERS = {
    "another key": Responder(ISSUER, ISSUER_KEY, by=OTHER),
    "no purpose": Responder(ISSUER, ISSUER_KEY, usage=None),
    "another purpose": Responder(ISSUER, ISSUER_KEY, usage=bytes.fromhex("300a06082b06010505070301")),
    "a CA": Responder(ISSUER, ISSUER_KEY, ca=True),
    "an encryption key": Responder(ISSUER, ISSUER_KEY, key_usage=ENCRYPTION),
    "a key of another kind": Responder(ISSUER, ISSUER_KEY, own=rsa.generate_private_key(65537, 2048)),
    "a weak certificate": Responder(ISSUER, ISSUER_KEY, digest=hashes.SHA224()),
    "of the root": Responder(PATH[4], SIM.keys[0]),
    "the root": Responder(PATH[4], SIM.keys[0], delegated=False),
    "one of that name": Responder(NAMESAKE, OTHER, delegated=False),
    "whom that one named": Responder(NAMESAKE, OTHER),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_only_the_issuer_or_whom_it_named_may_answer(name):
    for status in (OCSPCertStatus.GOOD, OCSPCertStatus.REVOKED):
        got = with_device(STRANGERS[name].answer(DEVICE, NOW, issuer=ISSUER, status=status))
        assert got.status is UNKNOWN and "not signed" in got.detail
    assert with_device(Responder(ISSUER, ISSUER_KEY, delegated=False).answer(DEVICE, NOW)).status is PASS


def test_an_answer_about_another_certificate_does_not_count():
    der = OWN.answer(DEVICE, NOW)
    own = key_of(read_answer(der))
    about_ca = next(v for k, v in GOOD.items() if k != own)
    assert judged({**GOOD, own: about_ca}).detail.endswith("no answer is here")
    other = Responder(ISSUER, ISSUER_KEY).answer(pki_certificate(2), NOW)
    assert judged({**GOOD, own: other}).detail.endswith("no answer is here")


def test_an_answer_is_of_an_issuer_by_name_and_key():
    name = pki.name("Other", "x")  # an answer names the issuer that the certificate names
    theirs = load_certificate(pki.issue(name, OTHER.public_key(), name, ISSUER_KEY, serial=DEVICE.serial_number))
    for status in (OCSPCertStatus.GOOD, OCSPCertStatus.REVOKED):
        der = Responder(ISSUER, ISSUER_KEY).answer(theirs, NOW, status=status)
        assert with_device(der).detail.endswith("of another issuer")


def test_no_flipped_bit_of_an_answer_counts():
    for raw in flips(FIRST):
        assert judged({**GOOD, key_of(read_answer(FIRST)): raw}).status is UNKNOWN


def test_a_bit_of_a_signature_that_is_called_unused_makes_the_answer_malformed():
    """The number of unused bits is signed by nobody, and the library passes over it where the last bit is zero."""
    for which in ("answer", "responder"):
        while True:
            own = responders(SIM)[0]
            der = own.answer(DEVICE, NOW)
            signature = read_answer(der).signature if which == "answer" else own.certificate.signature
            if not signature[-1] & 1:
                break
        at = der.index(b"\0" + signature)
        with pytest.raises(Malformed):
            read_answer(der[:at] + b"\1" + der[at + 1 :])


def unsuccessful() -> bytes:
    return OCSPResponseBuilder.build_unsuccessful(OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "der",
    {
        "nothing": b"", "text": b"<html>", "unsuccessful": unsuccessful(), "tail": FIRST + b"\0", "cut": FIRST[:-1],
        "no end": OWN.answer(DEVICE, NOW, end=None), "critical": OWN.answer(DEVICE, NOW, critical=True),
        "weak name": OWN.answer(DEVICE, NOW, named=hashes.SHA224()), "large": b"\x30" * 70_000,
    }.values(),
)  # fmt: skip
def test_another_form_is_malformed(der):
    with pytest.raises(Malformed):
        read_answer(der)
    assert judged({**GOOD, key_of(read_answer(FIRST)): der}).status is UNKNOWN


def test_a_weak_signature_does_not_count():
    assert with_device(OWN.answer(DEVICE, NOW, digest=hashes.SHA224())).status is UNKNOWN


def test_evidence_is_refused_when_revoked_and_its_claims_end_with_the_answers():
    def claims(given: dict[str, bytes]) -> Any:
        return verify(evidence(GPU.entry()), NOW, VENDORS, SIM.trust, Collateral(ocsp=tuple(given.values())))

    got = claims(GOOD)
    assert {c.id for c in got.checks if c.status is UNKNOWN} == {"reference-values"} and got.not_after == NOW + DAY
    assert claims({}).not_after > NOW + DAY
    bad = OWN.answer(DEVICE, NOW, status=OCSPCertStatus.REVOKED)
    for given in ((bad, *GOOD.values()), (*GOOD.values(), bad)):  # none hides another
        assert ids(evidence(GPU.entry()), SIM.trust, collateral=Collateral(ocsp=given)) == {"revocation"}


def test_the_store_takes_answers_as_files_and_gives_those_about_the_devices():
    pieces = [piece for der in GOOD.values() for piece in loose(der, NOW, [PATH])]
    assert {p.name for p in pieces} == {(Kind.OCSP, key) for key in GOOD}
    collateral, checks = find(snapshot(*pieces), evidence(GPU.entry()), NOW)
    assert set(collateral.ocsp) == set(GOOD.values()) and not checks
    assert find(snapshot(pieces[0]), evidence(GPU.entry()), NOW)[0].ocsp == (FIRST_OF_GOOD,)


def test_an_answer_has_its_length(monkeypatch):
    monkeypatch.setattr(ocsp, "MAX_OCSP_BYTES", len(FIRST))
    read_answer(FIRST)
    monkeypatch.setattr(ocsp, "MAX_OCSP_BYTES", len(FIRST) - 1)
    with pytest.raises(Malformed, match="at most"):
        read_answer(FIRST)


def test_an_issuer_with_a_key_of_another_kind_is_nobodys():
    """Names are computed before the chain is judged."""
    key = rsa.generate_private_key(65537, 2048)
    issuer = load_certificate(pki.issue(ISSUER.subject, key.public_key(), ISSUER.subject, key, ca=True, pss=None))
    assert not set(keys_for(DEVICE, issuer)) & set(GOOD)
    assert compare([(PATH[0], DEVICE, issuer)], tuple(GOOD.values()), NOW)[0].status is UNKNOWN
