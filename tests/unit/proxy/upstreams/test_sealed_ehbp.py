"""The sealing wire alone: what it carries, what it refuses before anything leaves, how an answer opens."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import get_args

import pytest
from anthropic.types import AnthropicBetaParam
from hypothesis import given, settings
from hypothesis import strategies as st

from attestation.ehbp import ENCAPSULATED_KEY
from attestation.simulator.sealed import EhbpServer, seal_answer
from proxy.errors import Misuse, NotSealable, UpstreamError
from proxy.outbound import Outbound
from proxy.upstreams.features import FEATURES
from proxy.upstreams.lease import AttestationRefused
from proxy.upstreams.remote import BETA
from proxy.upstreams.sealed_ehbp import EhbpWire, ending
from proxy.upstreams.sealing import PATHS, head
from proxy.upstreams.transports import Arrived, Carried, KeyChanged, Opened

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "a private word"}]}).encode()
OUT = Outbound("sealed", "POST", "/chat/completions", headers=(("content-type", "application/json"),), body=BODY)
ANSWER = json.dumps({"choices": [{"message": {"content": "a private answer"}}]}).encode()
JSON = ("content-type", "application/json")


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@dataclass
class Carrier:
    """Answers what it was sent, sealed in two frames, in pieces of ``size``; ``head`` and ``status`` in its place."""

    server: EhbpServer = field(default_factory=EhbpServer)
    answer: bytes = ANSWER
    size: int = 7
    head: list[tuple[str, str]] | None = None
    status: int = 200
    users: int = 0
    sent: list[tuple[Carried, bytes]] = field(default_factory=list)
    opened: list[bytes] = field(default_factory=list)
    closed: int = 0

    async def carry(self, sent: Carried) -> Arrived:
        assert not isinstance(sent.body, bytes)
        raw = b"".join([piece async for piece in sent.body])
        self.sent.append((sent, raw))
        plain, recovery = self.server.open(dict(sent.headers), raw)
        self.opened.append(plain)
        head, frames = seal_answer(recovery, [self.answer[:9], self.answer[9:]])
        body, shown = b"".join(frames), [JSON, *head]
        if self.head is not None:
            body, shown = self.answer, self.head
        return Arrived(self.status, tuple(shown), pieces(body, self.size), self._close)

    async def _close(self) -> None:
        self.closed += 1

    async def open(self, out: Outbound) -> Opened:
        raise AssertionError("nothing leaves unsealed")

    async def close(self) -> None: ...


def wire(carrier: Carrier, *, withheld: bool = False) -> EhbpWire:
    return EhbpWire("sealed", carrier, carrier.server.secret.public, withheld=withheld)


async def asked(carrier: Carrier, out: Outbound = OUT) -> bytes:
    opened = await wire(carrier).open(out)
    return b"".join([c async for c in opened.answer.chunks])


@pytest.mark.parametrize("size", [1, 2, 5, 64, 100_000])
async def test_a_body_is_sealed_whole_and_its_answer_opens_in_any_pieces(size: int) -> None:
    carrier = Carrier(size=size)
    assert await asked(carrier) == ANSWER
    [(sent, raw)] = carrier.sent
    assert carrier.opened == [BODY] and b"private" not in raw and b"messages" not in raw
    assert sent.size is None and not {k.lower() for k, _ in sent.headers} & {"content-length"}
    assert dict(sent.headers)["accept"] == "application/json" and len(dict(sent.headers)[ENCAPSULATED_KEY]) == 64


async def test_two_requests_share_no_key() -> None:
    carrier = Carrier()
    await asked(carrier)
    await asked(carrier)
    (first, one), (second, two) = carrier.sent
    assert dict(first.headers)[ENCAPSULATED_KEY] != dict(second.headers)[ENCAPSULATED_KEY] and one != two


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=300_000))
async def test_any_bytes_are_sealed_and_come_out_as_they_were(body: bytes) -> None:
    carrier = Carrier()
    await asked(carrier, dataclasses.replace(OUT, body=body))
    assert carrier.opened == [body]


@pytest.mark.parametrize(
    ("out", "why"),
    [
        (dataclasses.replace(OUT, path="/files/anna"), "request.path"),
        (dataclasses.replace(OUT, path="/chat/completions/"), "request.path"),
        (dataclasses.replace(OUT, method="PUT"), "request.path"),
        (dataclasses.replace(OUT, query="name=anna"), "request.query"),
        (dataclasses.replace(OUT, body=b""), "request.body"),
        (Outbound("sealed", "GET", "/models"), "request.path"),
        *((dataclasses.replace(OUT, headers=(header,)), "request.headers") for header in (
            ("content-type", "application/json; note=anna"),
            ("content-type", "application/anna-berg+json"),
            ("content-type", "text/anna"),
            ("content-type", "multipart/form-data; boundary=x; name=anna"),
            ("content-type", "multipart/form-data; boundary=anna-berg-has-HIV"),
            ("content-type", f"multipart/form-data; boundary={'0a' * 16}"),
            ("content-type", f"multipart/form-data; boundary=sealgate-{'0a' * 15}"),
            ("content-type", f"multipart/form-data; boundary=sealgate-{'0a' * 16}x"),
            ("anthropic-version", "2041-11-11"),
            ("anthropic-beta", "anna-berg-has-hiv-2025-01-01"),
            ("anthropic-beta", "files-api-2025-04-14,files-api-2041-11-11"),
            ("anthropic-beta", ""),
            ("content-type", ""),
            ("anthropic-version", "2023-06-01 anna"),
            ("anthropic-version", "4111111111111111"),
            ("anthropic-beta", "anna berg has HIV"),
            ("anthropic-beta", "4111111111111111-2025-01-01"),
            ("anthropic-beta", "files-api-2025-04-14,anna.berg@example.org"),
            ("x-note", "anna"),
        )),
    ],
)  # fmt: skip
async def test_what_would_say_more_in_the_clear_is_not_sent(out: Outbound, why: str) -> None:
    carrier = Carrier()
    with pytest.raises(NotSealable) as e:
        await wire(carrier).open(out)
    assert why in e.value.failures and not carrier.sent


async def test_an_apps_own_accept_header_does_not_travel() -> None:
    carrier = Carrier()
    await asked(carrier, dataclasses.replace(OUT, headers=(*OUT.headers, ("accept", "text/anna"))))
    assert "anna" not in str(carrier.sent[0][0].headers)


async def test_a_credential_that_may_not_be_seen_ends_it_before_anything_leaves() -> None:
    carrier = Carrier()
    with pytest.raises(AttestationRefused) as e:
        await wire(carrier, withheld=True).open(OUT)
    assert e.value.failures == ("credential.in-clear",) and not carrier.sent


async def test_a_key_that_is_no_key_ends_it_before_anything_leaves() -> None:
    carrier = Carrier()
    with pytest.raises(AttestationRefused):
        await EhbpWire("sealed", carrier, bytes(32), withheld=False).open(OUT)
    assert not carrier.sent


@dataclass
class Spooled:
    """A body on disk; ``told`` is what its record says it holds."""

    data: bytes
    told: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.told).digest()

    def chunks(self) -> AsyncIterator[bytes]:
        return pieces(self.data, 50_000)


async def test_a_large_body_is_sealed_piece_by_piece_and_only_if_it_is_the_recorded_one() -> None:
    data = bytes(range(256)) * 1000
    carrier = Carrier()
    await asked(carrier, dataclasses.replace(OUT, body=b"", large=Spooled(data, data)))
    assert carrier.opened == [data]
    with pytest.raises(Misuse):
        await asked(carrier, dataclasses.replace(OUT, body=b"", large=Spooled(data, data + b"x")))
    assert len(carrier.opened) == 1


PROBLEM = json.dumps({"type": "urn:ietf:params:ehbp:error:key-config"}).encode()
AS_PROBLEM = [("content-type", "application/problem+json")]


async def test_only_the_protocols_own_words_mean_another_key() -> None:
    with pytest.raises(KeyChanged):
        await asked(Carrier(head=AS_PROBLEM, status=422, answer=PROBLEM))
    for other in (
        Carrier(head=AS_PROBLEM, status=400, answer=PROBLEM),
        Carrier(head=[JSON], status=422, answer=PROBLEM),
        Carrier(head=AS_PROBLEM, status=422, answer=b'{"type":"about:blank"}'),
        Carrier(head=AS_PROBLEM, status=422, answer=PROBLEM[:-1] + b" " * 20_000 + b"}"),
    ):
        with pytest.raises(UpstreamError) as e:
            await asked(other)
        assert e.value.code == f"upstream_{other.status}" and other.closed == 1


async def test_of_a_problem_no_more_is_read_than_one_may_have() -> None:
    read = 0

    class Endless(Carrier):
        async def carry(self, sent: Carried) -> Arrived:
            return dataclasses.replace(await super().carry(sent), chunks=self._more())

        async def _more(self) -> AsyncIterator[bytes]:
            nonlocal read
            for _ in range(1000):
                read += 1000
                yield b" " * 1000

    with pytest.raises(UpstreamError):
        await asked(Endless(head=AS_PROBLEM, status=422))
    assert read < 20_000


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, "answer_unsealed"),
        (204, "answer_unsealed"),
        (299, "answer_unsealed"),
        (300, "upstream_300"),
        (199, "upstream_199"),
        (503, "upstream_503"),
    ],
)
async def test_an_answer_in_the_clear_is_dropped_unread(status: int, code: str) -> None:
    carrier = Carrier(head=[JSON], status=status)
    with pytest.raises(UpstreamError) as e:
        await asked(carrier)
    assert e.value.code == code and carrier.closed == 1 and "private" not in e.value.message


GEMINI = "/models/sealed-llm:streamGenerateContent"


@pytest.mark.parametrize(
    ("path", "query", "body", "why"),
    [
        ("/models/a:streamGenerateContent", "alt=sse", b"{}", ()),
        ("/models/org%2Fa~b.c_d-e:generateContent", "", b'{"generationConfig": {"candidateCount": 2}}', ()),
        ("/models/a:countTokens", "", b"{}", ()), ("/models/a:embedContent", "", b"{}", ()),
        ("/models/a:batchEmbedContents", "", b"{}", ()), ("/chat", "", b"{}", ()), ("/generate", "", b"{}", ()),
        ("/embed", "", b"{}", ()),
        (GEMINI, "alt=sse", b'{"generationConfig": {"candidateCount": 1}}', ()),
        (GEMINI, "alt=sse", b'{"a": "\\"candidateCount\\": 2"}', ()),
        (GEMINI, "alt=sse", b'{"generationConfig": {"candidateCount": 2}}', ()),
        (GEMINI, "alt=sse", b'{"generationConfig": {"candidateCount": 8 , "topK": 1}}', ()),
        (GEMINI, "alt=sse", b'{"generation_config": {"candidate_count" : 10}}', ("body.candidates",)),
        (GEMINI, "alt=sse", b'{"generationConfig": {"candidateCount": "2"}}', ("body.candidates",)),
        (GEMINI, "alt=sse", b'{"generationConfig": {"candidateCount": 2.0}}', ("body.candidates",)),
        (GEMINI, "alt=sse", b'{"generationConfig": {"candidateCount": 2, "candidate_count": 2}}', ("body.candidates",)),
        (GEMINI, "", b"{}", ("request.query",)), (GEMINI, "alt=json", b"{}", ("request.query",)),
        (GEMINI, "alt=sse&key=anna", b"{}", ("request.query",)),
        ("/models/a:generateContent", "alt=sse", b"{}", ("request.query",)),
        ("/chat/completions", "alt=sse", b"{}", ("request.query",)),
        ("/models/a/b:generateContent", "", b"{}", ("request.path",)),
        ("/models/anna%20berg:generateContent", "", b"{}", ("request.path",)),
        (f"/models/{'a' * 129}:generateContent", "", b"{}", ("request.path",)),
        ("/models/a", "", b"{}", ("request.path",)),
        ("/models/:generateContent", "", b"{}", ("request.path",)), ("/models/a:tune", "", b"{}", ("request.path",)),
        ("/models/a:generateContent/anna", "", b"{}", ("request.path",)), ("/pull", "", b"{}", ("request.path",)),
        ("/files/anna:generateContent", "", b"{}", ("request.path",)),
    ],
)  # fmt: skip
def test_the_paths_of_gemini_and_ollama_say_the_models_name_and_nothing_else(
    path: str, query: str, body: bytes, why: tuple[str, ...]
) -> None:
    out = dataclasses.replace(OUT, path=path, query=query, body=body, stream=True)
    if why:
        with pytest.raises(NotSealable) as e:
            head("sealed", out)
        assert e.value.failures == why
    else:
        lines = path in {"/chat", "/generate"}
        assert dict(head("sealed", out))["accept"] == ("application/x-ndjson" if lines else "text/event-stream")


def test_a_stream_whose_request_cannot_be_read_is_not_asked_for() -> None:
    large = dataclasses.replace(OUT, path=GEMINI, query="alt=sse", body=b"", large=Spooled(b"{}", b"{}"))
    with pytest.raises(NotSealable) as e:
        head("sealed", large)
    assert e.value.failures == ("body.candidates",)


def test_the_first_line_of_a_stream_is_no_whole_answer_whatever_its_type_says() -> None:
    """Whoever ends the TLS writes the type, and may cut between two frames."""
    first = b'{"message": {"content": "Take two"}, "done": false}'
    for kind in ("application/json", "application/x-ndjson"):
        for path in ("/chat", "/generate"):
            end = ending(path, kind)
            assert end is not None
            end.feed(first)
            assert not end.over
            end.feed(b'\n{"message": {"content": " a day"}, "done": true}\n')
            assert end.over
    assert ending("/chat", "text/plain") is None and ending("/chat", "text/event-stream") is not None
    late = ending("/chat", "text/event-stream")
    assert late is not None
    late.feed(b'{"done": true}\n')
    assert not late.over


def test_every_streaming_path_has_an_end_of_its_own() -> None:
    assert ending("/chat/completions", "audio/mpeg") is None and ending("/chat/completions", "") is None
    for path in PATHS:
        assert ending(path, "application/json") is not None
    for path, last in (
        ("/chat/completions", b"data: [DONE]\n\n"),
        ("/responses", b"event: response.completed\ndata: {}\n\n"),
        ("/messages", b"event: message_stop\ndata: {}\n\n"),
        (GEMINI, b'data: {"candidates": [{"finishReason": "STOP"}]}\n\n'),
    ):
        end = ending(path, "text/event-stream")
        assert end is not None
        end.feed(b"data: {}\n\n")
        assert not end.over
        end.feed(last)
        assert end.over


@pytest.mark.parametrize(
    "header",
    [
        ("content-type", f"multipart/form-data; boundary=sealgate-{'0a' * 16}"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-version", "2023-01-01"),
        ("anthropic-beta", "claude-code-20250219,context-1m-2025-08-07,output-128k-2025-02-19"),
    ],
)
async def test_words_of_the_protocol_go_along(header: tuple[str, str]) -> None:
    carrier = Carrier()
    await asked(carrier, dataclasses.replace(OUT, headers=(header, ("accept", "x"))))
    [(sent, _)] = carrier.sent
    assert header in sent.headers and ("accept", "application/json") in sent.headers


async def test_features_say_nothing_by_their_order() -> None:
    said = "output-128k-2025-02-19,files-api-2025-04-14,output-128k-2025-02-19"
    carrier = Carrier()
    await asked(carrier, dataclasses.replace(OUT, headers=(("anthropic-beta", said),)))
    [(sent, _)] = carrier.sent
    assert ("anthropic-beta", "files-api-2025-04-14,output-128k-2025-02-19") in sent.headers


def test_every_feature_that_anthropics_own_client_knows_goes_along() -> None:
    named = [name for part in get_args(AnthropicBetaParam) for name in get_args(part)]
    assert named and set(named) <= FEATURES
    assert all(BETA.fullmatch(name) for name in FEATURES)


@dataclass
class Told(Carrier):
    """Whoever is on the way adds headers to a sealed answer."""

    more: tuple[tuple[str, str], ...] = ()

    async def carry(self, sent: Carried) -> Arrived:
        arrived = await super().carry(sent)
        return dataclasses.replace(arrived, headers=(*arrived.headers, *self.more))


async def test_words_of_whoever_is_on_the_way_are_not_passed_on() -> None:
    """Only numbers are: a header's value, and a name that anybody may choose, would be shown to the app."""
    said = "PLAINTEXT-FROM-THE-MIDDLE"
    names = (
        "x-request-id",
        "request-id",
        "retry-after",
        "openai-processing-ms",
        f"x-ratelimit-{said}",
        "x-ratelimit-x",
    )
    more = (
        *((n, said) for n in names),
        (f"x-ratelimit-{said}", "1"),
        ("Retry-After-Ms", "20"),
        ("retry-after", "9" * 10),
    )
    opened = await wire(Told(more=more)).open(OUT)
    assert opened.answer.headers == {"content-type": "application/json", "retry-after-ms": "20"}


STREAM = [b'data: {"choices":[]}\n\n', b"data: [DONE]\n\n"]


@dataclass
class Streaming(Carrier):
    """Seals ``parts`` one by one and says in ``after`` what whoever is on the way puts behind them."""

    parts: list[bytes] = field(default_factory=lambda: list(STREAM))
    after: tuple[bytes, ...] = ()
    error: Exception | None = None

    async def carry(self, sent: Carried) -> Arrived:
        assert not isinstance(sent.body, bytes)
        _, recovery = self.server.open(dict(sent.headers), b"".join([p async for p in sent.body]))
        head, frames = seal_answer(recovery, self.parts)

        async def chunks() -> AsyncIterator[bytes]:
            for frame in (*frames, *self.after):
                yield frame
            if self.error is not None:
                raise self.error

        return Arrived(200, (("content-type", "text/event-stream"), *head), chunks(), self._close)


@pytest.mark.parametrize(
    "carrier",
    [
        Streaming(after=(b"\0\0\0",)),
        Streaming(after=(bytes(4), b"\0\0\0\1\0")),
        Streaming(error=UpstreamError("no good receipt", code="receipt_failed")),
        Streaming(parts=[*STREAM, b"data: {}\n\n"]),
        Streaming(parts=[*STREAM, b"more"]),
    ],
)
async def test_the_end_of_a_stream_is_not_shown_before_it_is_one(carrier: Streaming) -> None:
    opened, shown = await wire(carrier).open(OUT), bytearray()

    async def reading() -> None:
        async for chunk in opened.answer.chunks:
            shown.extend(chunk)

    with pytest.raises(UpstreamError):
        await reading()
    assert bytes(shown) == STREAM[0]


async def test_a_good_end_is_shown() -> None:
    opened = await wire(Streaming(after=(bytes(4),))).open(OUT)
    assert [c async for c in opened.answer.chunks] == STREAM


@dataclass
class Kind(Carrier):
    """A sealed answer that calls itself something else."""

    kind: str = ""

    async def carry(self, sent: Carried) -> Arrived:
        arrived = await super().carry(sent)
        return dataclasses.replace(arrived, headers=(("content-type", self.kind), *arrived.headers[1:]))


@pytest.mark.parametrize("kind", ["audio/mpeg", "text/plain", "", "application/octet-stream"])
async def test_a_sealed_answer_without_an_end_of_its_own_does_not_count(kind: str) -> None:
    carrier = Kind(kind=kind)
    with pytest.raises(UpstreamError) as e:
        await wire(carrier).open(OUT)
    assert e.value.code == "answer_without_end" and carrier.closed == 1
    assert await asked(Kind(kind="application/problem+json; charset=utf-8")) == ANSWER
