"""Every parser of evidence reads what comes in or raises its documented error, and nothing damaged passes."""

import json

import pytest
from attested import BINDING, NOW, platform
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from attestation import cbor, der
from attestation.nitro.document import parse_document
from attestation.nvidia.ocsp import read_answer
from attestation.nvidia.report import parse_report
from attestation.nvidia.rim import unpacked
from attestation.nvidia.signedxml import read as read_signed_xml
from attestation.nvidia.verify import parse_devices
from attestation.recognise import recognise
from attestation.simulator.azure import hcl_blob, runtime, shared_tpm, snp_machine
from attestation.simulator.intel import shared_intel
from attestation.simulator.nitro import shared_hypervisor
from attestation.simulator.nvidia import evidence as devices
from attestation.simulator.nvidia import shared_vendor
from attestation.simulator.ocsp import answers
from attestation.simulator.rim import Signer
from attestation.simulator.tokens import shared_services
from attestation.tdx.collateral import parse_collateral
from attestation.tdx.eventlog import parse_log
from attestation.tdx.quote import parse_quote
from attestation.tpm.hcl import split
from attestation.tpm.quote import parse_attest
from attestation.trust import VENDORS, SimulatedTrust
from attestation.types import Collateral, Evidence, Malformed, Rejected
from attestation.verify import verify

SNP, INTEL, NITRO, TOKENS, TPM = platform(), shared_intel(), shared_hypervisor(), shared_services(), shared_tpm()
COLLATERAL = INTEL.collateral(NOW)
GPU = shared_vendor().gpu()
DATA = runtime(TPM)
LOG = b'[{"imr":3,"event_type":1,"digest":"%s","event":"a","event_payload":"00"}]' % (b"01" * 48)
RIM = Signer(shared_vendor()).rim()
SAMPLES = {
    "cbor": (lambda raw: cbor.load(raw, indefinite=True, tags=frozenset({18})), NITRO.document(NOW)),
    "der": (der.items, INTEL.pck.public_bytes(Encoding.DER)),
    "nitro": (parse_document, NITRO.document(NOW)),
    "quote": (parse_quote, INTEL.tdx_quote(BINDING)),
    "collateral": (lambda raw: parse_collateral(raw.decode("utf-8", "replace")), (COLLATERAL.intel or "").encode()),
    "log": (parse_log, LOG),
    "spdm": (parse_report, GPU.report()),
    "devices": (parse_devices, devices(GPU.entry()).report),
    "manifest": (lambda raw: read_signed_xml(unpacked(raw), 2**20, shared_vendor().trust.roots, NOW), RIM),
    "ocsp": (read_answer, next(iter(answers(shared_vendor(), GPU, NOW).values()))),
    "hcl": (split, hcl_blob(SNP.report(BINDING), DATA)),
    "attest": (parse_attest, TPM.parts()["tpm_quote"]),
    "recognise": (recognise, TOKENS.token(TOKENS.maa_sgx(NOW))),
}


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """``whole`` with some bytes replaced, cut out or put in; or something else altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=300))
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
    return bytes(data)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_parser_reads_or_says_malformed(name, data):
    parse, whole = SAMPLES[name]
    try:
        parse(data.draw(damaged(whole)))
    except Malformed:
        return


MACHINE = snp_machine(SNP, DATA, TPM.parts())
NRAS = TOKENS.nras(NOW, {"GPU-0": TOKENS.device(NOW, "ab" * 32)})
GOOD: dict[str, tuple[Evidence, SimulatedTrust]] = {
    "nitro": (NITRO.evidence(NOW), NITRO.trust),
    "tdx": (Evidence("tdx", INTEL.tdx_quote(BINDING)), INTEL.trust),
    "sgx": (Evidence("sgx", INTEL.tdx_quote(BINDING)), INTEL.trust),
    "maa": (Evidence("maa", TOKENS.token(TOKENS.maa_sgx(NOW))), TOKENS.trust),
    "google": (Evidence("google", TOKENS.token(TOKENS.google(NOW))), TOKENS.trust),
    "ita": (Evidence("ita", TOKENS.token(TOKENS.ita(NOW), "PS384")), TOKENS.trust),
    "nras": (Evidence("nras", NRAS), TOKENS.trust),
    "nvidia": (devices(GPU.entry()), shared_vendor().trust),
    "azure-snp": (MACHINE, SNP.trust),
}


@pytest.mark.parametrize("name", GOOD)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_damaged_evidence_is_never_accepted(name, data):
    good, trust = GOOD[name]
    raw = data.draw(damaged(good.report))
    if raw.rstrip(b"\0 \t\r\n") == good.report or raw == good.report or same_json(raw, good.report):
        return
    try:
        verify(Evidence(good.kind, raw, good.certificates, good.parts), NOW, VENDORS, trust, COLLATERAL)
    except (Malformed, Rejected):
        return
    raise AssertionError("damaged evidence was accepted")


def same_json(raw: bytes, good: bytes) -> bool:
    """Whether only the space between values differs, in evidence that is a JSON document."""
    try:
        return bool(json.loads(raw) == json.loads(good))
    except ValueError:
        return False


WORDS = [b'{"keys":', b"[", b"]", b"}", b'"kid":"simulated-1"', b",", b'"kty":"RSA"', b'"n":"AQAB"', b'"e":"AQAB"',
         b'"x5c":["AA=="]', b"{", b"null", b"1"]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(WORDS)).map(b"".join))
def test_a_key_set_is_read_or_refused(jwks):
    trust = SimulatedTrust(b"x", jwks={})
    keys = Collateral(jwks={"https://sealgatesim.weu.attest.azure.net": jwks})
    with pytest.raises((Malformed, Rejected)):
        verify(GOOD["maa"][0], NOW, VENDORS, trust, keys)
