"""Simulated services that open and seal bodies field by field, and sign what they did: ACI's E2EE version 2 with
receipts, NEAR AI's fields with signatures. For tests and the demo, on loopback only.

They restore requests and seal answers by their own reading of the formats, not by the client's code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from aiohttp import web

from attestation import near
from attestation.aci import fields as aci
from attestation.aci.documents import digest, keyset_digest
from attestation.providers.base import BodyKey, Channel, Seal
from attestation.sealing import SealingError
from attestation.simulator.sealed_server import (
    JSON,
    SealedEnclave,
    Written,
    answered,
    plain_answer,
    plain_error,
)
from attestation.simulator.signing import ReceiptKey, Signer

CLOCK = 1_795_000_000
"""Nearest to which ``CLOCK_SKEW`` puts the service's clock."""
CALL = {"id": "call_abc", "type": "function", "index": 0, "function": {"name": "lookup", "arguments": '{"q":"anna"}'}}
INJECTED = "INJECTED-BY-THE-MIDDLE"


class FieldMeddling(StrEnum):
    """What is wrong with the next answers, or with what is signed about them."""

    PLAIN_ANSWER = "plain_answer"
    PLAIN_ERROR = "plain_error"
    PLAIN_FIELD = "plain_field"
    """One text in the clear in an answer that is sealed otherwise."""
    PLAIN_CALL = "plain_call"
    """A call of a tool in the clear."""
    PLAIN_TOKENS = "plain_tokens"
    MORE_MEMBERS = "more_members"
    """Unknown members in the clear beside the sealed ones: they must be left out."""
    ERROR_INSIDE = "error_inside"
    HEAD_UNSAID = "head_unsaid"
    HEAD_OTHER = "head_other"
    FIELDS_SWAPPED = "fields_swapped"
    FIELD_TWICE = "field_twice"
    FIELD_FLIPPED = "field_flipped"
    ANSWER_BEFORE = "answer_before"
    OTHER_ID = "other_id"
    CUT = "cut"
    CUT_CONNECTION = "cut_connection"
    BEHIND_END = "behind_end"
    NAMED_EVENT = "named_event"
    CLOCK_SKEW = "clock_skew"
    KEY_MISMATCH = "key_mismatch"
    KEYSET_CHANGED = "keyset_changed"
    FORGED = "forged"
    """Whoever ends the TLS seals an answer of its own to the key in the request's head."""
    RECEIPT_MISSING = "receipt_missing"
    RECEIPT_LATE = "receipt_late"
    """It is there when it is asked for the second time."""
    RECEIPT_OTHER_REQUEST = "receipt_other_request"
    RECEIPT_OTHER_ANSWER = "receipt_other_answer"
    RECEIPT_OTHER_KEY = "receipt_other_key"
    RECEIPT_OTHER_CHAT = "receipt_other_chat"
    RECEIPT_UNVERIFIED = "receipt_unverified"
    """The aggregator served from somewhere that it did not verify."""
    RECEIPT_NO_JSON = "receipt_no_json"
    RECEIPT_HUGE = "receipt_huge"


F = FieldMeddling
Sealer = Callable[[str, str, str], str]
"""Field path, text, id of the answer -> sealed."""


class FieldsEnclave(SealedEnclave):
    """What both services have in common. ``how`` may be set at any time and holds for the next answer."""

    def __init__(self) -> None:
        super().__init__()
        self.how: FieldMeddling | None = None
        self.kept: dict[str, tuple[str, str]] = {}
        """Id of an answer -> digests (hex) of its request and answer as they are signed."""
        self.receipts_asked = 0

    def _restored(self, headers: dict[str, str], raw: bytes) -> tuple[dict[str, Any], Sealer, list[tuple[str, str]]]:
        """The plain body, what seals the answer, and the answer's head. Raises SealingError, KeyError, ValueError."""
        raise NotImplementedError

    def _request_digest(self, body: dict[str, Any], raw: bytes) -> str:
        raise NotImplementedError

    def _written(self, headers: dict[str, str], raw: bytes) -> Written:
        try:
            body, seal, head = self._restored({k.lower(): v for k, v in headers.items()}, raw)
        except (SealingError, KeyError, ValueError):
            return plain_error(Written())
        self.opened.append(_compact(body))
        status, kind, pieces = answered(_compact(body))
        made = Written(status, [("content-type", kind), *head])
        if self.how is F.FORGED:
            pieces = plain_answer(made).pieces
        whole = [b"".join(pieces)] if kind == JSON else pieces
        made.pieces = [_sealed(piece, seal, self.how) for piece in whole]
        made = self._meddled_fields(made)
        signed = b"other" if self.how is F.FORGED else b"".join(made.pieces)
        self.kept["chatcmpl-sealed"] = self._request_digest(body, raw), hashlib.sha256(signed).hexdigest()
        return made

    def _meddled_fields(self, made: Written) -> Written:
        match self.how:
            case F.ANSWER_BEFORE if self._before is not None:
                return self._before
            case F.PLAIN_ANSWER:
                return Written(200, made.headers, plain_answer(made).pieces)
            case F.PLAIN_ERROR | F.KEY_MISMATCH:
                return plain_error(made)
            case F.CUT:
                made.pieces = made.pieces[:-1] if len(made.pieces) > 1 else [made.pieces[0][:-9]]
            case F.CUT_CONNECTION:
                return Written(200, made.headers, made.pieces[:-1] or [made.pieces[0][:-9]], broken=True)
            case F.BEHIND_END:
                made.pieces = [*made.pieces, b'data: {"choices":[]}\n\n']
            case F.NAMED_EVENT:
                made.pieces = [b"event: error\ndata: " + INJECTED.encode() + b"\n\n", *made.pieces]
            case F.FIELD_TWICE:
                made.pieces = [*made.pieces[:3], made.pieces[2], *made.pieces[3:]]
        return made


class AciEnclave(FieldsEnclave):
    """ACI's E2EE version 2 and receipts, X25519 or secp256k1."""

    def __init__(self, algo: aci.Algo = aci.Algo.X25519, *, aggregator: bool = False) -> None:
        super().__init__()
        self._algo = algo
        self._secret = aci.new_secret(algo)
        self._receipts = ReceiptKey()
        self._aggregator = aggregator
        self.clock: Callable[[], float] = lambda: CLOCK
        self.asks: list[str] = []
        self.nonces: set[str] = set()

    @property
    def body_key(self) -> BodyKey:
        return BodyKey(Seal.ACI, self._secret.public, self._algo)

    @property
    def keyset(self) -> dict[str, Any]:
        key = {"key_id": "e2ee-1", "algo": self._algo.value, "public_key": self._secret.public.hex()}
        return {"subject": None, "not_after": 1_900_000_000, "receipt_signing_keys": [self._receipts.entry],
                "e2ee_public_keys": [key], "tls_public_keys": []}  # fmt: skip

    @property
    def channel(self) -> Channel:
        return Channel(None, self.body_key, self.keyset)

    def routes(self, app: web.Application) -> None:
        super().routes(app)
        app.router.add_get("/v1/aci/receipts/{id}", self._receipt)

    def _restored(self, headers: dict[str, str], raw: bytes) -> tuple[dict[str, Any], Sealer, list[tuple[str, str]]]:
        if headers["x-e2ee-version"] != "2" or headers["x-model-pub-key"] != self._secret.public.hex():
            raise ValueError("version or key")
        nonce, ts = headers["x-e2ee-nonce"], int(headers["x-e2ee-timestamp"])
        skew = 10_000 if self.how is F.CLOCK_SKEW else 0
        if abs(self.clock() + skew - ts) > 300 or nonce in self.nonces or len(nonce) != 64:
            raise ValueError("time or nonce")
        self.nonces.add(nonce)
        wire = json.loads(raw)
        model, client = wire["model"], aci.parse_key(self._algo, headers["x-client-pub-key"])

        def open_(field: str, value: str) -> str:
            aad = aci.request_aad(self._algo, model, field, nonce, ts)
            return aci.open_field(self._algo, self._secret, value, aad).decode()

        def seal(field: str, text: str, ident: str) -> str:
            aad = aci.response_aad(self._algo, model, field, nonce, ts, ident)
            return aci.seal_field(self._algo, client, text.encode(), aad)

        for i, message in enumerate(wire["messages"]):
            if message.get("content") is not None:
                message["content"] = _content(open_(f"messages.{i}.content", message["content"]))
        algo = "other" if self.how is F.HEAD_OTHER else self._algo.value
        said = [("X-E2EE-Applied", "true"), ("X-E2EE-Version", "2"), ("X-E2EE-Algo", algo)]
        keyset = {**self.keyset, "not_after": 1} if self.how is F.KEYSET_CHANGED else self.keyset
        more = [("X-ACI-Version", "aci/1"), ("X-ACI-Keyset-Digest", keyset_digest(keyset)), ("X-Receipt-Id", "rcpt-1")]
        return wire, seal, [*([] if self.how is F.HEAD_UNSAID else said), *more]

    def _request_digest(self, body: dict[str, Any], raw: bytes) -> str:
        return hashlib.sha256(_compact(body)).hexdigest()

    async def _receipt(self, request: web.Request) -> web.Response:
        self.asks.append(request.match_info["id"])
        self.receipts_asked += 1
        kept = self.kept.get("chatcmpl-sealed")
        if kept is None or self.how is F.RECEIPT_MISSING or (self.how is F.RECEIPT_LATE and self.receipts_asked % 2):
            return web.json_response({"error": {"type": "not_found"}}, status=404)
        if self.how is F.RECEIPT_NO_JSON:
            return web.Response(text=INJECTED)
        other = digest(b"another")
        events: list[dict[str, Any]] = [
            {
                "type": "request.received",
                "body_hash": other if self.how is F.RECEIPT_OTHER_REQUEST else f"sha256:{kept[0]}",
            },
            {"type": "request.forwarded", "body_hash": other},
            {
                "type": "response.returned",
                "body_hash": other if self.how is F.RECEIPT_OTHER_ANSWER else f"sha256:{kept[1]}",
            },
        ]
        if self._aggregator:
            good = self.how is not F.RECEIPT_UNVERIFIED
            result: dict[str, Any] = {"result": "verified"} if good else {"result": "failed", "reason": "none"}
            events.insert(2, {"type": "upstream.verified", "required": good, "model_id": "m", **result})
        key = ReceiptKey() if self.how is F.RECEIPT_OTHER_KEY else self._receipts
        chat = "chatcmpl-other" if self.how is F.RECEIPT_OTHER_CHAT else "chatcmpl-sealed"
        made = key.receipt(self.keyset, receipt_id="rcpt-1", chat_id=chat, model="sealed-llm", method="POST",
                           endpoint="/v1/chat/completions", served_at=1, event_log=events)  # fmt: skip
        padding = " " * 300_000 if self.how is F.RECEIPT_HUGE else ""
        return web.Response(text=json.dumps(made) + padding, content_type=JSON)


class NearEnclave(FieldsEnclave):
    """NEAR AI's fields of ``x-encrypt-all-fields``, and signatures of answers by the same key."""

    def __init__(self, algo: near.Algo = near.Algo.ED25519, signs: str = "ecdsa") -> None:
        super().__init__()
        self._identity = near.Identity(algo)
        self._signer = Signer(signs)

    @property
    def body_key(self) -> BodyKey:
        return BodyKey(Seal.NEAR, self._identity.public, self._identity.algo)

    @property
    def channel(self) -> Channel:
        return Channel(None, self.body_key, signing_key=(self._signer.algo, self._signer.attested))

    def routes(self, app: web.Application) -> None:
        super().routes(app)
        app.router.add_get("/v1/signature/{id}", self._signature)

    def _restored(self, headers: dict[str, str], raw: bytes) -> tuple[dict[str, Any], Sealer, list[tuple[str, str]]]:
        algo, client = self._client(headers)
        wire = json.loads(raw)

        def open_(value: str) -> str:
            return near.open_field(algo, self._identity.secret, value).decode() if value else ""

        for message in wire["messages"]:
            if message.get("content") is not None:
                message["content"] = _content(open_(message["content"]))
            for call in message.get("tool_calls") or ():
                call["function"] = {k: open_(v) for k, v in call["function"].items()}
        for tool in wire.get("tools") or ():
            function = tool["function"]
            function |= {k: open_(function[k]) for k in ("name", "description") if k in function}
            if "parameters" in function:
                function["parameters"] = json.loads(open_(function["parameters"]))

        def seal(_: str, text: str, __: str) -> str:
            return near.seal_field(algo, client, text.encode()) if text else ""

        return wire, seal, []

    def _client(self, headers: dict[str, str]) -> tuple[near.Algo, bytes]:
        """Whom an answer is sealed to. Raises ValueError, SealingError or KeyError."""
        algo = near.Algo(headers["x-signing-algo"])
        version = "2" if algo is near.Algo.ED25519 else None  # the older format fails with a number
        if headers["x-encrypt-all-fields"] != "true" or headers.get("x-encryption-version") != version:
            raise ValueError("version")
        if algo is not self._identity.algo or headers["x-model-pub-key"] != self._identity.public.hex():
            raise ValueError("key")
        raw = bytes.fromhex(headers["x-client-pub-key"])
        if len(raw) != len(self._identity.public):
            raise ValueError("the app's key")
        return algo, near.sealing_key(algo, raw)

    def _request_digest(self, body: dict[str, Any], raw: bytes) -> str:
        return hashlib.sha256(raw).hexdigest()

    def _signed_text(self, asked: str, got: str) -> str:
        return f"{asked}:{got}"

    async def _signature(self, request: web.Request) -> web.Response:
        self.receipts_asked += 1
        kept = self.kept.get(request.match_info["id"])
        if kept is None or self.how is F.RECEIPT_MISSING or (self.how is F.RECEIPT_LATE and self.receipts_asked % 2):
            return web.json_response({"error": "Chat id not found or expired"}, status=404)
        if self.how is F.RECEIPT_NO_JSON:
            return web.Response(text=INJECTED)
        asked = "00" * 32 if self.how is F.RECEIPT_OTHER_REQUEST else kept[0]
        got = "00" * 32 if self.how is F.RECEIPT_OTHER_ANSWER else kept[1]
        signer = Signer(self._signer.algo) if self.how is F.RECEIPT_OTHER_KEY else self._signer
        padding = " " * 300_000 if self.how is F.RECEIPT_HUGE else ""
        return web.Response(text=json.dumps(signer.sign(self._signed_text(asked, got))) + padding, content_type=JSON)


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _content(text: str) -> Any:
    """A whole content that reads as a list becomes one."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, list) else text


def _sealed(piece: bytes, seal: Sealer, how: FieldMeddling | None) -> bytes:
    """One event or a whole answer with its texts sealed, and with what is wrong about it."""
    if piece == b"data: [DONE]\n\n":
        return piece
    event = piece.startswith(b"data: ")
    body = json.loads(piece.removeprefix(b"data: "))
    for choice in body["choices"]:
        name = "delta" if event else "message"
        _choice_sealed(choice[name], f"choices.{choice['index']}.{name}", body["id"], seal, how)
        match how:
            case F.PLAIN_CALL:
                choice[name]["tool_calls"] = [CALL]
            case F.PLAIN_TOKENS:
                choice["logprobs"] = {"content": [{"token": INJECTED}]}
            case F.MORE_MEMBERS:
                choice[name]["note"] = choice["note"] = INJECTED
    match how:
        case F.MORE_MEMBERS:
            body |= {"note": INJECTED, "usage": {**body.get("usage", {}), "note": INJECTED}}
        case F.ERROR_INSIDE:
            body["error"] = {"message": INJECTED}
        case F.OTHER_ID:
            body["id"] = "chatcmpl-another"
    raw = _compact(body)
    return b"data: " + raw + b"\n\n" if event else raw


def _choice_sealed(message: dict[str, Any], at: str, ident: str, seal: Sealer, how: FieldMeddling | None) -> None:
    text = message.get("content")
    if not text:
        return
    message["content"] = seal(f"{at}.content", text, ident)
    match how:
        case F.PLAIN_FIELD:
            message["reasoning"] = INJECTED
        case F.FIELDS_SWAPPED:
            message["content"] = seal(f"{at}.reasoning", "thought", ident)
            message["reasoning"] = seal(f"{at}.content", text, ident)
        case F.FIELD_FLIPPED:
            message["content"] = message["content"][:-1] + f"{int(message['content'][-1], 16) ^ 1:x}"
