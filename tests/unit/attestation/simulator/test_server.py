"""The simulated enclave over loopback: evidence that binds its TLS key, an OpenAI-compatible API, misbehaviour."""

import asyncio
import datetime as dt
import hashlib
import json
import secrets
import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest
from attested import NOW, TODAY

from attestation.binding import sealgate_snp_report_data
from attestation.expectations import load_expectations
from attestation.simulator import server as simulator_server
from attestation.simulator.misbehave import Misbehaviour
from attestation.simulator.server import SimulatedEnclave
from attestation.trust import AMD
from attestation.types import Collateral, Rejected
from attestation.validate import validate
from attestation.verify import verify
from attestation.wire import parse_sealgate_snp

UNTIL = dt.date(2027, 1, 1)


@pytest.fixture
async def enclave() -> AsyncIterator[SimulatedEnclave]:
    async with SimulatedEnclave() as running:
        yield running


def unchecked_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=unchecked_tls(), force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


async def evidence(client: aiohttp.ClientSession, enclave: SimulatedEnclave, nonce: bytes) -> bytes:
    url = f"{enclave.url.removesuffix('/v1')}/.well-known/attestation?nonce={nonce.hex()}"
    async with client.get(url) as answer:
        assert answer.status == 200
        return await answer.read()


async def chat(client: aiohttp.ClientSession, enclave: SimulatedEnclave, **body: object) -> str:
    request = {"model": "m", "messages": [{"role": "user", "content": "Is Ada Lovelace well?"}], **body}
    async with client.post(f"{enclave.url}/chat/completions", json=request) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_evidence_binds_the_key_of_the_connection_and_the_nonce(enclave, client):
    nonce = secrets.token_bytes(32)
    document = parse_sealgate_snp(await evidence(client, enclave, nonce))
    claims = verify(document, NOW, AMD, enclave.trust, Collateral(amd_crl=enclave.crl()))
    want = load_expectations(enclave.expectations_yaml("sim", UNTIL))
    assert claims.simulated
    assert validate(claims, want, TODAY, sealgate_snp_report_data(enclave.spki, nonce))


def test_the_expectations_file_says_what_the_expectations_say():
    enclave = SimulatedEnclave()
    assert load_expectations(enclave.expectations_yaml("sim", UNTIL)) == enclave.expectations("sim", UNTIL)


async def test_the_bound_key_is_the_one_on_the_wire(enclave):
    port = int(enclave.url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=unchecked_tls())
    tls = writer.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True)
    assert tls.version() == "TLSv1.3"
    assert enclave.spki in certificate
    writer.close()
    await writer.wait_closed()
    assert reader.at_eof()


@pytest.mark.parametrize("nonce", ["", "00", "G" * 64, "AB" * 32, "00" * 33])
async def test_a_bad_nonce_gets_no_evidence(enclave, client, nonce):
    url = f"{enclave.url.removesuffix('/v1')}/.well-known/attestation?nonce={nonce}"
    async with client.get(url) as answer:
        assert answer.status == 400


async def test_an_answer_quotes_the_last_user_message_and_the_body_is_remembered(enclave, client):
    answer = json.loads(await chat(client, enclave))
    assert "Is Ada Lovelace well?" in answer["choices"][0]["message"]["content"]
    assert answer["object"] == "chat.completion"
    assert json.loads(enclave.received[0])["messages"][0]["content"] == "Is Ada Lovelace well?"


async def test_a_stream_comes_word_by_word_and_says_the_same(enclave, client):
    whole = json.loads(await chat(client, enclave))["choices"][0]["message"]["content"]
    text = await chat(client, enclave, stream=True)
    events = [e.removeprefix("data: ") for e in text.split("\n\n") if e]
    assert events.pop() == "[DONE]"
    deltas = [json.loads(e)["choices"][0] for e in events]
    words = [d["delta"].get("content", "") for d in deltas]
    assert "".join(words) == whole
    assert all(len(w.split()) <= 1 for w in words)
    assert deltas[-1]["finish_reason"] == "stop"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"messages": 1}', b'{"messages": [{"role": "user"}]}', b"\xff"])
async def test_what_is_no_chat_request_gets_400(enclave, client, body):
    async with client.post(f"{enclave.url}/chat/completions", data=body) as answer:
        assert answer.status == 400


async def test_content_in_parts_is_understood(enclave, client):
    parts = [{"type": "text", "text": "part one"}, {"type": "image_url", "image_url": {"url": "x"}}]
    answer = await chat(client, enclave, messages=[{"role": "user", "content": parts}])
    assert "part one" in answer


async def test_models_are_listed(enclave, client):
    async with client.get(f"{enclave.url}/models") as answer:
        assert (await answer.json())["data"][0]["id"] == simulator_server.MODEL


async def test_a_rotated_key_is_no_longer_the_attested_one(enclave, client):
    enclave.misbehaviour = Misbehaviour.KEY_ROTATION
    attested, nonce = enclave.pin, secrets.token_bytes(32)
    document = await evidence(client, enclave, nonce)
    assert enclave.pin != attested
    claims = verify(parse_sealgate_snp(document), NOW, AMD, enclave.trust)
    assert claims.report_data[:32] == attested
    with pytest.raises(Rejected, match=r"^binding: "):
        validate(claims, enclave.expectations("sim", UNTIL), TODAY, sealgate_snp_report_data(enclave.spki, nonce))
    assert enclave.bytes_by_key[enclave.pin] == 0
    await chat(client, enclave)
    assert enclave.bytes_by_key[enclave.pin] > 0
    assert enclave.request_bytes == sum(enclave.bytes_by_key.values())


async def test_a_rotated_key_is_served_to_new_connections(enclave, client):
    before = hashlib.sha256(enclave.spki).digest()
    enclave.rotate_key()
    await test_the_bound_key_is_the_one_on_the_wire(enclave)
    assert enclave.pin != before


async def test_a_broken_enclave_answers_500(enclave, client):
    enclave.misbehaviour = Misbehaviour.HTTP_500
    url = f"{enclave.url.removesuffix('/v1')}/.well-known/attestation?nonce={'00' * 32}"
    async with client.get(url) as answer:
        assert answer.status == 500


async def test_a_slow_enclave_keeps_its_asker_waiting(enclave, client, monkeypatch):
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    enclave.misbehaviour = Misbehaviour.SLOW
    monkeypatch.setattr(simulator_server.asyncio, "sleep", sleep)
    await evidence(client, enclave, bytes(32))
    assert simulator_server.SLOW_S in waited
