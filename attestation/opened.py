"""Answers whose texts were sealed one by one, whole or as events, opened into a fresh body.

Only known members are taken over: texts that open, words, numbers and flags. **A text that came in the clear where the
service must seal is an error**; everything that is not known is left out, since anybody on the way may have written it.
The frame itself, order and end of a stream among it, is not protected by these formats: receipts cover it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attestation import strictjson
from attestation.bodies import compact
from attestation.sealing import Fault, SealingError
from attestation.types import Malformed

MAX_ANSWER = 64 * 1024 * 1024
MAX_EVENT = 8 * 1024 * 1024
"""Bytes of one event of a stream, sealed."""
WORD = re.compile(r"[A-Za-z0-9_.:/@+-]{0,128}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")

Open = Callable[[str, str, str], bytes]
"""Field path, value and the answer's id -> plain bytes. Raises SealingError."""

_HEAD = ("id", "object", "model", "system_fingerprint", "service_tier")
_TEXTS = ("content", "reasoning", "reasoning_content", "refusal")


class Answer:
    """Opens the answers of one exchange. ``tools``: the format seals calls of tools too."""

    def __init__(self, path: str, open_: Open, *, tools: bool) -> None:
        self._path = path
        self._open = open_
        self._tools = tools
        self._id: str | None = None

    def whole(self, raw: bytes) -> bytes:
        """A complete JSON answer. Raises SealingError."""
        return compact(self._body(_object(raw, MAX_ANSWER), "message")).encode()

    def event(self, raw: bytes) -> bytes:
        """The data of one event. Raises SealingError."""
        return compact(self._body(_object(raw, MAX_EVENT), "delta")).encode()

    def _body(self, body: dict[str, Any], name: str) -> dict[str, Any]:
        _refuse(body)
        ident = body.get("id", "")
        if not isinstance(ident, str) or self._id not in (None, ident):
            raise SealingError(Fault.AUTHENTICITY, "an answer has one id")
        self._id = ident
        out: dict[str, Any] = {k: _word(body[k]) for k in _HEAD if k in body}
        out |= {k: _numbers(body[k]) for k in ("created", "usage") if k in body}
        rows = "data" if self._path == "/embeddings" else "choices"
        listed = body.get(rows)
        if not isinstance(listed, list):
            raise SealingError(Fault.UNSEALED, "an answer without what it should hold")
        out[rows] = [self._row(row, i, rows, name) for i, row in enumerate(listed)]
        return out

    def _row(self, row: Any, place: int, rows: str, name: str) -> dict[str, Any]:
        row = _mapping(row)
        index = row.get("index", place)
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < 2**31:
            raise SealingError(Fault.FRAME, "an index must be a number")
        at = f"{rows}.{index}"
        if row.get("logprobs") is not None:
            raise SealingError(Fault.UNSEALED, "tokens in the clear")
        out: dict[str, Any] = {"index": index}
        if rows == "data":
            return out | {"object": _word(row.get("object")), "embedding": self._vector(row, at)}
        if self._path == "/completions":
            out["text"] = self._text(row, "text", at)
        else:
            out[name] = self._message(_mapping(row.get(name)), f"{at}.{name}")
        return out | {"finish_reason": _word(row.get("finish_reason")), "logprobs": None}

    def _message(self, message: dict[str, Any], at: str) -> dict[str, Any]:
        out: dict[str, Any] = {"role": _word(message["role"])} if "role" in message else {}
        out |= {k: self._text(message, k, at) for k in _TEXTS if k in message}
        if message.get("audio") is not None:
            audio = _mapping(message["audio"])
            out["audio"] = {"data": self._text(audio, "data", f"{at}.audio"), "id": _word(audio.get("id"))}
        if message.get("tool_calls"):
            out["tool_calls"] = self._calls(message["tool_calls"], at)
        if message.get("function_call") is not None or message.get("annotations"):
            raise SealingError(Fault.UNSEALED, "a part of the answer that this format does not seal")
        return out

    def _calls(self, calls: Any, at: str) -> list[dict[str, Any]]:
        if not self._tools or not isinstance(calls, list):
            raise SealingError(Fault.UNSEALED, "calls of tools in the clear")
        out = []
        for i, call in enumerate(map(_mapping, calls)):
            function = _mapping(call.get("function", {}))
            place = f"{at}.tool_calls.{i}.function"
            opened = {k: self._text(function, k, place) for k in ("name", "arguments") if k in function}
            words: dict[str, Any] = {k: _word(call[k]) for k in ("id", "type") if k in call}
            words |= {"index": _numbers(call["index"])} if "index" in call else {}
            out.append({**words, "function": opened})
        return out

    def _vector(self, row: dict[str, Any], at: str) -> Any:
        value = row.get("embedding")
        if not isinstance(value, str) or not value:
            raise SealingError(Fault.UNSEALED, "an embedding in the clear")
        opened = self._open(f"{at}.embedding", value, self._id or "")
        try:
            vector = json.loads(opened)
        except (ValueError, RecursionError):
            vector = None
        whole = isinstance(vector, list) and all(_number(v) is not None for v in vector)
        if not whole and not (isinstance(vector, str) and _BASE64.fullmatch(vector)):
            raise SealingError(Fault.FRAME, "a sealed embedding that is none")
        return vector

    def _text(self, holder: dict[str, Any], name: str, at: str) -> str | None:
        value = holder.get(name)
        if value is None or value == "":
            return value
        if not isinstance(value, str):
            raise SealingError(Fault.UNSEALED, "a text that is none")
        if not _hex(value):
            raise SealingError(Fault.UNSEALED, "a text in the clear")
        try:
            return self._open(f"{at}.{name}", value, self._id or "").decode()
        except UnicodeDecodeError:
            raise SealingError(Fault.FRAME, "a sealed text that is no text") from None


class Events:
    """Server-sent events in any chunking -> opened events. The end is told only by ``close``: until then it is a mark
    that anybody could have written."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._held = bytearray()
        self._seen = 0
        self._over = False

    @property
    def held(self) -> int:
        """Bytes of an event that is not whole yet."""
        return len(self._held)

    def feed(self, chunk: bytes) -> bytes:
        """Raises SealingError."""
        self._held += chunk
        out = [f"data: {data.decode()}\n\n".encode() for data in self._opened()]
        if len(self._held) > MAX_EVENT:
            raise SealingError(Fault.FRAME, f"an event of more than {MAX_EVENT} bytes")
        return b"".join(out)

    def close(self) -> bytes:
        """The end. Raises SealingError when the stream has none."""
        if self._held.strip(b"\r\n"):
            raise SealingError(Fault.TRUNCATED, "the answer ends inside an event")
        if not self._over:
            raise SealingError(Fault.TRUNCATED, "the answer ends before its own end")
        return b"data: [DONE]\n\n"

    def _opened(self) -> Iterator[bytes]:
        while (found := _BLANK.search(self._held, max(0, self._seen - 3))) is not None:
            raw = bytes(self._held[: found.start()])
            del self._held[: found.end()]
            self._seen = 0
            data = _data(raw)
            if data is None:
                continue
            if self._over:
                raise SealingError(Fault.FRAME, "something stands behind the end")
            if data == b"[DONE]":
                self._over = True
            else:
                yield self._answer.event(data)
        self._seen = len(self._held)


_BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")


def _data(event: bytes) -> bytes | None:
    """The data of an event; None for comments. An event with a name is an error of the service, or no event of ours."""
    lines = [line for line in re.split(rb"\r\n|\n|\r", event) if line and not line.startswith(b":")]
    fields = [(name, value.removeprefix(b" ")) for name, _, value in (line.partition(b":") for line in lines)]
    if any(name == b"event" and value != b"message" for name, value in fields):
        raise SealingError(Fault.UNSEALED, "an event that is no piece of the answer")
    data = [value for name, value in fields if name == b"data"]
    return b"\n".join(data) if data else None


def _object(raw: bytes, most: int) -> dict[str, Any]:
    try:
        return strictjson.load_object(raw, most, "the answer")
    except Malformed:
        raise SealingError(Fault.FRAME, "an answer that is no JSON object") from None


def _refuse(body: Mapping[str, Any]) -> None:
    if body.get("error") is not None:
        raise SealingError(Fault.UNSEALED, "an error in the clear")


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SealingError(Fault.FRAME, "a part of the answer has another form")
    return value


def _word(value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or not WORD.fullmatch(value)):
        raise SealingError(Fault.UNSEALED, "a word that is none")
    return value


def _numbers(value: Any, levels: int = 3) -> Any:
    """Numbers, and objects of them; other members are left out, and so is what no counter has."""
    if isinstance(value, dict) and levels:
        inner = {k: _numbers(v, levels - 1) for k, v in value.items() if WORD.fullmatch(k)}
        return {k: v for k, v in inner.items() if v is not None}
    return _number(value)


def _number(value: Any) -> int | float | None:
    """None for what is no finite number, or for a longer one than any counter or float has."""
    usable = isinstance(value, (int, float)) and -(2.0**128) < value < 2.0**128
    return value if usable else None


def _hex(text: str) -> bool:
    return re.fullmatch(r"(?:[0-9a-f]{2})+", text) is not None
