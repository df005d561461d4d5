"""Simulated enclaves that speak EHBP around other APIs than OpenAI's: Gemini's and Ollama's. For tests and the demo.

They answer by quoting the last user text, whole or piece by piece, as those services do.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from attestation.simulator.sealed_server import EVENTS, JSON, SealedEnclave

LINES = "application/x-ndjson"
GEMINI_USAGE = {"promptTokenCount": 7, "candidatesTokenCount": 9, "totalTokenCount": 16}
OLLAMA_USAGE = {"prompt_eval_count": 7, "eval_count": 9}


def words(text: str) -> list[str]:
    return [f"{word} " for word in f"You said: {text}".split(" ")]


class SealedGemini(SealedEnclave):
    """``url`` is the base of an upstream of kind ``gemini``."""

    def routes(self, app: web.Application) -> None:
        self.add_routes(app)
        app.router.add_post("/v1/models/{tail:.+}", self._chat)

    def _answered(self, body: bytes, *, refuse: bool) -> tuple[int, str, list[bytes]]:
        if refuse:
            error = {"code": 400, "message": "the enclave refuses this", "status": "INVALID_ARGUMENT"}
            return 400, JSON, [json.dumps({"error": error}).encode()]
        if self.asked_path.endswith(":countTokens"):
            return 200, JSON, [b'{"totalTokens": ', b"31}"]
        if self.asked_path.endswith(":embedContent"):
            return 200, JSON, [b'{"embedding": {"values": [0.5, ', b"1.0]}}"]
        asked = json.loads(body)
        said = words("".join(p.get("text", "") for p in asked["contents"][-1]["parts"]))
        count = asked.get("generationConfig", {}).get("candidateCount", 1)
        if not self.asked_path.endswith(":streamGenerateContent"):
            whole = json.dumps(_chunk("".join(said), finish="STOP")).encode()
            return 200, JSON, [whole[:30], whole[30:]]
        chunks = [_chunk(w, index=i) for w in said for i in range(count)]
        chunks += [_chunk("", finish="STOP", index=i) for i in range(count)]
        return 200, EVENTS, [b"data: " + json.dumps(c).encode() + b"\r\n\r\n" for c in chunks]


def _chunk(text: str, finish: str | None = None, index: int = 0) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": index}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": GEMINI_USAGE, "modelVersion": "sealed", "responseId": "r1"}


class SealedOllama(SealedEnclave):
    """``url`` is the base of an upstream of kind ``ollama``."""

    def routes(self, app: web.Application) -> None:
        self.add_routes(app)
        for path in ("chat", "generate", "embed"):
            app.router.add_post(f"/v1/{path}", self._chat)

    def _answered(self, body: bytes, *, refuse: bool) -> tuple[int, str, list[bytes]]:
        if refuse:
            return 400, JSON, [b'{"error": "the enclave refuses this"}']
        asked = json.loads(body)
        if self.asked_path.endswith("/embed"):
            return 200, JSON, [b'{"model": "m", "embeddings": ', b"[[0.5, 1.0]]}"]
        chat = self.asked_path.endswith("/chat")
        text = asked["messages"][-1]["content"] if chat else asked["prompt"]
        if asked.get("stream") is False:
            whole = json.dumps(_line(chat, "".join(words(text)), done=True)).encode()
            return 200, JSON, [whole[:30], whole[30:]]
        lines = [*(_line(chat, w) for w in words(text)), _line(chat, "", done=True)]
        return 200, LINES, [json.dumps(line).encode() + b"\n" for line in lines]


def _line(chat: bool, text: str, *, done: bool = False) -> dict[str, Any]:
    said: dict[str, Any] = {"message": {"role": "assistant", "content": text}} if chat else {"response": text}
    head = {"model": "m", "created_at": "2026-01-01T00:00:00Z", **said, "done": done}
    return {**head, "done_reason": "stop", **OLLAMA_USAGE} if done else head
