"""Files of evidence are recognised by their form, and nothing is trusted for that."""

import base64
import json

import pytest
from attested import BINDING, NOW, platform
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from attestation.recognise import recognise
from attestation.simulator.azure import hcl_blob, runtime, shared_tpm
from attestation.simulator.intel import shared_intel
from attestation.simulator.nitro import shared_hypervisor
from attestation.simulator.nvidia import evidence, shared_vendor
from attestation.simulator.tokens import shared_services
from attestation.types import Malformed
from attestation.wire import encode_sealgate_snp

SNP, TOKENS = platform(), shared_services()
REPORT, VCEK = SNP.report(BINDING), SNP.chip.certificate
QUOTE, DOCUMENT = shared_intel().tdx_quote(BINDING), shared_hypervisor().document(NOW)
DATA = runtime(shared_tpm())


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (DOCUMENT, "nitro"),
        (b"\xd2" + DOCUMENT, "nitro"),
        (base64.b64encode(DOCUMENT), "nitro"),
        (QUOTE, "tdx"),
        (QUOTE.hex().encode() + b"\n", "tdx"),
        (shared_intel().sgx_quote(BINDING), "tdx"),
        (encode_sealgate_snp(SNP.evidence(BINDING)), "sealgate-snp"),
        (evidence(shared_vendor().gpu().entry()).report, "nvidia"),
        (TOKENS.nras(NOW, {"GPU-0": TOKENS.device(NOW, "ab" * 32)}), "nras"),
        (TOKENS.token(TOKENS.maa_sgx(NOW)) + b"\n", "maa"),
        (TOKENS.token(TOKENS.google(NOW)), "google"),
        (TOKENS.token(TOKENS.ita(NOW)), "ita"),
        (VCEK, "ratls"),
        (shared_tpm().parts()["tpm_quote"], "google-vtpm"),
    ],
)
def test_a_form_is_recognised(raw, kind):
    assert recognise(raw).kind == kind


def test_a_report_comes_with_the_certificate_of_its_chip():
    got = recognise(REPORT, None, {"vcek": VCEK})
    assert (got.kind, got.report, got.certificates[0], len(got.certificates)) == ("snp", REPORT, VCEK, 3)
    pem = x509.load_der_x509_certificate(VCEK).public_bytes(Encoding.PEM)
    assert recognise(REPORT, None, {"vcek": pem}) == got
    with pytest.raises(Malformed, match="vcek"):
        recognise(REPORT)


def test_a_container_is_taken_apart():
    got = recognise(hcl_blob(REPORT, DATA), None, {"vcek": VCEK})
    assert (got.kind, got.report, got.parts) == ("azure-snp", REPORT, {"runtime": DATA})
    td = recognise(hcl_blob(bytes(1184), DATA, 4), None, {"td_quote": QUOTE})
    assert (td.kind, td.report, td.parts) == ("azure-tdx", QUOTE, {"runtime": DATA})
    with pytest.raises(Malformed, match="td_quote"):
        recognise(hcl_blob(bytes(1184), DATA, 4))


@pytest.mark.parametrize("raw", [b"", b"text", b"{}", b"[]", b"[1]", b"\x00" * 20, b"e30.e30.e30",
                                 TOKENS.token(TOKENS.maa_sgx(NOW, iss="https://evil.example")), bytes(3_000_000),
                                 json.dumps({"a": 1}).encode(), b"-----BEGIN X-----\n!!\n-----END X-----"])  # fmt: skip
def test_no_known_form_is_malformed(raw):
    with pytest.raises(Malformed):
        recognise(raw)
