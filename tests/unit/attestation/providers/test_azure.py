"""Azure's machines and tokens: what binds, every lie refused by its own check, the attesters' real answers."""

import datetime as dt
import json

import pytest
from attested import NOW, vector
from clouds import NONCE, heard, proven, read, refusals, wants
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from attestation.providers.azure import AzureProvider, Maa
from attestation.providers.parts import Place
from attestation.providers.prove import prove
from attestation.ratls.certificate import spki_of
from attestation.simulator.azure import PCRS
from attestation.simulator.intel import MRTD
from attestation.simulator.nitro import shared_hypervisor
from attestation.simulator.providers import tokens
from attestation.simulator.providers.azure import OTHER_TENANT, AzureServer, Lie
from attestation.simulator.providers.tokens import Jose
from attestation.simulator.snp import MEASUREMENT
from attestation.simulator.tokens import MAA
from attestation.trust import VENDORS
from attestation.types import Collateral, Evidence, Expectations, Malformed, Rejected
from attestation.verify import verify

CHAIN = {name: Place("base64url", f"/{name}") for name in ("ask", "ark")}
TENANT = Maa(issuer=MAA, policy_hash="policy-1")
SNP = AzureProvider(path="/attest", evidence="snp", fields=CHAIN)
TDX = AzureProvider(path="/attest", evidence="tdx")
BOTH = AzureProvider(path="/attest", evidence="snp", fields=CHAIN, maa=TENANT)
ALONE = AzureProvider(path="/attest", evidence="maa")
PROVIDERS = {"snp": SNP, "tdx": TDX, "maa": ALONE, "both": BOTH}
MINIMUM = {"bootloader": 3, "snp": 6, "microcode": 100}
FACTS = {"issuer": frozenset({MAA}), "policy-hash": frozenset({"policy-1"})}


def want(server: AzureServer) -> Expectations:
    if server.evidence == "maa":
        return wants(server, "maa-sevsnpvm", minimum_tcb=MINIMUM, facts=FACTS)
    first = {"measurement": MEASUREMENT} if server.evidence == "snp" else {"mrtd": MRTD}
    registers = {"release": {**first, "pcr4": PCRS[4]}}
    tee, minimum = f"azure-{server.evidence}", MINIMUM if server.evidence == "snp" else {}
    return wants(server, tee, measurements={}, registers=registers, minimum_tcb=minimum)


async def verdict(name: str, lie: object, now: dt.datetime = NOW) -> set[str]:
    async with AzureServer(lambda: NOW, lie, "snp" if name == "both" else name) as server:
        got = await refusals(PROVIDERS[name], server, want(server), server.collateral(), now)
    return {"malformed"} if got in ({"cpu.format"}, {"token.format"}) else got


@pytest.mark.parametrize("name", list(PROVIDERS))
async def test_the_key_of_the_connection_is_proven(name):
    async with AzureServer(lambda: NOW, None, "snp" if name == "both" else name) as server:
        presented = PROVIDERS[name].read(await heard(PROVIDERS[name], server), NONCE)
        assert presented.nonce_bound and len(presented.pieces) == 1 + (name == "both")
        proof = await proven(PROVIDERS[name], server, want(server), server.collateral())
    assert proof.channel.spki_sha256 == server.pin and proof.claims.simulated
    assert proof.claims.tee == ("maa-sevsnpvm" if name == "maa" else f"azure-{'tdx' if name == 'tdx' else 'snp'}")


OF_ANY_MACHINE = {
    Lie.OLD_NONCE: {"binding"}, Lie.NO_NONCE: {"binding"}, Lie.OTHER_KEY: {"binding"},
    Lie.OTHER_AK: {"tpm.signature"}, Lie.OTHER_RUNTIME: {"runtime"},
    Lie.TWO_AKS: {"runtime.key", "tpm.signature", "tpm.key"},
    Lie.SHOWN_PCRS: {"tpm.registers"}, Lie.OTHER_PCRS: {"measurement"}, Lie.NO_QUOTE: {"malformed"},
    Lie.OTHER_IMAGE: {"measurement"}, Lie.OTHER_KIND: {"malformed"}, Lie.TRAILING_BYTES: {"malformed"},
    Lie.HCL_RESERVED: {"malformed"}, Lie.RUNTIME_TWICE: {"malformed"}, Lie.NOT_JSON: {"malformed"},
    Lie.NO_CONTAINER: {"malformed"},
}  # fmt: skip
OF_SNP = {
    Lie.DEBUG: {"policy.debug"}, Lie.VMPL_1: {"vmpl"}, Lie.OLD_TCB: {"tcb.minimum"},
    Lie.FALSE_ROOT: {"chain.root"}, Lie.TAMPERED: {"report.signature"},
}  # fmt: skip
OF_TOKENS = {
    Lie.OLD_NONCE: {"binding"}, Lie.NO_NONCE: {"binding"}, Lie.OTHER_KEY: {"binding"},
    Lie.OTHER_IMAGE: {"measurement"}, Lie.VMPL_1: {"vmpl"}, Lie.OLD_TCB: {"tcb.minimum"},
    Lie.FALSE_ROOT: {"token.signature"}, Lie.CROSS_TENANT: {"facts"}, Lie.OTHER_POLICY: {"facts"},
    Lie.TOKEN_DEBUG: {"debug"}, Lie.TOKEN_MIGRATION: {"migration"}, Lie.NOT_COMPLIANT: {"compliance"},
    Lie.NO_SECURE_BOOT: {"secure-boot"}, Lie.TEST_SIGNING: {"testsigning-enabled"}, Lie.NOT_JSON: {"malformed"},
}  # fmt: skip
BESIDE = OF_TOKENS | {
    Lie.CROSS_TENANT: {"token.tenant"}, Lie.OTHER_POLICY: {"token.policy"}, Lie.OTHER_MACHINE: {"binding"},
    Lie.ENCLAVE_TOKEN: {"token.kind"},
}  # fmt: skip


@pytest.mark.parametrize("name", ["snp", "tdx", "both"])
@pytest.mark.parametrize("lie", list(OF_ANY_MACHINE))
async def test_every_lie_of_a_machine_is_refused_by_its_own_check(name, lie):
    token_too = {"binding"} if (name, lie) == ("both", Lie.OTHER_RUNTIME) else set()  # it names the real one
    assert await verdict(name, lie) == OF_ANY_MACHINE[lie] | token_too


@pytest.mark.parametrize("lie", list(OF_SNP))
async def test_what_the_hardware_says_is_refused(lie):
    assert await verdict("snp", lie) == OF_SNP[lie]


async def test_a_trust_domain_that_can_be_debugged_is_refused():
    assert await verdict("tdx", Lie.DEBUG) == {"td.debug"}


@pytest.mark.parametrize("lie", list(OF_TOKENS))
async def test_every_lie_of_a_token_is_refused_by_its_own_check(lie):
    assert await verdict("maa", lie) == OF_TOKENS[lie]


TOKEN_LIES = [Lie.CROSS_TENANT, Lie.OTHER_POLICY, Lie.OTHER_MACHINE, Lie.ENCLAVE_TOKEN, Lie.TOKEN_DEBUG,
              Lie.TOKEN_MIGRATION, Lie.NOT_COMPLIANT, Lie.NO_SECURE_BOOT, Lie.TEST_SIGNING]  # fmt: skip


@pytest.mark.parametrize("lie", TOKEN_LIES)
async def test_a_token_beside_the_evidence_must_be_of_this_machine_tenant_and_policy(lie):
    assert await verdict("both", lie) == BESIDE[lie]


@pytest.mark.parametrize("lie", [None, *(lie for lie in TOKEN_LIES if lie is not Lie.TOKEN_MIGRATION)])
async def test_a_token_beside_a_trust_domain_as_well(lie):
    async with AzureServer(lambda: NOW, lie, "tdx") as server:
        provider = AzureProvider(path="/attest", evidence="tdx", maa=TENANT)
        assert await refusals(provider, server, want(server), server.collateral()) == BESIDE.get(lie, set())


async def test_a_token_of_a_trust_domain_may_stand_alone():
    async with AzureServer(lambda: NOW, None, "tdx") as server:
        token = server.token(NONCE, bytes(64))
    got = verify(Evidence("maa", token), NOW, VENDORS, server.trust)
    assert (got.tee, got.measurement, got.bound["nonce"] != b"") == ("maa-tdxvm", MRTD, True)


@pytest.mark.parametrize("attack", list(Jose))
async def test_attacks_on_tokens_are_refused(attack):
    why = set(tokens.WHY.get(attack, {"malformed"}))
    assert await verdict("maa", attack) == why
    tenant = {"token.tenant"} if attack in (Jose.OTHER_ISSUER, Jose.ISSUER_SUFFIX) else set()
    assert await verdict("both", attack) == why | tenant


def test_every_lie_was_tried():
    assert {*OF_ANY_MACHINE, *OF_SNP, *BESIDE, Lie.KEY_ROTATION} == set(Lie)


async def test_the_regions_key_signs_for_the_other_tenant_as_well():
    """The cross-tenant token is genuine in every other respect: pinned to that tenant, it is accepted."""
    async with AzureServer(lambda: NOW, Lie.CROSS_TENANT, "maa") as server:
        facts = {**FACTS, "issuer": frozenset({OTHER_TENANT})}
        theirs = wants(server, "maa-sevsnpvm", minimum_tcb=MINIMUM, facts=facts)
        assert await refusals(ALONE, server, theirs) == set()
        nobody = wants(server, "maa-sevsnpvm", minimum_tcb=MINIMUM)
        assert await refusals(ALONE, server, nobody) == {"facts.pinned"}


async def test_a_token_ends():
    assert await verdict("maa", None, NOW + dt.timedelta(hours=8)) == {"token.expiry"}


async def test_user_data_can_be_bound_besides():
    bind = {"nonce": "nonce", "user_data": "sha512(spki)"}
    provider = AzureProvider(path="/attest", evidence="snp", fields=CHAIN, bind=bind)
    async with AzureServer(lambda: NOW) as server:
        assert await refusals(provider, server, want(server)) == {"binding"}


async def test_no_simulated_machine_is_accepted_as_real():
    async with AzureServer(lambda: NOW) as server:
        presented = SNP.read(await heard(SNP, server), NONCE)
        with pytest.raises(Rejected, match=r"chain\.root"):
            prove(presented, want(server), NOW, VENDORS)


async def test_evidence_of_another_connection_is_refused():
    async with AzureServer(lambda: NOW) as server, AzureServer(lambda: NOW) as relay:
        theirs = await heard(SNP, server)
        body = theirs.replies["evidence"].body
        with pytest.raises(Rejected, match="binding"):
            prove(read(SNP, body, relay.certificate), want(server), NOW, VENDORS, server.trust)


@pytest.mark.parametrize(("options", "why"), [
    ({"bind": {}}, "nothing would tie"), ({"bind": {"nonce": "nonce"}}, "names no key"),
    ({"bind": {"nonce": "sha256(spki)"}}, "names the nonce"), ({"no_nonce": True}, "names the nonce"),
    ({"bind": {"nonce": "key + nonce"}}, "names the nonce"), ({"bind": {"report_data": "spki"}}, "field"),
    ({"bind": {"user_data": "sha256(spki + nonce)"}}, "signed anew"),
    ({"bind": {"nonce": "sha256(spki)", "user_data": "nonce"}}, "signed anew"),
    ({"evidence": "maa", "maa": TENANT}, "stands alone"), ({"evidence": "maa", "bind": {"user_data": "spki"}}, "field"),
    ({"fields": {"other": Place("raw")}}, "fields"), ({"evidence": "tdx", "fields": CHAIN}, "fields"),
    ({"path": "attest"}, "path"),
])  # fmt: skip
def test_options_that_leave_something_open_are_refused(options, why):
    with pytest.raises(ValueError, match=why):
        AzureProvider(**{"path": "/attest", "evidence": "snp", **options})


@pytest.mark.parametrize(
    "options", [{"issuer": "https://attest.azure.net"}, {"issuer": MAA + "/"}, {"policy_hash": ""}]
)
def test_a_tenant_and_its_policy_are_named_exactly(options):
    with pytest.raises(ValueError, match=r"issuer|policy_hash"):
        Maa(**{"issuer": MAA, "policy_hash": "x", **options})


# -- real answers of the attesters of Confidential Containers: made for another question, so the binding refuses them

REAL = AzureProvider(path="/x", evidence="snp")
WHEN = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)


def real(path: str, **changes: object) -> bytes:
    return json.dumps(json.loads(vector(path)) | changes).encode()


def judged(provider: AzureProvider, body: bytes, now: dt.datetime, tee: str, collateral: Collateral | None = None):
    want = Expectations("real", frozenset({tee}), {}, {"snp": 1} if tee == "azure-snp" else {}, "a@acme.example",
                        now.date(), registers={"real": {"measurement": bytes(48), "pcr4": bytes(32)}})  # fmt: skip
    try:
        prove(read(provider, body, shared_hypervisor().leaf), want, now, VENDORS, None, collateral or Collateral())
    except Rejected as e:
        return {f.partition(":")[0] for f in e.failures}
    return set()


@pytest.mark.parametrize("version", [1, 2])
def test_a_real_machine_is_genuine_and_bound_to_another_question(version):
    body = real(f"trustee/az-snp-vtpm/evidence-v{version}.json")
    assert judged(REAL, body, WHEN, "azure-snp") == {"binding", "measurement"}


def test_a_real_answer_with_another_machines_quote_is_refused():
    other = json.loads(vector("trustee/az-snp-vtpm/tpm-quote-v1.json"))
    body = real("trustee/az-snp-vtpm/evidence-v1.json", tpm_quote=other)
    assert "tpm.signature" in judged(REAL, body, WHEN, "azure-snp")


def test_a_real_trust_domain_is_read():
    provider = AzureProvider(path="/x", evidence="tdx")
    got = judged(provider, real("trustee/az-tdx-vtpm/evidence-v1.json"), WHEN, "azure-tdx")
    assert "collateral" in got and not {"runtime", "runtime.key", "tpm.signature", "tpm.registers"} & got
    with pytest.raises(Malformed):
        read(REAL, real("trustee/az-tdx-vtpm/evidence-v1.json"), shared_hypervisor().leaf)


def test_an_older_form_is_malformed():
    with pytest.raises(Malformed):
        read(REAL, vector("trustee/az-snp-vtpm/evidence-v0.json"), shared_hypervisor().leaf)


@given(body=st.binary(max_size=200), evidence=st.sampled_from(["snp", "tdx", "maa"]))
def test_any_answer_is_malformed_or_refused(body, evidence):
    provider = AzureProvider(path="/x", evidence=evidence)
    want = Expectations("x", frozenset({"maa-sevsnpvm"}), {b"x" * 48: "x"}, {"snp": 1}, "a@acme.example", NOW.date())
    with pytest.raises((Malformed, Rejected)):
        prove(read(provider, body, shared_hypervisor().leaf), want, NOW, VENDORS)


HONEST = AzureServer(lambda: NOW)


@given(at=st.integers(0, 15_000), bit=st.integers(0, 7), provider=st.sampled_from([SNP, BOTH]))
def test_no_flipped_bit_of_an_answer_is_accepted(at, bit, provider):
    raw = bytearray(honest())
    raw[at % len(raw)] ^= 1 << bit
    want_ = want(HONEST)
    try:
        got = prove(read(provider, bytes(raw), CERTIFICATE), want_, NOW, VENDORS, HONEST.trust)
    except (Malformed, Rejected):
        return
    assert same_meaning(bytes(raw), provider), got.claims.tee


def honest() -> bytes:
    if not BODY:
        HONEST.spki = spki_of(x509.load_der_x509_certificate(CERTIFICATE))
        BODY.append(HONEST.document(NONCE))
    return BODY[0]


BODY: list[bytes] = []
CERTIFICATE = shared_hypervisor().leaf


def same_meaning(raw: bytes, provider: AzureProvider) -> bool:
    """What is not read (version, the echoed nonce, a token that nobody asked for, white space) changes nothing."""
    keys = ["hcl_report", "vcek", "ask", "ark", "tpm_quote", *(["maa_token"] if provider is BOTH else [])]
    a, b = json.loads(raw), json.loads(BODY[0])
    return all(a[k] == b[k] for k in keys)
