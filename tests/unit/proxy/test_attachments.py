"""Documents of a request: out of base64, into texts, and back as one result or one text."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from policies.types import Decision, Requirements, Transform, Zone
from proxy.attachments import DOCUMENT, MARKUP, claim, gathered, put_back, sober, spread
from proxy.dialects.anthropic import AnthropicMessages
from proxy.dialects.base import Dialect, Segment, Untransformable
from proxy.dialects.openai_chat import OpenAIChat
from proxy.inspect_results import inspect_here
from proxy.inspect_worker import build
from proxy.ports import Inspected
from proxy.rewrite import Leaky, guard, rewrite
from redaction.documents import Document, Piece
from redaction.pseudonym import StandIns
from redaction.types import Classification, Finding, Sensitivity, TextResult

VALUE = "jane@example.com"
PLAIN = Classification(Sensitivity.PUBLIC)
NOTHING = TextResult((), PLAIN)
DATA = base64.b64encode(b"x" * 60).decode()


def document(*pieces: tuple[str, bool], reason: str | None = None) -> Document:
    return Document(tuple(Piece(*p) for p in pieces), "text", reason is None, reason)


def found(text: str, label: str = "EMAIL_ADDRESS", score: float = 1.0, detector: str = "patterns") -> TextResult:
    at = text.index(VALUE)
    return TextResult((Finding(at, at + len(VALUE), label, score, detector),), PLAIN)


def decision(attachments: str) -> Decision:
    tables: Mapping[Zone, Mapping[str, Transform]] = {z: {"*": Transform.PSEUDONYM} for z in Zone}
    return Decision(Zone.CLOUD, tables, dict.fromkeys(Zone, Requirements()), (), "p", "r", attachments=attachments)


def test_documents_come_out_of_addresses_and_plain_base64() -> None:
    assert claim("data:text/plain;charset=utf-8;base64,aGk=", "") == (b"hi", "text/plain;charset=utf-8")
    assert claim("data:text/plain;base64,aGk=", "application/pdf") == (b"hi", "application/pdf")
    assert claim("data:text/plain,h%69", "") == (b"hi", "text/plain")
    assert claim("data:;base64,aGk", "") == (b"hi", "")
    assert claim("_-8\r\n", "") == (b"\xff\xef", "")
    assert claim("no base64!", "") is None


def test_a_document_is_judged_as_its_texts_and_answers_for_all_of_them() -> None:
    segments = [Segment("/a", "user", "hello"), Segment("/b", "user", DATA, DOCUMENT)]
    documents = {1: document((f"to {VALUE}", True), (f"style {VALUE}", False))}
    texts, places = spread(segments, documents)
    assert [(t.text, t.kind, p) for t, p in zip(texts, places, strict=True)] == [
        ("hello", "text", 0), (f"to {VALUE}", "text", 1), (f"style {VALUE}", MARKUP, 1),
    ]  # fmt: skip

    judged = [NOTHING, found(texts[1].text, score=0.4), found(texts[2].text, score=0.9)]
    results, attachments = gathered(segments, documents, texts, places, judged)

    assert results[0] == NOTHING
    assert results[1].findings == (Finding(0, len(DATA), "EMAIL_ADDRESS", 0.9, "patterns"),)
    assert attachments[1].results == tuple(judged[1:])


@pytest.mark.parametrize(
    ("whole", "judged", "reason"),
    [
        (document(("a", True), reason="image"), NOTHING, "document:image"),
        (document(("a", True)), TextResult((), PLAIN, "budget"), "budget"),
        (document(("a", True)), NOTHING, None),
    ],
)
def test_what_was_not_read_or_not_judged_makes_a_document_uninspected(
    whole: Document, judged: TextResult, reason: str | None
) -> None:
    segments = [Segment("/b", "user", DATA, DOCUMENT)]
    texts, places = spread(segments, {0: whole})
    assert gathered(segments, {0: whole}, texts, places, [judged])[0][0].uninspected == reason


def test_a_document_without_a_word_is_judged_too() -> None:
    segments = [Segment("/b", "user", DATA, DOCUMENT)]
    empty = {0: document(reason="deadline")}
    assert gathered(segments, empty, *spread(segments, empty), [])[0][0].uninspected == "document:deadline"


def test_long_texts_are_divided_at_lines_and_nothing_is_lost() -> None:
    text = "\n".join(f"line {i}" for i in range(5_000))
    texts, _ = spread([Segment("/b", "user", DATA, DOCUMENT)], {0: document((text, True))})
    assert len(texts) > 3 and "\n".join(t.text for t in texts) == text
    unbroken = "x" * 50_000
    assert [t.text for t in spread([Segment("/b", "user", DATA, DOCUMENT)], {0: document((unbroken, True))})[0]] == [
        unbroken
    ]


def test_guesses_at_names_do_not_count_in_markup() -> None:
    guess = TextResult((Finding(0, 3, "PERSON", 0.9, "names"), Finding(0, 3, "SECRET", 0.9, "secrets")), PLAIN)
    assert [f.label for f in sober(Segment("/a", "user", "abc", MARKUP), guess).findings] == ["SECRET"]
    assert sober(Segment("/a", "user", "abc"), guess) == guess


def test_a_document_gives_way_as_a_whole_or_not_at_all() -> None:
    segments = [Segment("/b", "user", DATA, DOCUMENT)]
    documents = {0: document((f"to {VALUE}", True), ("style", False), ("bye", True))}
    texts, places = spread(segments, documents)
    attachments = gathered(segments, documents, texts, places, [found(texts[0].text), NOTHING, NOTHING])[1]
    edits = {(texts[0].pointer, "text"): "to X", (texts[1].pointer, MARKUP): "gone"}

    assert put_back(segments, attachments, edits, allowed=True) == {("/b", DOCUMENT): "to X\nbye"}
    assert put_back(segments, attachments, {("/a", "text"): "x"}, allowed=False) == {("/a", "text"): "x"}
    with pytest.raises(Untransformable):
        put_back(segments, attachments, edits, allowed=False)


# -- in the dialects --------------------------------------------------------------------------------------------------


def chat(*parts: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": list(parts)}], **more}).encode()


FILE = {"type": "file", "file": {"file_data": DATA, "filename": "a.txt"}, "cache": 1}
BLOCK = {"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": DATA}, "title": "T"}


def changed(dialect: Dialect, body: bytes) -> Any:
    parsed = dialect.parse(body)
    [place] = [(s.pointer, s.kind) for s in parsed.segments if s.kind == DOCUMENT]
    return json.loads(dialect.render(parsed, {place: "the text"}, parsed.model))["messages"][0]["content"]


def test_a_file_part_gives_way_to_a_text_part_and_a_document_to_a_text_source() -> None:
    assert changed(OpenAIChat(), chat(FILE)) == [{"type": "text", "text": "[file a.txt]\nthe text", "cache": 1}]
    assert changed(AnthropicMessages(), chat(BLOCK)) == [
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "the text"}, "title": "T"}
    ]


def test_a_document_in_a_text_gives_way_to_its_text() -> None:
    part = {"type": "text", "text": f"data:text/plain;base64,{DATA}"}
    for dialect in (OpenAIChat(), AnthropicMessages()):
        assert changed(dialect, chat(part)) == [{"type": "text", "text": "[file]\nthe text"}]


def test_a_document_inside_a_string_of_json_cannot_give_way() -> None:
    arguments = json.dumps({"file": {"file_data": f"data:text/plain;base64,{DATA}"}})
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    body = json.dumps({"model": "m", "messages": [{"role": "assistant", "tool_calls": [call]}]}).encode()
    with pytest.raises(Untransformable):
        changed(OpenAIChat(), body)


@pytest.mark.parametrize("part", [
    {"type": "file", "file": {"file_id": "file-1", "file_data": DATA}}, {"type": "file", "file": {"file_data": "hi"}},
    {"type": "file", "file": {}}, {"type": "file"}, {"type": "file", "file": {"file_data": 5}},
])  # fmt: skip
def test_a_file_that_is_not_here_or_no_base64_is_uninspected(part: dict[str, Any]) -> None:
    assert "content:file" in OpenAIChat().parse(chat(part)).uninspected


@pytest.mark.parametrize(
    "source", [{"type": "base64", "data": "hi"}, {"type": "base64"}, {"type": "url", "url": "x"}, 5]
)
def test_a_document_block_that_is_not_here_or_no_base64_is_uninspected(source: Any) -> None:
    assert "content:document" in AnthropicMessages().parse(chat({"type": "document", "source": source})).uninspected


# -- on the way out ---------------------------------------------------------------------------------------------------


def judged(body: bytes, text: str) -> tuple[Any, Inspected]:
    parsed = OpenAIChat().parse(body)
    documents = {i: document((text, True)) for i, s in enumerate(parsed.segments) if s.kind == DOCUMENT}
    texts, places = spread(parsed.segments, documents)
    judged = [found(t.text) if VALUE in t.text else NOTHING for t in texts]
    results, attachments = gathered(parsed.segments, documents, texts, places, judged)
    return parsed, Inspected(results, PLAIN, {}, attachments)


def out(parsed: Any, inspected: Inspected, attachments: str) -> Any:
    stand_ins = StandIns(b"k" * 32, "scope")
    return rewrite(OpenAIChat(), parsed, inspected, decision(attachments), Zone.CLOUD, "m", stand_ins)


def test_a_value_in_a_document_is_replaced_with_the_stand_in_that_it_has_everywhere() -> None:
    parsed, inspected = judged(chat({"type": "text", "text": f"Who is {VALUE}?"}, FILE), f"to {VALUE}")
    made = out(parsed, inspected, "text")
    [token] = made.mapping
    assert made.mapping[token] == VALUE and made.body.decode().count(token) == 2 and VALUE not in made.body.decode()
    with pytest.raises(Untransformable):
        out(parsed, inspected, "refuse")


def test_without_what_was_read_a_document_with_findings_goes_nowhere() -> None:
    parsed, inspected = judged(chat(FILE), f"to {VALUE}")
    with pytest.raises(Untransformable):
        out(parsed, Inspected(inspected.results, PLAIN, {}), "text")


def test_the_guard_looks_into_documents_that_go_as_they_are() -> None:
    parsed, inspected = judged(chat({"type": "text", "text": f"Who is {VALUE}?"}, FILE), f"to {VALUE}")
    kept = inspected.read(parsed.segments, but=())
    with pytest.raises(Leaky):
        guard(OpenAIChat(), chat(FILE), [VALUE], None, kept)
    guard(OpenAIChat(), chat(FILE), [VALUE])  # its base64 says nothing; what was read of it does


@pytest.mark.parametrize("number", ["123456789", "12345678", "35209900176148", "4000123456789018"])
def test_a_json_number_is_no_identifier_only_because_of_its_length(number: str) -> None:
    pipeline = build(None, names=False)
    (result,) = inspect_here(pipeline, [Segment("/n", "user", number, "number")]).results
    assert not result.findings
    (result,) = inspect_here(pipeline, [Segment("/n", "user", "4111111111111111", "number")]).results
    assert result.findings
