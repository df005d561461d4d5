import re

import pytest
from attested import vector
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sealed import refused

from attestation.aci import fields
from attestation.aci.fields import Algo, FieldExchange, open_field, request_aad, response_aad, seal_field
from attestation.sealing import P25519, Fault, X25519Secret

NONCE = bytes(range(32)).hex()
PLACE = ("demo-model", "messages.0.content", NONCE, 1750000000)
SECP256K1_P = 2**256 - 2**32 - 977
D = -121665 * pow(121666, -1, P25519) % P25519
BOTH = pytest.mark.parametrize("algo", list(Algo))
GOOD = [("X-E2EE-Applied", "true"), ("X-E2EE-Version", "2")]


def published() -> list[bytes]:
    text = vector("aci/e2ee-v2-test-vectors.md").decode()
    return [m.encode() for m in re.findall(r"```text\n(.*?)\n```", text, re.DOTALL)]


def test_the_published_associated_data():
    request, response = published()
    assert request_aad(Algo.X25519, *PLACE) == request
    place = ("demo-model", "choices.0.message.content", NONCE, 1750000000)
    assert response_aad(Algo.X25519, *place, "chatcmpl-123") == response


def test_the_published_service_key():
    assert b"5dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef22" in vector("aci/e2ee-v2-test-vectors.md")
    seed = X25519PrivateKey.from_private_bytes(b"\3" * 32)
    assert X25519Secret(seed).public.hex() == "5dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef22"


def exchange(algo):
    service = fields.new_secret(algo)
    ours = FieldExchange(algo, service.public.hex(), "m", 1750000000)
    client = bytes.fromhex(ours.headers["X-Client-Pub-Key"])

    def answer(field, text, response_id="id", nonce=None, model="m"):
        aad = response_aad(algo, model, field, nonce or ours.headers["X-E2EE-Nonce"], 1750000000, response_id)
        return seal_field(algo, client, text, aad)

    return ours, service, answer


@BOTH
def test_a_request_and_its_answer_open(algo):
    ours, service, answer = exchange(algo)
    value = ours.seal("messages.0.content", "grüße".encode())
    aad = request_aad(algo, "m", "messages.0.content", ours.headers["X-E2EE-Nonce"], 1750000000)
    assert open_field(algo, service, value, aad) == "grüße".encode()
    assert value == value.lower()
    assert ours.open("choices.0.message.content", answer("choices.0.message.content", b"yes"), "id") == b"yes"
    assert ours.seal("f", b"same") != ours.seal("f", b"same")


@BOTH
def test_a_field_belongs_to_its_place(algo):
    ours, service, answer = exchange(algo)
    value = ours.seal("messages.0.content", b"text")
    headers = ours.headers
    for place in (
        ("m", "messages.1.content", headers["X-E2EE-Nonce"], 1750000000),
        ("other", "messages.0.content", headers["X-E2EE-Nonce"], 1750000000),
        ("m", "messages.0.content", "00" * 32, 1750000000),
        ("m", "messages.0.content", headers["X-E2EE-Nonce"], 1750000001),
    ):
        refused(Fault.AUTHENTICITY, open_field, algo, service, value, request_aad(algo, *place))
    refused(Fault.AUTHENTICITY, ours.open, "b", answer("a", b"yes"), "id")
    refused(Fault.AUTHENTICITY, ours.open, "a", answer("a", b"yes"), "other")
    refused(Fault.AUTHENTICITY, ours.open, "a", answer("a", b"yes", nonce="00" * 32), "id")
    refused(Fault.AUTHENTICITY, ours.open, "a", answer("a", b"yes", model="n"), "id")
    refused(Fault.AUTHENTICITY, exchange(algo)[0].open, "a", answer("a", b"yes"), "id")
    assert ours.open("a", answer("a", b"yes"), "id") == b"yes"


def test_what_we_sent_does_not_come_back_as_an_answer():
    ours, _, _ = exchange(Algo.X25519)
    refused(Fault.AUTHENTICITY, ours.open, "a", ours.seal("a", b"text"), "")


def test_one_algorithm_is_not_the_other():
    client = X25519Secret()
    aad = [response_aad(a, "m", "f", NONCE, 1, "") for a in Algo]
    refused(
        Fault.AUTHENTICITY, open_field, Algo.X25519, client, seal_field(Algo.X25519, client.public, b"", aad[1]), aad[0]
    )
    assert len({aad[0], aad[1]}) == 2


@BOTH
def test_a_repeated_field_is_refused(algo):
    ours, _, answer = exchange(algo)
    value = answer("a", b"yes")
    assert ours.open("a", value, "id") == b"yes"
    refused(Fault.AUTHENTICITY, ours.open, "a", value, "id")


def same_secret(algo: Algo, point: bytes) -> list[bytes]:
    """Other public keys that agree on the same secret with everybody: what anybody on the way can compute."""
    if algo is Algo.SECP256K1:
        return [point[:33] + (SECP256K1_P - int.from_bytes(point[33:])).to_bytes(32)]
    u = int.from_bytes(point, "little")
    y = (u - 1) * pow(u + 1, -1, P25519) % P25519
    here, out = (edwards_x(y), y), []
    order8 = int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little")
    for _ in range(7):
        here = edwards_sum(here, (edwards_x(order8), order8))
        v = (1 + here[1]) * pow(1 - here[1], -1, P25519) % P25519
        out.append(v.to_bytes(32, "little"))
    return out


def edwards_x(y):
    square = (y * y - 1) * pow(D * y * y + 1, -1, P25519) % P25519
    x = pow(square, (P25519 + 3) // 8, P25519)
    return x if x * x % P25519 == square else x * pow(2, (P25519 - 1) // 4, P25519) % P25519


def edwards_sum(a, b):
    k = D * a[0] * b[0] * a[1] * b[1] % P25519
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + k, -1, P25519)
    return x % P25519, (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, P25519) % P25519


@BOTH
def test_a_repeated_field_is_refused_behind_another_point_too(algo):
    """The secret does not tell those points apart, so the cipher does not either."""
    size = 32 if algo is Algo.X25519 else 65
    ours, _, answer = exchange(algo)
    value = answer("a", b"yes")
    points = same_secret(algo, bytes.fromhex(value)[:size])
    assert len({value[: 2 * size], *(p.hex() for p in points)}) == len(points) + 1 > 1
    changed = [p.hex() + value[2 * size :] for p in points]
    assert ours.open("a", changed[0], "id") == b"yes"  # by itself it opens
    for again in (*changed, value):
        refused(Fault.AUTHENTICITY, ours.open, "a", again, "id")


def test_the_memory_of_fields_is_bounded(monkeypatch):
    ours, _, answer = exchange(Algo.X25519)
    monkeypatch.setattr(fields, "MAX_FIELDS", 1)
    ours.open("a", answer("a", b"1"), "id")
    refused(Fault.SEQUENCE, ours.open, "a", answer("a", b"2"), "id")


@BOTH
def test_every_flipped_bit_is_refused(algo):
    ours, _, answer = exchange(algo)
    raw = bytes.fromhex(answer("a", b"secret word"))
    for bit in range(8 * len(raw)):
        bad = bytearray(raw)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises(fields.SealingError) as e:
            ours.open("a", bad.hex(), "id")
        assert "secret" not in str(e.value)


@pytest.mark.parametrize("value", ["", "zz", "AB" * 80, "00" * 59, "0" * 161, "0x" + "00" * 80])
def test_what_is_no_sealed_field_is_refused(value):
    refused(Fault.FRAME, exchange(Algo.X25519)[0].open, "a", value, "id")


def test_a_field_has_its_limit(monkeypatch):
    monkeypatch.setattr(fields, "MAX_FIELD", 10)
    ours, _, answer = exchange(Algo.SECP256K1)
    refused(Fault.INPUT, ours.seal, "a", b"x" * 11)
    refused(Fault.FRAME, ours.open, "a", "00" * 104, "id")
    for text in (b"x" * 10, b""):
        assert ours.seal("a", text) and ours.open("a", answer("a", text), "id") == text


@pytest.mark.parametrize("algo", ["", "aes", "x25519", "X25519-AES-256-GCM-HKDF-SHA256"])
def test_an_unknown_algorithm_is_refused(algo):
    refused(Fault.SUITE, FieldExchange, algo, "00" * 32, "m", 1)


@pytest.mark.parametrize(
    ("algo", "key"),
    [
        (Algo.X25519, "00" * 32), (Algo.X25519, "01" + "00" * 31), (Algo.X25519, "09" * 33), (Algo.X25519, "XX" * 32),
        (Algo.SECP256K1, "04" + "01" * 64), (Algo.SECP256K1, "01" * 64), (Algo.SECP256K1, "02" + "01" * 32),
    ],
)  # fmt: skip
def test_a_bad_key_is_refused(algo, key):
    refused(Fault.KEY, FieldExchange, algo, key, "m", 1)


def test_a_key_has_the_spellings_that_keysets_use():
    key = fields.new_secret(Algo.SECP256K1).public
    for text in (key.hex(), "0x" + key.hex(), key[1:].hex()):
        assert fields.parse_key(Algo.SECP256K1, text) == key


def test_the_headers_of_a_request():
    ours, service, _ = exchange(Algo.X25519)
    headers = ours.headers
    assert headers["X-E2EE-Version"] == "2" and headers["X-E2EE-Timestamp"] == "1750000000"
    assert headers["X-Model-Pub-Key"] == service.public.hex() and re.fullmatch("[0-9a-f]{64}", headers["X-E2EE-Nonce"])
    assert "X-Signing-Algo" not in headers
    assert exchange(Algo.X25519)[0].headers["X-E2EE-Nonce"] != headers["X-E2EE-Nonce"]


def test_an_answer_must_say_that_it_is_sealed():
    ours, _, _ = exchange(Algo.X25519)
    whole = [*GOOD, ("X-E2EE-Algo", Algo.X25519.value)]
    ours.require_sealed(whole)
    for bad in (
        [], whole[:2], whole[1:], [*whole, whole[0]], [("X-E2EE-Applied", "false"), *whole[1:]],
        [whole[0], ("X-E2EE-Version", "1"), whole[2]], [*GOOD, ("X-E2EE-Algo", Algo.SECP256K1.value)],
    ):  # fmt: skip
        refused(Fault.UNSEALED, ours.require_sealed, bad)


def test_a_model_that_is_no_text_is_refused():
    ours = FieldExchange(Algo.X25519, X25519Secret().public.hex(), "\ud800", 1)
    refused(Fault.INPUT, ours.seal, "a", b"x")


@BOTH
def test_every_field_has_a_key_and_a_nonce_of_its_own(algo):
    """The format demands both; either would do, so that one of them may fail unseen."""
    ours, _, _ = exchange(algo)
    size = 32 if algo is Algo.X25519 else 65
    raw = [bytes.fromhex(ours.seal("f", b"same")) for _ in range(20)]
    assert len({r[:size] for r in raw}) == len({r[size : size + 12] for r in raw}) == 20
    other, _, _ = exchange(algo)
    for name in ("X-E2EE-Nonce", "X-Client-Pub-Key"):
        assert ours.headers[name] != other.headers[name]
