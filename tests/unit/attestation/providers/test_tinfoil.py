"""Every way for a Tinfoil document to be wrong is refused, by the check that names it."""

import base64
import dataclasses
import gzip
import json

import pytest
from tinfoil_support import NONCE, OPTIONS, failures, heard, machine, pin, proven, tls, told

from attestation import ehbp
from attestation.providers.base import BodyKey, Channel, Heard, Reply, Seal
from attestation.providers.reading import spki_sha256
from attestation.providers.tinfoil import DOCUMENT, KEYS, PATH, Tinfoil
from attestation.sealing import X25519Secret
from attestation.simulator.providers.tinfoil import Machine, b64, dump
from attestation.simulator.providers.tinfoil_lies import Form, Lie
from attestation.simulator.providers.tinfoil_present import applies, present
from attestation.simulator.snp import shared_platform
from attestation.types import Collateral, Malformed, Rejected, Source, Status

M = {"malformed"}
BOUND = {"binding"}
TEES = ("snp", "tdx")
STRICT = Tinfoil(gpus=2)
WHY: dict[Lie, set[str] | tuple[set[str], set[str]]] = {
    Lie.OLD_NONCE: BOUND | {"document.nonce", "document.report-data"},
    Lie.ECHOED_NONCE: BOUND,
    Lie.STATED_NONCE: {"document.nonce"},
    Lie.STATED_REPORT_DATA: {"document.report-data"},
    Lie.STATED_KEYS: {"document.crypto-material"},
    Lie.STATED_DEVICES: {"document.device-evidence"},
    Lie.OTHER_TLS_KEY: {"tls-key"},
    Lie.SWAPPED_TLS_KEY: BOUND,
    Lie.SWAPPED_HPKE_KEY: BOUND,
    Lie.BAD_TAIL: BOUND,
    Lie.UNLABELLED: BOUND,
    Lie.GPU_SPLICED: BOUND,
    Lie.GPU_OLD_NONCE: BOUND,
    Lie.GPU_ECHOED_NONCE: {"device-0.nonce", "device-1.nonce"},
    Lie.GPU_TWICE: {"distinct"},
    Lie.GPU_MISSING: {"gpu.count"},
    Lie.GPU_FEWER: {"gpu.count"},
    Lie.GPU_TAMPERED: {"device-0.signature"},
    Lie.GPU_FALSE_ROOT: {"device-0.chain.root"},
    Lie.GPU_IS_SWITCH: M,
    Lie.GPU_UNKNOWN: M,
    Lie.SWITCH_TAMPERED: {"device-0.signature"},
    Lie.SWITCH_FAILED: M,
    Lie.SWITCH_ALONE: {"gpu.count"},
    Lie.V2_FOR_V3: {"document.version"},
    Lie.DRAFT_FOR_V3: {"document.version"},
    Lie.UNKNOWN_FORMAT: M,
    Lie.DUMMY: M,
    Lie.UNKNOWN_DERIVATION: M,
    Lie.UNKNOWN_CPU: M,
    Lie.UNKNOWN_MATERIAL: M,
    Lie.TWO_TLS_KEYS: M,
    Lie.SAME_ID_TWICE: M,
    Lie.NO_TLS_KEY: M,
    Lie.NO_HPKE_KEY: M,
    Lie.LOW_ORDER_KEY: M,
    Lie.DUPLICATE_KEY: M,
    Lie.DUPLICATE_KEY_INSIDE: M,
    Lie.UNKNOWN_MEMBER: M,
    Lie.MISSING_MEMBER: M,
    Lie.UPPER_CASE: M,
    Lie.LOOSE_BASE64: M,
    Lie.TRAILING_JSON: M,
    Lie.BYTE_ORDER_MARK: M,
    Lie.NOT_JSON: M,
    Lie.NOT_A_NUMBER: M,
    Lie.HUGE: M,
    Lie.REPORT_TRAILING: {"cpu.format"},
    Lie.REPORT_TRUNCATED: {"cpu.format"},
    Lie.V2_BOMB: M,
    Lie.V2_TRAILING: M,
    Lie.V2_TWO_MEMBERS: M,
    Lie.V2_CUT: M,
    Lie.V2_ZLIB: M,
    Lie.TAMPERED: ({"report.signature"}, {"quote.signature"}),
    Lie.DEBUG: ({"policy.debug"}, {"td.debug"}),
    Lie.WRONG_MEASUREMENT: {"measurement"},
    Lie.SNP_VMPL_1: {"vmpl"},
    Lie.SNP_OLD_TCB: {"tcb.minimum"},
    Lie.SNP_FALSE_ROOT: {"chain.root"},
    Lie.SNP_EXPIRED_KEY: {"chain.leaf-validity"},
    Lie.SNP_OTHER_CHIP: {"chip-id", "report.signature"},
    Lie.SNP_NO_KEY: {"cpu.format"},
    Lie.SNP_TWO_KEYS: M,
    Lie.CRL_REVOKED: {"crl.intermediate"},
    Lie.CRL_EXPIRED: {"crl.window"},
    Lie.CRL_FOREIGN: {"crl.issuer", "crl.signature"},
    Lie.TDX_IS_SGX: M,
    Lie.PCS_MISSING: {"collateral"},
    Lie.PCS_TWICE: M,
    Lie.PCS_STALE: {"crl.pck-window", "crl.root-window", "qe-identity.window", "tcb-info.window"},
    Lie.PCS_REVOKED: {"crl.pck-revoked"},
    Lie.PCS_UNSIGNED: {"tcb-info.signature"},
    Lie.PCS_OUT_OF_DATE: {"tcb.status"},
}
"""Lie -> ids of the checks that fail, of an SNP and a TDX machine where they differ."""
SERVER = {Lie.HTTP_500, Lie.KEY_ROTATION}
"""Lies of the server: test_tinfoil_server.py."""
OTHERWISE: dict[tuple[Form, Lie], set[str]] = {
    (Form.DRAFT, Lie.OLD_NONCE): BOUND | {"document.nonce"},
    (Form.DRAFT, Lie.STATED_DEVICES): {"document.gpu"},
    (Form.DRAFT, Lie.GPU_MISSING): M,  # the machine has a switch, and switches come with GPUs only
    (Form.DRAFT, Lie.SWITCH_ALONE): M,
    # the verifier's own certificates are not those of another chip
    **{(form, lie): {"cpu.format"} for form in (Form.DRAFT, Form.V2)
       for lie in (Lie.SNP_OLD_TCB, Lie.SNP_FALSE_ROOT, Lie.SNP_EXPIRED_KEY)},
    (Form.V2, Lie.OTHER_TLS_KEY): BOUND,
}  # fmt: skip


def test_every_lie_has_its_check():
    assert set(WHY) | SERVER == set(Lie)


def cases(form: Form) -> list[tuple[str, Lie]]:
    return [(tee, lie) for tee in TEES for lie in Lie if lie not in SERVER and applies(tee, form, lie)]


def why(tee: str, form: Form, lie: Lie) -> set[str]:
    found = OTHERWISE.get((form, lie), WHY[lie])
    return found[TEES.index(tee)] if isinstance(found, tuple) else found


@pytest.mark.parametrize(("tee", "lie"), cases(Form.V3))
def test_version_3_refuses(tee, lie):
    assert failures(machine(tee), Form.V3, lie, STRICT) == why(tee, Form.V3, lie)


@pytest.mark.parametrize(("tee", "lie"), cases(Form.DRAFT))
def test_the_draft_refuses(tee, lie):
    options = Tinfoil(allow_draft=True, gpus=2)
    assert failures(machine(tee), Form.DRAFT, lie, options) == why(tee, Form.DRAFT, lie)


@pytest.mark.parametrize(("tee", "lie"), cases(Form.V2))
def test_version_2_refuses(tee, lie):
    assert failures(machine(tee), Form.V2, lie) == why(tee, Form.V2, lie)


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("tee", TEES)
def test_an_honest_machine_is_proven_with_both_its_keys(tee, form):
    m = machine(tee)
    proof = proven(m, form)
    assert proof.claims.tee == ("sev-snp" if tee == "snp" else "tdx")
    assert proof.channel == Channel(pin(), BodyKey(Seal.EHBP, m.keys.secret.public, "x25519"))
    assert [role for role, _ in proof.others] == ([] if form is Form.V2 else ["gpu", "gpu"])


def test_only_version_3_and_its_draft_are_fresh():
    m = machine()
    assert {form: told(m, form).nonce_bound for form in Form} == {Form.V3: True, Form.DRAFT: True, Form.V2: False}


def test_a_greatest_age_needs_a_signed_nonce():
    want = dataclasses.replace(machine().expectations(), max_age_s=300)
    assert failures(machine(), Form.V3, want=want) == set()
    assert failures(machine(), Form.V2, want=want) == {"max-age"}


# --- versions


def test_version_3_is_asked_for_with_our_nonce_and_version_2_with_its_key_too():
    (ask,) = Tinfoil().asks(NONCE)
    assert (ask.name, ask.path, ask.post) == (DOCUMENT, f"{PATH}?nonce={NONCE.hex()}", None)
    assert [(a.name, a.path) for a in Tinfoil(allow_v2=True).asks(NONCE)][1:] == [(KEYS, "/.well-known/hpke-keys")]


def test_other_versions_come_back_only_where_they_are_allowed():
    for form, word in ((Form.V2, "version 2"), (Form.DRAFT, "draft")):
        for options in (Tinfoil(), *(o for f, o in OPTIONS.items() if f is not form)):
            with pytest.raises(Rejected, match=word) as caught:
                told(machine(), form, options=options)
            assert [c.id for c in caught.value.checks] == ["document.version"]


def test_a_report_of_version_3_cannot_pass_for_version_2():
    """It would name an HPKE key of zeros, which is none."""
    doc = json.loads(present(machine(), Form.V3, None, pin(), NONCE))
    packed = b64(gzip.compress(base64.b64decode(doc["cpu_evidence"]["report_base64"])))
    as_v2 = dump({"format": "https://tinfoil.sh/predicate/sev-snp-guest/v2", "body": packed})
    zeros = Reply(ehbp.encode_key_config(bytes(32)), ehbp.KEYS_TYPE)
    with pytest.raises(Malformed, match="key configuration"):
        OPTIONS[Form.V2].read(Heard({DOCUMENT: Reply(as_v2), KEYS: zeros}, tls().certificate), NONCE)


def test_version_2_binds_the_key_that_the_server_names():
    m = machine()
    document = present(m, Form.V2, None, pin(), NONCE)
    other = Reply(ehbp.encode_key_config(X25519Secret().public), ehbp.KEYS_TYPE)
    presented = OPTIONS[Form.V2].read(Heard({DOCUMENT: Reply(document), KEYS: other}, tls().certificate), NONCE)
    assert presented.pieces[0].bound != told(m, Form.V2).pieces[0].bound
    for keys in ({}, {KEYS: Reply(other.body, "text/html")}, {KEYS: Reply(b"", ehbp.KEYS_TYPE)}):
        with pytest.raises(Malformed, match="key"):
            OPTIONS[Form.V2].read(Heard({DOCUMENT: Reply(document), **keys}, tls().certificate), NONCE)


def test_version_2_is_small():
    m = machine()
    raw = present(m, Form.V2, None, pin(), NONCE)
    with pytest.raises(Malformed, match="at most 65536"):
        OPTIONS[Form.V2].read(heard(raw + b" " * 65536, m), NONCE)


def test_no_answer_is_no_document():
    with pytest.raises(Malformed, match="no answer"):
        Tinfoil().read(Heard({}, tls().certificate), NONCE)


# --- GPUs


def test_gpus_are_required_by_option_only():
    bare = Machine(gpus=0)
    assert failures(bare) == set()
    assert failures(bare, options=Tinfoil(require_gpu=True)) == {"gpu.required"}
    assert failures(bare, options=Tinfoil(gpus=0)) == set()
    assert failures(machine(), options=Tinfoil(gpus=0)) == {"gpu.count"}
    assert failures(machine(), options=Tinfoil(require_gpu=True)) == set()
    assert failures(machine(), options=Tinfoil(gpus=3)) == {"gpu.count"}


def test_switches_are_no_gpus():
    assert failures(machine(), Form.V3, Lie.SWITCH_ALONE, Tinfoil(require_gpu=True)) == {"gpu.required"}


def test_version_2_never_has_gpus():
    for options in ({"require_gpu": True}, {"gpus": 1}):
        with pytest.raises(ValueError, match="version 2 has no evidence of GPUs"):
            Tinfoil(allow_v2=True, **options)
    assert Tinfoil(allow_v2=True, gpus=0).needs_gpu is False


@pytest.mark.parametrize("options", [{"gpus": -1}, {"gpus": 17}, {"gpus": 0, "require_gpu": True}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match="gpus"):
        Tinfoil(**options)


# --- collateral


def test_what_came_along_is_used_and_said_to_be_perhaps_not_the_newest():
    for tee, name in (("snp", "collateral.amd-crl"), ("tdx", "collateral.intel")):
        found = {c.id: c for c in proven(machine(tee)).checks}
        assert (found[name].status, found[name].source) == (Status.UNKNOWN, Source.PROVIDER)


@pytest.mark.parametrize(("tee", "lie"), [("snp", Lie.CRL_REVOKED), ("snp", Lie.CRL_FOREIGN), ("tdx", Lie.PCS_STALE)])
def test_the_verifiers_own_collateral_comes_first(tee, lie):
    m = machine(tee)
    assert failures(m, Form.V3, lie) != set()
    proof = proven(m, Form.V3, lie, collateral=m.collateral())
    assert not any(c.id.startswith("collateral.") for c in proof.checks)


def test_what_the_verifier_knows_is_not_undone_by_what_came_along():
    own = Collateral(amd_crl=shared_platform().crl((0x20002,)))
    assert failures(machine(), collateral=own) == {"crl.intermediate"}
    floor = Collateral(minimum_evaluation=18)
    assert failures(machine("tdx"), collateral=floor) == {"tcb.evaluation"}


def test_reports_without_a_certificate_take_the_verifiers():
    m = machine()
    assert failures(m, Form.V3, Lie.SNP_NO_KEY, collateral=m.collateral()) == set()
    assert failures(m, Form.V2, collateral=Collateral()) == {"cpu.format"}
    wrong = {name: (shared_platform().make_chip().certificate, *chain[1:])
             for name, chain in m.collateral().amd_keys.items()}  # fmt: skip
    assert failures(m, Form.V2, collateral=Collateral(amd_keys=wrong)) == {"chip-id", "report.signature"}


# --- the TLS key


def test_the_key_of_a_certificate_is_read_or_malformed():
    assert spki_sha256(tls().certificate) == pin()
    for raw in (b"", b"\x30\x80", tls().certificate[:-1]):
        with pytest.raises(Malformed, match="cannot be read"):
            spki_sha256(raw)
    size = len(tls().certificate)
    assert spki_sha256(tls().certificate, size) == pin()
    with pytest.raises(Malformed, match="more than"):
        spki_sha256(tls().certificate, size - 1)


def test_nothing_secret_or_sent_is_in_a_repr():
    m = machine()
    text = repr(told(m)) + repr(heard(present(m, Form.V3, None, pin(), NONCE)))
    assert m.keys.secret.public.hex() not in text and "report_base64" not in text and len(text) < 4000


def test_software_machines_are_accepted_only_where_that_is_said():
    want = dataclasses.replace(machine().expectations(), allow_simulated=False)
    assert failures(machine(), want=want) == {"simulated"}
