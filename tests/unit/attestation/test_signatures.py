"""Signatures of answers: the published key and address of Ethereum's test account, and every way to be wrong."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attestation import signatures
from attestation.signatures import G, N, P, address_of, ethereum_digest, recover, verify
from attestation.simulator.signing import Signer
from attestation.types import Malformed, Rejected

REQUEST, RESPONSE = "1a" * 32, "2b" * 32
TEXT = f"{REQUEST}:{RESPONSE}"
HARDHAT = 0xAC0974BEC39A17E36BA4A6B4D238FF944BACB478CBED5EFCAE784D7BF4F2FF80
"""The first account of Ethereum's usual test mnemonic; its address is published everywhere."""
ALGOS = pytest.mark.parametrize("algo", ["ed25519", "ecdsa"])


def failures(signed, signer, request=REQUEST, response=RESPONSE):
    try:
        verify(signed, signer.algo, signer.attested, "m", request, response)
    except Rejected as e:
        return set(e.failures)
    return set()


def test_the_published_address():
    public = ec.derive_private_key(HARDHAT, ec.SECP256K1()).public_key()
    raw = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert address_of(raw).hex() == "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
    assert address_of(raw[1:]) == address_of(raw)


def test_the_published_digest_of_a_message():
    assert ethereum_digest(b"hello world").hex() == "d9eba16ed0ecae432b71fe008c98cc872bb4cc214d3220a36f365326cf807d68"


WEB3 = {
    "text": "Some data",
    "signature": "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd"
    "6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c",
}
"""The example of web3.js's documentation, of the account 0x2c7536E3605D9C16a7a3D7b1898e529396a65c23."""


def test_a_published_signature_is_its_accounts():
    digest = ethereum_digest(WEB3["text"].encode())
    assert digest.hex() == "1da44b586eb0729ff70a73c326926f6ed5a25f5b056e7f47fbc6e58d86871655"
    raw = bytes.fromhex(WEB3["signature"][2:])
    for v in (28, 1):  # some count from 0
        public = recover(raw[:64] + bytes((v,)), digest)
        assert public is not None and address_of(public).hex() == "2c7536e3605d9c16a7a3d7b1898e529396a65c23"
    for v in (27, 0):
        public = recover(raw[:64] + bytes((v,)), digest)
        assert public is None or address_of(public).hex() != "2c7536e3605d9c16a7a3d7b1898e529396a65c23"
    for v in (2, 26, 29, 35, 36, 255):
        assert recover(raw[:64] + bytes((v,)), digest) is None


def multiple(of: int) -> bytes:
    public = ec.derive_private_key(of % N, ec.SECP256K1()).public_key()
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]


def test_points_that_meet_are_doubled_or_cancel():
    """Whoever writes a signature chooses both points that are added: one and the same, or one and its opposite."""
    inverse, head = pow(G[0], -1, N), G[0].to_bytes(32)  # the point of the signature is the generator, whose y is even
    for s, z, want in ((5, 5, None), (5, N - 5, 10), (5, 0, 5), (5, 4, 1), (1, N - 2, 3)):
        got = recover(head + s.to_bytes(32) + b"\x1b", z.to_bytes(32))
        assert got == (None if want is None else multiple(want * inverse))


@pytest.mark.parametrize("r", [0, N, N + 1, P - 1, P, 2**256 - 1])
def test_a_number_outside_the_group_gives_no_key(r):
    assert recover(r.to_bytes(32) + bytes(31) + b"\1\x1b", bytes(32)) is None
    assert recover(G[0].to_bytes(32) + bytes(32) + b"\x1b", bytes(32)) is None


@ALGOS
def test_a_signature_need_not_say_whose_it_is(algo):
    signer = Signer(algo)
    signed = signer.sign(TEXT)
    assert failures({k: v for k, v in signed.items() if k != "signing_address"}, signer) == set()
    assert failures({k: v for k, v in signed.items() if k != "signing_algo"}, signer) == set()
    for address in (5, [], {}, True):
        with pytest.raises(Malformed):
            failures({**signed, "signing_address": address}, signer)


def test_hex_has_its_length():
    signer = Signer("ecdsa")
    signed = signer.sign(TEXT)
    assert failures({**signed, "signing_address": "ab" * 512}, signer) == {"signature.key"}
    with pytest.raises(Malformed):
        failures({**signed, "signing_address": "ab" * 513}, signer)
    for text, fits in (("x" * 512, True), ("x" * 513, False)):
        if fits:
            assert failures(signer.sign(text), signer) == {"signature.text"}
        else:
            with pytest.raises(Malformed):
                failures(signer.sign(text), signer)


@ALGOS
@pytest.mark.parametrize("text", [TEXT, f"m:{TEXT}"])
def test_a_good_signature_is_good(algo, text):
    signer = Signer(algo)
    assert failures(signer.sign(text), signer) == set()


def test_a_whole_public_key_may_be_attested():
    signer = Signer("ecdsa")
    for key in (signer.public, b"\4" + signer.public):
        verify(signer.sign(TEXT), "ecdsa", key, "m", REQUEST, RESPONSE)


@ALGOS
def test_other_bytes_another_order_another_model_are_refused(algo):
    signer = Signer(algo)
    for text in (f"{RESPONSE}:{REQUEST}", f"other:{TEXT}", TEXT + " ", TEXT.upper(), REQUEST, f"m:m:{TEXT}"):
        assert failures(signer.sign(text), signer) == {"signature.text"}
    assert failures(signer.sign(TEXT), signer, request=RESPONSE) == {"signature.text"}
    assert failures(signer.sign(TEXT), signer, response=REQUEST) == {"signature.text"}


@ALGOS
def test_another_key_is_refused_and_says_so_itself(algo):
    signer, other = Signer(algo), Signer(algo)
    assert failures(other.sign(TEXT), signer) == {"signature.key", "signature.valid"}
    lying = {**other.sign(TEXT), "signing_address": signer.sign(TEXT)["signing_address"]}
    assert failures(lying, signer) == {"signature.valid"}
    assert failures({**signer.sign(TEXT), "signing_algo": "rsa"}, signer) == {"signature.algo"}


@ALGOS
def test_every_flipped_bit_is_refused(algo):
    signer = Signer(algo)
    signed = signer.sign(TEXT)
    raw = bytes.fromhex(signed["signature"].removeprefix("0x"))
    for bit in range(0, 8 * len(raw), 3):
        bad = bytearray(raw)
        bad[bit // 8] ^= 1 << bit % 8
        assert "signature.valid" in failures({**signed, "signature": bad.hex()}, signer)


def test_the_library_has_the_last_word(monkeypatch):
    """If our arithmetic gave out the attested key for anything, the signature would still be checked."""
    signer = Signer("ecdsa")
    monkeypatch.setattr(signatures, "recover", lambda *_: signer.public)
    signed = signer.sign(TEXT)
    assert failures({**signed, "signature": "11" * 64 + "1b"}, signer) == {"signature.valid"}


def test_keys_come_out_of_signatures():
    for seed in range(1, 40):
        private = ec.derive_private_key(seed * 7919**17 % N, ec.SECP256K1())
        public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
        digest = bytes((seed,)) * 32
        r, s = decode_dss_signature(private.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256()))))
        s = min(s, N - s)
        found = {recover(r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((v,)), digest) for v in (27, 28)}
        assert public in found and len(found) == 2


def test_the_other_form_of_a_signature_is_refused():
    """(r, N - s) with the other point is a signature of the same text by the same key, which anybody can write down."""
    signer = Signer("ecdsa")
    signed = signer.sign(TEXT)
    raw = bytes.fromhex(signed["signature"].removeprefix("0x"))
    s, v = int.from_bytes(raw[32:64]), 55 - raw[64]
    other = raw[:32] + (N - s).to_bytes(32) + bytes((v,))
    assert failures({**signed, "signature": other.hex()}, signer) == {"signature.valid"}
    half = (N // 2).to_bytes(32)
    assert recover(raw[:32] + half + b"\x1b", bytes(32)) is not None
    assert recover(raw[:32] + (N // 2 + 1).to_bytes(32) + b"\x1b", bytes(32)) is None


@pytest.mark.parametrize(
    "raw", [b"", bytes(65), bytes(64), b"\xff" * 64 + b"\x1b", bytes(31) + b"\1" + bytes(33), bytes(66)]
)
def test_what_is_no_signature_gives_no_key(raw):
    assert recover(raw, bytes(32)) is None


def test_an_x_that_is_on_no_curve_gives_no_key():
    x = next(x for x in range(1, 100) if pow((x**3 + 7) % P, (P - 1) // 2, P) != 1)
    assert recover(x.to_bytes(32, "big") + bytes(31) + b"\1\x1b", bytes(32)) is None


@pytest.mark.parametrize(
    "signed",
    [
        {},
        {"text": TEXT},
        {"text": 1, "signature": "ab"},
        {"text": TEXT, "signature": "xy"},
        {"text": TEXT, "signature": "abc"},
        {"text": "", "signature": "ab"},
        {"text": "x" * 600, "signature": "ab"},
        {"text": TEXT, "signature": "ab", "signing_address": "?"},
    ],
)
def test_what_is_no_signature_document_is_malformed(signed):
    with pytest.raises(Malformed):
        verify(signed, "ed25519", bytes(32), "m", REQUEST, RESPONSE)


def test_an_unknown_algorithm_is_malformed():
    signer = Signer("ed25519")
    with pytest.raises(Malformed):
        verify(signer.sign(TEXT), "rsa", signer.attested, "m", REQUEST, RESPONSE)


def test_an_ed25519_key_signs_for_itself_only():
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    with pytest.raises(Rejected):
        verify(Signer("ed25519").sign(TEXT), "ed25519", key, "m", REQUEST, RESPONSE)


@ALGOS
@pytest.mark.parametrize("text", ["\ud800", TEXT + "\udfff", "é" * 9])
def test_text_without_bytes_is_no_signature(algo, text):
    """Half a surrogate pair cannot be written: no error of the library's may come out."""
    signer = Signer(algo)
    with pytest.raises(Malformed):
        verify({**signer.sign(TEXT), "text": text}, signer.algo, signer.attested, "m", REQUEST, RESPONSE)
