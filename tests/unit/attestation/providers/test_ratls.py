"""RA-TLS endpoints: three forms, every lie refused by its own check, age instead of a nonce, any certificate at all."""

import pytest
from attested import NOW, platform, vector, wanted
from clouds import NONCE, heard, proven, refusals, wants
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from attestation.providers.base import Channel, Heard, Piece, Presented, Reply
from attestation.providers.prove import prove
from attestation.providers.ratls import RaTlsProvider
from attestation.ratls.certificate import DSTACK_QUOTE, GRAMINE, INTEROPERABLE, OPEN_ENCLAVE
from attestation.simulator import pki
from attestation.simulator.cborwriter import dump, tagged
from attestation.simulator.providers.ratls import AGE, Form, Lie, RaTlsServer
from attestation.trust import VENDORS
from attestation.types import Evidence, Expectations, Malformed, Rejected

DAYS = RaTlsProvider(max_certificate_age=30 * 86400)
REGISTERS = {"release": {"mrtd": bytes.fromhex("7d") * 48, "rtmr1": bytes(48), "rtmr2": bytes(48)}}


def want(server: RaTlsServer) -> Expectations:
    return wants(server, "tdx", measurements={}, registers=REGISTERS)


@pytest.mark.parametrize("form", list(Form))
async def test_the_key_of_the_connection_is_proven(form):
    async with RaTlsServer(lambda: NOW, form=form) as server:
        assert DAYS.asks(NONCE) == ()
        presented = DAYS.read(await heard(DAYS, server), NONCE)
        assert not presented.nonce_bound
        proof = await proven(DAYS, server, want(server), server.collateral())
        assert proof.channel.spki_sha256 == server.pin and proof.claims.facts["form"] == form
        assert proof.claims.signed_at == NOW - AGE and server.attestations == 0


BAD_KEY = {Form.INTEROPERABLE: "certificate.key", Form.LEGACY: "certificate.bound", Form.DSTACK: "certificate.bound"}
EVERY_FORM = {
    Lie.OLD: {"cpu.age"}, Lie.NOT_YET_VALID: {"certificate.validity"},
    Lie.EXPIRED: {"certificate.validity"}, Lie.OTHER_SIGNER: {"certificate.signature"}, Lie.DEBUG: {"td.debug"},
    Lie.OTHER_IMAGE: {"measurement"}, Lie.NO_EVIDENCE: {"malformed"}, Lie.TWO_PIECES: {"malformed"},
}  # fmt: skip
ONE_FORM = [
    (Form.INTEROPERABLE, Lie.SPLICED_CLAIMS, {"certificate.bound"}), (Form.INTEROPERABLE, Lie.TRAILING_BYTES, None),
    (Form.INTEROPERABLE, Lie.NO_KEY, None),
    (Form.INTEROPERABLE, Lie.DUPLICATE_KEYS, None), (Form.INTEROPERABLE, Lie.INDEFINITE, None),
    (Form.INTEROPERABLE, Lie.OTHER_TAG, None), (Form.INTEROPERABLE, Lie.MORE_CLAIMS, None),
    (Form.INTEROPERABLE, Lie.WEAK_HASH, None), (Form.LEGACY, Lie.TRAILING_BYTES, None),
    (Form.DSTACK, Lie.REPLAYED_LOG, {"event-log.rtmr3"}),
]  # fmt: skip


async def verdict(form: Form, lie: Lie) -> set[str]:
    async with RaTlsServer(lambda: NOW, lie, form) as server:
        got = await refusals(DAYS, server, want(server), server.collateral())
    return {"malformed"} if got == {"cpu.format"} else got


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("lie", list(EVERY_FORM))
async def test_every_lie_is_refused_by_its_own_check(form, lie):
    assert await verdict(form, lie) == EVERY_FORM[lie]


@pytest.mark.parametrize(("form", "lie", "why"), ONE_FORM)
async def test_lies_of_one_form_are_refused(form, lie, why):
    assert await verdict(form, lie) == (why or {"malformed"})


@pytest.mark.parametrize("form", list(Form))
async def test_evidence_of_another_key_is_refused(form):
    assert await verdict(form, Lie.OTHER_KEY) == {BAD_KEY[form]}


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize(("lie", "why"), [(Lie.TAMPERED, "quote.signature"), (Lie.FALSE_ROOT, "pck.root")])
async def test_a_quote_that_is_not_genuine_is_refused(form, lie, why):
    assert why in await verdict(form, lie)


def test_every_lie_was_tried():
    tried = {*EVERY_FORM, Lie.OTHER_KEY, Lie.TAMPERED, Lie.FALSE_ROOT, *(lie for _, lie, _ in ONE_FORM)}
    assert tried == set(Lie)


async def test_a_certificate_grows_too_old():
    async with RaTlsServer(lambda: NOW) as server:
        seconds = int(AGE.total_seconds())
        for age, why in ((seconds, set()), (seconds - 1, {"cpu.age"})):
            provider = RaTlsProvider(max_certificate_age=age)
            assert await refusals(provider, server, want(server), server.collateral()) == why


async def test_a_certificate_with_a_long_event_log_is_read():
    """dstack's logs make certificates larger than any issuer's."""
    async with RaTlsServer(lambda: NOW, form=Form.DSTACK) as server:
        server.log = b"[" + b" " * 20_000 + b"]"
        server.rotate_key()
        assert await refusals(DAYS, server, want(server), server.collateral()) == set()
        server.log = b"[" + b" " * 62_000 + b"]"
        server.rotate_key()
        assert await refusals(DAYS, server, want(server), server.collateral()) == {"malformed"}


async def test_an_issuer_is_given_or_the_certificate_signs_itself():
    key = ec.generate_private_key(ec.SECP256R1())
    name = pki.name("simulated enclave", "Sealgate Simulator")
    der = pki.issue(name, key.public_key(), name, key, digest=hashes.SHA256(), ca=True)
    pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()
    async with RaTlsServer(lambda: NOW, issuer=key) as server:
        assert await refusals(DAYS, server, want(server), server.collateral()) == {"certificate.signature"}
        issued = RaTlsProvider(max_certificate_age=86400, issuer=pem)
        assert await refusals(issued, server, want(server), server.collateral()) == set()
    async with RaTlsServer(lambda: NOW) as server:
        assert await refusals(issued, server, want(server), server.collateral()) == {"certificate.signature"}


async def test_a_certificate_of_the_web_with_a_stolen_quote_is_refused():
    """A terminator in front: its certificate is its own, the evidence is in another."""
    async with RaTlsServer(lambda: NOW) as server:
        seen = await heard(DAYS, server)
        swapped = DAYS.read(Heard({}, PLAIN), NONCE)
        forged = Presented((Piece("cpu", Evidence("ratls", seen.certificate), swapped.pieces[0].bound),),
                           swapped.channel, False)  # fmt: skip
        with pytest.raises(Rejected, match="binding"):
            prove(forged, want(server), NOW, VENDORS, server.trust, server.collateral())


KEY = ec.generate_private_key(ec.SECP256R1())
NAME = pki.name("web", "Sealgate Simulator")
PLAIN = pki.issue(NAME, KEY.public_key(), NAME, KEY, digest=hashes.SHA256())
PEM = x509.load_der_x509_certificate(PLAIN).public_bytes(Encoding.PEM).decode()


async def test_no_simulated_certificate_is_accepted_as_real():
    async with RaTlsServer(lambda: NOW) as server:
        presented = DAYS.read(await heard(DAYS, server), NONCE)
        with pytest.raises(Rejected, match=r"pck\.root"):
            prove(presented, want(server), NOW, VENDORS, None, server.collateral())


def test_nothing_is_asked_so_nothing_is_answered():
    with pytest.raises(Malformed):
        DAYS.read(Heard({"evidence": Reply(b"{}")}, PLAIN), NONCE)
    assert DAYS.read(Heard({}, PLAIN), NONCE).pieces


@pytest.mark.parametrize(("options", "why"), [
    ({"max_certificate_age": 0}, "max_certificate_age"), ({"max_certificate_age": 367 * 86400}, "max_certificate_age"),
    ({"max_certificate_age": 1, "issuer": "x"}, "issuer"), ({"max_certificate_age": 1, "issuer": PEM + PEM}, "issuer"),
    ({"max_certificate_age": 1, "issuer": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, "issuer"),
])  # fmt: skip
def test_options_are_checked(options, why):
    with pytest.raises(ValueError, match=why):
        RaTlsProvider(**options)


@given(der=st.binary(max_size=200))
def test_any_bytes_are_malformed(der):
    with pytest.raises(Malformed):
        DAYS.read(Heard({}, der), NONCE)


OIDS = [INTEROPERABLE, GRAMINE, OPEN_ENCLAVE, DSTACK_QUOTE]
SHAPES = st.recursive(
    st.none() | st.integers(-(2**63), 2**63) | st.binary(max_size=40) | st.text(max_size=8).filter(str.isascii),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["pubkey-hash", "nonce"]) | st.integers(0, 9), inner, max_size=3)
    ),
)


PAIRS = st.binary(max_size=60).map(lambda v: tagged(60000, [v, v]))
VALUES = st.binary(max_size=120) | SHAPES.map(dump) | SHAPES.map(lambda v: tagged(60000, v)) | PAIRS


@given(oid=st.sampled_from(OIDS), value=VALUES)
def test_any_evidence_in_a_certificate_is_malformed_or_refused(oid, value):
    der = pki.issue(NAME, KEY.public_key(), NAME, KEY, digest=hashes.SHA256(), extensions={oid: value})
    w = Expectations("x", frozenset({"tdx"}), {b"x" * 48: "x"}, {}, "a@acme.example", NOW.date())
    with pytest.raises((Malformed, Rejected)):
        prove(DAYS.read(Heard({}, der), NONCE), w, NOW, VENDORS)


@pytest.mark.parametrize("path", [
    "nitro/beta/non-debug-cert-containing-attestation-document-18-1-23-der.crt", "nitro/valid-certificate.der",
])  # fmt: skip
def test_a_real_certificate_with_evidence_of_no_such_form_is_malformed(path):
    presented = DAYS.read(Heard({}, vector(path)), NONCE)
    w = Expectations("x", frozenset({"tdx"}), {b"x" * 48: "x"}, {}, "a@acme.example", NOW.date())
    with pytest.raises(Rejected, match=r"cpu\.format"):
        prove(presented, w, NOW, VENDORS)


def test_evidence_without_a_time_is_too_old_for_any_age():
    piece = Piece("cpu", platform().evidence(bytes(64)), {"report_data": bytes(64)}, max_age_s=10**6)
    with pytest.raises(Rejected, match=r"cpu\.age"):
        prove(Presented((piece,), Channel(bytes(32)), False), wanted(), NOW, VENDORS, platform().trust)
