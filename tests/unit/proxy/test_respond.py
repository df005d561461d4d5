"""Answers that are inspected: what belongs to nobody here is masked, what cannot be judged is withheld."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from policies.decide import decide
from policies.load import load
from policies.types import Decision, Facts, Inspection
from proxy.dialects.anthropic import AnthropicMessages
from proxy.dialects.base import Segment
from proxy.dialects.gemini import GeminiGenerate
from proxy.dialects.ollama import OllamaChat
from proxy.dialects.openai_chat import OpenAIChat
from proxy.dialects.openai_completions import OpenAICompletions
from proxy.dialects.responses import OpenAIResponses
from proxy.ports import Inspected
from proxy.respond import SENTENCE, Listening
from proxy.restorers import Restorers
from redaction.types import Classification, Finding, Sensitivity, TextResult

TEXT = (Path(__file__).resolve().parents[3] / "policies/default.yaml").read_text("utf-8")
FACTS = Facts("app", "tenant", "openai.chat", "m", dt.date(2026, 1, 1))
MINE = "EMAIL_k3f9xkzzzzzzz"
VALUES = {MINE: "maria@mine.example"}
PATTERNS = {
    "EMAIL_ADDRESS": r"[\w.]+@[\w.]+\w", "PERSON": r"\b(?:Bob|Maria|Keller)\b(?: Keller)?",
    "CREDIT_CARD": r"\b4\d{15}\b", "API_KEY": r"\b[0-9a-z]{13}\b", "LOCATION": r"Berlin",
    "IBAN_CODE": r"\bDE\d{10,15}\b", "REFERENCE_NUMBER": r"\b(?:Ref|Box 7) [\w.]+\b",
    "ADDRESS": r", (?:IBAN|Elm) EMAIL\w+", "ORGANIZATION": r"\bSSN\b|Tax Id Key", "PASSWORD": r"\btoken\b|[$%&?]{6,}",
}  # fmt: skip


class Judge:
    """Finds by simple patterns; cannot judge a text with ``@@``."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def inspect(
        self, tenant: str, segments: Sequence[Segment], inspection: Inspection = Inspection.FULL
    ) -> Inspected:
        nothing = Classification(Sensitivity.PUBLIC)
        results = []
        for segment in segments:
            self.texts.append(segment.text)
            found = [
                Finding(*m.span(), label, 0.9, "t")
                for label, p in PATTERNS.items()
                for m in re.finditer(p, segment.text)
            ]
            results.append(TextResult(tuple(found), nothing, "deadline" if "@@" in segment.text else None))
        return Inspected(tuple(results), nothing, {})


def decision(more: str = "") -> Decision:
    text = TEXT.replace("answers: tolerant", "answers: respond")
    return decide(
        load(text.replace('"@secrets": redact\n    CREDIT', f'{more}"@secrets": redact\n    CREDIT'), "p"), FACTS
    )


def both(
    judge: Judge | None = None,
    *,
    known: Sequence[str] = (),
    structured: bool = False,
    more: str = "",
    names: Sequence[str] = (),
) -> Restorers:
    listening = Listening(
        judge or Judge(), "t", decision(more), VALUES, [*VALUES.values(), *known], structured=structured, names=names
    )
    origins = dict.fromkeys(VALUES, frozenset({"user"}))
    return Restorers(VALUES, origins, decision(more), structured=structured, listening=listening)


async def whole(message: dict[str, Any], restorers: Restorers, **choice: Any) -> dict[str, Any]:
    assert restorers.listening is not None
    body = json.dumps({"choices": [{"index": 0, "message": message, **choice}]}).encode()
    OpenAIChat().restore(body, restorers.listening)
    await restorers.listening.judge()
    return dict(json.loads(OpenAIChat().restore(body, restorers)[0])["choices"][0])


async def streamed(events: Sequence[bytes], restorers: Restorers, dialect: Any) -> list[bytes]:
    assert restorers.listening is not None
    heard, real = dialect.restore_stream(restorers.listening, str), dialect.restore_stream(restorers, restorers.text)
    out = []
    for event in events:
        heard.feed(event)
        await restorers.listening.judge()
        out.append(real.feed(event))
    heard.close()
    await restorers.listening.judge()
    return [*out, real.close()]


def deltas(text: str, size: int, key: str = "content") -> list[bytes]:
    parts = [text[i : i + size] for i in range(0, len(text), size)]
    chunks = [{"choices": [{"index": 0, "delta": {key: p}}]} for p in parts]
    return [*(b"data: " + json.dumps(c).encode() + b"\n\n" for c in chunks), b"data: [DONE]\n\n"]


def text_of(out: bytes, key: str = "content") -> str:
    events = [json.loads(line[6:]) for line in out.decode().split("\n") if line.startswith("data: {")]
    return "".join(e["choices"][0]["delta"].get(key, "") for e in events)


SAID = f"Dear {MINE}, in Berlin. Ask bob@theirs.example or Bob! His card is 4111111111111111.\nOr joe@theirs.example"
SHOWN = (
    "Dear maria@mine.example, in Berlin. Ask [EMAIL_ADDRESS] or [PERSON]! His card is [CREDIT_CARD].\n"
    "Or [EMAIL_ADDRESS]"
)


async def test_what_the_model_knows_of_others_is_masked_and_what_is_the_apps_own_comes_back() -> None:
    restorers = both()
    choice = await whole({"content": SAID}, restorers)
    assert choice["message"]["content"] == SHOWN
    assert restorers.counts() == {"restored": 1, "seen": 1, "refused": 0, "masked": 4, "withheld": 0}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 1000])
async def test_a_stream_of_any_chunking_is_masked_the_same(size: int) -> None:
    for key in ("content", "record_field"):
        out = b"".join(await streamed(deltas(SAID, size, key), both(), OpenAIChat()))
        shown = SHOWN if key == "content" else SHOWN.replace(VALUES[MINE], MINE)
        assert text_of(out, key) == shown and b"theirs" not in out and b"4111" not in out
        assert out.endswith(b": 1/1\n\ndata: [DONE]\n\n" if key == "content" else b"data: [DONE]\n\n")


async def test_a_word_that_a_guess_took_along_with_a_stand_in_is_no_value_and_a_number_is() -> None:
    got = await whole({"role": "assistant", "content": f"See Ref {MINE}, Box 7 {MINE} and Ref 88."}, both())
    shown = got["message"]["content"]
    assert shown == "See Ref maria@mine.example, [REFERENCE_NUMBER]maria@mine.example and [REFERENCE_NUMBER]."
    got = await whole({"role": "assistant", "content": f"Mail {MINE}, IBAN {MINE}, Elm {MINE}"}, both())
    assert got["message"]["content"] == ("Mail maria@mine.example, IBAN maria@mine.example[ADDRESS]maria@mine.example")


async def test_a_word_that_says_what_stands_behind_it_is_no_value_unless_it_is_a_password() -> None:
    """The names of fields that a guess takes for a name of somebody; a password may be any word."""
    got = await whole({"role": "assistant", "content": f"SSN {MINE}. Tax Id Key 7. The token."}, both())
    assert got["message"]["content"] == "SSN maria@mine.example. Tax Id Key 7. The [PASSWORD]."
    got = await whole({"role": "assistant", "content": "It is $%&?$%&? now."}, both())
    assert got["message"]["content"] == "It is [PASSWORD] now.", "nothing but signs is a password, too"


async def test_sentences_come_out_as_soon_as_they_were_judged() -> None:
    out = await streamed(deltas("One. Two is longer. Three", 5), both(), OpenAIChat())
    assert text_of(out[0]) == "One. " and text_of(out[2]) == "" and text_of(out[3]) == "Two is longer. "


async def test_what_the_request_said_itself_is_not_masked() -> None:
    known = ["Maria Keller", "bob@theirs.example", "4111111111111111"]
    choice = await whole({"content": f"{SAID} Maria and Keller"}, both(known=known))
    assert choice["message"]["content"].count("[PERSON]") == 1, "Bob was not in the request"
    assert "bob@theirs.example" in choice["message"]["content"] and "Maria and Keller" in choice["message"]["content"]


async def test_the_cloud_table_says_how_it_is_masked() -> None:
    said = {"content": "Bob has 4111111111111111."}
    choice = await whole(said, both(more="PERSON: keep\n    IBAN_CODE: keep\n    "))
    assert choice["message"]["content"] == "Bob has [CREDIT_CARD]."
    masked = await whole({"content": "DE1234567890."}, both(more="IBAN_CODE: mask\n    "))
    assert masked["message"]["content"] == "********7890."


async def test_a_sentence_that_cannot_be_judged_is_withheld() -> None:
    out = b"".join(await streamed(deltas("Good. Bad @@ \nGood again.", 4), both(), OpenAIChat()))
    assert text_of(out) == "Good. [uninspected] \n[uninspected]", "the bad one is in view of the next"
    restorers = both()
    assert (await whole({"content": "@@"}, restorers))["message"]["content"] == "[uninspected]"
    assert restorers.counts()["withheld"] == 1


def call(arguments: str) -> dict[str, Any]:
    return {"content": None, "tool_calls": [{"id": "c", "function": {"name": "mail", "arguments": arguments}}]}


async def test_keys_that_the_request_names_stay_and_only_as_keys() -> None:
    """A tool whose schema has a property ``Bob`` needs its argument under that name, whatever a detector thinks."""
    said = {"Bob": "Bob", "x": '"Bob": 1', "Keller": "bob@theirs.example"}
    shown = {"Bob": "[PERSON]", "x": '"[PERSON]": 1', "[PERSON]": "[EMAIL_ADDRESS]"}
    message = (await whole(call(json.dumps(said)), both(names=["Bob"])))["message"]
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == shown
    as_json = (await whole({"content": json.dumps(said)}, both(names=["Bob"], structured=True)))["message"]["content"]
    assert json.loads(as_json) == shown
    prose = (await whole({"content": 'I write "Bob": hello.'}, both(names=["Bob"])))["message"]["content"]
    assert prose == 'I write "[PERSON]": hello.'


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"to": "bob@theirs.example", "who": MINE}, {"to": "[EMAIL_ADDRESS]", "who": VALUES[MINE]}),
        ({"card": 4111111111111111}, {"card": 0}),
        ({"n": [1, 2]}, {"n": [1, 2]}),
        ({"x": "@@"}, {}),
    ],
)
async def test_arguments_of_tools_are_judged_whole_and_stay_json(said: Any, shown: Any) -> None:
    message = (await whole(call(json.dumps(said)), both()))["message"]
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == shown
    block = {"type": "tool_use", "id": "t", "name": "mail", "input": said}
    restorers = both()
    assert restorers.listening is not None
    body = json.dumps({"content": [block]}).encode()
    AnthropicMessages().restore(body, restorers.listening)
    await restorers.listening.judge()
    assert json.loads(AnthropicMessages().restore(body, restorers)[0])["content"][0]["input"] == shown


async def test_an_answer_in_json_stays_json() -> None:
    content = json.dumps({"a": "bob@theirs.example", "b": MINE, "c": 4111111111111111, "d": "x. y"})
    choice = await whole({"content": content}, both(structured=True))
    shown = json.loads(choice["message"]["content"])
    assert shown == {"a": "[EMAIL_ADDRESS]", "b": VALUES[MINE], "c": 0, "d": "x. y"}


async def test_token_probabilities_would_spell_what_is_masked_and_go() -> None:
    logprobs = {"content": [{"token": "bob@theirs.example", "logprob": -1.0}]}
    assert (await whole({"content": "Hi."}, both(), logprobs=logprobs))["logprobs"] is None
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hi."}, "logprobs": logprobs}]}
    events = [b"data: " + json.dumps(chunk).encode() + b"\n\n", b"data: [DONE]\n\n"]
    assert b"theirs" not in b"".join(await streamed(events, both(), OpenAIChat()))


async def test_a_stream_of_messages_is_judged_too() -> None:
    events = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": c}} for c in SAID),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_stop"},
    ]
    wire = [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events]
    out = b"".join(await streamed(wire, both(), AnthropicMessages()))
    found = [json.loads(line[6:]) for line in out.decode().split("\n") if line.startswith("data: {")]
    assert "".join(e.get("delta", {}).get("text", "") for e in found) == SHOWN


@pytest.mark.parametrize("text", ["word " * 400, "x" * 1500, "bob@theirs.example" * 80])
async def test_text_without_an_end_is_judged_in_pieces(text: str) -> None:
    judge = Judge()
    out = b"".join(await streamed(deltas(text, 40), both(judge), OpenAIChat()))
    assert "bob@" not in text_of(out) and max(map(len, judge.texts)) <= SENTENCE + 200
    if "bob" not in text:
        assert text_of(out) == text


def gemini(text: str) -> bytes:
    tree = {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}]}
    return b"data: " + json.dumps(tree).encode() + b"\n\n"


def completion(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "text": text}]}).encode() + b"\n\n"


def ollama(text: str, *, done: bool = False) -> bytes:
    return json.dumps({"model": "m", "message": {"role": "assistant", "content": text}, "done": done}).encode() + b"\n"


ITEM = {"item_id": "msg_1", "output_index": 0, "content_index": 0}


def response(text: str) -> bytes:
    tree = {"type": "response.output_text.delta", **ITEM, "delta": text, "logprobs": [], "sequence_number": 1}
    return b"event: response.output_text.delta\ndata: " + json.dumps(tree).encode() + b"\n\n"


def response_done() -> bytes:
    part = {"type": "response.output_text.done", **ITEM, "text": SAID, "logprobs": [], "sequence_number": 9}
    return b"event: response.output_text.done\ndata: " + json.dumps(part).encode() + b"\n\n"


STREAMS = {
    "gemini": (GeminiGenerate(), gemini, b""),
    "completions": (OpenAICompletions(), completion, b"data: [DONE]\n\n"),
    "ollama": (OllamaChat(), ollama, ollama("", done=True)),
    "responses": (OpenAIResponses(), response, response_done()),
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("size", [1, 4, 11, 1000])
async def test_streams_of_every_other_dialect_are_judged_too(name: str, size: int) -> None:
    dialect, event, end = STREAMS[name]
    events = [event(SAID[i : i + size]) for i in range(0, len(SAID), size)]
    out = b"".join(await streamed([*events, end] if end else events, both(), dialect))
    assert b"theirs" not in out and b"4111" not in out
    assert VALUES[MINE].encode() in out and b"[CREDIT_CARD]" in out and b"Berlin" in out


async def test_two_readings_that_differ_are_a_bug_and_not_an_answer() -> None:
    restorers = both()
    with pytest.raises(Exception, match="readings"):
        restorers("text")
