"""The wire that seals field by field: what it refuses before anything leaves."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import AsyncIterator

import pytest

from attestation.aci.fields import Algo, new_secret
from attestation.near import Algo as NearAlgo
from attestation.near import Identity
from attestation.opened import Events
from attestation.providers.base import BodyKey, Seal
from proxy.errors import NotSealable, UpstreamError
from proxy.outbound import Outbound
from proxy.upstreams.lease import AttestationRefused
from proxy.upstreams.sealed_fields import ASIDE_BYTES, FieldsWire
from proxy.upstreams.transports import Arrived, Carried, Opened

ACI = BodyKey(Seal.ACI, new_secret(Algo.X25519).public, Algo.X25519)
NEAR = BodyKey(Seal.NEAR, Identity(NearAlgo.ED25519).public, "ed25519")
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "a private word"}]}).encode()
OUT = Outbound("sealed", "POST", "/chat/completions", headers=(("content-type", "application/json"),), body=BODY)


class Sent(Exception):
    """Something left."""


class Carrier:
    """Nothing may come here but what a test wants to see."""

    users = 0

    def __init__(self) -> None:
        self.sent: Carried | None = None

    async def carry(self, sent: Carried) -> Arrived:
        self.sent = sent
        raise Sent

    async def open(self, out: Outbound) -> Opened:
        raise AssertionError("nothing leaves unsealed")

    async def close(self) -> None: ...


def wire(carrier: Carrier, key: BodyKey, *, withheld: bool = False) -> FieldsWire:
    return FieldsWire("sealed", carrier, key, withheld=withheld, now=lambda: 1_795_000_000.5)


@pytest.mark.parametrize("key", [ACI, NEAR])
async def test_what_leaves_is_sealed_and_named(key: BodyKey) -> None:
    carrier = Carrier()
    with pytest.raises(Sent):
        await wire(carrier, key).open(OUT)
    assert carrier.sent is not None and isinstance(carrier.sent.body, bytes)
    assert b"private" not in carrier.sent.body and json.loads(carrier.sent.body)["model"] == "m"
    names = {k.lower(): v for k, v in carrier.sent.headers}
    if key is ACI:
        assert names["x-e2ee-timestamp"] == "1795000000" and "x-signing-algo" not in names
        assert json.loads(carrier.sent.restored)["messages"][0]["content"] == "a private word"
    else:
        assert names["x-encrypt-all-fields"] == "true" and not carrier.sent.restored


@pytest.mark.parametrize("key", [ACI, NEAR])
async def test_a_credential_that_may_not_be_seen_ends_it_before_anything_leaves(key: BodyKey) -> None:
    with pytest.raises(AttestationRefused) as e:
        await wire(Carrier(), key, withheld=True).open(OUT)
    assert e.value.failures == ("credential.in-clear",)


class Large:
    size, sha256 = 9, b""

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b""


REFUSED = [
    (dataclasses.replace(OUT, body=b"", large=Large()), "body.size"),
    (dataclasses.replace(OUT, body=b"{" * 20), "body.json"),
    (dataclasses.replace(OUT, body=b'{"model":"m","model":"n"}'), "body.json"),
    (dataclasses.replace(OUT, path="/responses"), "body.path"),
    (dataclasses.replace(OUT, path="/files/anna"), "request.path"),
    (dataclasses.replace(OUT, query="q=anna"), "request.query"),
    (dataclasses.replace(OUT, body=BODY[:-1] + b',"user":"anna"}'), "body.user"),
    (dataclasses.replace(OUT, body=BODY[:-1] + b',"provider":{"only":["anna"]}}'), "body.*"),
]


@pytest.mark.parametrize("key", [ACI, NEAR])
@pytest.mark.parametrize(("out", "why"), REFUSED)
async def test_what_is_not_covered_is_not_sent(key: BodyKey, out: Outbound, why: str) -> None:
    with pytest.raises(NotSealable) as e:
        await wire(Carrier(), key).open(out)
    assert why in e.value.failures and "anna" not in e.value.message


@pytest.mark.parametrize(
    "key",
    [
        BodyKey(Seal.ACI, bytes(32), Algo.X25519),
        BodyKey(Seal.ACI, ACI.key, "unknown"),
        BodyKey(Seal.NEAR, b"\xff" * 32, "ed25519"),
        BodyKey(Seal.NEAR, NEAR.key, "rsa"),
    ],
)
async def test_a_key_that_is_no_key_ends_it_before_anything_leaves(key: BodyKey) -> None:
    with pytest.raises(AttestationRefused) as e:
        await wire(Carrier(), key).open(OUT)
    assert e.value.failures == ("body-key.unusable",)


async def test_a_large_body_is_sealed_beside_the_loop() -> None:
    carrier = Carrier()
    long = json.dumps({"model": "m", "messages": [{"role": "user", "content": "private " * 9000}]}).encode()
    with pytest.raises(Sent):
        await wire(carrier, NEAR).open(dataclasses.replace(OUT, body=long))
    assert carrier.sent is not None and isinstance(carrier.sent.body, bytes) and b"private" not in carrier.sent.body


class Streams(Carrier):
    """Answers a stream in these pieces."""

    def __init__(self, *parts: bytes, kind: str = "text/event-stream", status: int = 200) -> None:
        super().__init__()
        self.parts, self.kind, self.status = parts, kind, status
        self.closed = 0

    async def carry(self, sent: Carried) -> Arrived:
        async def chunks() -> AsyncIterator[bytes]:
            for part in self.parts:
                yield part

        async def close() -> None:
            self.closed += 1

        return Arrived(self.status, (("content-type", self.kind),), chunks(), close)


async def test_many_fields_are_opened_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event may hold tens of thousands of fields, and each costs a key agreement: nobody else would be served."""
    on_loop: list[bool] = []
    feed = Events.feed

    def watched(self: Events, chunk: bytes) -> bytes:
        on_loop.append(threading.current_thread() is threading.main_thread())
        return feed(self, chunk)

    monkeypatch.setattr(Events, "feed", watched)
    event = b'data: {"id":"c","choices":[]}\n\n'
    parts = [event, b": " + b"x" * (ASIDE_BYTES - 2), b"\n\n", event, event * 900, b"data: [DONE]\n\n"]
    opened = await wire(Streams(*parts), NEAR).open(OUT)
    shown = b"".join([c async for c in opened.answer.chunks])
    assert shown.count(b'"choices"') == 902 and shown.endswith(b"data: [DONE]\n\n")
    assert on_loop == [True, True, False, True, False, True]


@pytest.mark.parametrize(
    "kind", ["text/html", "application/octet-stream", "application/x-ndjson", "application/ld+json", ""]
)
async def test_an_answer_of_another_kind_is_none(kind: str) -> None:
    """Whoever is on the way chose the word, and the app would act on it."""
    carrier = Streams(b'{"id":"c","choices":[]}', kind=kind)
    with pytest.raises(UpstreamError) as e:
        await wire(carrier, NEAR).open(OUT)
    assert e.value.code == "answer_without_end" and carrier.closed == 1


@pytest.mark.parametrize(
    ("status", "code"), [(400, "upstream_400"), (503, "upstream_503"), (199, "upstream_199"), (300, "upstream_300")]
)
async def test_an_error_is_in_the_clear_and_therefore_nobody_s(status: int, code: str) -> None:
    carrier = Streams(b'{"id":"c","choices":[]}', kind="application/json", status=status)
    with pytest.raises(UpstreamError) as e:
        await wire(carrier, NEAR).open(OUT)
    assert e.value.code == code and carrier.closed == 1


async def test_an_answer_has_a_length(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"id":"c","choices":[]}'
    for most, good in ((len(body), True), (len(body) - 1, False)):
        monkeypatch.setattr("proxy.upstreams.sealed_fields.MAX_ANSWER", most)
        opened = await wire(Streams(body[:5], body[5:], kind="application/json"), NEAR).open(OUT)
        if good:
            assert [c async for c in opened.answer.chunks] == [body]
        else:
            with pytest.raises(UpstreamError) as e:
                assert [c async for c in opened.answer.chunks]
            assert e.value.code == "answer_malformed"


async def test_each_format_seals_what_it_can_and_nothing_else_is_sent() -> None:
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]
    out = dataclasses.replace(OUT, body=json.dumps({**json.loads(BODY), "tools": tools}).encode())
    with pytest.raises(NotSealable) as e:
        await wire(Carrier(), ACI).open(out)
    assert e.value.failures == ("body.tools",)
    carrier = Carrier()
    with pytest.raises(Sent):
        await wire(carrier, NEAR).open(out)
    assert carrier.sent is not None and b"look_up" not in bytes(carrier.sent.body)  # type: ignore[arg-type]


async def test_a_request_has_a_length(monkeypatch: pytest.MonkeyPatch) -> None:
    for most, error in ((len(BODY), Sent), (len(BODY) - 1, NotSealable)):
        monkeypatch.setattr("proxy.upstreams.sealed_fields.MAX_BODY", most)
        with pytest.raises(error):
            await wire(Carrier(), NEAR).open(OUT)


@pytest.mark.parametrize(("key", "module"), [(ACI, "attestation.aci.fields"), (NEAR, "attestation.near")])
async def test_a_field_has_a_length(key: BodyKey, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{module}.MAX_FIELD", 3)
    with pytest.raises(NotSealable) as e:
        await wire(Carrier(), key).open(OUT)
    assert e.value.failures == ("body.size",)


class SaysSealed(Streams):
    """Whoever is on the way says what the head of an answer must say."""

    async def carry(self, sent: Carried) -> Arrived:
        arrived = await super().carry(sent)
        said = (("x-e2ee-applied", "true"), ("x-e2ee-version", "2"), ("x-e2ee-algo", str(Algo.X25519)))
        return dataclasses.replace(arrived, headers=(*arrived.headers, *said))


async def test_calls_of_tools_that_a_format_does_not_seal_are_none() -> None:
    call = {"id": "x", "type": "function", "function": {}}
    body = json.dumps({"id": "c", "choices": [{"index": 0, "message": {"tool_calls": [call]}}]}).encode()
    opened = await wire(SaysSealed(body, kind="application/json"), ACI).open(OUT)
    with pytest.raises(UpstreamError) as e:
        assert [c async for c in opened.answer.chunks]
    assert e.value.code == "answer_unsealed"
    opened = await wire(Streams(body, kind="application/json"), NEAR).open(OUT)
    assert b"".join([c async for c in opened.answer.chunks]).count(b"tool_calls") == 1
