from sealed import refused, x

from attestation import xchacha
from attestation.sealing import Fault


def test_the_vector_of_the_draft_for_the_key():
    # draft-irtf-cfrg-xchacha-03 §2.2.1
    key = bytes(range(32))
    nonce = x("000000090000004a0000000031415927")
    assert xchacha.hchacha20(key, nonce).hex() == "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"


def test_the_vector_of_the_draft_for_the_cipher_without_its_associated_data():
    # draft-irtf-cfrg-xchacha-03 §A.3.1; the ciphertext does not depend on the associated data, the tag does
    text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    text += b"sunscreen would be it."
    sealed = xchacha.seal(bytes(range(0x80, 0xA0)), bytes(range(0x40, 0x58)), text)
    assert sealed[:-16].hex() == (
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216"
        "cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13"
        "b52e"
    )
    assert xchacha.open_(bytes(range(0x80, 0xA0)), bytes(range(0x40, 0x58)), sealed) == text


def test_every_flipped_bit_is_refused():
    key, nonce = bytes(32), bytes(24)
    sealed = xchacha.seal(key, nonce, b"text")
    for bit in range(8 * len(sealed)):
        bad = bytearray(sealed)
        bad[bit // 8] ^= 1 << bit % 8
        refused(Fault.AUTHENTICITY, xchacha.open_, key, nonce, bytes(bad))
    refused(Fault.AUTHENTICITY, xchacha.open_, key, bytes(23) + b"\1", sealed)
    refused(Fault.AUTHENTICITY, xchacha.open_, key, b"\1" + bytes(23), sealed)
    refused(Fault.AUTHENTICITY, xchacha.open_, key, nonce, b"short")
