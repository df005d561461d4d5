"""ACI's receipts: about this request and answer, under the id that the answer names. And a gateway that serves from
others: it is told to use none that it did not verify, and must say whom it verified."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from egress_support import NOW

from attestation.aci.documents import digest, keyset_digest
from attestation.providers.base import Channel
from attestation.simulator.signing import ReceiptKey
from attestation.types import Claims
from policies.types import Zone
from proxy.errors import UpstreamError
from proxy.outbound import Outbound
from proxy.ports import Approval, LeaseInfo
from proxy.settings import AttestationConfig, UpstreamConfig
from proxy.upstreams.lease import AttestationRefused, Lease
from proxy.upstreams.proofs import FORWARDS, ProvingCarrier, proving
from proxy.upstreams.transports import Arrived, Carried, Carrier, Opened

ANSWER = b'{"id":"chatcmpl-1","choices":[]}'
VERIFIED = {"type": "upstream.verified", "result": "verified", "required": True, "session_id": "ab" * 32}
CLAIMS = Claims("snp", b"m", b"r", False, {}, "committed", 0, 0, b"c", b"e", NOW, NOW, ())
INFO = LeaseInfo("snp", "ee", "committed", "clinic", "aa", "bb", NOW + dt.timedelta(minutes=10))
UPSTREAM = UpstreamConfig(
    "aci", Zone.ENCLAVE, "openai", "https://aci.example/v1", attestation=AttestationConfig("aci", "clinic")
)
WAIVED = dataclasses.replace(INFO, waived={FORWARDS: Approval("ciso", "2027-01-01")})


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def nothing() -> None: ...


class Service:
    """Answers, and signs receipts over what came, with ``events`` about whom it served from."""

    users = 0

    def __init__(self, *events: dict[str, Any]) -> None:
        self.key, self.events = ReceiptKey(), events
        self.keyset = {"receipt_signing_keys": [self.key.entry], "subject": None}
        self.came: list[bytes] = []
        self.asked: list[str] = []
        self.said: dict[str, Any] = {}
        self.head: list[tuple[str, str]] = []
        self.statuses: list[int] = []
        """Of the first questions for a receipt."""

    async def carry(self, sent: Carried) -> Arrived:
        if sent.method == "GET" and sent.path != "/models":
            log = [{"type": "request.received", "body_hash": digest(self.came[-1])}, *self.events,
                   {"type": "response.returned", "body_hash": digest(ANSWER)}]  # fmt: skip
            self.asked.append(sent.path)
            made = self.key.receipt(self.keyset, event_log=log, **self.said)
            status = self.statuses.pop(0) if self.statuses else 200
            return Arrived(status, (), pieces(json.dumps(made).encode()), nothing)
        body = sent.body if isinstance(sent.body, bytes) else b"".join([p async for p in sent.body])
        assert sent.size in (None, len(body))
        self.came.append(body)
        return Arrived(200, (("content-type", "application/json"), *self.head), pieces(ANSWER), nothing)

    async def open(self, out: Outbound) -> Opened:
        raise AssertionError

    async def close(self) -> None: ...


def lease(service: Service, info: LeaseInfo = WAIVED) -> Lease:
    return Lease("aci", 1, b"p" * 32, CLAIMS, 0.0, 600.0, info, None, Channel(b"p" * 32, None, service.keyset))


def proved(service: Service, info: LeaseInfo = WAIVED, wanted: str = "required") -> Carrier:
    config = AttestationConfig("aci", "clinic", receipts=wanted)
    return proving(
        dataclasses.replace(UPSTREAM, attestation=config), lambda: service, lease(service, info), lambda: None,
        lambda: False,
    )  # fmt: skip


async def asked(carrier: Carrier, body: bytes, path: str = "/chat/completions") -> bytes:
    opened = await carrier.open(Outbound("aci", "POST", path, body=body))
    return b"".join([c async for c in opened.answer.chunks])


BODIES = [
    (b'{"model":"m","temperature":1e-7,"n":1.0}', {"model": "m", "temperature": 1e-7, "n": 1.0}),
    (b' \n{ "model" : "m" } ', {"model": "m"}),
    (b"{}", {}),
    (b'{"model":"m","provider":{}}', {"model": "m"}),
    (b'{"provider":{"aci_verified":false,"only":["x"]},"model":"\xc3\xa9"}', {"model": "é"}),
]


@pytest.mark.parametrize(("body", "rest"), BODIES)
async def test_an_aggregator_is_told_to_serve_from_attested_services_only(body: bytes, rest: dict[str, Any]) -> None:
    service = Service(VERIFIED)
    assert await asked(proved(service), body) == ANSWER
    [came] = service.came
    told = json.loads(came)
    assert told.pop("provider")["aci_verified"] is True and told == rest
    if b"provider" not in body:
        assert came.endswith(body.lstrip()[1:].lstrip(b"}")), "numbers stay as they were written"


ODD = [b"", b"[]", b"no JSON", b'{"provider":{},"provider":{}}', b'{"provider":"x"}', b'{"provider":null}',
       b'{"provider":{},"n":1e999}', b'{"provider":{"x":"\\ud800"}}', b"\xff{}"]  # fmt: skip


@pytest.mark.parametrize("body", ODD)
async def test_what_has_no_place_for_that_is_not_sent(body: bytes) -> None:
    service = Service(VERIFIED)
    for wanted in ("required", "recorded", "off"):
        with pytest.raises(AttestationRefused) as e:
            await asked(proved(service, wanted=wanted), body)
        assert e.value.failures == ("upstreams.unbound",) and not service.came


class Large:
    size, sha256 = 3, hashlib.sha256(b"abc").digest()

    def chunks(self) -> AsyncIterator[bytes]:
        return pieces(b"abc")


async def test_neither_is_a_form() -> None:
    service = Service(VERIFIED)
    with pytest.raises(AttestationRefused):
        await proved(service, wanted="recorded").open(Outbound("aci", "POST", "/audio/transcriptions", large=Large()))
    assert not service.came


@pytest.mark.parametrize("path", ["/moderations", "/responses/compact", "/images/generations"])
async def test_other_apis_are_told_as_well(path: str) -> None:
    service = Service(VERIFIED)
    await asked(proved(service, wanted="recorded"), b'{"model":"m"}', path)
    assert json.loads(service.came[0])["provider"] == {"aci_verified": True}


async def test_a_service_of_its_own_is_sent_what_was_recorded() -> None:
    service = Service()
    body = b' {"model" : "m"}'
    assert await asked(proved(service, INFO), body) == ANSWER
    assert service.came == [body]


async def test_what_was_sealed_says_so_already() -> None:
    service = Service(VERIFIED)
    carrier = proved(service)
    assert isinstance(carrier, ProvingCarrier) and carrier.forwards
    await carrier.carry(Carried("POST", "/chat/completions", body=b"sealed", restored=b"plain"))
    assert service.came == [b"sealed"]


FALSE = [
    (),
    ({**VERIFIED, "required": False},),
    ({**VERIFIED, "result": "failed"},),
    (VERIFIED, {**VERIFIED, "result": "failed"}),
]


@pytest.mark.parametrize("events", FALSE)
async def test_a_receipt_that_does_not_say_whom_it_verified_is_none(events: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(UpstreamError) as e:
        await asked(proved(Service(*events)), b'{"model":"m"}')
    assert e.value.code == "receipt_failed"


async def test_one_that_says_it_although_it_was_not_asked_is_judged_all_the_same() -> None:
    """Behind somebody else's TLS, ``serving: direct`` is anybody's word."""
    with pytest.raises(UpstreamError):
        await asked(proved(Service({**VERIFIED, "required": False}), INFO), b'{"model":"m"}')


async def receipt(service: Service, body: bytes = b'{"model":"m"}') -> str:
    opened = await proved(service, INFO, "recorded").open(Outbound("aci", "POST", "/chat/completions", body=body))
    assert [c async for c in opened.answer.chunks] == [ANSWER] and opened.answer.settle is not None
    return (await opened.answer.settle()).receipt


GOOD = {"endpoint": "/v1/chat/completions", "method": "POST", "chat_id": "chatcmpl-1", "receipt_id": "r-1"}


async def test_a_receipt_that_says_what_it_is_about_says_it_right() -> None:
    service = Service()
    service.said, service.head = dict(GOOD), [("x-receipt-id", "r-1")]
    assert await receipt(service) == "verified"
    for name in GOOD:
        service.said = {**GOOD, name: "other"}
        assert await receipt(service) == "failed", name


@pytest.mark.parametrize(
    ("head", "path"),
    [
        ([], "chatcmpl-1"),
        ([("X-Receipt-Id", "rcpt:7.a_b-c")], "rcpt:7.a_b-c"),
        ([("x-receipt-id", "a"), ("X-Receipt-Id", "b")], "chatcmpl-1"),
        *(
            ([("x-receipt-id", odd)], "chatcmpl-1")
            for odd in ("", ".", "..", "../x", "a/b", "a?b", "a b", "%2e", "é", "x" * 129)
        ),
    ],
)
async def test_a_receipt_is_asked_for_by_a_plain_id(head: list[tuple[str, str]], path: str) -> None:
    """Whoever answers chooses the id: it must not lead to another path."""
    service = Service()
    service.head = head
    assert await receipt(service) == "verified" and service.asked == [f"/aci/receipts/{path}"]


@pytest.mark.parametrize(
    ("statuses", "found", "questions"),
    [([404], "verified", 2), ([404, 404], "verified", 3), ([404] * 9, "missing", 4), ([202], "missing", 1),
     ([204], "missing", 1), ([401], "missing", 1), ([500], "missing", 1)],
)  # fmt: skip
async def test_only_a_receipt_that_came_as_one_counts(
    monkeypatch: pytest.MonkeyPatch, statuses: list[int], found: str, questions: int
) -> None:
    """An error's body is no receipt, even where a good one stands in it."""
    monkeypatch.setattr("proxy.upstreams.proofs.PAUSES_S", (0.0, 0.0, 0.0))
    service = Service()
    service.statuses = list(statuses)
    assert await receipt(service) == found and len(service.asked) == questions


@pytest.mark.parametrize("named", [[], ["the same"], ["another"], ["the same", "the same"]])
async def test_an_answer_that_names_another_keyset_is_doubted(named: list[str]) -> None:
    service, doubts = Service(), []
    known = keyset_digest(service.keyset)
    service.head = [("X-ACI-Keyset-Digest", known if n == "the same" else known[:-1] + "x") for n in named]
    carrier = proving(UPSTREAM, lambda: service, lease(service, INFO), lambda: doubts.append(1), lambda: False)
    await asked(carrier, b'{"model":"m"}')
    assert bool(doubts) is (named not in ([], ["the same"]))
