"""Nitro endpoints: every binding, every lie refused by its own check, real documents, answers of any other form."""

import base64
import datetime as dt
import hashlib

import pytest
from attested import NOW, VECTORS, vector
from clouds import NONCE, dumped, heard, proven, read, refusals, wants
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from attestation.nitro.document import parse_document
from attestation.providers.base import Heard, Reply, Seal
from attestation.providers.nitro import Bind, NitroProvider
from attestation.providers.prove import prove
from attestation.ratls.certificate import spki_of
from attestation.simulator.nitro import PCRS, shared_hypervisor
from attestation.simulator.providers.nitro import HEAD, Lie, NitroServer
from attestation.trust import VENDORS
from attestation.types import Expectations, Malformed, Rejected

NITRIDING = NitroProvider(nonce_bytes=20, bind=(Bind("user_data", "sha256-cert", 2),))
SEALED = NitroProvider(nonce_bytes=20, bind=(Bind("public_key", "hpke-x25519"),))


@pytest.fixture
async def server():
    async with NitroServer(lambda: NOW) as running:
        yield running


async def test_nitriding_is_asked_as_it_wants(server):
    (ask,) = NITRIDING.asks(NONCE)
    assert ask.path == f"/enclave/attestation?nonce={NONCE[:20].hex()}" and ask.post is None
    got = parse_document(base64.b64decode((await heard(NITRIDING, server)).replies[ask.name].body))
    assert got.optional["nonce"] == NONCE[:20] and len(got.optional["user_data"]) == 68


async def test_the_certificate_of_the_connection_is_proven(server):
    proof = await proven(NITRIDING, server, wants(server, "nitro"))
    assert proof.channel.spki_sha256 == server.pin and proof.channel.body is None and proof.claims.simulated


async def test_a_key_to_seal_to_is_proven(server):
    presented = SEALED.read(await heard(SEALED, server), NONCE)
    assert presented.nonce_bound
    proof = await proven(SEALED, server, wants(server, "nitro"))
    assert proof.channel.spki_sha256 is None and proof.channel.body is not None
    assert (proof.channel.body.seal, proof.channel.body.key) == (Seal.EHBP, server.hpke.public)


async def test_both_keys_are_proven(server):
    both = NitroProvider(nonce_bytes=20, bind=(*NITRIDING.bind, *SEALED.bind))
    proof = await proven(both, server, wants(server, "nitro"))
    assert proof.channel.spki_sha256 == server.pin and proof.channel.body is not None


async def test_the_document_may_lie_in_json():
    wrapped = NitroProvider(nonce_bytes=20, bind=NITRIDING.bind, pointer="/document")
    async with NitroServer(lambda: NOW, wrapped=True) as server:
        assert await refusals(wrapped, server, wants(server, "nitro")) == set()
        assert await refusals(NITRIDING, server, wants(server, "nitro")) == {"malformed"}
        server.lie = Lie.ECHOED_NONCE
        assert await refusals(wrapped, server, wants(server, "nitro")) == {"binding"}


REFUSED = {
    Lie.STALE: {"document.age"}, Lie.FUTURE: {"document.age"}, Lie.OLD_NONCE: {"binding"},
    Lie.LONGER_NONCE: {"binding"}, Lie.ECHOED_NONCE: {"binding"}, Lie.OTHER_KEY: {"binding"},
    Lie.FORMER_CERTIFICATE: {"binding"}, Lie.NO_KEY: {"binding"}, Lie.SHIFTED_KEY: {"binding"},
    Lie.DEBUG: {"debug"}, Lie.NO_PCR0: {"debug"}, Lie.OTHER_IMAGE: {"measurement"},
    Lie.FALSE_ROOT: {"chain.root"}, Lie.EXPIRED_LEAF: {"chain.validity"},
    Lie.REORDERED_BUNDLE: {"chain.root", "chain.issuer", "chain.signature"},
    Lie.UNSIGNED: {"document.signature"}, Lie.TAMPERED: {"document.signature"},
}  # fmt: skip
MALFORMED = {
    Lie.UNPROTECTED_HEADER, Lie.OTHER_ALGORITHM, Lie.TRAILING_BYTES, Lie.TRUNCATED, Lie.DUPLICATE_KEYS,
    Lie.MORE_FIELDS, Lie.WRONG_TAG, Lie.NOT_BASE64, Lie.NOT_CANONICAL, Lie.EMPTY, Lie.HUGE,
}  # fmt: skip


@pytest.mark.parametrize("lie", [lie for lie in Lie if lie is not Lie.KEY_ROTATION])
async def test_every_lie_is_refused_by_its_own_check(server, lie):
    server.lie = lie
    assert await refusals(NITRIDING, server, wants(server, "nitro")) == REFUSED.get(lie, {"malformed"})
    assert (lie in REFUSED) != (lie in MALFORMED)


async def test_a_key_that_comes_after_the_document_is_not_proven(server):
    server.lie = Lie.KEY_ROTATION
    first = await proven(NITRIDING, server, wants(server, "nitro"))
    assert first.channel.spki_sha256 is not None and first.channel.spki_sha256 != server.pin


async def test_no_simulated_document_is_accepted_as_real(server):
    presented = NITRIDING.read(await heard(NITRIDING, server), NONCE)
    with pytest.raises(Rejected) as caught:
        prove(presented, wants(server, "nitro"), NOW, VENDORS)
    assert {f.partition(":")[0] for f in caught.value.failures} == {"chain.root"}


async def test_a_document_from_the_connection_of_another_is_refused(server):
    """A relay: genuine evidence, but this connection's certificate is the relay's."""
    async with NitroServer(lambda: NOW) as relay:
        mine, theirs = await heard(NITRIDING, relay), await heard(NITRIDING, server)
        body = next(iter(theirs.replies.values())).body
        with pytest.raises(Rejected) as caught:
            prove(read(NITRIDING, body, mine.certificate), wants(server, "nitro"), NOW, VENDORS, server.trust)
    assert {f.partition(":")[0] for f in caught.value.failures} == {"binding"}


FORMS = [
    (Bind("user_data", "raw"), lambda spki, cert: spki),
    (Bind("user_data", "sha256-spki"), lambda spki, cert: hashlib.sha256(spki).digest()),
    (Bind("user_data", "sha256-cert"), lambda spki, cert: hashlib.sha256(cert).digest()),
    (Bind("public_key", "raw", 4), lambda spki, cert: b"\1\2\3\4" + spki + b"\5"),
]


@pytest.mark.parametrize(("bind", "made"), FORMS)
@pytest.mark.parametrize("wrong", [False, True])
async def test_every_form_of_a_key_is_compared_whole(server, bind, made, wrong):
    provider = NitroProvider(bind=(bind,), encoding="raw")
    certificate = server.former if wrong else server.certificate
    other = (await heard(NITRIDING, server)).certificate
    value = made(spki_of(x509.load_der_x509_certificate(certificate)), certificate)
    body = shared_hypervisor().document(NOW, nonce=NONCE, **{bind.field: value})
    presented = read(provider, body, other)
    if wrong:
        with pytest.raises(Rejected, match="binding"):
            prove(presented, wants(server, "nitro"), NOW, VENDORS, server.trust)
    else:
        assert prove(presented, wants(server, "nitro"), NOW, VENDORS, server.trust)


async def test_without_an_offset_the_field_holds_nothing_else(server):
    whole = NitroProvider(nonce_bytes=20, bind=(Bind("user_data", "sha256-cert"),))
    assert await refusals(whole, server, wants(server, "nitro")) == {"binding"}


async def test_without_a_nonce_only_the_time_counts(server):
    timed = NitroProvider(bind=(Bind("user_data", "sha256-cert", 2),), no_nonce=True, nonce_field="none")
    assert timed.asks(NONCE)[0].path == "/enclave/attestation"
    assert not timed.read(await heard(timed, server), NONCE).nonce_bound
    server.lie = Lie.STALE
    assert await refusals(timed, server, wants(server, "nitro")) == {"document.age"}


async def test_a_key_to_seal_to_must_be_whole(server):
    short = NitroProvider(nonce_bytes=20, bind=(Bind("public_key", "hpke-x25519", 1),))
    assert await refusals(short, server, wants(server, "nitro")) == {"malformed"}


@pytest.mark.parametrize(("options", "why"), [
    ({"bind": ()}, "names no key"), ({"bind": (Bind("nonce", "raw"),)}, "nonce_field"),
    ({"bind": NITRIDING.bind * 2}, "twice"), ({"path": "x"}, "path"), ({"path": "/a/../b"}, "path"),
    ({"bind": (Bind("public_key", "hpke-x25519"), Bind("user_data", "hpke-x25519"))}, "twice"),
    ({"path": "//evil.example/"}, "path"), ({"path": "/a#b"}, "path"), ({"nonce_bytes": 15}, "nonce_bytes"),
    ({"nonce_bytes": 33}, "nonce_bytes"), ({"nonce_param": "a&b"}, "nonce_param"),
    ({"nonce_field": "none"}, "no_nonce"),
    ({"no_nonce": True}, "nonce_field"), ({"pointer": "document"}, "pointer"),
])  # fmt: skip
def test_options_that_bind_nothing_or_fit_nothing_are_refused(options, why):
    with pytest.raises(ValueError, match=why):
        NitroProvider(**{"bind": SEALED.bind, **options})


def test_an_offset_is_inside_the_field():
    with pytest.raises(ValueError, match="offset"):
        Bind("user_data", "raw", -1)


# -- real documents: each was made for another key, so that the binding is what refuses a production document


@pytest.mark.parametrize(("path", "encoding", "when", "more"), [
    ("nitro/valid-attestation-doc-base64", "base64", "2023-09-18T15:03:30", {"debug"}),
    ("nitro/beta/valid-attestation-doc-bytes", "raw", "2022-10-13T08:58:02", set()),
    ("dstack/nitro_attestation.cose", "raw", "2025-12-25T16:04:19", set()),
    ("dstack/nitro_attestation_dbg.cose", "raw", "2025-12-25T08:20:46", {"debug"}),
])  # fmt: skip
async def test_a_real_document_of_another_key_is_refused(server, path, encoding, when, more):
    raw, now = vector(path), dt.datetime.fromisoformat(f"{when}+00:00")
    provider = NitroProvider(encoding=encoding, bind=(Bind("user_data", "sha256-cert"),))
    document = parse_document(base64.b64decode(raw) if encoding == "base64" else raw)
    want = Expectations("real", frozenset({"nitro"}), {document.pcrs[0]: "real"}, {}, "a@acme.example", now.date())
    with pytest.raises(Rejected) as caught:
        prove(read(provider, raw, server.certificate), want, now, VENDORS)
    assert {f.partition(":")[0] for f in caught.value.failures} == (more or {"binding"})


@pytest.mark.skipif(not VECTORS.exists(), reason="real evidence is not here")
async def test_a_real_document_proves_what_it_holds(server):
    """Its own user data put in the place of a key: all but that comparison is AWS's doing."""
    raw, now = vector("dstack/nitro_attestation.cose"), dt.datetime(2025, 12, 25, 16, 4, 19, tzinfo=dt.UTC)
    provider = NitroProvider(
        encoding="raw", bind=(Bind("user_data", "sha256-cert"),), no_nonce=True, nonce_field="none"
    )
    document = parse_document(raw)
    want = Expectations("real", frozenset({"nitro"}), {document.pcrs[0]: "real"}, {}, "a@acme.example", now.date())
    presented = read(provider, raw, server.certificate)
    (piece,) = presented.pieces
    piece.bound["user_data"] = document.optional["user_data"]
    assert not prove(presented, want, now, VENDORS).claims.simulated


# -- any answer at all

GOOD = shared_hypervisor().document(NOW, nonce=NONCE, user_data=HEAD + bytes(66))
ANY = NitroProvider(encoding="raw", bind=(Bind("user_data", "sha256-cert", 2), Bind("public_key", "hpke-x25519")))


@pytest.fixture(scope="module")
def certificate() -> bytes:
    return shared_hypervisor().leaf


@given(raw=st.one_of(st.binary(max_size=300), st.builds(lambda a, b, c: GOOD[:a] + b + GOOD[a + c :],
       st.integers(0, len(GOOD)), st.binary(max_size=8), st.integers(0, 8))))  # fmt: skip
def test_any_bytes_are_malformed_or_refused(raw):
    try:
        presented = read(ANY, raw, shared_hypervisor().leaf)
        want = Expectations("x", frozenset({"nitro"}), {PCRS[0]: "x"}, {}, "a@acme.example", NOW.date(), True)
        prove(presented, want, NOW, VENDORS, shared_hypervisor().trust)
    except (Malformed, Rejected):
        return
    raise AssertionError("nothing binds this connection's key")


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=9) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["document", "nonce", "x"]), inner, max_size=3)
    ),
)


@given(value=JSON)
def test_any_json_is_malformed(value):
    provider = NitroProvider(bind=NITRIDING.bind, pointer="/document")
    with pytest.raises(Malformed):
        read(provider, dumped(value), shared_hypervisor().leaf)


def test_another_answer_than_asked_is_malformed(certificate):
    for replies in ({}, {"other": Reply(GOOD)}, {"evidence": Reply(GOOD), "other": Reply(GOOD)}):
        with pytest.raises(Malformed):
            ANY.read(Heard(replies, certificate), NONCE)
