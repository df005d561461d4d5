"""Endpoints that are spelled out: bindings of every form, every lie refused, options that leave anything open."""

import base64
import datetime as dt
import hashlib

import pytest
from attested import NOW, platform
from clouds import NONCE, dumped, heard, proven, read, refusals, wants
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from attestation.providers.base import Heard, Reply, Seal
from attestation.providers.generic import FIELDS, GenericProvider, KeyAt
from attestation.providers.parts import Place
from attestation.providers.prove import prove
from attestation.ratls.certificate import dstack_report_data, spki_of
from attestation.simulator.intel import shared_intel
from attestation.simulator.nitro import PCRS, shared_hypervisor
from attestation.simulator.providers.generic import GenericServer, Lie, spki_and_key
from attestation.simulator.snp import MEASUREMENT
from attestation.simulator.tokens import MAA, shared_services
from attestation.trust import VENDORS
from attestation.types import Expectations, Malformed, Rejected
from attestation.wire import encode_sealgate_snp

QUOTE = Place("hex", "/evidence/quote")
TDX = GenericProvider(path="/attest", evidence="tdx", document=QUOTE, bind={"report_data": "sha256(spki) + nonce"})
KEYED = GenericProvider(
    path="/attest", evidence="tdx", document=QUOTE, bind={"report_data": "sha256(spki) + key"}, no_nonce=True,
    freshness="none", body_key=KeyAt(place=Place("hex", "/key")),
)  # fmt: skip
REGISTERS = {"release": {"mrtd": bytes.fromhex("7d") * 48, "rtmr1": bytes(48), "rtmr2": bytes(48)}}
CERTIFICATE = shared_hypervisor().leaf
SPKI = spki_of(x509.load_der_x509_certificate(CERTIFICATE))


def want(server: GenericServer) -> Expectations:
    return wants(server, "tdx", measurements={}, registers=REGISTERS)


@pytest.fixture
async def server():
    async with GenericServer(lambda: NOW) as running:
        yield running


@pytest.mark.parametrize("post", [False, True])
async def test_the_key_of_the_connection_and_the_nonce_are_proven(server, post):
    provider = GenericProvider(path="/attest", evidence="tdx", document=QUOTE, bind=TDX.bind, post=post)
    assert (provider.asks(NONCE)[0].post is not None) is post
    assert provider.read(await heard(provider, server), NONCE).nonce_bound
    proof = await proven(provider, server, want(server), server.collateral())
    assert proof.channel.spki_sha256 == server.pin and proof.channel.body is None


@pytest.mark.parametrize("body_key", [KEYED.body_key, KeyAt(field="report_data", offset=32)])
async def test_a_key_to_seal_to_is_proven(body_key):
    provider = GenericProvider(path="/attest", evidence="tdx", document=QUOTE, bind=KEYED.bind, no_nonce=True,
                               freshness="none", body_key=body_key)  # fmt: skip
    async with GenericServer(lambda: NOW, made=spki_and_key) as server:
        proof = await proven(provider, server, want(server), server.collateral())
    assert proof.channel.body is not None and proof.channel.spki_sha256 == server.pin
    assert (proof.channel.body.seal, proof.channel.body.key) == (Seal.EHBP, server.hpke.public)


BINDINGS = [
    ("sha512('ratls-cert:' + spki)", lambda s, n, k: dstack_report_data(s)),
    ("sha512('app-data:' + hex(sha256(spki)) + nonce)",
     lambda s, n, k: hashlib.sha512(b"app-data:" + hashlib.sha256(s).hexdigest().encode() + n).digest()),
    ("sha256(spki + nonce) + zeros(32)", lambda s, n, k: hashlib.sha256(s + n).digest() + bytes(32)),
    ("sha384(spki) + bytes(00ff) + zeros(14)", lambda s, n, k: hashlib.sha384(s).digest() + b"\0\xff" + bytes(14)),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "made"), BINDINGS)
async def test_bindings_of_every_form(formula, made):
    plain = "nonce" not in formula
    provider = GenericProvider(path="/attest", evidence="tdx", document=QUOTE, bind={"report_data": formula},
                               no_nonce=plain, freshness="none" if plain else None)  # fmt: skip
    async with GenericServer(lambda: NOW, made=made) as server:
        assert await refusals(provider, server, want(server), server.collateral()) == set()
        server.lie = Lie.OTHER_KEY
        assert await refusals(provider, server, want(server), server.collateral()) == {"binding"}


async def test_a_part_of_a_field_is_compared_at_its_place(server):
    for name, why in (("report_data@0", set()), ("report_data@1", {"binding"}), ("report_data@60", {"binding"})):
        bind = {name: "sha256(spki)", "report_data@32": "nonce"}
        provider = GenericProvider(path="/attest", evidence="tdx", document=QUOTE, bind=bind)
        assert await refusals(provider, server, want(server), server.collateral()) == why


REFUSED = {
    Lie.OLD_NONCE: {"binding"}, Lie.ECHOED_NONCE: {"binding"}, Lie.OTHER_KEY: {"binding"}, Lie.DEBUG: {"td.debug"},
    Lie.OTHER_IMAGE: {"measurement"}, Lie.TRUNCATED: {"cpu.format"}, Lie.TRAILING_BYTES: {"cpu.format"},
}  # fmt: skip
UNREADABLE = {
    Lie.UPPER_CASE, Lie.DUPLICATE_KEYS, Lie.NOT_A_NUMBER, Lie.BYTE_ORDER_MARK, Lie.MISSING, Lie.EMPTY, Lie.NULL,
    Lie.VERDICT_ONLY, Lie.NOT_JSON, Lie.HUGE,
}  # fmt: skip
GENUINE = {Lie.TAMPERED: "quote.signature", Lie.FALSE_ROOT: "pck.root"}
ABOUT_KEYS = {Lie.OTHER_BODY_KEY: {"binding"}, Lie.SHORT_BODY_KEY: {"malformed"}}


@pytest.mark.parametrize("lie", [*REFUSED, *sorted(UNREADABLE)])
async def test_every_lie_is_refused_by_its_own_check(server, lie):
    server.lie = lie
    got = await refusals(TDX, server, want(server), server.collateral())
    assert got == REFUSED.get(lie, {"malformed"})


@pytest.mark.parametrize(("lie", "why"), GENUINE.items())
async def test_a_quote_that_is_not_genuine_is_refused(server, lie, why):
    server.lie = lie
    assert why in await refusals(TDX, server, want(server), server.collateral())


@pytest.mark.parametrize(("lie", "why"), ABOUT_KEYS.items())
async def test_a_claimed_key_that_the_quote_does_not_name_is_refused(lie, why):
    async with GenericServer(lambda: NOW, lie, spki_and_key) as server:
        assert await refusals(KEYED, server, want(server), server.collateral()) == why


def test_every_lie_was_tried():
    assert {*REFUSED, *UNREADABLE, *GENUINE, *ABOUT_KEYS, Lie.KEY_ROTATION} == set(Lie)


async def test_a_key_that_comes_after_the_evidence_is_not_proven(server):
    server.lie = Lie.KEY_ROTATION
    first = await proven(TDX, server, want(server), server.collateral())
    assert first.channel.spki_sha256 != server.pin


async def test_evidence_of_another_connection_is_refused(server):
    async with GenericServer(lambda: NOW) as relay:
        mine, theirs = await heard(TDX, relay), await heard(TDX, server)
    with pytest.raises(Rejected, match="binding"):
        prove(TDX.read(Heard(theirs.replies, mine.certificate), NONCE), want(server), NOW, VENDORS, server.trust,
              server.collateral())  # fmt: skip


# -- other kinds of evidence


def expecting(tee: str, measurement: bytes, **more: object) -> Expectations:
    return Expectations("x", frozenset({tee}), {measurement: "x"}, more.pop("minimum", {}), "a@acme.example",
                        NOW.date(), True, **more)  # fmt: skip


MINIMUM = {"minimum": {"snp": 1}}
DATA = hashlib.sha256(SPKI).digest() + NONCE
SNP = platform().evidence(DATA)
MAA_TOKEN = shared_services().token(shared_services().maa_sgx(NOW, **{"x-ms-sgx-report-data": DATA.hex()}))
FACTS = {"facts": {"issuer": frozenset({MAA}), "policy-hash": frozenset({"policy-1"})}}
NITRO = shared_hypervisor().document(NOW, nonce=NONCE, user_data=DATA[:32])
SNP_WANT = expecting("sev-snp", MEASUREMENT, **MINIMUM)
SIGNED = {"document": Place("base64"), "bind": {"user_data": "sha256(spki)", "nonce": "nonce"}}
KINDS = [
    ("sealgate-snp", encode_sealgate_snp(SNP), {"document": Place("raw")}, SNP_WANT),
    ("nitro", base64.b64encode(NITRO), SIGNED, expecting("nitro", PCRS[0])),
    ("maa", MAA_TOKEN, {"document": Place("raw")}, expecting("maa-sgx", b"\xe1" * 32, **FACTS)),
]
TRUST = {"sealgate-snp": platform().trust, "nitro": shared_hypervisor().trust, "maa": shared_services().trust}


@pytest.mark.parametrize(("kind", "body", "options", "want"), KINDS, ids=[k[0] for k in KINDS])
def test_other_kinds_of_evidence_are_proven(kind, body, options, want):
    provider = GenericProvider(**{"path": "/x", "evidence": kind, "bind": dict(TDX.bind), **options})
    presented = read(provider, body, CERTIFICATE)
    assert prove(presented, want, NOW, VENDORS, TRUST[kind]).channel.spki_sha256 == hashlib.sha256(SPKI).digest()
    for certificate, nonce in ((CERTIFICATE, bytes(32)), (shared_hypervisor().zone, NONCE)):
        with pytest.raises(Rejected, match="binding"):
            prove(read(provider, body, certificate, nonce), want, NOW, VENDORS, TRUST[kind])


@pytest.mark.parametrize("names", [("vcek",), ("vcek", "ask", "ark"), ("vcek", "ask")])
def test_an_snp_report_comes_with_its_chips_certificate(names):
    provider = GenericProvider(path="/x", evidence="snp", document=Place("base64", "/report"), bind=TDX.bind,
                               parts={name: Place("base64", f"/{name}") for name in names})  # fmt: skip
    certificates = zip(("vcek", "ask", "ark"), SNP.certificates, strict=True)
    pieces = {"report": SNP.report, **dict(certificates)}
    body = dumped({name: base64.b64encode(raw).decode() for name, raw in pieces.items()})
    if len(names) == 2:
        with pytest.raises(Malformed):
            read(provider, body, CERTIFICATE)
    elif len(names) == 3:
        assert prove(read(provider, body, CERTIFICATE), SNP_WANT, NOW, VENDORS, platform().trust)
    else:  # AMD's own issuers did not sign a simulated chip
        with pytest.raises(Rejected, match=r"chain\.leaf-signature"):
            prove(read(provider, body, CERTIFICATE), SNP_WANT, NOW, VENDORS, platform().trust)


def test_evidence_is_of_the_kind_that_was_said():
    """A quote where a report belongs is not looked at twice to find a kind that fits."""
    quote = shared_intel().tdx_quote(DATA)
    sgx = GenericProvider(path="/x", evidence="sgx", document=Place("raw"), bind=TDX.bind)
    with pytest.raises(Rejected):
        prove(read(sgx, quote, CERTIFICATE), expecting("sgx", b"x" * 32), NOW, VENDORS, shared_intel().trust,
              shared_intel().collateral(NOW))  # fmt: skip


def test_old_evidence_without_a_nonce_has_an_age():
    provider = GenericProvider(path="/x", evidence="maa", document=Place("raw"), no_nonce=True, max_evidence_age=600,
                               bind={"report_data@0": "sha256(spki)"})  # fmt: skip
    presented = read(provider, MAA_TOKEN, CERTIFICATE)
    want = expecting("maa-sgx", b"\xe1" * 32, **FACTS)
    assert prove(presented, want, NOW + dt.timedelta(minutes=10), VENDORS, shared_services().trust)
    with pytest.raises(Rejected, match=r"cpu\.age"):
        prove(presented, want, NOW + dt.timedelta(minutes=10, seconds=1), VENDORS, shared_services().trust)


# -- options

BASE = {"path": "/attest", "evidence": "tdx", "document": QUOTE, "bind": TDX.bind}
STILL = {"no_nonce": True, "bind": {"report_data": "sha256(spki) + zeros(32)"}}


@pytest.mark.parametrize(("options", "why"), [
    ({"bind": {}}, "nothing would tie"), ({"bind": {"report_data": "nonce + zeros(32)"}}, "names no key"),
    ({"bind": {"user_data": "sha256(spki) + nonce"}}, "a field is one of"),
    ({"bind": {"report_data@x": "spki"}}, "field"), ({"bind": {"report_data": ""}}, "formula"),
    ({"bind": {"report_data": "sha256(spki) + nonce + key"}}, "body_key"),
    ({"body_key": KEYED.body_key}, "body_key"), ({"parts": {"vcek": QUOTE}}, "parts"), ({"evidence": "snp"}, "vcek"),
    ({"no_nonce": True}, "no_nonce"), (STILL, "freshness"), ({**STILL, "no_nonce": False}, "no_nonce"),
    ({"freshness": "none"}, "freshness"), ({**STILL, "freshness": "none", "max_evidence_age": 1}, "freshness"),
    ({**STILL, "max_evidence_age": 0}, "max_evidence_age"), ({"path": ""}, "path"), ({"nonce_bytes": 8}, "nonce_bytes"),
    ({"bind": KEYED.bind, "no_nonce": True, "freshness": "none", "body_key": KeyAt(field="user_data")}, "body_key"),
    ({"evidence": "maa", "bind": {"nonce": "key + nonce"}, "body_key": KeyAt(field="nonce")}, "body_key"),
])  # fmt: skip
def test_options_that_leave_something_open_are_refused(options, why):
    with pytest.raises(ValueError, match=why):
        GenericProvider(**{**BASE, **options})


@pytest.mark.parametrize("options", [{}, {"place": QUOTE, "field": "nonce"}, {"field": "nonce", "offset": -1}])
def test_a_body_key_is_in_one_place(options):
    with pytest.raises(ValueError, match="body_key"):
        KeyAt(**options)


def test_no_kind_that_describes_no_enclave_is_taken():
    assert not {"nvidia", "nras", "google-vtpm", "ratls"} & set(FIELDS)


@given(body=st.binary(max_size=200), kind=st.sampled_from(sorted(FIELDS)))
def test_any_answer_is_malformed_or_refused(body, kind):
    parts = {"vcek": Place("raw")} if kind == "snp" else {}
    field = next(iter(sorted(FIELDS[kind] - {"nonce"})))
    provider = GenericProvider(path="/x", evidence=kind, document=Place("raw"), parts=parts,
                               bind={field: "sha256(spki) + nonce"})  # fmt: skip
    with pytest.raises((Malformed, Rejected)):
        prove(provider.read(Heard({"evidence": Reply(body)}, CERTIFICATE), NONCE), expecting("tdx", b"x" * 48), NOW,
              VENDORS, platform().trust)  # fmt: skip
