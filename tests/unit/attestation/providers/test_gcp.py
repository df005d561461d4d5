"""Google's tokens and machines: what binds, every lie refused by its own check, Google's real certificates."""

import datetime as dt
import re
from base64 import b64encode

import pytest
from attested import NOW, der, vector
from clouds import NONCE, dumped, heard, proven, read, refusals, wants
from hypothesis import given
from hypothesis import strategies as st

from attestation.providers.gcp import GcpProvider, Vtpm
from attestation.providers.parts import Place
from attestation.providers.prove import prove
from attestation.simulator.azure import PCRS, shared_tpm
from attestation.simulator.intel import MRTD, shared_intel
from attestation.simulator.nitro import shared_hypervisor
from attestation.simulator.providers import tokens
from attestation.simulator.providers.gcp import AUDIENCE, GcpServer, Lie
from attestation.simulator.providers.tokens import Jose
from attestation.trust import VENDORS
from attestation.types import Expectations, Malformed, Rejected

TOKEN = GcpProvider(path="/attest", evidence="token")
TPM = Vtpm(pcrs={"4": PCRS[4], "7": PCRS[7]}, issuer=False)
PLAIN = GcpProvider(path="/attest", evidence="tdx")
VM = GcpProvider(path="/attest", evidence="tdx", vtpm=TPM, fields={"ak_root": Place("base64", "/ak_root")})
FACTS = {"audience": frozenset({AUDIENCE})}
REGISTERS = {"release": {"mrtd": MRTD, "rtmr1": bytes(48), "rtmr2": bytes(48)}}


def want(server: GcpServer) -> Expectations:
    if server.evidence == "token":
        return wants(server, "google-cs", facts=FACTS)
    return wants(server, "tdx", measurements={}, registers=REGISTERS)


async def verdict(provider: GcpProvider, lie: object, now: dt.datetime = NOW, **how: object) -> set[str]:
    async with GcpServer(lambda: NOW, lie, provider.evidence, **how) as server:
        got = await refusals(provider, server, want(server), server.collateral(), now)
    return {"malformed"} if got in ({"cpu.format"}, {"vtpm.format"}) else got


@pytest.mark.parametrize("pki", [False, True])
async def test_the_key_of_the_connection_is_proven_by_a_token(pki):
    async with GcpServer(lambda: NOW, pki=pki) as server:
        assert TOKEN.read(await heard(TOKEN, server), NONCE).nonce_bound
        proof = await proven(TOKEN, server, want(server))
    assert proof.channel.spki_sha256 == server.pin
    assert (proof.claims.tee, proof.claims.simulated) == ("google-cs", True)
    assert proof.claims.bound["nonce"] == NONCE.hex().encode()


@pytest.mark.parametrize("provider", [PLAIN, VM])
async def test_the_key_of_the_connection_is_proven_by_a_machine(provider):
    async with GcpServer(lambda: NOW, None, "tdx") as server:
        proof = await proven(provider, server, want(server), server.collateral())
    assert proof.channel.spki_sha256 == server.pin and proof.claims.tee == "tdx"
    assert [role for role, _ in proof.others] == (["vtpm"] if provider is VM else [])


OF_TOKENS = {
    Lie.OLD_NONCE: {"binding"}, Lie.ECHOED_NONCE: {"binding"}, Lie.OTHER_KEY: {"binding"}, Lie.NO_KEY: {"binding"},
    Lie.SWAPPED: {"binding"}, Lie.OTHER_AUDIENCE: {"facts"}, Lie.TWO_AUDIENCES: {"statement.audience"},
    Lie.PLAIN_VM: {"software"}, Lie.DEBUG_IMAGE: {"debug"}, Lie.NO_SECURE_BOOT: {"secure-boot"},
    Lie.SHIELDED_ONLY: {"hardware"}, Lie.UNSTABLE: {"image.support"}, Lie.OTHER_IMAGE: {"measurement"},
    Lie.ENV_OVERRIDE: {"image.env_override"}, Lie.CMD_OVERRIDE: {"image.cmd_override"},
    Lie.WORDS_IN_ENV: {"software", "debug"}, Lie.SAME_NAME_ROOT: {"token.chain.root"},
    Lie.SWAPPED_ROOT: {"token.chain.signature"}, Lie.LEAF_ALONE: {"malformed"},
}  # fmt: skip
OF_MACHINES = {
    Lie.OLD_NONCE: {"binding"}, Lie.OTHER_KEY: {"binding"}, Lie.DEBUG: {"td.debug"}, Lie.OTHER_IMAGE: {"measurement"},
}  # fmt: skip
OF_TPMS = {
    Lie.TAMPERED: {"tpm.signature"}, Lie.OTHER_AK: {"tpm.signature"}, Lie.FALSE_AK_ROOT: {"chain.root"},
    Lie.SHOWN_PCRS: {"tpm.registers", "vtpm.pcrs"}, Lie.OTHER_PCRS: {"vtpm.pcrs"}, Lie.FEWER_PCRS: {"vtpm.pcrs"},
    Lie.OLD_QUOTE: {"binding"}, Lie.NO_QUOTE: {"malformed"},
}  # fmt: skip


@pytest.mark.parametrize("lie", list(OF_TOKENS))
async def test_every_lie_of_a_token_is_refused_by_its_own_check(lie):
    assert await verdict(TOKEN, lie) == OF_TOKENS[lie]


@pytest.mark.parametrize("provider", [PLAIN, VM])
@pytest.mark.parametrize("lie", list(OF_MACHINES))
async def test_every_lie_of_a_machine_is_refused_by_its_own_check(provider, lie):
    assert await verdict(provider, lie) == OF_MACHINES[lie]


@pytest.mark.parametrize("lie", list(OF_TPMS))
async def test_every_lie_of_a_tpm_is_refused_by_its_own_check(lie):
    assert await verdict(VM, lie) == OF_TPMS[lie]


# certificates in a token go before the key set: what is wrong with kid or key set then means nothing
WITHOUT_SET = {Jose.KID_UNKNOWN: set(), Jose.KID_COLLISION: set(), Jose.OTHER_ISSUER: {"token.issuer"},
               Jose.ISSUER_SUFFIX: {"token.issuer"}}  # fmt: skip


@pytest.mark.parametrize("pki", [False, True])
@pytest.mark.parametrize("attack", list(Jose))
async def test_attacks_on_tokens_are_refused(attack, pki):
    why = set(tokens.WHY.get(attack, {"malformed"}))
    assert await verdict(TOKEN, attack, pki=pki) == (WITHOUT_SET.get(attack, why) if pki else why)


def test_every_lie_was_tried():
    assert {*OF_TOKENS, *OF_MACHINES, *OF_TPMS, Lie.KEY_ROTATION} == set(Lie)


async def test_a_token_ends():
    assert await verdict(TOKEN, None, NOW + dt.timedelta(hours=1)) == {"token.expiry"}


async def test_an_audience_must_be_pinned():
    async with GcpServer(lambda: NOW) as server:
        assert await refusals(TOKEN, server, wants(server, "google-cs")) == {"facts.pinned"}


async def test_nothing_simulated_is_accepted_as_real():
    async with GcpServer(lambda: NOW, pki=True) as server:
        presented = TOKEN.read(await heard(TOKEN, server), NONCE)
        with pytest.raises(Rejected, match=r"token\.chain\.root"):
            prove(presented, want(server), NOW, VENDORS)


async def test_evidence_of_another_connection_is_refused():
    async with GcpServer(lambda: NOW) as server, GcpServer(lambda: NOW) as relay:
        body = (await heard(TOKEN, server)).replies["evidence"].body
        with pytest.raises(Rejected, match="binding"):
            prove(read(TOKEN, body, relay.certificate), want(server), NOW, VENDORS, server.trust)


def test_a_tpm_alone_is_no_enclave():
    with pytest.raises(ValueError, match="vtpm"):
        GcpProvider(path="/attest", evidence="token", vtpm=TPM)


@pytest.mark.parametrize(("options", "why"), [
    ({"bind": {}}, "nothing would tie"), ({"bind": {"nonce": "hex(nonce)"}}, "names no key"),
    ({"bind": {"nonce": "hex(sha256(spki))"}}, "names the nonce"), ({"no_nonce": True}, "names the nonce"),
    ({"bind": {"nonce6": "spki + nonce"}}, "field"), ({"bind": {"nonce": "key + nonce"}}, "names the nonce"),
    ({"fields": {"other": Place("raw")}}, "fields"), ({"evidence": "tdx", "bind": {"nonce": "spki"}}, "field"),
    ({"path": "/a?b#c"}, "path"),
])  # fmt: skip
def test_options_that_leave_something_open_are_refused(options, why):
    with pytest.raises(ValueError, match=why):
        GcpProvider(**{"path": "/attest", "evidence": "token", **options})


@pytest.mark.parametrize("options", [{"pcrs": {}}, {"pcrs": {"24": bytes(32)}}, {"pcrs": {"4": bytes(20)}},
                                     {"pcrs": {"04": bytes(32)}}, {"bind": "spki"}, {"bind": "nonce"}])  # fmt: skip
def test_a_tpm_has_registers_and_names_key_and_nonce(options):
    with pytest.raises(ValueError, match=r"pcrs|bind"):
        Vtpm(**{"pcrs": {"4": bytes(32)}, **options})


def test_googles_real_chain_does_not_sign_our_quote():
    """A real attestation key's certificate under Google's real root, with a quote that key did not make."""
    text = vector("openpcc/gce_ak_certificates.txt").decode()
    ak, issuer = re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", text, re.DOTALL)[:2]
    parts = shared_tpm().parts(bytes(32))
    body = {
        "quote": b64encode(shared_intel().tdx_quote(bytes(64))).decode(),
        "ak": b64encode(der(ak.encode())).decode(), "ak_issuer": b64encode(der(issuer.encode())).decode(),
        "tpm_quote": {"message": parts["tpm_quote"].hex(), "signature": parts["tpm_signature"].hex(),
                      "pcrs": parts["tpm_pcrs"].hex()},
    }  # fmt: skip
    provider = GcpProvider(path="/x", evidence="tdx", vtpm=Vtpm(pcrs={"4": PCRS[4]}))
    w = Expectations("x", frozenset({"tdx"}), {}, {}, "a@acme.example", NOW.date(), True, registers=REGISTERS)
    with pytest.raises(Rejected) as caught:
        prove(read(provider, dumped(body), shared_hypervisor().leaf), w, NOW, VENDORS, shared_intel().trust,
              shared_intel().collateral(NOW))  # fmt: skip
    assert {f.partition(":")[0] for f in caught.value.failures} == {"binding", "tpm.signature"}


@given(body=st.binary(max_size=200), evidence=st.sampled_from(["token", "snp", "tdx"]), tpm=st.booleans())
def test_any_answer_is_malformed_or_refused(body, evidence, tpm):
    provider = GcpProvider(path="/x", evidence=evidence, vtpm=TPM if tpm and evidence != "token" else None)
    w = Expectations("x", frozenset({"google-cs"}), {b"x" * 32: "x"}, {}, "a@acme.example", NOW.date())
    with pytest.raises((Malformed, Rejected)):
        prove(read(provider, body, shared_hypervisor().leaf), w, NOW, VENDORS)


TEXTS = st.text(max_size=20) | st.lists(st.text(max_size=9), max_size=3) | st.none() | st.integers()


@given(st.fixed_dictionaries({}, optional={"quote": TEXTS, "ak": TEXTS, "ak_root": TEXTS, "tpm_quote": TEXTS | (
       st.fixed_dictionaries({}, optional={"message": TEXTS, "signature": TEXTS, "pcrs": TEXTS}))}))  # fmt: skip
def test_any_json_is_malformed_or_refused(body):
    with pytest.raises((Malformed, Rejected)):
        prove(read(VM, dumped(body), shared_hypervisor().leaf), GOOD, NOW, VENDORS)


GOOD = Expectations("x", frozenset({"tdx"}), {}, {}, "a@acme.example", NOW.date(), registers=REGISTERS)
