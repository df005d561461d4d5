"""Mixed requests for a soak: every surface, streams, uploads, compressed bodies, attachments and refusals.

Texts come from a small set, so that what the gate keeps by text (spans, for one) is full after the warm-up.
"""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import brotli
import document_files as files
import zstandard
from gate_support import ADDRESS, HARMLESS, MAIL, RECORD, TOKEN

JSON = {"content-type": "application/json"}
FORM = {"content-type": "multipart/form-data; boundary=soak"}
PACK: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}
LONG = "The garden fence needs a careful look before winter. " * 60


@dataclass(frozen=True, slots=True)
class Shot:
    """One request. ``unrecorded``: it is refused before anything is decided, or asks the gate itself. ``then`` makes
    what the app asks next of the answer."""

    kind: str
    path: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    method: str = "POST"
    unrecorded: bool = False
    endless: bool = False
    then: Callable[[bytes], Shot] | None = None


def text(dice: random.Random) -> str:
    """What somebody asks; one in six says a secret, which leaves no cloud a way."""
    number = dice.randrange(40)
    mail = MAIL.replace(ADDRESS, f"anna.berg{number}@example.com")
    return dice.choice((HARMLESS, mail, mail, RECORD.replace("8291", f"82{number:02}"), f"{LONG}{mail}", TOKEN))


def _json(kind: str, path: str, tree: Any, **more: Any) -> Shot:
    return Shot(kind, path, json.dumps(tree).encode(), **more)


def chat(dice: random.Random, **more: Any) -> Shot:
    model = dice.choice(("gpt-4o", "gpt-4o", "cloud-only", "sealed-only", "house-only"))
    tree = {"model": model, "messages": [{"role": "user", "content": text(dice)}], "stream": dice.random() < 0.6}
    return _json("chat", "/v1/chat/completions", tree | more)


def packed(dice: random.Random) -> Shot:
    shot, encoding = chat(dice), dice.choice(list(PACK))
    body = PACK[encoding](shot.body)
    return replace(shot, kind="packed", body=body, headers={**JSON, "content-encoding": encoding})


def bomb(dice: random.Random) -> Shot:
    encoding = dice.choice(list(PACK))
    body = PACK[encoding](b'{"model": "gpt-4o", "messages": "' + b" " * 3_000_000)
    return Shot("bomb", "/v1/chat/completions", body, {**JSON, "content-encoding": encoding}, unrecorded=True)


_FILES = {kind: make() for kind, make in files.BENIGN.items()} | {
    "mail.pdf": files.pdf(f"Write to {files.CANARY}."),
    "mail.docx": files.word(f"Write to {files.CANARY}."),
    "bad.pdf": b"%PDF-1.7\nnot one",
}


def attachment(dice: random.Random) -> Shot:
    name = dice.choice(list(_FILES))
    kind = name.rpartition(".")[2]
    file = {"filename": f"a.{kind}", "file_data": files.data_uri(_FILES[name], files.TYPES[kind])}
    parts = [{"type": "text", "text": HARMLESS}, {"type": "file", "file": file}]
    shot = chat(dice, messages=[{"role": "user", "content": parts}])
    return replace(shot, kind="attachment")


def endless(dice: random.Random) -> Shot:
    """A stream that ends only because the app goes."""
    return replace(chat(dice, model="endless", stream=True), kind="endless", endless=True)


def broken(dice: random.Random) -> Shot:
    """An upstream that cuts its answers in the middle."""
    return replace(chat(dice, model="broken"), kind="broken")


def messages(dice: random.Random) -> Shot:
    tree = {"model": "claude", "max_tokens": 64, "messages": [{"role": "user", "content": text(dice)}]}
    if dice.random() < 0.2:
        del tree["max_tokens"]
        return _json("count_tokens", "/v1/messages/count_tokens", tree | {"model": "count"})
    return _json("messages", "/v1/messages", tree | {"stream": dice.random() < 0.6})


def responses(dice: random.Random) -> Shot:
    tree = {"model": "gpt", "input": text(dice), "stream": dice.random() < 0.6}
    return _json("responses", "/v1/responses", tree)


def gemini(dice: random.Random) -> Shot:
    verb = dice.choice(("generateContent", "streamGenerateContent", "countTokens"))
    query = "?alt=sse" if verb == "streamGenerateContent" else ""
    tree = {"contents": [{"role": "user", "parts": [{"text": text(dice)}]}]}
    return _json("gemini", f"/v1beta/models/flash:{verb}{query}", tree)


def ollama(dice: random.Random) -> Shot:
    verb = dice.choice(("chat", "chat", "generate", "embed"))
    said = text(dice)
    tree: dict[str, Any] = {"model": dice.choice(("llama3", "near3"))}
    if verb == "chat":
        tree |= {"messages": [{"role": "user", "content": said}], "stream": dice.random() < 0.7}
    else:
        tree |= {"input": [said]} if verb == "embed" else {"prompt": said}
    return _json("ollama", f"/api/{verb}", tree)


def small(dice: random.Random) -> Shot:
    said = text(dice)
    path, tree = dice.choice(
        (
            ("completions", {"prompt": [said], "stream": dice.random() < 0.6}),
            ("embeddings", {"input": [said]}),
            ("moderations", {"input": said}),
            ("images/generations", {"prompt": said, "stream": dice.random() < 0.5}),
            ("audio/speech", {"input": said, "voice": "alloy"}),
        )
    )
    return _json(path, f"/v1/{path}", {"model": "m", **tree})


def form(fields: Mapping[str, str], name: str, file: str, data: bytes) -> bytes:
    made = b"".join(
        f'--soak\r\ncontent-disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()
    )
    head = f'--soak\r\ncontent-disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'.encode()
    return made + head + data + b"\r\n--soak--\r\n"


def upload(dice: random.Random) -> Shot:
    """A file of one of the readers: lines of a batch, text, values, bytes; or a sound, which stays in the house."""
    said = text(dice)
    if dice.random() < 0.2:
        body = form({"model": "ear", "prompt": said}, "file", "talk.mp3", b"ID3\x04\x00\xff\xfb" * 9)
        return Shot("transcription", "/v1/audio/transcriptions", body, FORM)
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions",
            "body": {"model": "lines", "messages": [{"role": "user", "content": said}]}}  # fmt: skip
    purpose, name, data = dice.choice(
        (
            ("batch", "a.jsonl", json.dumps(line).encode() + b"\n"),
            ("user_data", "a.txt", (said + "\n").encode() * dice.randrange(1, 80)),
            ("user_data", "a.json", json.dumps({"note": said}).encode()),
            ("vision", "a.png", b"\x89PNG\r\n\x1a\n\0" * 5000),
        )
    )
    return Shot(
        "upload",
        "/v1/files",
        form({"purpose": purpose}, "file", name, data),
        FORM,
        then=_working if purpose == "batch" else _back,
    )


def _back(uploaded: bytes) -> Shot:
    return Shot("download", f"/v1/files/{json.loads(uploaded)['id']}/content", b"", {}, "GET")


def _working(uploaded: bytes) -> Shot:
    id = json.loads(uploaded)["id"]
    tree = {"input_file_id": id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    return _json("batch", "/v1/batches", tree, then=_look)


def _look(batch: bytes) -> Shot:
    return Shot("batch", f"/v1/batches/{json.loads(batch)['id']}", b"", {}, "GET")


def anything(dice: random.Random) -> Shot:
    said = json.dumps({"a": [{"b": text(dice)}]}).encode()
    if dice.random() < 0.5:
        return Shot("u", f"/u/crm/people/anna.berg{dice.randrange(9)}%40example.com", b"", {}, "GET")
    return Shot("u", "/u/crm/notes", said, method=dice.choice(("POST", "PUT", "PATCH")))


def refused(dice: random.Random) -> Shot:
    """What never gets as far as a decision."""
    good = {"model": "gpt-4o", "messages": [{"role": "user", "content": HARMLESS}]}
    chats = "/v1/chat/completions"
    return dice.choice(
        (
            Shot("not json", chats, b'{"model": "gpt-4o", "messages": [', unrecorded=True),
            Shot("not gzip", chats, json.dumps(good).encode(), {**JSON, "content-encoding": "gzip"}, unrecorded=True),
            _json("no such model", chats, good | {"model": "unheard-of"}, unrecorded=True),
            _json("no such path", "/v1/assistants", good, unrecorded=True),
            _json("no key", chats, good, unrecorded=True, headers={**JSON, "authorization": "Bearer wrong"}),
            Shot("bad form", "/v1/files", form({"purpose": "none"}, "file", "a.txt", b"x"), FORM, unrecorded=True),
            Shot("cut form", "/v1/files", form({"purpose": "user_data"}, "file", "a.txt", b"x" * 9000)[:-9], FORM,
                 unrecorded=True),
            Shot("held elsewhere", "/v1/files/file-of-nobody/content", b"", {}, "GET", unrecorded=True),
            Shot("models", "/v1/models", b"", {}, "GET", unrecorded=True),
            Shot("files", "/v1/files", b"", {}, "GET", unrecorded=True),
        )
    )  # fmt: skip


MIX: tuple[tuple[Callable[[random.Random], Shot], int], ...] = (
    (chat, 28), (packed, 8), (bomb, 1), (attachment, 5), (endless, 5), (broken, 3), (messages, 9), (responses, 8),
    (gemini, 7), (ollama, 7), (small, 9), (upload, 5), (anything, 4), (refused, 6),
)  # fmt: skip
"""Kinds and how often each comes."""


def draw(dice: random.Random) -> Shot:
    (make,) = dice.choices([m for m, _ in MIX], [n for _, n in MIX])
    return make(dice)
