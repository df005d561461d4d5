import copy
import json

import pytest
from attested import vector
from sealed import OWN, refused, secret, x

from attestation import ehbp
from attestation.ehbp import Exchange, Opener, Recovery, encode_key_config, is_key_mismatch, parse_key_config
from attestation.endings import JsonEnding, SseEnding
from attestation.hpke import Kem, setup_sender
from attestation.sealing import Fault, X25519Secret
from attestation.simulator.sealed import EhbpServer, seal_answer, split

TYPE = ehbp.KEYS_TYPE
KEY = X25519Secret().public
CONFIG = encode_key_config(KEY)
SSE = [b'data: {"choices":[]}\n\n', b'data: {"choices":[{"delta":{"content":"secret word"}}]}\n\n', b"data: [DONE]\n\n"]
JSON = [b'{"choices":[{"message":', b'{"content":"secret word"}}]', b"}"]


class Whole:
    """An ending that is always over, where something else is tested."""

    over = True

    def feed(self, _data):
        return


def frame(ciphertext: bytes) -> bytes:
    return len(ciphertext).to_bytes(4, "big") + ciphertext


def asked(body: bytes = b'{"model":"m"}') -> tuple[Exchange, Recovery]:
    """A request that was sent, and what the server answers it with."""
    server = EhbpServer()
    exchange = Exchange(server.secret.public)
    frames = exchange.feed(body)
    exchange.close()
    plaintext, recovery = server.open(exchange.headers, frames)
    assert plaintext == body
    return exchange, recovery


def answered(chunks, ending=None) -> tuple[Opener, list[bytes]]:
    exchange, recovery = asked()
    headers, frames = seal_answer(recovery, chunks)
    return exchange.opener(200, headers, ending or Whole()), frames


def whole(opener: Opener, body: bytes) -> bytes:
    plaintext = opener.feed(body)
    opener.close()
    return plaintext


# --- the vectors


def test_the_published_derivation():
    given = json.loads(vector("ehbp/derive.json"))
    recovery = Recovery(x(given["exportedSecret"]), x(given["requestEnc"]))
    want = x(given["derivedKey"]), x(given["derivedNonceBase"])
    assert recovery.answer_key(x(given["responseNonce"])) == want


def test_the_published_answer():
    given = json.loads(vector("ehbp/response-decryption.json"))
    recovery = Recovery(x(given["exportedSecret"]), x(given["requestEnc"]))
    opener = recovery.opener(200, [("Ehbp-Response-Nonce", given["responseNonce"])], Whole())
    assert opener.feed(x(given["encryptedResponse"])) == x(given["plaintext"])
    opener.close()


def test_the_published_recovery_token():
    given = vector("ehbp/session-recovery-token.json")
    recovery = Recovery.from_json(given)
    assert json.loads(recovery.to_json()) == json.loads(given)
    assert recovery.to_json() == json.dumps(json.loads(given), separators=(",", ":")).encode()


def test_our_own_exchange_that_other_libraries_made():
    given = OWN["ehbp"]
    server = EhbpServer(secret(Kem.X25519, given["server_key"]))
    plaintext, recovery = server.open({ehbp.ENCAPSULATED_KEY: given["enc"]}, x(given["request"]))
    assert plaintext == x(given["request_plaintext"])
    assert recovery == Recovery(x(given["exported_secret"]), x(given["enc"]))
    opener = recovery.opener(200, [("EHBP-RESPONSE-NONCE", given["response_nonce"])], SseEnding())
    assert opener.feed(x(given["response"])) == x(given["response_plaintext"])
    opener.close()


# --- the key configuration


def test_a_configuration_names_its_key():
    assert parse_key_config(CONFIG, TYPE) == KEY
    assert parse_key_config(CONFIG, "Application/OHTTP-Keys; q=1") == KEY
    assert CONFIG == b"\0\0\x20" + KEY + b"\0\4\0\1\0\2"


def test_configurations_behind_the_first_do_not_count():
    assert parse_key_config(CONFIG + encode_key_config(X25519Secret().public), TYPE) == KEY


@pytest.mark.parametrize(
    "kind", ["", "application/json", "application/ohttp-keysx", "text/html; application/ohttp-keys"]
)
def test_another_content_type_is_refused(kind):
    refused(Fault.CONFIG, parse_key_config, CONFIG, kind)


def test_every_cut_is_refused():
    for size in range(len(CONFIG)):
        assert refused_config(CONFIG[:size]) in {Fault.CONFIG, Fault.SUITE}


def refused_config(document: bytes) -> Fault:
    with pytest.raises(ehbp.SealingError) as e:
        parse_key_config(document, TYPE)
    return e.value.fault


@pytest.mark.parametrize(
    ("document", "fault"),
    {
        "key id": (b"\1" + CONFIG[1:], Fault.CONFIG),
        "P-256": (b"\0\0\x10" + CONFIG[3:], Fault.SUITE),
        "X448": (b"\0\0\x21" + CONFIG[3:], Fault.SUITE),
        "KDF": (CONFIG[:37] + b"\0\2\0\2", Fault.SUITE),
        "AES-128": (CONFIG[:37] + b"\0\1\0\1", Fault.SUITE),
        "ChaCha": (CONFIG[:37] + b"\0\1\0\3", Fault.SUITE),
        "a second suite": (CONFIG[:35] + b"\0\x08\0\1\0\2\0\1\0\1", Fault.SUITE),
        "no suite": (CONFIG[:35] + b"\0\0", Fault.CONFIG),
        "half a suite": (CONFIG[:35] + b"\0\2\0\1", Fault.CONFIG),
        "a length beyond the end": (CONFIG[:35] + b"\xff\xfc" + CONFIG[37:], Fault.CONFIG),
        "a key of low order": (CONFIG[:3] + bytes(32) + CONFIG[35:], Fault.KEY),
        "a length in front": (b"\0\x29" + CONFIG, Fault.SUITE),
        "too long": (CONFIG + bytes(ehbp.MAX_CONFIG_BYTES), Fault.CONFIG),
    }.values(),
)
def test_another_configuration_is_refused(document, fault):
    assert refused_config(document) is fault


def test_a_key_counts_only_where_the_evidence_names_it():
    other = X25519Secret().public
    assert ehbp.require_attested(KEY, [other, KEY]) == KEY
    for attested in ([], [other], [KEY[:31]], [b""]):
        refused(Fault.KEY, ehbp.require_attested, KEY, attested)


@pytest.mark.parametrize("key", [b"", bytes(32), b"\1" + bytes(31), KEY[:31]])
def test_a_request_to_a_bad_key_never_begins(key):
    refused(Fault.KEY, Exchange, key)


# --- the request


def test_a_request_opens_at_the_server_whatever_its_pieces():
    server = EhbpServer()
    exchange = Exchange(server.secret.public)
    body = bytes(range(256)) * 1024
    pieces = [b"", body[:1], body[1 : 1 + ehbp.MAX_REQUEST_CHUNK], body[1 + ehbp.MAX_REQUEST_CHUNK :], b""]
    frames = b"".join(exchange.feed(p) for p in pieces)
    exchange.close()
    assert server.open(exchange.headers, frames)[0] == body
    assert max(map(len, split(frames))) == ehbp.MAX_REQUEST_CHUNK + 16
    assert exchange.headers == {"Ehbp-Encapsulated-Key": exchange._sender.enc.hex()}
    assert b"".join(pieces)[:32] not in frames


def test_the_server_refuses_replayed_reordered_and_moved_chunks():
    server = EhbpServer()
    exchange = Exchange(server.secret.public)
    first, second = exchange.feed(b"1"), exchange.feed(b"2")
    for body in (first + first, second + first, second):
        refused(Fault.AUTHENTICITY, server.open, exchange.headers, body)
    refused(Fault.AUTHENTICITY, server.open, Exchange(server.secret.public).headers, first)
    refused(Fault.AUTHENTICITY, EhbpServer().open, exchange.headers, first)


def test_an_empty_request_is_refused():
    exchange = Exchange(KEY)
    assert exchange.feed(b"") == b""
    refused(Fault.INPUT, exchange.close)


def test_nothing_is_sealed_after_the_end():
    exchange, _ = asked()
    refused(Fault.SEQUENCE, exchange.feed, b"more")


def test_a_request_ends_with_its_sequence_numbers():
    exchange = Exchange(KEY)
    exchange._sender._nonces._sequence = 2**96 - 1
    refused(Fault.SEQUENCE, exchange.feed, b"secret word")


def test_neither_requests_nor_openers_can_be_copied():
    for holder in (asked()[0], answered([b"x"])[0]):
        with pytest.raises(TypeError):
            copy.copy(holder)


# --- the answer


@pytest.mark.parametrize(("chunks", "ending"), [(SSE, SseEnding), (JSON, JsonEnding)])
def test_an_answer_opens_whatever_its_pieces(chunks, ending):
    for size in (1, 3, 4, 7, 1000):
        opener, frames = answered(chunks, ending())
        body = b"".join(frames)
        assert b"".join(opener.feed(body[i : i + size]) for i in range(0, len(body), size)) == b"".join(chunks)
        opener.close()


def test_plaintext_comes_as_soon_as_its_frame_is_whole_and_not_before():
    opener, frames = answered(SSE, SseEnding())
    assert opener.feed(frames[0][:-1]) == b""
    assert opener.feed(frames[0][-1:] + frames[1][:2]) == SSE[0]


def test_empty_writes_are_skipped_and_take_no_number():
    opener, frames = answered([b"", SSE[0], b"", b"", SSE[1], SSE[2], b""], SseEnding())
    assert opener.feed(b"".join(frames)) == b"".join(SSE)
    opener.close()


@pytest.mark.parametrize(("chunks", "ending"), [(SSE, SseEnding), (JSON, JsonEnding)])
def test_every_cut_is_noticed(chunks, ending):
    exchange, recovery = asked()
    headers, frames = seal_answer(recovery, chunks)
    body = b"".join(frames)
    for size in range(len(body)):
        opener = recovery.opener(200, headers, ending())
        opener.feed(body[:size])
        refused(Fault.TRUNCATED, opener.close)
        refused(Fault.SEQUENCE, opener.feed, body[size:])
    assert whole(exchange.opener(200, headers, ending()), body) == b"".join(chunks)


def test_every_flipped_bit_is_noticed():
    _, recovery = asked()
    headers, frames = seal_answer(recovery, JSON)
    body = b"".join(frames)
    for bit in range(8 * len(body)):
        bad = bytearray(body)
        bad[bit // 8] ^= 1 << bit % 8
        opener = recovery.opener(200, headers, JsonEnding())
        with pytest.raises(ehbp.SealingError) as e:
            whole(opener, bytes(bad))
        assert "secret" not in str(e.value)


@pytest.mark.parametrize(
    "order",
    {
        "replayed": (0, 0, 1, 2),
        "reordered": (1, 0, 2),
        "first dropped": (1, 2),
        "middle dropped": (0, 2),
        "replayed at the end": (0, 1, 2, 2),
    }.values(),
)
def test_another_order_is_refused(order):
    opener, frames = answered(SSE)
    refused(Fault.AUTHENTICITY, opener.feed, b"".join(frames[i] for i in order))


def test_after_an_error_nothing_comes_out():
    opener, frames = answered(SSE)
    refused(Fault.AUTHENTICITY, opener.feed, frames[1])
    refused(Fault.SEQUENCE, opener.feed, frames[0])
    refused(Fault.SEQUENCE, opener.close)


def test_an_answer_belongs_to_its_request_only():
    _, one = asked()
    _, two = asked()
    headers, frames = seal_answer(one, SSE)
    refused(Fault.AUTHENTICITY, two.opener(200, headers, Whole()).feed, frames[0])
    other_nonce, _ = seal_answer(one, SSE)
    refused(Fault.AUTHENTICITY, one.opener(200, other_nonce, Whole()).feed, frames[0])


def test_a_request_has_one_answer():
    exchange, recovery = asked()
    headers, _ = seal_answer(recovery, SSE)
    exchange.opener(200, headers, Whole())
    refused(Fault.SEQUENCE, exchange.opener, 200, headers, Whole())


def test_what_a_request_sealed_is_no_answer():
    server = EhbpServer()
    exchange = Exchange(server.secret.public)
    frames = exchange.feed(b"{}")
    opener = exchange.opener(200, [(ehbp.RESPONSE_NONCE, "00" * 32)], Whole())
    refused(Fault.AUTHENTICITY, opener.feed, frames)


@pytest.mark.parametrize("length", [ehbp.MAX_FRAME + 1, 2**31, 2**32 - 1])
def test_a_giant_length_is_refused_at_once(length):
    opener, _ = answered(SSE)
    refused(Fault.FRAME, opener.feed, length.to_bytes(4, "big"))
    assert not opener._buffer


@pytest.mark.parametrize("size", [1, 15, 16])
def test_a_frame_without_a_good_tag_is_refused(size):
    opener, _ = answered(SSE)
    refused(Fault.AUTHENTICITY, opener.feed, frame(bytes(size)))


def test_an_answer_ends_with_its_sequence_numbers():
    opener, frames = answered(SSE)
    opener._nonces._sequence = 2**96 - 1
    refused(Fault.SEQUENCE, opener.feed, frames[0])


@pytest.mark.parametrize("status", [200, 204, 301, 400, 422, 500])
def test_an_unsealed_answer_is_never_read(status):
    exchange, _ = asked()
    refused(Fault.UNSEALED, exchange.opener, status, [("Content-Type", "application/json")], Whole())


@pytest.mark.parametrize("nonce", ["", "00" * 31, "00" * 33, "AB" * 32, "0x" + "00" * 31, " " + "00" * 32, "zz" * 32])
def test_a_bad_nonce_is_refused(nonce):
    exchange, _ = asked()
    refused(Fault.UNSEALED, exchange.opener, 200, [("Ehbp-Response-Nonce", nonce)], Whole())


def test_two_nonces_are_refused():
    exchange, recovery = asked()
    headers, _ = seal_answer(recovery, SSE)
    again = [*headers, ("ehbp-response-nonce", headers[0][1])]
    refused(Fault.UNSEALED, exchange.opener, 200, again, Whole())


# --- recovery tokens and the sign that a key changed


@pytest.mark.parametrize(
    "token",
    [
        b"", b"[]", b"{}", b'{"exportedSecret":"00"}', b"\xff",
        json.dumps({"exportedSecret": "00" * 31, "requestEnc": "00" * 32}).encode(),
        json.dumps({"exportedSecret": "AA" * 32, "requestEnc": "00" * 32}).encode(),
        json.dumps({"exportedSecret": "00" * 32, "requestEnc": 5}).encode(),
        json.dumps({"exportedSecret": "00" * 32, "requestEnc": "00" * 32, "more": 1}).encode(),
        b'{"exportedSecret":"' + b"00" * 2000 + b'"}',
    ],
)  # fmt: skip
def test_a_bad_token_is_refused(token):
    refused(Fault.INPUT, Recovery.from_json, token)


def test_a_token_does_not_print_its_secret():
    secret_bytes = b"\xab" * 32
    assert "ab" * 32 not in repr(Recovery(secret_bytes, bytes(32)))
    assert str(secret_bytes) not in repr(Recovery(secret_bytes, bytes(32)))
    refused(Fault.INPUT, Recovery, b"short", bytes(32))
    refused(Fault.UNSEALED, Recovery(secret_bytes, bytes(32)).answer_key, b"short")


PROBLEM = json.dumps({"type": ehbp.KEY_MISMATCH, "title": "x"}).encode()
PROBLEM_TYPE = [("content-type", "application/problem+json; charset=utf-8")]


def test_a_changed_key_is_recognised():
    assert is_key_mismatch(422, PROBLEM_TYPE, PROBLEM)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (400, PROBLEM_TYPE, PROBLEM),
        (200, PROBLEM_TYPE, PROBLEM),
        (422, [], PROBLEM),
        (422, [("Content-Type", "application/json")], PROBLEM),
        (422, PROBLEM_TYPE * 2, PROBLEM),
        (422, PROBLEM_TYPE, b"{}"),
        (422, PROBLEM_TYPE, b"[]"),
        (422, PROBLEM_TYPE, b"\xff"),
        (422, PROBLEM_TYPE, PROBLEM + b" " * ehbp.MAX_PROBLEM_BYTES),
    ],
)
def test_nothing_else_is_taken_for_it(status, headers, body):
    assert not is_key_mismatch(status, headers, body)


def test_the_label_of_requests_is_not_that_of_another_protocol():
    server = EhbpServer()
    sender = setup_sender(ehbp.SUITE, server.secret.public, b"message/bhttp request")
    refused(Fault.AUTHENTICITY, server.open, {ehbp.ENCAPSULATED_KEY: sender.enc.hex()}, frame(sender.seal(b"{}")))
