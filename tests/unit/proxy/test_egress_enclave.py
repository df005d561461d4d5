"""Pinned channels and the control door against raw TLS peers that count every byte they decrypt."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Collection

import pytest
from egress_support import NOW, Events, chat, enclave, receipt_for, upstream
from fake_cloud import FakeCloud
from fake_tls import Identity, TlsPeer, hung_up

from attestation.providers.base import Ask
from attestation.types import Claims
from policies.types import Requirements, Zone
from proxy import egress
from proxy.egress import ControlDoor, DataDoor
from proxy.errors import AuditUnavailable, ConfigError, Misuse, UpstreamError
from proxy.outbound import Answer
from proxy.ports import Candidate, LeaseInfo
from proxy.settings import Secret
from proxy.upstreams.lease import AttestationRefused, Lease
from proxy.upstreams.remote import EVIDENCE_BYTES
from proxy.upstreams.transports import STRANGERS, Line

CANDIDATE = Candidate("sealed", "m", Zone.ENCLAVE, False)
ANYTHING = Requirements()


def claims() -> Claims:
    return Claims("snp", b"m" * 48, b"r" * 64, False, {}, "up_to_date", 0, 0, b"c" * 64, b"e" * 32, NOW, NOW, ())


def lease(pin: bytes, epoch: int = 1) -> Lease:
    info = LeaseInfo("snp", "e", "up_to_date", "clinic", pin.hex(), "m", NOW + dt.timedelta(minutes=10))
    return Lease("sealed", epoch, pin, claims(), 0.0, 600.0, info)


class Leases:
    """Hands out leases from a list, in order; the last one stays."""

    def __init__(self, *pins: bytes) -> None:
        self.queue = [lease(pin, i + 1) for i, pin in enumerate(pins)]
        self.events = Events()
        self.unfit = False

    async def current(self, upstream: str, want: Requirements, ready: Collection[int] = ()) -> Lease:
        return self.queue[0]

    def epochs(self, upstream: str) -> Collection[int]:
        return (self.queue[0].epoch,)

    def check(self, lease: Lease, want: Requirements) -> None:
        if self.unfit:
            raise AttestationRefused(lease.upstream, ("lease_expired",))

    async def met(self, lease: Lease, line: Line, want: Requirements, seq: int) -> Lease:
        await self.events("met", {"seq": seq})
        if len(self.queue) > 1:
            self.queue.pop(0)
        if self.queue[0].pin != line.pin:
            raise AttestationRefused(lease.upstream, ("binding",))
        return self.queue[0]

    async def discard(self, lease: Lease, seq: int) -> None:
        await self.events("discarded", {"seq": seq})


@pytest.fixture
async def peer() -> AsyncIterator[TlsPeer]:
    async with TlsPeer(Identity()) as made:
        yield made


async def ask(door: DataDoor) -> Answer:
    await door.prepare(CANDIDATE, ANYTHING)
    out = chat("sealed")
    async with door.send(receipt_for(out), out) as answer:
        assert b"".join([c async for c in answer.chunks]) == b'{"ok":1}'
        return answer


async def test_the_attested_key_gets_the_request_over_one_pooled_connection(peer: TlsPeer) -> None:
    door = DataDoor({"sealed": enclave(peer.url, key=Secret("sk"))}, leases=Leases(peer.identity.pin))
    assert (await door.prepare(CANDIDATE, ANYTHING)) == lease(peer.identity.pin).info
    for _ in range(3):
        await ask(door)
    assert peer.connections == 1
    assert bytes(peer.received).startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    await door.close()


async def test_a_wrong_key_sees_no_byte_of_the_request(peer: TlsPeer) -> None:
    leases = Leases(Identity().pin)
    door = DataDoor({"sealed": enclave(peer.url)}, leases=leases)
    with pytest.raises(AttestationRefused) as e:
        await ask(door)
    assert e.value.failures == ("binding",)
    assert leases.events.codes() == ["met"] * STRANGERS + ["discarded"]
    assert not peer.received
    await door.close()


async def test_a_rotated_key_is_attested_again_and_then_served(peer: TlsPeer) -> None:
    fresh = Identity()
    leases = Leases(peer.identity.pin, fresh.pin)
    door = DataDoor({"sealed": enclave(peer.url)}, leases=leases)
    await ask(door)
    await peer.rotate(fresh)
    await hung_up(door)
    peer.received.clear()
    await ask(door)
    assert leases.events.codes() == ["met"]
    assert peer.received.count(b"POST ") == 1
    await door.close()


async def test_a_new_lease_that_cannot_be_recorded_is_not_used(peer: TlsPeer) -> None:
    leases = Leases(Identity().pin, peer.identity.pin)
    leases.events.fail = AuditUnavailable("disk full")
    door = DataDoor({"sealed": enclave(peer.url)}, leases=leases)
    with pytest.raises(AuditUnavailable):
        await ask(door)
    assert not peer.received
    await door.close()


async def test_a_connection_of_an_older_lease_is_not_reused(peer: TlsPeer) -> None:
    leases = Leases(peer.identity.pin, peer.identity.pin)
    door = DataDoor({"sealed": enclave(peer.url)}, leases=leases)
    await ask(door)
    leases.queue.pop(0)
    await ask(door)
    assert peer.connections == 2
    await door.close()


async def test_a_lease_that_ended_between_prepare_and_send_opens_nothing(peer: TlsPeer) -> None:
    leases = Leases(peer.identity.pin)
    door = DataDoor({"sealed": enclave(peer.url)}, leases=leases)
    await door.prepare(CANDIDATE, ANYTHING)
    leases.unfit = True
    out = chat("sealed")
    with pytest.raises(AttestationRefused):
        async with door.send(receipt_for(out), out):
            pass
    assert peer.connections == 0


async def test_a_replaced_lease_that_ended_while_it_was_recorded_opens_nothing(
    peer: TlsPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases = Leases(Identity().pin, peer.identity.pin)
    door = DataDoor({"sealed": enclave(peer.url)}, leases=leases)
    met = leases.met

    async def slowly(old: Lease, line: Line, want: Requirements, seq: int) -> Lease:
        fresh = await met(old, line, want, seq)
        leases.unfit = True
        return fresh

    monkeypatch.setattr(leases, "met", slowly)
    with pytest.raises(AttestationRefused) as e:
        await ask(door)
    assert e.value.failures == ("lease_expired",)
    assert not peer.received
    await door.close()


async def test_each_send_to_an_enclave_needs_its_own_prepare(peer: TlsPeer) -> None:
    door = DataDoor({"sealed": enclave(peer.url)}, leases=Leases(peer.identity.pin))
    await ask(door)
    out = chat("sealed")
    with pytest.raises(Misuse, match="prepared"):
        async with door.send(receipt_for(out), out):
            pass
    await door.close()


async def test_what_one_request_prepared_is_not_there_for_another(peer: TlsPeer) -> None:
    door = DataDoor({"sealed": enclave(peer.url)}, leases=Leases(peer.identity.pin))

    async def other() -> None:
        out = chat("sealed")
        async with door.send(receipt_for(out), out):
            pass

    task = asyncio.ensure_future(other())  # started before anything was prepared
    await door.prepare(CANDIDATE, ANYTHING)
    with pytest.raises(Misuse):
        await task


async def test_tls_below_1_3_is_not_spoken() -> None:
    identity = Identity()
    async with TlsPeer(identity, ssl.TLSVersion.TLSv1_2) as peer:
        door = DataDoor({"sealed": enclave(peer.url)}, leases=Leases(identity.pin))
        with pytest.raises(UpstreamError):
            await ask(door)
        assert not peer.received
        await door.close()


# --- the control door


QUESTION = (Ask("evidence", "/.well-known/attestation?nonce=" + bytes(range(32)).hex(), max_bytes=1000),)
TWO = (Ask("first", "/a?n=1", max_bytes=1000), Ask("second", "/b/c", post=b'{"n":"2"}', max_bytes=1000))


async def test_all_answers_come_over_one_connection_with_its_certificate(peer: TlsPeer) -> None:
    peer.answer = lambda head: head.split(b" ")[1]
    heard = await ControlDoor({"sealed": enclave(peer.url, key=Secret("sk-secret"))}).fetch_evidence("sealed", TWO)
    assert {name: reply.body for name, reply in heard.replies.items()} == {"first": b"/a?n=1", "second": b"/b/c"}
    assert heard.replies["first"].content_type == "application/json"
    assert heard.certificate == peer.identity.certificate
    assert peer.connections == 1
    said = bytes(peer.received)
    assert said.startswith(b"GET /a?n=1 HTTP/1.1\r\n") and b"POST /b/c HTTP/1.1\r\n" in said, "the origin, not the base"
    assert said.endswith(b'\r\n\r\n{"n":"2"}')
    for never in (b"sk-secret", b"cookie", b"authorization"):
        assert never not in said.lower()


async def test_answers_of_two_connections_are_no_evidence(peer: TlsPeer) -> None:
    peer.close_after = 1
    with pytest.raises(UpstreamError):
        await ControlDoor({"sealed": enclave(peer.url)}).fetch_evidence("sealed", TWO)


async def test_a_part_of_the_answers_is_no_evidence(peer: TlsPeer) -> None:
    def answer(head: bytes) -> bytes:
        if head.startswith(b"POST"):
            raise OSError
        return b"one of two"

    peer.answer = answer
    with pytest.raises(UpstreamError) as e:
        await ControlDoor({"sealed": enclave(peer.url)}).fetch_evidence("sealed", TWO)
    assert e.value.code == "upstream_error"


async def test_where_nobody_is_met_there_is_no_certificate_either(peer: TlsPeer) -> None:
    config = enclave(peer.url)
    await peer.__aexit__()
    for pin in (None, bytes(32)):
        with pytest.raises(UpstreamError) as e:
            await ControlDoor({"sealed": config}).fetch_evidence("sealed", (), pin)
        assert e.value.code == "upstream_unreachable"
    await peer.__aenter__()


async def test_an_enclave_without_attestation_has_no_door(peer: TlsPeer) -> None:
    bare = upstream("sealed", Zone.ENCLAVE, peer.url)
    with pytest.raises(ConfigError, match="needs a provider"):
        DataDoor({"sealed": bare}, leases=Leases(peer.identity.pin))


async def test_every_evidence_comes_over_a_fresh_connection(peer: TlsPeer) -> None:
    door = ControlDoor({"sealed": enclave(peer.url)})
    for _ in range(2):
        await door.fetch_evidence("sealed", QUESTION)
    assert peer.connections == 2


BAD_ASKS = {
    "the same name twice": QUESTION * 2,
    "too many": tuple(Ask(str(i), "/a") for i in range(9)),
    "another origin": (Ask("a", "//other.example/a"),),
    "an absolute URL": (Ask("a", "https://other.example/a"),),
    "no path": (Ask("a", "a"),),
    "above the origin": (Ask("a", "/a/../b"),),
    "a fragment": (Ask("a", "/a#b"),),
    "white space": (Ask("a", "/a b"),),
    "a line": (Ask("a", "/a?n=1\r\nx: y"),),
    "two queries": (Ask("a", "/a?n=\x00"),),
    "room for a payload": (Ask("a", "/a", post=b"x" * 4096),),
    "no room for an answer": (Ask("a", "/a", max_bytes=0),),
    "too much room for answers": (Ask("a", "/a", max_bytes=EVIDENCE_BYTES), Ask("b", "/b", max_bytes=1)),
}


@pytest.mark.parametrize("which", BAD_ASKS)
async def test_only_short_questions_to_the_origin_are_asked(peer: TlsPeer, which: str) -> None:
    with pytest.raises(Misuse):
        await ControlDoor({"sealed": enclave(peer.url)}).fetch_evidence("sealed", BAD_ASKS[which])
    assert peer.connections == 0


async def test_only_configured_enclaves_are_asked(peer: TlsPeer) -> None:
    door = ControlDoor({"sealed": enclave(peer.url), "cloud": upstream(url=peer.url)})
    for name in ("cloud", "nowhere"):
        with pytest.raises(Misuse):
            await door.fetch_evidence(name, QUESTION)
    assert peer.connections == 0


async def test_too_much_evidence_is_cut(peer: TlsPeer) -> None:
    door = ControlDoor({"sealed": enclave(peer.url)})
    peer.answer = b"x" * 1000
    assert len((await door.fetch_evidence("sealed", QUESTION)).replies["evidence"].body) == 1000
    peer.answer = b"x" * 1001
    with pytest.raises(UpstreamError) as e:
        await door.fetch_evidence("sealed", QUESTION)
    assert e.value.code == "evidence_too_large"


@pytest.mark.parametrize(
    ("status", "code"),
    [("307 Moved", "redirect_refused"), ("201 No", "evidence_unavailable"), ("503 No", "evidence_unavailable")],
)
async def test_whatever_is_not_200_is_no_evidence(peer: TlsPeer, status: str, code: str) -> None:
    peer.status = status + "\r\nlocation: https://localhost/a"
    with pytest.raises(UpstreamError) as e:
        await ControlDoor({"sealed": enclave(peer.url)}).fetch_evidence("sealed", QUESTION)
    assert e.value.code == code
    assert peer.connections == 1


async def test_all_questions_together_have_one_deadline(peer: TlsPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "EVIDENCE_S", 0.2)
    peer.delay_s = 0.15
    with pytest.raises(UpstreamError) as e:
        await ControlDoor({"sealed": enclave(peer.url)}).fetch_evidence("sealed", TWO)
    assert e.value.code == "upstream_timeout"


async def test_evidence_of_nobody_is_an_upstream_error(peer: TlsPeer) -> None:
    config = enclave(peer.url)
    await peer.__aexit__()
    with pytest.raises(UpstreamError) as e:
        await ControlDoor({"sealed": config}).fetch_evidence("sealed", QUESTION)
    assert e.value.code == "upstream_unreachable"
    await peer.__aenter__()


async def test_evidence_without_tls_is_no_evidence() -> None:
    async with FakeCloud() as cloud:
        config = enclave(cloud.url.replace("http:", "https:"))
        with pytest.raises(UpstreamError):
            await ControlDoor({"sealed": config}).fetch_evidence("sealed", QUESTION)


def test_a_lease_shows_no_key_in_its_repr() -> None:
    shown = repr(dataclasses.replace(lease(b"p" * 32), pin=b"secret-pin"))
    assert "secret-pin" not in shown
