"""A simulated enclave behind somebody else's TLS: it opens sealed bodies and seals its answers, and everything that
whoever ends the TLS could see is kept. For tests and the demo, on loopback only.

The misbehaviours are those of the enclave, of its TLS end, or of anybody between them: on the wire they look the same.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web

from attestation import ehbp
from attestation.providers.base import BodyKey, Channel, Seal
from attestation.sealing import SealingError
from attestation.simulator.sealed import EhbpServer, seal_answer
from attestation.simulator.server import MODEL, SimulatedEnclave, answer, events

PLAIN = "PLAINTEXT-FROM-THE-MIDDLE"
"""What whoever sits on the way writes where an answer should be."""
JSON, EVENTS = "application/json", "text/event-stream"


class Meddling(StrEnum):
    """What is wrong with the next answers."""

    HEADER_STRIPPED = "header_stripped"
    """The request's encapsulated key does not arrive."""
    NONCE_MISSING = "nonce_missing"
    NONCE_TWICE = "nonce_twice"
    NONCE_SHORT = "nonce_short"
    NONCE_UPPER_CASE = "nonce_upper_case"
    NONCE_OF_ANOTHER = "nonce_of_another"
    ANSWER_BEFORE = "answer_before"
    """The whole previous answer again, head and body."""
    CUT_BETWEEN_FRAMES = "cut_between_frames"
    CUT_IN_FRAME = "cut_in_frame"
    CUT_CONNECTION = "cut_connection"
    REORDERED = "reordered"
    FRAME_TWICE = "frame_twice"
    FRAME_DROPPED = "frame_dropped"
    FRAME_FLIPPED = "frame_flipped"
    FRAME_HUGE = "frame_huge"
    PLAIN_ANSWER = "plain_answer"
    PLAIN_ERROR = "plain_error"
    PLAIN_BEHIND = "plain_behind"
    """Something in the clear behind the sealed answer."""
    OTHER_TYPE = "other_type"
    """JSON is called a stream, a stream JSON."""
    NO_END = "no_end"
    """The answer is called sound, which has no end of its own."""
    KEY_CHANGED = "key_changed"
    """A new key from now on; who sealed to the old one is told so, once each."""
    KEY_MISMATCH = "key_mismatch"
    """Everybody is told that their key is the wrong one."""
    SEALED_ERROR = "sealed_error"
    """No misbehaviour: the enclave refuses a request, and says so sealed."""


@dataclass
class Written:
    """An answer as it goes onto the wire."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    broken: bool = False
    """The connection ends before the body does."""


class SealedEnclave(SimulatedEnclave):
    """Speaks EHBP. ``opened`` are the requests that it could read, ``wire_in`` and ``wire_out`` every byte inside TLS.

    ``meddling`` may be set at any time and holds for the next answer.
    """

    def __init__(self, meddling: Meddling | None = None) -> None:
        super().__init__()
        self.meddling = meddling
        self.opened: list[bytes] = []
        self.wire_in = bytearray()
        self.wire_out = bytearray()
        self._ehbp = EhbpServer()
        self._before: Written | None = None
        self.asked_path = ""
        """Of the request that is being answered."""

    @property
    def body_key(self) -> BodyKey:
        return BodyKey(Seal.EHBP, self._ehbp.secret.public, "x25519")

    @property
    def channel(self) -> Channel:
        """What its evidence names, beside the TLS key."""
        return Channel(None, self.body_key)

    def rotate_body_key(self) -> None:
        self._ehbp = EhbpServer()

    def took(self, pin: bytes, data: bytes) -> None:
        super().took(pin, data)
        self.wire_in += data

    def _connection(self) -> asyncio.Protocol:
        return _Kept(super()._connection(), self.wire_out)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.received.append(raw)
        self.asked_path = request.path
        written = self._written(dict(request.headers), raw)
        self._before = written
        return await _send(request, written)

    def _written(self, headers: dict[str, str], raw: bytes) -> Written:
        if self.meddling is Meddling.HEADER_STRIPPED:
            headers.pop(ehbp.ENCAPSULATED_KEY, None)
        if self.meddling is Meddling.KEY_CHANGED:
            self.meddling = None
            self.rotate_body_key()
        try:
            body, recovery = self._ehbp.open(headers, raw)
        except KeyError:
            return _problem(400, "about:blank")
        except SealingError:
            return _problem(422, ehbp.KEY_MISMATCH)
        if self.meddling is Meddling.KEY_MISMATCH:
            return _problem(422, ehbp.KEY_MISMATCH)
        self.opened.append(body)
        status, kind, pieces = self._answered(body, refuse=self.meddling is Meddling.SEALED_ERROR)
        nonce, frames = seal_answer(recovery, pieces)
        return self._meddled(Written(status, [("content-type", kind), *nonce], frames))

    def _answered(self, body: bytes, *, refuse: bool) -> tuple[int, str, list[bytes]]:
        return answered(body, refuse=refuse)

    def _meddled(self, made: Written) -> Written:
        match self.meddling:
            case Meddling.ANSWER_BEFORE if self._before is not None:
                return self._before
            case Meddling.PLAIN_ANSWER:
                return plain_answer(made)
            case Meddling.PLAIN_ERROR:
                return plain_error(made)
            case Meddling.OTHER_TYPE:
                kind = EVENTS if made.headers[0][1] == JSON else JSON
                return Written(made.status, [("content-type", kind), *made.headers[1:]], made.pieces)
            case Meddling.NO_END:
                return Written(made.status, [("content-type", "audio/mpeg"), *made.headers[1:]], made.pieces)
        return _frames_meddled(self.meddling, _nonce_meddled(self.meddling, made))


class _Kept(asyncio.Protocol):
    """A connection that keeps what is written to it."""

    def __init__(self, inner: asyncio.Protocol, kept: bytearray) -> None:
        self._inner = inner
        self._kept = kept

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inner.connection_made(_Tap(transport, self._kept))

    def __getattribute__(self, name: str) -> Any:
        if name in {"connection_made", "_inner", "_kept", "__class__", "__init__"}:
            return super().__getattribute__(name)
        return getattr(self._inner, name)


class _Tap(asyncio.Transport):
    """A transport that keeps what is written through it."""

    def __init__(self, inner: asyncio.BaseTransport, kept: bytearray) -> None:
        super().__init__()
        self._inner: Any = inner
        self._kept = kept

    def write(self, data: Any) -> None:
        self._kept += data
        self._inner.write(data)

    def writelines(self, pieces: Any) -> None:
        self.write(b"".join(pieces))

    def __getattribute__(self, name: str) -> Any:
        if name in {"write", "writelines", "_inner", "_kept", "__class__", "__init__"}:
            return super().__getattribute__(name)
        return getattr(self._inner, name)


def answered(raw: bytes, *, refuse: bool = False) -> tuple[int, str, list[bytes]]:
    """Status, media type and pieces of a chat answer that quotes the last user message."""
    body = json.loads(raw)
    if refuse:
        error = {"message": "the enclave refuses this", "type": "invalid_request_error", "code": None}
        return 400, JSON, [json.dumps({"error": error}).encode()]
    text, model = answer(body), str(body.get("model", MODEL))
    base = {"id": "chatcmpl-sealed", "created": 1767225600, "model": model}
    if body.get("stream"):
        return 200, EVENTS, [*events(base, text), b"data: [DONE]\n\n"]
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16}
    whole = json.dumps({**base, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
    return 200, JSON, [whole[:40], b"", whole[40:]]


def plain_answer(made: Written) -> Written:
    """A good answer of somebody else's making, in the clear, of the kind that was asked for."""
    base = {"id": "chatcmpl-sealed", "created": 1767225600, "model": MODEL}
    if made.headers[0][1] == EVENTS:
        return Written(200, made.headers[:1], [*events(base, PLAIN), b"data: [DONE]\n\n"])
    choice = {"index": 0, "message": {"role": "assistant", "content": PLAIN}, "finish_reason": "stop"}
    body = json.dumps({**base, "object": "chat.completion", "choices": [choice]}).encode()
    return Written(200, made.headers[:1], [body])


def plain_error(_: Written) -> Written:
    error = {"message": PLAIN, "type": "invalid_request_error", "code": PLAIN}
    return Written(400, [("content-type", JSON)], [json.dumps({"error": error}).encode()])


def _problem(status: int, kind: str) -> Written:
    body = json.dumps({"type": kind, "title": PLAIN}).encode()
    return Written(status, [("content-type", "application/problem+json")], [body])


def _nonce_meddled(how: Meddling | None, made: Written) -> Written:
    others = [pair for pair in made.headers if pair[0] != ehbp.RESPONSE_NONCE]
    nonce = dict(made.headers)[ehbp.RESPONSE_NONCE]
    values: Sequence[str] = (nonce,)
    match how:
        case Meddling.NONCE_MISSING:
            values = ()
        case Meddling.NONCE_TWICE:
            values = (nonce, nonce)
        case Meddling.NONCE_SHORT:
            values = (nonce[:32],)
        case Meddling.NONCE_UPPER_CASE:
            values = ("AB" + nonce[2:],)
        case Meddling.NONCE_OF_ANOTHER:
            values = (bytes(b ^ 1 for b in bytes.fromhex(nonce)).hex(),)
    return Written(made.status, [*others, *((ehbp.RESPONSE_NONCE, v) for v in values)], made.pieces)


def _frames_meddled(how: Meddling | None, made: Written) -> Written:
    frames = [f for f in made.pieces if len(f) > 4]
    match how:
        case Meddling.CUT_BETWEEN_FRAMES:
            frames = frames[:-1]
        case Meddling.CUT_IN_FRAME:
            frames = [*frames[:-1], frames[-1][:-3]]
        case Meddling.CUT_CONNECTION:
            return Written(made.status, made.headers, frames[:-1], broken=True)
        case Meddling.REORDERED:
            frames[0], frames[1] = frames[1], frames[0]
        case Meddling.FRAME_TWICE:
            frames.insert(0, frames[0])
        case Meddling.FRAME_DROPPED:
            del frames[-2]
        case Meddling.FRAME_FLIPPED:
            frames[0] = frames[0][:-1] + bytes((frames[0][-1] ^ 1,))
        case Meddling.FRAME_HUGE:
            frames.insert(0, b"\xff\xff\xff\xff")
        case Meddling.PLAIN_BEHIND:
            frames.append(PLAIN.encode())
        case _:
            frames = made.pieces
    return Written(made.status, made.headers, frames)


async def _send(request: web.Request, written: Written) -> web.StreamResponse:
    response = web.StreamResponse(status=written.status)
    for name, value in written.headers:
        response.headers.add(name, value)
    response.enable_chunked_encoding()
    await response.prepare(request)
    for piece in written.pieces:
        if piece:
            await response.write(piece)
            await asyncio.sleep(0)
    if written.broken:
        assert request.transport is not None
        request.transport.abort()
    return response
