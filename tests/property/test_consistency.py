"""One value, one stand-in, one way back: across turns, apps and users, also where stand-ins are few.

What one principal's stand-in means is known to that principal's request alone; an app that types another's stand-in, in
any spelling, reads it as it stands.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.decide import decide
from policies.load import load
from policies.types import Decision, Facts, Zone
from proxy.dialects.openai_chat import OpenAIChat
from proxy.ports import Inspected
from proxy.restorers import Restorers
from proxy.rewrite import Rewritten, rewrite
from redaction.pseudonym import StandIns
from redaction.spans import Occurrences
from redaction.types import Classification, Finding, Sensitivity, TextResult

POLICY = """
version: 1
name: t
owner: t@t.example
defaults:
  sensitivity: {public: cloud, internal: cloud, confidential: cloud, regulated: cloud}
  uninspected: onprem
  transforms: {"*": pseudonym}
  transforms_enclave: {"*": keep}
  restore: {user: [text], assistant: [text], system: []}
"""
FACTS = Facts("app", "tenant", "openai.chat", "m", dt.date(2026, 1, 1))
DECISION: Decision = decide(load(POLICY, "t.yaml"), FACTS)
NAMES = ["Maria Keller", "Otto Boss", "Ann", "maria keller", "李小龙", "Zoë D'Arc"]
CHAT = OpenAIChat()
quick = settings(max_examples=60, deadline=None, database=None)
texts = st.lists(st.sampled_from([*NAMES, " and ", " asks ", ". ", "\n", "PERSON_", "x"]), min_size=1, max_size=8).map(
    "".join
)
turns = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), texts), min_size=1, max_size=5)
SPELLINGS = (
    str,
    str.lower,
    lambda t: t.replace("_", " "),
    lambda t: t.rpartition("_")[2],
    lambda t: t.replace("_", "\\_"),
)


def sent(
    messages: Sequence[tuple[str, str]], *, tenant: bytes = b"k" * 32, scope: str = "s", chars: int = 13
) -> Rewritten:
    body = {"model": "m", "messages": [{"role": r, "content": c} for r, c in messages]}
    parsed = CHAT.parse(json.dumps(body).encode())
    nothing = Classification(Sensitivity.PUBLIC)
    places = Occurrences(NAMES)
    results = [
        TextResult(tuple(Finding(s, e, "PERSON", 0.9, "t") for s, e in places.find(segment.text)), nothing)
        for segment in parsed.segments
    ]
    seen = Inspected(tuple(results), nothing, {})
    return rewrite(CHAT, parsed, seen, DECISION, Zone.CLOUD, "m", StandIns(tenant, scope, chars=chars))


def said(body: bytes) -> list[str]:
    return [m["content"] for m in json.loads(body)["messages"]]


def answered(text: str, ready: Rewritten) -> str:
    channel = Restorers(ready.mapping, ready.origins, DECISION)("text")
    return channel.feed(text) + channel.close()


@quick
@given(turns, turns)
def test_a_value_keeps_its_stand_in_over_the_turns_of_a_conversation(
    first: list[tuple[str, str]], more: list[tuple[str, str]]
) -> None:
    one, two = sent(first), sent([*first, *more])
    assert {v: k for k, v in one.mapping.items()}.items() <= {v: k for k, v in two.mapping.items()}.items()
    assert said(two.body)[: len(first)] == said(one.body), "the beginning stays the same, byte for byte"


@quick
@given(turns, st.integers(2, 13))
def test_an_echo_comes_back_as_it_was_also_where_stand_ins_are_few(messages: list[tuple[str, str]], chars: int) -> None:
    ready = sent(messages, chars=chars)
    assert len(set(ready.mapping)) == len(set(ready.mapping.values())) == len(ready.mapping)
    for was, goes in zip([c for _, c in messages], said(ready.body), strict=True):
        assert answered(goes, ready) == was


@quick
@given(turns, turns, st.sampled_from(SPELLINGS))
def test_nobody_gets_the_value_of_another_by_typing_its_stand_in(
    mine: list[tuple[str, str]], theirs: list[tuple[str, str]], spelling: object
) -> None:
    """Another user or conversation is another scope, another tenant another key."""
    assert callable(spelling)
    ready = sent(mine)
    typed = [("user", f"Who is {spelling(token)}?") for token in ready.mapping]
    for other in (sent([*theirs, *typed], scope="other"), sent([*theirs, *typed], tenant=b"x" * 32)):
        assert not set(other.mapping) & set(ready.mapping)
        for was, goes in zip([c for _, c in [*theirs, *typed]], said(other.body), strict=True):
            assert answered(goes, other) == was


@quick
@given(turns)
def test_typing_ones_own_stand_in_of_an_earlier_turn_gives_no_value_either(messages: list[tuple[str, str]]) -> None:
    ready = sent(messages)
    typed = [("user", f"Who is {token}?") for token in ready.mapping]
    again = sent([*messages, *typed])
    assert not set(again.mapping) & set(ready.mapping), "a stand-in of the input is never ours"
    assert [answered(goes, again) for goes in said(again.body)[len(messages) :]] == [c for _, c in typed]
