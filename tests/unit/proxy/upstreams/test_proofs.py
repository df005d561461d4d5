"""What a receipt is asked for, what of an answer is held back for it, and what is left alone."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from egress_support import NOW

from attestation.providers.base import BodyKey, Channel, Seal
from attestation.simulator.signing import Signer
from attestation.types import Claims
from policies.types import Zone
from proxy.errors import UpstreamError
from proxy.outbound import Outbound
from proxy.ports import LeaseInfo
from proxy.settings import AttestationConfig, UpstreamConfig
from proxy.upstreams import proofs
from proxy.upstreams.lease import AttestationRefused, Lease
from proxy.upstreams.proofs import ProvingCarrier
from proxy.upstreams.transports import Arrived, Carried, KeyChanged, Opened
from proxy.upstreams.transports import Carrier as AnyCarrier

CLAIMS = Claims("snp", b"m", b"r", False, {}, "committed", 0, 0, b"c", b"e", NOW, NOW, ())
INFO = LeaseInfo("snp", "ee", "committed", "clinic", "aa", "bb", NOW + dt.timedelta(minutes=10))
BODY = b'{"model":"m","messages":[]}'
OUT = Outbound("sealed", "POST", "/chat/completions", body=BODY)
EVENTS = [b'data: {"id":"chatcmpl-1","choices":[]}\n\n', b"data: [DO", b"NE]\n\n"]


async def pieces(parts: list[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def nothing() -> None: ...


@dataclass
class Carrier:
    """Answers ``parts``, and a signature about ``signed`` (what was said, unless a test says otherwise)."""

    signer: Signer = field(default_factory=lambda: Signer("ed25519"))
    parts: list[bytes] = field(default_factory=lambda: list(EVENTS))
    kind: str = "text/event-stream"
    status: int = 200
    signed: str | None = None
    fails: type[Exception] | None = None
    asked: list[Carried] = field(default_factory=list)
    carried: list[Carried] = field(default_factory=list)
    users: int = 0

    async def carry(self, sent: Carried) -> Arrived:
        self.carried.append(sent)
        if sent.method == "POST" or not sent.path.startswith("/signature/"):
            if not isinstance(sent.body, bytes):
                assert b"".join([c async for c in sent.body]) == BODY
            return Arrived(self.status, (("content-type", self.kind),), pieces(self.parts), nothing)
        self.asked.append(sent)
        if self.fails is not None:
            raise self.fails("gone") if self.fails is UpstreamError else self.fails
        sums = ":".join(hashlib.sha256(x).hexdigest() for x in (BODY, b"".join(self.parts)))
        document = json.dumps(self.signer.sign(self.signed or sums)).encode()
        return Arrived(200, (("content-type", "application/json"),), pieces([document]), nothing)

    async def open(self, out: Outbound) -> Opened:
        raise AssertionError

    async def close(self) -> None: ...


def proved(carrier: Carrier, wanted: str = "recorded", revoked: Callable[[], bool] = lambda: False) -> ProvingCarrier:
    channel = Channel(b"p" * 32, signing_key=("ed25519", carrier.signer.attested))
    return ProvingCarrier("sealed", carrier, channel, wanted, lambda: None, revoked)


async def read(opened: Opened, most: int = 99) -> list[bytes]:
    out = []
    async for chunk in opened.answer.chunks:
        out.append(chunk)
        if len(out) == most:
            break
    return out


async def test_an_answer_passes_as_it_comes_and_is_verified_after() -> None:
    carrier = Carrier()
    opened = await proved(carrier).open(OUT)
    assert await read(opened) == EVENTS and not carrier.asked
    assert opened.answer.settle is not None
    found = await opened.answer.settle()
    assert found.receipt == "verified" and found.id_sha256 == hashlib.sha256(b"chatcmpl-1").hexdigest()
    assert await opened.answer.settle() is found and len(carrier.asked) == 1
    [asked] = carrier.asked
    assert (asked.method, asked.path, asked.query) == ("GET", "/signature/chatcmpl-1", "signing_algo=ed25519")


@pytest.mark.parametrize("wanted", ["recorded", "required"])
async def test_whoever_is_not_trusted_any_more_is_asked_for_no_receipt(wanted: str) -> None:
    """The question would bring it the upstream's key."""
    carrier, revoked = Carrier(), [False]
    opened = await proved(carrier, wanted, lambda: revoked[0]).open(OUT)
    assert opened.answer.settle is not None
    revoked[0] = True
    if wanted == "required":
        with pytest.raises(UpstreamError, match="no good receipt"):
            await read(opened)
    else:
        await read(opened)
    assert (await opened.answer.settle()).receipt == "missing" and not carrier.asked


async def test_where_it_is_required_the_end_is_held_back() -> None:
    carrier = Carrier()
    opened = await proved(carrier, "required").open(OUT)
    shown = []
    async for chunk in opened.answer.chunks:
        shown.append(chunk)
        if b"NE]" in chunk:
            assert carrier.asked, "the end is shown after the receipt was seen"
    assert b"".join(shown) == b"".join(EVENTS)


async def test_where_it_is_required_and_false_there_is_no_end() -> None:
    opened = await proved(Carrier(signed="00:11"), "required").open(OUT)
    shown: list[bytes] = []

    async def reading() -> None:
        async for chunk in opened.answer.chunks:
            shown.append(chunk)

    with pytest.raises(UpstreamError) as e:
        await reading()
    assert e.value.code == "receipt_failed" and b"NE]" not in b"".join(shown)


async def test_an_answer_that_was_not_read_to_its_end_is_unchecked() -> None:
    carrier = Carrier()
    opened = await proved(carrier).open(OUT)
    await read(opened, 1)
    assert opened.answer.settle is not None
    assert (await opened.answer.settle()).receipt == "unchecked" and not carrier.asked


@pytest.mark.parametrize("fails", [UpstreamError, KeyChanged])
async def test_a_service_that_gives_none_is_no_fault_of_the_answer(fails: type[Exception]) -> None:
    opened = await proved(Carrier(fails=fails)).open(OUT)
    await read(opened)
    assert opened.answer.settle is not None and (await opened.answer.settle()).receipt == "missing"


async def test_a_connection_that_meets_another_machine_for_a_receipt_is_closed() -> None:
    closed = []

    class Line:
        def close(self) -> None:
            closed.append(1)

    opened = await proved(Carrier(fails=KeyChanged(Line()))).open(OUT)  # type: ignore[arg-type]
    await read(opened)
    assert opened.answer.settle is not None and (await opened.answer.settle()).receipt == "missing"
    assert closed == [1]


async def test_a_slow_service_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "RECEIPT_S", 0.0)
    opened = await proved(Carrier()).open(OUT)
    await read(opened)
    assert opened.answer.settle is not None and (await opened.answer.settle()).receipt == "missing"


@pytest.mark.parametrize("status", [400, 500])
async def test_an_error_has_no_receipt(status: int) -> None:
    opened = await proved(Carrier(status=status), "required").open(OUT)
    await read(opened)
    assert opened.answer.settle is None


async def test_an_answer_without_an_id_has_none_either() -> None:
    carrier = Carrier(parts=[b"{}"], kind="application/json")
    opened = await proved(carrier).open(OUT)
    await read(opened)
    assert opened.answer.settle is not None
    assert (await opened.answer.settle()).receipt == "missing" and not carrier.asked


async def test_ids_of_calls_are_not_taken_for_that_of_the_answer() -> None:
    message = b'{"content":"\\"id\\":\\"chatcmpl-no\\"","tool_calls":[{"id":"call_7"}]}'
    body = b'{"choices":[{"message":' + message + b'}],"id":"chatcmpl-9"}'
    carrier = Carrier(parts=[body], kind="application/json")
    opened = await proved(carrier).open(OUT)
    await read(opened)
    assert opened.answer.settle is not None and (await opened.answer.settle()).receipt == "verified"
    assert carrier.asked[0].path == "/signature/chatcmpl-9"


OTHER = pytest.mark.parametrize(
    "out",
    [
        Outbound("sealed", "GET", "/models"),
        Outbound("sealed", "GET", "/chat/completions"),
        Outbound("sealed", "POST", "/moderations", body=b"{}"),
        Outbound("sealed", "POST", "/responses/compact", body=b"{}"),
    ],
)


@OTHER
async def test_what_has_no_receipt_is_left_alone(out: Outbound) -> None:
    carrier = Carrier(parts=[b"{}"])
    opened = await proved(carrier).open(out)
    assert await read(opened) == [b"{}"] and opened.answer.settle is None


@OTHER
async def test_what_has_no_receipt_is_not_even_sent_where_one_is_required(out: Outbound) -> None:
    carrier = Carrier(parts=[b"{}"])
    with pytest.raises(AttestationRefused) as e:
        await proved(carrier, "required").open(out)
    assert e.value.failures == ("receipts.path",) and not carrier.carried


async def test_a_body_in_pieces_is_hashed_on_its_way() -> None:
    carrier = Carrier()
    made = proved(carrier)
    arrived = await made.carry(Carried("POST", "/chat/completions", body=pieces([BODY[:5], BODY[5:]])))
    assert [c async for c in arrived.chunks] == EVENTS
    assert arrived.settle is not None and (await arrived.settle()).receipt == "verified"


ENDS = {
    "/chat/completions": b"data: [DONE]\n\n",
    "/messages": b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    "/responses": b'event: response.completed\ndata: {"type":"response.completed"}\n\n',
}


@pytest.mark.parametrize("path", ENDS)
@pytest.mark.parametrize("at", range(0, 30, 3))
async def test_the_end_of_every_kind_of_stream_waits_for_its_receipt(path: str, at: int) -> None:
    """However it is cut: an SDK takes the answer for whole when it has seen the end's name."""
    end = ENDS[path]
    carrier = Carrier(parts=[EVENTS[0], end[:at], end[at:]], signed="00:11")
    opened = await proved(carrier, "required").open(Outbound("sealed", "POST", path, body=BODY))
    shown = bytearray()

    async def reading() -> None:
        async for chunk in opened.answer.chunks:
            shown.extend(chunk)

    with pytest.raises(UpstreamError) as e:
        await reading()
    assert e.value.code == "receipt_failed"
    assert not any(mark in shown for mark in (b"[DONE]", b"message_stop", b"response.completed"))


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson", "text/plain", ""])
async def test_of_an_answer_that_is_no_stream_nothing_is_shown_before_its_receipt(kind: str) -> None:
    body = [b'{"id":"chatcmpl-1",', b'"choices":[]}', b"\n"]
    carrier = Carrier(parts=body, kind=kind, signed="00:11")
    opened = await proved(carrier, "required").open(OUT)
    with pytest.raises(UpstreamError):
        await read(opened, 1)
    good = await proved(Carrier(parts=body, kind=kind), "required").open(OUT)
    assert b"".join(await read(good)) == b"".join(body)


@pytest.mark.parametrize("text", ["\ud800", "\u00e9" * 9, "x" * 513, "", None, 7])
async def test_a_signature_of_nonsense_fails_and_is_recorded_so(text: object) -> None:
    """Half a surrogate pair has no bytes: it raised out of the settling, and the outcome was never written."""
    carrier = Carrier()
    carrier.signer.sign = lambda _: {"text": text, "signature": "00" * 64}  # type: ignore[assignment, method-assign]
    opened = await proved(carrier).open(OUT)
    await read(opened)
    assert opened.answer.settle is not None and (await opened.answer.settle()).receipt == "failed"


async def test_a_fault_of_ours_in_a_check_is_no_good_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(proofs.signatures, "verify", broken)
    opened = await proved(Carrier()).open(OUT)
    await read(opened)
    assert opened.answer.settle is not None and (await opened.answer.settle()).receipt == "failed"
    with pytest.raises(UpstreamError):
        await read(await proved(Carrier(), "required").open(OUT))


@pytest.mark.parametrize("parts", [[b"{}"], [b'{"id":7}']])
async def test_where_one_is_required_a_missing_one_is_no_better_than_a_false_one(parts: list[bytes]) -> None:
    opened = await proved(Carrier(parts=parts, kind="application/json"), "required").open(OUT)
    with pytest.raises(UpstreamError) as e:
        await read(opened)
    assert e.value.code == "receipt_missing"


class Endless(Carrier):
    """Its receipt goes on and on, quickly. ``given`` are the bytes that were taken."""

    given = 0

    async def carry(self, sent: Carried) -> Arrived:
        arrived = await super().carry(sent)

        async def more() -> AsyncIterator[bytes]:
            for _ in range(2000):
                self.given += 1000
                yield b" " * 1000

        return arrived if sent.method == "POST" else Arrived(200, arrived.headers, more(), nothing)


async def test_a_receipt_has_a_length() -> None:
    carrier = Endless()
    opened = await proved(carrier).open(OUT)
    await read(opened)
    assert opened.answer.settle is not None and (await opened.answer.settle()).receipt == "missing"
    assert carrier.given <= proofs.RECEIPT_BYTES + 1000


EHBP, ACI = BodyKey(Seal.EHBP, b"k" * 32, "x25519"), BodyKey(Seal.ACI, b"k" * 32, "x")
NEAR, PIN = BodyKey(Seal.NEAR, b"k" * 32, "ed25519"), b"p" * 32
AUTO = [
    (None, PIN, "recorded"), (EHBP, None, "recorded"), (EHBP, PIN, "recorded"), (ACI, PIN, "recorded"),
    (NEAR, PIN, "recorded"), (ACI, None, "required"), (NEAR, None, "required"),
]  # fmt: skip


def proving_for(wanted: str | None, body: BodyKey | None, pin: bytes | None, channel: Channel) -> AnyCarrier:
    config = AttestationConfig("x", "clinic", receipts=wanted) if wanted is not None else None
    upstream = UpstreamConfig("sealed", Zone.ENCLAVE, "openai", "https://sealed.example/v1", attestation=config)
    lease = Lease("sealed", 1, pin, CLAIMS, 0.0, 600.0, INFO, body, channel)
    return proofs.proving(upstream, Carrier, lease, lambda: None, lambda: False)


@pytest.mark.parametrize(("body", "pin", "means"), AUTO)
@pytest.mark.parametrize("wanted", ["auto", "off", "recorded", "required"])
def test_receipts_are_required_where_nothing_else_shows_who_wrote_an_answer(
    body: BodyKey | None, pin: bytes | None, means: str, wanted: str
) -> None:
    signing = Channel(pin, body, signing_key=("ed25519", b"s" * 32))
    made = proving_for(wanted, body, pin, signing)
    assert isinstance(made, ProvingCarrier)
    assert made._wanted == (means if wanted == "auto" else wanted)
    for unsigned in (Channel(pin, body), Channel(pin, body, {"receipt_signing_keys": []}), Channel(pin, body, {})):
        if made.required:
            with pytest.raises(AttestationRefused) as e:
                proving_for(wanted, body, pin, unsigned)
            assert e.value.failures == ("receipts.no-key",)
        else:
            found = proving_for(wanted, body, pin, unsigned)
            assert not isinstance(found, ProvingCarrier) or found._wanted == "off"
