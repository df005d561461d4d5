import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM
from cryptography.hazmat.primitives.hpke import Suite as TheirSuite
from sealed import RFC9180, refused, secret, x

from attestation import hpke
from attestation.hpke import Aead, Kem, Psk, Suite, new_secret, setup_receiver, setup_sender
from attestation.sealing import Fault, X25519Secret

SUITES = [Suite(kem, aead) for kem in (Kem.P256, Kem.X25519) for aead in Aead if aead is not Aead.EXPORT_ONLY]
NAMES = [f"{s.kem.name}-{s.aead.name}" for s in SUITES]
ONE = Suite(Kem.X25519, Aead.AES_256_GCM)


def pair(suite=ONE, info=b"info", psk=None):
    key = new_secret(suite.kem)
    sender = setup_sender(suite, key.public, info, psk)
    return sender, setup_receiver(suite, sender.enc, key, info, psk)


def both_sides(vector):
    suite = Suite(Kem(vector["kem_id"]), Aead(vector["aead_id"]))
    psk = Psk(x(vector["psk"]), x(vector["psk_id"])) if vector["mode"] else None
    info = x(vector["info"])
    sender = hpke._sender(suite, x(vector["pkRm"]), info, psk, secret(suite.kem, vector["skEm"]))
    return sender, setup_receiver(suite, sender.enc, secret(suite.kem, vector["skRm"]), info, psk)


@pytest.mark.parametrize("vector", RFC9180, ids=lambda v: f"{v['mode']}-{v['kem_id']}-{v['aead_id']}")
def test_the_vectors_of_the_rfc(vector):
    sender, receiver = both_sides(vector)
    assert sender.enc == x(vector["enc"])
    for message in vector["encryptions"]:
        sender._nonces._sequence = receiver._nonces._sequence = message["seq"]
        assert sender.seal(x(message["pt"]), x(message["aad"])) == x(message["ct"])
        assert receiver.open(x(message["ct"]), x(message["aad"])) == x(message["pt"])
    for export in vector["exports"]:
        for side in (sender, receiver):
            assert side.export(x(export["exporter_context"]), export["L"]) == x(export["exported_value"])


@pytest.mark.parametrize("suite", SUITES, ids=NAMES)
def test_what_is_sealed_in_order_opens_in_order(suite):
    sender, receiver = pair(suite)
    for i in range(5):
        assert receiver.open(sender.seal(b"message %d" % i, b"aad"), b"aad") == b"message %d" % i
    assert sender.export(b"label", 32) == receiver.export(b"label", 32) != sender.export(b"other", 32)


def test_the_library_reads_a_first_message_of_ours_and_we_read_its():
    theirs = TheirSuite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    key = X25519PrivateKey.generate()
    sender = setup_sender(ONE, key.public_key().public_bytes_raw(), b"info")
    assert theirs.decrypt(sender.enc + sender.seal(b"ours"), key, info=b"info") == b"ours"
    ours = X25519Secret()
    blob = theirs.encrypt(b"theirs", X25519PublicKey.from_public_bytes(ours.public), info=b"info")
    assert setup_receiver(ONE, blob[:32], ours, b"info").open(blob[32:]) == b"theirs"


@pytest.mark.parametrize("suite", SUITES, ids=NAMES)
def test_every_flipped_bit_is_refused(suite):
    sender, receiver = pair(suite)
    sealed = sender.seal(b"text", b"aad")
    for bit in range(8 * len(sealed)):
        bad = bytearray(sealed)
        bad[bit // 8] ^= 1 << bit % 8
        refused(Fault.AUTHENTICITY, receiver.open, bytes(bad), b"aad")
    refused(Fault.AUTHENTICITY, receiver.open, sealed, b"other")
    assert receiver.open(sealed, b"aad") == b"text"  # failures did not count


def test_replayed_and_reordered_messages_are_refused():
    sender, receiver = pair()
    first, second = sender.seal(b"1"), sender.seal(b"2")
    refused(Fault.AUTHENTICITY, receiver.open, second)
    assert receiver.open(first) == b"1"
    refused(Fault.AUTHENTICITY, receiver.open, first)
    assert receiver.open(second) == b"2"


def test_equal_messages_never_look_equal():
    sender, _ = pair()
    assert len({sender.seal(b"same") for _ in range(300)}) == 300
    assert pair()[0].enc != pair()[0].enc


@pytest.mark.parametrize("size", [0, 1, 15])
def test_less_than_a_tag_is_refused(size):
    refused(Fault.AUTHENTICITY, pair()[1].open, bytes(size))


def test_another_recipient_info_suite_or_key_opens_nothing():
    key, psk = new_secret(Kem.X25519), Psk(b"k" * 32, b"id")
    for suite, info, other, shared in [
        (ONE, b"info", new_secret(Kem.X25519), None),
        (ONE, b"else", key, None),
        (Suite(Kem.X25519, Aead.CHACHA20_POLY1305), b"info", key, None),
        (Suite(Kem.X25519, Aead.AES_128_GCM), b"info", key, None),
        (ONE, b"info", key, psk),
    ]:
        sender = setup_sender(ONE, key.public, b"info")
        receiver = setup_receiver(suite, sender.enc, other, info, shared)
        refused(Fault.AUTHENTICITY, receiver.open, sender.seal(b"text"))
        assert receiver.export(b"label", 32) != sender.export(b"label", 32)


@pytest.mark.parametrize(
    ("one", "two"), [((b"k" * 32, b"a"), (b"k" * 32, b"b")), ((b"k" * 32, b"a"), (b"l" * 32, b"a"))]
)
def test_pre_shared_key_and_id_must_agree(one, two):
    key = new_secret(Kem.P256)
    suite = Suite(Kem.P256, Aead.AES_128_GCM)
    sender = setup_sender(suite, key.public, b"", Psk(*one))
    refused(Fault.AUTHENTICITY, setup_receiver(suite, sender.enc, key, b"", Psk(*two)).open, sender.seal(b"text"))


@pytest.mark.parametrize("psk", [(b"", b"id"), (b"k" * 31, b"id"), (b"k" * 32, b"")])
def test_a_short_key_or_an_empty_id_is_refused(psk):
    assert "kkk" not in str(refused(Fault.INPUT, Psk, *psk))


def test_the_last_sequence_number_is_never_used():
    sender, receiver = pair()
    sender._nonces._sequence = receiver._nonces._sequence = hpke.MAX_SEQUENCE - 1
    assert receiver.open(sender.seal(b"last")) == b"last"
    for _ in range(2):
        refused(Fault.SEQUENCE, sender.seal, b"one more")
        refused(Fault.SEQUENCE, receiver.open, bytes(32))


def test_an_export_only_suite_seals_nothing():
    sender, receiver = pair(Suite(Kem.X25519, Aead.EXPORT_ONLY))
    refused(Fault.SUITE, sender.seal, b"text")
    refused(Fault.SUITE, receiver.open, bytes(32))
    assert sender.export(b"", 64) == receiver.export(b"", 64)


@pytest.mark.parametrize("length", [-1, 0, hpke.MAX_EXPORT + 1])
def test_exports_have_a_length(length):
    refused(Fault.INPUT, pair()[0].export, b"", length)


def test_a_bad_key_is_refused_on_both_sides():
    refused(Fault.KEY, setup_sender, ONE, bytes(32), b"")
    refused(Fault.KEY, setup_receiver, ONE, bytes(32), X25519Secret(), b"")


def test_nothing_secret_is_printed():
    sender, receiver = pair(psk=Psk(b"very secret key, 32 bytes of it!", b"id"))
    shown = repr((sender, receiver, Psk(b"very secret key, 32 bytes of it!", b"id")))
    assert "secret key" not in shown
