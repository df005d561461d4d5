"""What is replaced on the way out: the places of a request under a policy, with findings given by hand."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from policies.decide import decide
from policies.load import load_file
from policies.types import Facts, Zone
from proxy.dialects.base import Untransformable
from proxy.dialects.openai_chat import OpenAIChat
from proxy.ports import Inspected
from proxy.rewrite import Leaky, Rewritten, guard, rewrite
from redaction.pipeline import propagate
from redaction.pseudonym import StandIns
from redaction.types import Classification, Finding, Sensitivity, TextResult

POLICY = load_file(Path(__file__).parents[3] / "policies" / "default.yaml")
DECISION = decide(POLICY, Facts("a", "t", "openai.chat", "m", dt.date(2026, 1, 1)))
CHAT = OpenAIChat()
PUBLIC = Classification(Sensitivity.PUBLIC)


def sent(contents: list[str], found: dict[str, list[str]], zone: Zone = Zone.CLOUD, **more: object) -> Rewritten:
    """The rewritten request, where each label was found at the first occurrence of each of its values."""
    messages = [{"role": "user", "content": c} for c in contents]
    parsed = CHAT.parse(json.dumps({"model": "m", "messages": messages, **more}).encode())
    texts = [s.text for s in parsed.segments]
    seen: list[list[Finding]] = [[] for _ in texts]
    for label, values in found.items():
        for value in values:
            at = next(i for i, t in enumerate(texts) if value in t)
            start = texts[at].index(value)
            seen[at].append(Finding(start, start + len(value), label, 0.9, "names"))
    results = propagate(texts, [TextResult(tuple(f), PUBLIC) for f in seen])
    inspected = Inspected(tuple(results), PUBLIC, {})
    return rewrite(CHAT, parsed, inspected, DECISION, zone, "m", StandIns(b"k" * 32, "scope"))


def texts(out: Rewritten) -> list[str]:
    return [m["content"] for m in json.loads(out.body)["messages"]]


def test_a_kept_finding_around_a_name_does_not_widen_what_is_replaced() -> None:
    out = sent(
        ["Dear Tobias Lindqvist, hello", "Tobias Lindqvist again"],
        {"ORGANIZATION": ["Dear Tobias Lindqvist"], "PERSON": ["Tobias Lindqvist"]},
    )
    first, second = texts(out)
    assert first.startswith("Dear PERSON_") and len(out.mapping) == 1
    assert second.split()[0] == first.split()[1].rstrip(",")


def test_a_name_seen_only_inside_a_wider_finding_is_replaced_everywhere() -> None:
    out = sent(
        ["Dear Tobias Lindqvist", "and Tobias Lindqvist too, TOBIAS LINDQVIST"],
        {"ORGANIZATION": ["Dear Tobias Lindqvist"], "PERSON": ["Tobias Lindqvist"]},
    )
    assert "indqvist" not in out.body.decode().lower()


def test_overlapping_findings_take_the_strictest_transform_of_all() -> None:
    out = sent(
        ["call 4111 1111 1111 1111 now"], {"PHONE_NUMBER": ["4111 1111 1111"], "CREDIT_CARD": ["4111 1111 1111 1111"]}
    )
    assert texts(out) == ["call [CREDIT_CARD] now"] or "4111" not in texts(out)[0]
    assert out.mapping == {}, "a redacted value has no way back"


def test_one_value_has_one_transform_in_the_whole_request() -> None:
    out = sent(["key Zx81aaaaQ", "user Zx81aaaaQ"], {"USERNAME": ["Zx81aaaaQ"], "API_KEY": ["key Zx81aaaaQ"]})
    assert "Zx81aaaaQ" not in out.body.decode()


def test_without_findings_the_bytes_are_the_apps_own() -> None:
    out = sent(["hello"], {})
    assert not out.changed and out.counts == {}


def test_the_enclave_gets_names_but_no_credentials() -> None:
    found = {"PERSON": ["Maria Keller"], "API_KEY": ["ghp_abcdefabcdef"]}
    body = sent(["Maria Keller has ghp_abcdefabcdef"], found, Zone.ENCLAVE).body.decode()
    assert "Maria Keller" in body and "ghp_" not in body


def test_a_number_becomes_another_number_and_never_text() -> None:
    out = sent(["my account is 12345678901"], {"BANK_ACCOUNT": ["12345678901"]}, metadata={"id": 12345678901})
    sent_id = json.loads(out.body)["metadata"]["id"]
    assert isinstance(sent_id, int) and sent_id != 12345678901 and len(str(sent_id)) == 11
    assert out.mapping[str(sent_id)] == "12345678901" and b"12345678901" not in out.body


@pytest.mark.parametrize(("label", "number"), [("CREDIT_CARD", 4111111111111111), ("BANK_ACCOUNT", 4111)])
def test_a_number_that_no_other_can_stand_for_keeps_the_request_in(label: str, number: int) -> None:
    """What the policy redacts has no number; four digits would be found by chance in an answer."""
    with pytest.raises(Untransformable):
        sent([f"it is {number}"], {label: [str(number)]}, metadata={"id": number})


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","messages":[{"role":"user","content":"bWFyaWEua2VsbGVyQGV4YW1wbGUub3Jn"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"maria.keller%40example.org"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"metadata":{"maria.keller@example.org":"y"}}',
        b'{"model":"m","messages":[{"role":"user","content":"MARIA.KELLER@EXAMPLE.ORG"}]}',
    ],
)
def test_the_guard_sees_a_value_in_keys_and_other_spellings(body: bytes) -> None:
    with pytest.raises(Leaky):
        guard(CHAT, body, ["maria.keller@example.org"])


def test_the_guard_reads_neighbours_together() -> None:
    parts = [{"type": "text", "text": t} for t in ("ask Maria Kel", "ler now")]
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": parts}]}).encode()
    with pytest.raises(Leaky, match="joined"):
        guard(CHAT, body, ["Maria Keller"])
