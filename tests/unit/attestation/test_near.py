import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sealed import OWN, refused, x

from attestation import near
from attestation.near import Algo, FieldExchange, Identity, montgomery, open_field, seal_field, sealing_key
from attestation.sealing import CurveSecret, Fault, X25519Secret

BOTH = pytest.mark.parametrize("algo", list(Algo))
P = 2**255 - 19


def test_our_own_vector_that_libsodium_made():
    given = OWN["near_ed25519"]
    seed = x(given["seed"])
    assert Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw() == x(given["public"])
    ours = X25519Secret(X25519PrivateKey.from_private_bytes(hashlib.sha512(seed).digest()[:32]))
    assert montgomery(x(given["public"])) == ours.public
    assert open_field(Algo.ED25519, ours, given["value"]) == x(given["plaintext"])


@pytest.mark.parametrize("case", OWN["near_public"]["cases"], ids=lambda c: c["algorithm"])
def test_what_the_providers_own_client_sealed_opens(case):
    algo, seed = Algo(case["algorithm"]), x(case["private_seed"])
    if algo is Algo.ED25519:
        secret = X25519Secret(X25519PrivateKey.from_private_bytes(hashlib.sha512(seed).digest()[:32]))
        assert sealing_key(algo, x(case["public_key"])) == secret.public
    else:
        curve = ec.SECP256K1()
        secret = CurveSecret(curve, ec.derive_private_key(int.from_bytes(seed), curve))
        assert sealing_key(algo, x(case["public_key"])) == secret.public
    assert open_field(algo, secret, case["ciphertext"]) == case["plaintext"].encode()


@BOTH
def test_a_request_and_its_answer_open(algo):
    model = Identity(algo)
    ours = FieldExchange(algo, model.public.hex())
    assert open_field(algo, model.secret, ours.seal("grüße".encode())) == "grüße".encode()
    client = sealing_key(algo, bytes.fromhex(ours.headers["x-client-pub-key"]))
    assert ours.open(seal_field(algo, client, b"yes")) == b"yes"
    assert ours.open("") == b""
    assert ours.seal(b"same") != ours.seal(b"same")


@BOTH
def test_another_key_opens_nothing(algo):
    value = FieldExchange(algo, Identity(algo).public.hex()).seal(b"text")
    refused(Fault.AUTHENTICITY, open_field, algo, Identity(algo).secret, value)


@BOTH
def test_every_flipped_bit_is_refused(algo):
    model = Identity(algo)
    raw = bytes.fromhex(FieldExchange(algo, model.public.hex()).seal(b"secret word"))
    for bit in range(8 * len(raw)):
        bad = bytearray(raw)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises(near.SealingError) as e:
            open_field(algo, model.secret, bad.hex())
        assert "secret" not in str(e.value)


def test_fields_are_not_bound_to_their_place():
    """What the page says of this protocol: a relay may swap two fields and both open."""
    model = Identity(Algo.ED25519)
    ours = FieldExchange("ed25519", model.public.hex())
    one, two = ours.seal(b"1"), ours.seal(b"2")
    assert [open_field(Algo.ED25519, model.secret, v) for v in (two, one, one)] == [b"2", b"1", b"1"]


@pytest.mark.parametrize("value", ["zz", "AB" * 80, "00" * 71, "0" * 161, "0x" + "00" * 80])
def test_what_is_no_sealed_field_is_refused(value):
    refused(Fault.FRAME, FieldExchange("ed25519", Identity(Algo.ED25519).public.hex()).open, value)


def test_a_field_has_its_limit(monkeypatch):
    monkeypatch.setattr(near, "MAX_FIELD", 10)
    ours = FieldExchange("ecdsa", Identity(Algo.ECDSA).public.hex())
    refused(Fault.INPUT, ours.seal, b"x" * 11)
    refused(Fault.FRAME, ours.open, "00" * 104)
    client = sealing_key(Algo.ECDSA, bytes.fromhex(ours.headers["x-client-pub-key"]))
    for text in (b"x" * 10, b""):
        assert ours.seal(text) and ours.open(seal_field(Algo.ECDSA, client, text)) == text


@pytest.mark.parametrize("algo", ["", "rsa", "ED25519"])
def test_an_unknown_algorithm_is_refused(algo):
    refused(Fault.SUITE, FieldExchange, algo, "00" * 32)


@pytest.mark.parametrize(
    "key",
    {
        "no text": "XX", "short": "58" + "66" * 30, "long": "58" + "66" * 32,
        "y of the neutral element": "01" + "00" * 31,
        "y of order 2": (P - 1).to_bytes(32, "little").hex(),
        "y of order 4": "00" * 32,
        "y of order 8": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "not reduced": (P + 3).to_bytes(32, "little").hex(),
        "not on the curve": "02" + "00" * 31,
    }.values(),
)  # fmt: skip
def test_a_bad_ed25519_key_is_refused(key):
    # y = 3 is on the curve, so its second spelling is refused for being one
    refused(Fault.KEY, FieldExchange, "ed25519", key)


@pytest.mark.parametrize("key", ["04" + "01" * 64, "01" * 64, "02" + "01" * 32, ""])
def test_a_bad_ecdsa_key_is_refused(key):
    refused(Fault.KEY, FieldExchange, "ecdsa", key)


def test_the_sign_of_an_ed25519_key_does_not_matter():
    for _ in range(20):
        public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        assert montgomery(public) == montgomery(public[:31] + bytes([public[31] ^ 0x80]))


def test_the_headers_of_a_request():
    model = Identity(Algo.ECDSA)
    headers = FieldExchange("ecdsa", "0x" + model.public.hex()).headers
    assert headers["x-model-pub-key"] == model.public.hex() and len(headers["x-client-pub-key"]) == 128
    assert headers["x-signing-algo"] == "ecdsa"
    assert headers["x-encrypt-all-fields"] == headers["x-no-aliasing"] == "true"
    assert "x-encryption-version" not in headers  # "2" would be the format of the other algorithm
    assert FieldExchange("ed25519", Identity(Algo.ED25519).public.hex()).headers["x-encryption-version"] == "2"


def test_a_key_with_its_first_byte_is_the_same_key_and_named_as_it_came():
    model = Identity(Algo.ECDSA)
    ours = FieldExchange("ecdsa", "04" + model.public.hex())
    assert ours.headers["x-model-pub-key"] == "04" + model.public.hex()
    assert open_field(Algo.ECDSA, model.secret, ours.seal(b"text")) == b"text"


@BOTH
def test_every_field_has_a_key_and_a_nonce_of_its_own(algo):
    """Either would do, so that one of them may fail unseen."""
    model = Identity(algo).public.hex()
    ours = FieldExchange(algo, model)
    key, nonce = (32, 24) if algo is Algo.ED25519 else (65, 12)
    raw = [bytes.fromhex(ours.seal(b"same")) for _ in range(20)]
    assert len({r[:key] for r in raw}) == len({r[key : key + nonce] for r in raw}) == 20
    assert FieldExchange(algo, model).headers["x-client-pub-key"] != ours.headers["x-client-pub-key"]
