"""Sealed bodies come out as they went in however they are cut, and whatever else comes in raises the one error."""

import json
import os

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sealed import OWN, secret, x

from attestation import ehbp
from attestation.aci import fields
from attestation.endings import JsonEnding, SseEnding
from attestation.hpke import Aead, Kem, Suite, new_secret, setup_receiver, setup_sender
from attestation.jcs import canonical
from attestation.near import Algo as NearAlgo
from attestation.near import FieldExchange, Identity
from attestation.sealing import SealingError
from attestation.simulator.sealed import EhbpServer, seal_answer
from attestation.types import Malformed

FEW = settings(max_examples=int(os.environ.get("SEALGATE_FUZZ", "60")), deadline=None)
SUITES = st.sampled_from([Suite(k, a) for k in (Kem.P256, Kem.X25519) for a in Aead if a is not Aead.EXPORT_ONLY])
SERVER = EhbpServer()
VECTOR = OWN["ehbp"]
ANSWER = x(VECTOR["response"])
TOKEN = ehbp.Recovery(x(VECTOR["exported_secret"]), x(VECTOR["enc"]))
HEAD = [(ehbp.RESPONSE_NONCE, VECTOR["response_nonce"])]
CONFIG = ehbp.encode_key_config(SERVER.secret.public)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def pieces(draw: st.DrawFn, whole: bytes) -> list[bytes]:
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    return [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 6))] = draw(st.binary(max_size=6))
    return bytes(data)


@FEW
@given(SUITES, st.lists(st.tuples(st.binary(max_size=80), st.binary(max_size=20)), max_size=6), st.binary(max_size=20))
def test_messages_open_in_order(suite, messages, info):
    key = new_secret(suite.kem)
    sender = setup_sender(suite, key.public, info)
    receiver = setup_receiver(suite, sender.enc, key, info)
    assert [receiver.open(sender.seal(m, aad), aad) for m, aad in messages] == [m for m, _ in messages]


@FEW
@given(st.data(), st.binary(min_size=1, max_size=3000))
def test_a_request_opens_at_any_chunking(data, body):
    exchange = ehbp.Exchange(SERVER.secret.public)
    frames = b"".join(exchange.feed(p) for p in data.draw(pieces(body)))
    exchange.close()
    assert SERVER.open(exchange.headers, frames)[0] == body


@FEW
@given(st.data(), st.dictionaries(TEXTS, VALUES, max_size=5))
def test_an_answer_opens_at_any_chunking_and_any_cut_is_noticed(data, value):
    body = json.dumps(value, ensure_ascii=data.draw(st.booleans())).encode()
    headers, frames = seal_answer(TOKEN, data.draw(pieces(body)))
    wire = b"".join(frames)
    opener = TOKEN.opener(200, headers, JsonEnding())
    assert b"".join(opener.feed(p) for p in data.draw(pieces(wire))) == body
    opener.close()
    cut = TOKEN.opener(200, headers, JsonEnding())
    got = cut.feed(wire[: data.draw(st.integers(0, len(wire) - 1))])
    try:
        cut.close()
    except SealingError:
        assert got != body or wire.endswith(bytes(4))
    else:
        assert got == body  # only empty frames behind the end were cut off


@FEW
@given(st.data())
def test_a_damaged_answer_is_refused_or_the_same(data):
    opener = TOKEN.opener(200, HEAD, SseEnding())
    try:
        got = b"".join(opener.feed(p) for p in data.draw(pieces(data.draw(damaged(ANSWER)))))
        opener.close()
    except SealingError:
        return
    assert got == x(VECTOR["response_plaintext"])  # the damage was nothing, or an empty frame


@FEW
@given(st.binary(max_size=200))
@example(b"\xff" * 4)
@example(bytes(40))
def test_noise_is_never_an_answer(noise):
    opener = TOKEN.opener(200, HEAD, SseEnding())
    try:
        assert opener.feed(noise) == b""
        opener.close()
    except SealingError:
        return
    raise AssertionError("noise was taken for a whole answer")


@FEW
@given(st.one_of(st.binary(max_size=100), damaged(CONFIG)), st.one_of(st.just(ehbp.KEYS_TYPE), TEXTS))
def test_a_configuration_is_read_or_refused(document, kind):
    try:
        assert len(ehbp.parse_key_config(document, kind)) == 32
    except SealingError:
        return


@FEW
@given(st.one_of(st.binary(max_size=200), damaged(TOKEN.to_json())))
def test_a_token_is_read_or_refused(raw):
    try:
        ehbp.Recovery.from_json(raw)
    except SealingError:
        return


@FEW
@given(
    st.lists(st.tuples(st.sampled_from(["ehbp-response-nonce", "x", "content-type"]), TEXTS), max_size=4), st.binary()
)
def test_any_head_is_sealed_or_refused(headers, body):
    ehbp.is_key_mismatch(422, headers, body)
    try:
        TOKEN.opener(200, headers, SseEnding())
    except SealingError:
        return


@FEW
@given(st.sampled_from(list(fields.Algo)), TEXTS, TEXTS, TEXTS, st.binary(max_size=100), st.data())
def test_aci_fields_open_and_damaged_ones_do_not(algo, model, place, other, text, data):
    service = fields.new_secret(algo)
    ours = fields.FieldExchange(algo, service.public.hex(), model, 5)
    nonce = ours.headers["X-E2EE-Nonce"]
    value = ours.seal(place, text)
    assert fields.open_field(algo, service, value, fields.request_aad(algo, model, place, nonce, 5)) == text
    bad = data.draw(st.one_of(TEXTS, damaged(value.encode()).map(lambda b: b.decode("latin-1"))))
    client = bytes.fromhex(ours.headers["X-Client-Pub-Key"])
    moved = fields.seal_field(algo, client, text, fields.response_aad(algo, model, other, nonce, 5, ""))
    for answer in (bad, moved):
        try:
            assert ours.open(place, answer) == text and other == place
        except SealingError:
            continue


@FEW
@given(st.sampled_from(list(NearAlgo)), st.binary(max_size=100), st.one_of(TEXTS, st.from_regex("[0-9a-f]{150,400}")))
def test_near_fields_open_and_noise_does_not(algo, text, noise):
    model = Identity(algo)
    ours = FieldExchange(algo, model.public.hex())
    assert FieldExchange(algo, model.public.hex()).seal(text) != ours.seal(text)
    try:
        assert ours.open(noise) == b"" == noise.encode()
    except SealingError:
        return


@FEW
@given(st.sampled_from(list(NearAlgo)), st.one_of(TEXTS, st.binary(max_size=70).map(bytes.hex)))
def test_a_near_key_is_taken_or_refused(algo, key):
    try:
        FieldExchange(algo, key)
    except SealingError:
        return


@FEW
@given(VALUES)
def test_a_canonical_form_is_the_value_and_canonical(value):
    form = canonical(value)
    assert json.loads(form) == value
    assert canonical(json.loads(form)) == form


@FEW
@given(st.recursive(st.floats() | st.integers() | st.binary() | st.text(), st.lists, max_leaves=4))
def test_a_value_has_a_canonical_form_or_is_malformed(value):
    try:
        canonical(value)
    except Malformed:
        return


def test_the_server_of_the_vector_is_the_one_of_its_key():
    assert EhbpServer(secret(Kem.X25519, VECTOR["server_key"])).open(
        {ehbp.ENCAPSULATED_KEY: VECTOR["enc"]}, x(VECTOR["request"])
    )
