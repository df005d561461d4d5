"""Whatever comes in, a parser of attestation either reads it or raises its documented error."""

import base64
import json
from contextlib import suppress

from attested import BINDING, NOW, platform
from hypothesis import given, settings
from hypothesis import strategies as st

from attestation.expectations import BadExpectations, load_expectations
from attestation.snp.report import parse_report
from attestation.snp.vcek import parse_endorsement
from attestation.trust import AMD
from attestation.types import Collateral, Evidence, Malformed, Rejected
from attestation.verify import verify
from attestation.wire import encode_sealgate_snp, parse_sealgate_snp
from attestation.x509 import load_certificate, load_crl

GOOD = platform().evidence(BINDING)
CRL = platform().crl((1, 2))
DOCUMENT = encode_sealgate_snp(GOOD)
FEW = settings(max_examples=150, deadline=None)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """``whole`` with some bytes replaced, cut out or put in."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        size = draw(st.integers(0, 3))
        data[at : at + size] = draw(st.binary(max_size=4))
    return bytes(data)


@FEW
@given(st.one_of(st.binary(max_size=2000), damaged(GOOD.report), st.binary(min_size=1184, max_size=1184)))
def test_a_report_is_read_or_malformed(raw):
    try:
        parse_report(raw)
    except Malformed:
        return


@FEW
@given(st.one_of(st.binary(max_size=300), *(damaged(c) for c in GOOD.certificates)))
def test_a_certificate_is_read_or_malformed(raw):
    try:
        parse_endorsement(load_certificate(raw))
    except Malformed:
        return


@FEW
@given(st.one_of(st.binary(max_size=300), damaged(CRL)))
def test_a_revocation_list_is_read_or_malformed(raw):
    try:
        load_crl(raw)
    except Malformed:
        return


FRAGMENTS = ['{"report":', '"vcek":', '"chain":[', "]", "}", ",", '"AAAA"', '"', "null", "1e999", "\\ud800", "\ufeff"]


@FEW
@given(
    st.one_of(
        st.binary(max_size=300),
        damaged(DOCUMENT),
        st.lists(st.sampled_from(FRAGMENTS)).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass")),
    )
)
def test_a_document_is_read_or_malformed(raw):
    try:
        evidence = parse_sealgate_snp(raw)
    except Malformed:
        return
    assert json.loads(raw)["report"] == base64.b64encode(evidence.report).decode()


@FEW
@given(damaged(GOOD.report), st.sampled_from(range(3)), st.data())
def test_damaged_evidence_is_never_accepted(report, which, data):
    certificates = list(GOOD.certificates)
    certificates[which] = data.draw(damaged(certificates[which]))
    evidence = Evidence("sealgate-snp", report, tuple(certificates))
    if evidence == GOOD:
        return
    try:
        verify(evidence, NOW, AMD, platform().trust, Collateral(amd_crl=data.draw(st.one_of(st.none(), damaged(CRL)))))
    except (Malformed, Rejected):
        return
    raise AssertionError("damaged evidence was accepted")


WORDS = [
    "name: ",
    "tees: ",
    "measurements: ",
    "[sev-snp]",
    "{a: ",
    "ab" * 48,
    "}",
    "\n",
    "  ",
    "- ",
    "&a ",
    "*a",
    "!!x ",
]
WORDS += [
    "minimum_tcb: ",
    "approved_until: ",
    "2027-01-01",
    "approved_by: x",
    "? ",
    "%YAML",
    "---\n",
    "\t",
    "'",
    "\x00",
]


@FEW
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(WORDS)).map("".join)))
def test_a_measurement_file_is_read_or_has_problems(text):
    with suppress(BadExpectations):
        load_expectations(text)
