"""What comes along with a document is read strictly, and only what speaks about the CPU."""

import json

import pytest

from attestation.providers.tinfoil_collateral import (
    MAX_ENTRIES,
    amd_chain_of,
    amd_crl_of,
    intel_of,
    parse_entries,
)
from attestation.simulator.intel import shared_intel
from attestation.simulator.providers.tinfoil import NOW, Hardware, Machine, b64, entry
from attestation.simulator.snp import shared_platform
from attestation.types import Malformed

SNP = Machine("snp").cpu(bytes(64), Hardware())[1]
TDX = Machine("tdx").cpu(bytes(64), Hardware())[1]


def intel(change) -> str | None:
    """Intel's answers with a change to their list."""
    answers = json.loads(json.dumps(TDX[0]["data"]["responses"]))
    return intel_of(parse_entries([{**TDX[0], "data": {"responses": change(answers) or answers}}]))


def test_a_document_may_have_none():
    for entries in (parse_entries(None), parse_entries([])):
        assert (amd_chain_of(entries), amd_crl_of(entries), intel_of(entries)) == ((), None, None)


def test_what_intel_signed_comes_out_byte_for_byte():
    got = json.loads(intel_of(parse_entries(TDX)) or "")
    want = json.loads(shared_intel().collateral(NOW).intel or "")
    assert got.keys() == want.keys()
    same = ("tcb_info", "qe_identity", "tcb_info_issuer_chain", "qe_identity_issuer_chain", "pck_crl_issuer_chain")
    assert {k: got[k] for k in same} == {k: want[k] for k in same}


def test_amds_chain_is_leaf_intermediate_root():
    platform = shared_platform()
    assert amd_chain_of(parse_entries(SNP)) == (platform.chip.certificate, platform.ask, platform.root)
    assert amd_crl_of(parse_entries(SNP)) is not None


def test_only_the_cpus_endorsements_are_read():
    for change in ({"subjects": ["gpu0"]}, {"subjects": []}, {"role": "reference-values"}, {"format": "x"}):
        entries = parse_entries([{**e, **change} for e in (*SNP, *TDX)])
        assert (amd_chain_of(entries), amd_crl_of(entries), intel_of(entries)) == ((), None, None)
    unread = {"id": "code", "role": "reference-values", "format": "https://tinfoil.sh/collateral/sigstore-code/v1",
              "data": {"repo": "x"}}  # fmt: skip
    assert len(parse_entries([*SNP, unread])) == 3


@pytest.mark.parametrize(
    "change",
    [{"id": ""}, {"id": 3}, {"role": "friend"}, {"format": ""}, {"subjects": "cpu"}, {"subjects": [1]},
     {"subjects": None}, {"data": []}, {"data": None}, {"verified": True}],
)  # fmt: skip
def test_an_entry_of_another_form_is_malformed(change):
    with pytest.raises(Malformed):
        parse_entries([{**SNP[0], **change}])


def test_a_list_of_another_form_is_malformed():
    for value in ({}, "x", [1], [[]], [SNP[0], SNP[0]], [{k: v for k, v in SNP[0].items() if k != "role"}],
                  [{**SNP[0], "id": str(i)} for i in range(MAX_ENTRIES + 1)]):  # fmt: skip
        with pytest.raises(Malformed):
            parse_entries(value)


def test_two_for_the_cpu_are_malformed():
    for read, one in ((amd_chain_of, SNP[0]), (amd_crl_of, SNP[1]), (intel_of, TDX[0])):
        with pytest.raises(Malformed, match="twice"):
            read(parse_entries([one, {**one, "id": "again"}]))


@pytest.mark.parametrize(
    "data",
    [{}, {"vcek_der_base64": "AAE="}, {"vcek_der_base64": "AAE=", "cert_chain_pem": 1},
     {"vcek_der_base64": "A", "cert_chain_pem": ""}, {"vcek_der_base64": "AAE=", "cert_chain_pem": "x"},
     {"vcek_der_base64": "AAE=", "cert_chain_pem": "é"}, {"vcek_der_base64": "AAE=", "cert_chain_pem": "x" * 40_000},
     {"vcek_der_base64": b64(bytes(9000)), "cert_chain_pem": SNP[0]["data"]["cert_chain_pem"]},
     {"vcek_der_base64": "AAE=", "cert_chain_pem": SNP[0]["data"]["cert_chain_pem"] * 2},
     {"vcek_der_base64": "AAE=", "cert_chain_pem": SNP[0]["data"]["cert_chain_pem"].partition("-----END")[0]},
     {**SNP[0]["data"], "trusted": True}],
)  # fmt: skip
def test_a_chain_of_another_form_is_malformed(data):
    with pytest.raises(Malformed):
        amd_chain_of(parse_entries([entry("amd-vcek", data)]))


def test_three_issuers_are_one_too_many():
    pem = SNP[0]["data"]["cert_chain_pem"]
    first = pem[: pem.index("-----BEGIN", 10)]
    with pytest.raises(Malformed, match="ASK and ARK"):
        amd_chain_of(parse_entries([entry("amd-vcek", {**SNP[0]["data"], "cert_chain_pem": first + pem})]))


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r[1:],
        lambda r: [*r, r[0]],
        lambda r: [*r] * 5,
        lambda r: {"x": 1},
        lambda r: [1, *r],
        lambda r: r[0].pop("headers"),
        lambda r: r[0].update(status=200),
        lambda r: r[0].update(url="https://api.trustedservices.intel.com.example/tdx/certification/v4/tcb?fmspc=00"),
        lambda r: r[0].update(url="http://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=00"),
        lambda r: r[0].update(url=r[0]["url"] + "#x"),
        lambda r: r[3].update(url=r[3]["url"] + "x"),
        lambda r: r[0].update(url=None),
        lambda r: r[0].update(headers=[]),
        lambda r: r[0].update(headers={}),
        lambda r: r[0].update(headers={"TCB-Info-Issuer-Chain": "x"}),
        lambda r: r[0].update(headers={"TCB-Info-Issuer-Chain": []}),
        lambda r: r[0].update(headers={"TCB-Info-Issuer-Chain": [1]}),
        lambda r: r[0].update(headers={"TCB-Info-Issuer-Chain": ["x", "x"]}),
        lambda r: r[0]["headers"].update({"tcb-info-issuer-chain": ["x"]}),
        lambda r: r[0].update(body_base64="e30"),
        lambda r: r[0].update(body_base64=b64(b"{}")),
        lambda r: r[0].update(body_base64=b64(b'{"tcbInfo":{},"signature":1}')),
        lambda r: r[0].update(body_base64=b64(b'{"tcbInfo":{},"signature":"00","more":1}')),
        lambda r: r[0].update(body_base64=b64(b'{"tcbInfo":{},"tcbInfo":{},"signature":"00"}')),
        lambda r: r[0].update(body_base64=b64(bytes(300 * 1024))),
    ],
)
def test_answers_of_another_form_are_malformed(change):
    with pytest.raises(Malformed):
        intel(lambda r: found if isinstance(found := change(r), list | dict) else r)


def test_headers_have_no_case():
    upper = {k.upper(): v for k, v in TDX[0]["data"]["responses"][0]["headers"].items()}
    assert intel(lambda r: r[0].update(headers=upper)) == intel(lambda r: None)
