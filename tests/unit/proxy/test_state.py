"""References and repeated answers bring their decision along; what this gate did not see made resolves to nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gate_support import HARMLESS, KEY, OTHER_KEY, RECORD, Plan, chat, world
from vault_support import CANARY, CRM, DAY, DESK, FACTS, TOKEN, Now, held, purpose

from policies.types import Zone
from proxy.dialects.anthropic import AnthropicMessages
from proxy.dialects.base import Dialect, Parsed, Reference, RestorerFactory, Segment
from proxy.dialects.ollama import OllamaChat
from proxy.dialects.openai_chat import OpenAIChat
from proxy.errors import BadRequest
from proxy.state import SHORT, Inherited, State, Talk, normal
from proxy.vault import SqliteVault
from redaction.types import Sensitivity

TALK = Talk(CRM, "hello")
LONG = "The patient has had chest pain since Monday and should be seen by a cardiologist this week."


def parsed(*references: Reference, said: str = "") -> Parsed:
    segments = (Segment("/messages/1/content", "assistant", said),) if said else ()
    return Parsed("test", "m", False, b"", {}, segments, references=references)


async def opened(folder: Path) -> tuple[SqliteVault, State]:
    vault = SqliteVault(folder / "vault.sqlite", purpose, Now())
    await vault.open()
    return vault, State(vault, DAY, DAY)


async def test_a_reference_of_the_same_principal_brings_its_decision(tmp_path: Path) -> None:
    vault, state = await opened(tmp_path)
    await vault.put(CRM, "response", ["resp_1"], held(), DAY)
    got = await state.inherited(TALK, parsed(Reference("response", "resp_1")))
    assert (got.upstream, got.zone, got.scope) == ("cloud", Zone.CLOUD, "first:00")
    facts = got.join(replace(FACTS, sensitivity=Sensitivity.PUBLIC, categories={}, labels={}, tags=frozenset()))
    assert facts.inherited is Zone.ENCLAVE
    assert (facts.sensitivity, facts.categories, facts.labels) == (FACTS.sensitivity, FACTS.categories, FACTS.labels)
    assert got.mapping({"EMAIL_x": "b@example.com"}) == {TOKEN: CANARY, "EMAIL_x": "b@example.com"}
    assert not got.unresolved and not got.foreign
    await vault.close()


async def test_a_stand_in_of_two_values_is_nobodys() -> None:
    both = Inherited((held(), held(mapping={TOKEN: "c@example.com", "EMAIL_y": "y"})))
    assert both.mapping({"EMAIL_y": "y"}) == {"EMAIL_y": "y"}


async def test_a_reference_of_somebody_else_blocks_and_an_unknown_one_is_uninspected(tmp_path: Path) -> None:
    vault, state = await opened(tmp_path)
    await vault.put(CRM, "response", ["resp_1"], held(), DAY)
    foreign = await state.inherited(Talk(DESK, "hello"), parsed(Reference("response", "resp_1")))
    assert foreign.join(FACTS).inherited is Zone.BLOCKED
    assert (foreign.upstream, foreign.mapping({})) == (None, {})
    unknown = await state.inherited(TALK, parsed(Reference("response", "resp_2")))
    assert unknown.unresolved == {"reference:response"}
    assert unknown.join(FACTS).inherited is Zone.CLOUD
    await vault.close()


async def test_references_of_two_upstreams_are_refused(tmp_path: Path) -> None:
    vault, state = await opened(tmp_path)
    await vault.put(CRM, "file", ["file-1"], held(), DAY)
    await vault.put(CRM, "file", ["file-2"], held(upstream="other"), DAY)
    with pytest.raises(BadRequest):
        await state.inherited(TALK, parsed(Reference("file", "file-1"), Reference("file", "file-2")))
    await vault.close()


async def test_without_a_vault_nothing_resolves() -> None:
    got = await State(None, DAY, DAY).inherited(TALK, parsed(Reference("file", "file-1")))
    assert got.unresolved == {"reference:file"}


async def test_an_answer_repeated_as_history_keeps_its_ceiling(tmp_path: Path) -> None:
    vault, state = await opened(tmp_path)
    keeping = state.keeping(TALK, held())
    assert keeping is not None and keeping.taints
    await keeping.answer([("text", LONG), ("tool_args:book", json.dumps({"why": LONG + " Twice."}))])
    for said in (LONG, f"  {LONG.upper()}\n", LONG + " twice."):
        got = await state.inherited(Talk(DESK, "another conversation"), parsed(said=said))
        assert [h.ceiling for h in got.repeated] == [Zone.ENCLAVE], said
        assert got.join(replace(FACTS, sensitivity=Sensitivity.PUBLIC)).inherited is Zone.ENCLAVE
        assert (got.upstream, got.mapping({})) == (None, {}), "history is no reference"
    assert (await state.inherited(TALK, parsed(said=LONG + " Something else."))).repeated == ()
    await vault.close()


@pytest.mark.parametrize("dialect", [OpenAIChat(), AnthropicMessages(), OllamaChat()])
@pytest.mark.parametrize("parts", [False, True])
async def test_an_answer_in_pieces_is_still_that_answer(tmp_path: Path, dialect: Dialect, parts: bool) -> None:
    vault, state = await opened(tmp_path)
    keeping = state.keeping(TALK, held())
    assert keeping is not None
    await keeping.answer([("text", LONG)])
    cut = [LONG[:20], LONG[20:50], LONG[50:]]
    said: list[Any] = [{"role": "assistant", "content": c} for c in cut]
    if parts and dialect.name != "ollama.chat":
        said = [{"role": "assistant", "content": [{"type": "text", "text": c} for c in cut]}]
    body = {"model": "m", "messages": [{"role": "user", "content": "a"}, *said, {"role": "user", "content": "b"}]}
    got = await state.inherited(TALK, dialect.parse(json.dumps(body).encode()))
    assert [h.ceiling for h in got.repeated] == [Zone.ENCLAVE]
    await vault.close()


async def test_blocks_of_an_answer_that_come_back_as_one_text_are_still_that_answer(tmp_path: Path) -> None:
    vault, state = await opened(tmp_path)
    keeping = state.keeping(TALK, held())
    assert keeping is not None
    await keeping.answer([("text+text", LONG[:30]), ("text+thinking", "Hm."), ("text+text", LONG[30:])])
    assert (await state.inherited(Talk(DESK, "other"), parsed(said=LONG))).repeated
    await vault.close()


async def test_no_number_of_other_words_hides_an_answer(tmp_path: Path) -> None:
    vault, state = await opened(tmp_path)
    keeping = state.keeping(TALK, held())
    assert keeping is not None
    await keeping.answer([("tool_args:x", json.dumps([str(i) for i in range(300)])), ("text", LONG)])
    asked = parsed(said=LONG)
    more = tuple(Segment(f"/messages/{i}/content", "assistant", f"word {i}") for i in range(300))
    assert (await state.inherited(Talk(DESK, "x"), replace(asked, segments=asked.segments + more))).repeated
    await vault.close()


async def test_a_short_answer_is_known_in_its_conversation_only(tmp_path: Path) -> None:
    vault, state = await opened(tmp_path)
    keeping = state.keeping(TALK, held())
    assert keeping is not None
    await keeping.answer([("text", "Yes.")])
    assert (await state.inherited(TALK, parsed(said="yes."))).repeated
    assert not (await state.inherited(Talk(CRM, "other"), parsed(said="Yes."))).repeated
    assert not (await state.inherited(Talk(DESK, "hello"), parsed(said="Yes."))).repeated
    await vault.close()


async def test_the_words_of_a_user_are_no_answer(tmp_path: Path) -> None:
    vault, state = await opened(tmp_path)
    keeping = state.keeping(TALK, held())
    assert keeping is not None
    await keeping.answer([("text", LONG)])
    asked = replace(parsed(), segments=(Segment("/messages/0/content", "user", LONG),))
    assert not (await state.inherited(TALK, asked)).repeated
    await vault.close()


def test_texts_are_compared_without_case_space_and_compatibility_forms() -> None:
    assert normal(" Ａnna\n\tBERG ") == normal("anna berg")
    assert len(normal("x" * SHORT)) == SHORT


# --- through the whole gate: a chat API that also holds its responses


class Chained(OpenAIChat):
    """Chat with ``previous`` (an id of an earlier answer), to see references before there is a real API for them."""

    def parse(self, body: bytes) -> Parsed:
        made = super().parse(body)
        before = made.tree.get("previous_response_id")
        return replace(made, references=(Reference("response", before),) if before else ())

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        restorers.created("response", json.loads(body)["id"])
        return super().restore(body, restorers)


@pytest.fixture(autouse=True)
def _chats_may_go_on_by_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """No vendor's chat knows ``previous_response_id``, yet a server that does must find the gate's rules in force."""
    monkeypatch.setattr("fake_cloud._CHECK", lambda _: None)


def ids(*made: str) -> Any:
    """Makes the stand-in cloud number its answers."""
    left = list(made)
    return lambda body: {"id": left.pop(0), "created": 1767225600, "model": body["model"]}


@pytest.fixture(autouse=True)
def _chained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.surfaces.OpenAIChat", Chained)


async def test_a_later_turn_goes_where_its_state_is_and_gets_earlier_values_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fake_cloud._base", ids("resp_1", "resp_2", "resp_3"))
    async with world(tmp_path) as w:
        said: list[str] = []

        def reply(body: dict[str, Any]) -> str:
            said.append(body["messages"][-1]["content"])
            return said[0]

        w.cloud.reply = reply
        first = await w.ask(f"Write to {CANARY}.")
        assert first.text == f"Write to {CANARY}."
        second = await w.ask(chat(f"And again to {CANARY}?", previous_response_id="resp_1"))
        assert second.text == f"Write to {CANARY}.", "the stand-in of the first turn is restored in the second"
        assert CANARY not in str(w.cloud.bodies)
        token = said[0].removeprefix("Write to ").rstrip(".")
        assert token in said[1], "one value, one stand-in in the whole conversation"
        third = await w.ask(chat("And a third time.", previous_response_id="resp_2"))
        assert third.text == f"Write to {CANARY}."
        assert "inherited" not in w.records(kind="intent")[-1]["facts"]


async def test_what_a_reference_was_decided_to_is_inherited_and_nobody_else_may_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fake_cloud._base", ids(*(f"resp_{i}" for i in range(9))))
    async with world(tmp_path) as w:
        assert (await w.ask(RECORD, "house-only")).status == 200
        assert len(w.house.bodies) == 1
        again = chat(HARMLESS, "gpt-4o", previous_response_id="resp_0")
        answered = await w.ask(again)
        assert (answered.status, answered.zone) == (200, "onprem"), "the state is in the house, so the request is"
        assert w.cloud.bodies == []
        elsewhere = chat(HARMLESS, "cloud-only", previous_response_id="resp_elsewhere")
        assert (await w.ask(elsewhere)).status == 403
        assert "reference:response" in w.records(kind="refusal")[0]["facts"]["uninspected"]
        w.http.headers["authorization"] = f"Bearer {OTHER_KEY}"
        foreign = await w.ask(again)
        assert foreign.status == 403
        assert len(w.house.bodies) == 2, "nothing of it left"
        w.http.headers["authorization"] = f"Bearer {KEY}"
        assert (await w.ask(again)).status == 200
        assert w.cloud.bodies == []


async def test_an_upstream_beyond_the_ceiling_of_this_turn_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fake_cloud._base", ids("resp_1", "resp_2"))
    async with world(tmp_path) as w:
        assert (await w.ask(HARMLESS)).zone == "cloud"
        refused = await w.ask(chat(RECORD, previous_response_id="resp_1"))
        assert refused.status == 403
        assert (len(w.cloud.bodies), w.house.bodies) == (1, [])


async def test_state_survives_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_cloud._base", ids("resp_1", "resp_2"))
    async with world(tmp_path) as w:
        first = await w.ask(f"Write to {CANARY}.")
        token = w.cloud.requests[0].json["messages"][0]["content"].removeprefix("Write to ").rstrip(".")
        assert first.status == 200
    async with world(tmp_path) as w:
        w.cloud.reply = lambda _: f"To {token}."
        second = await w.ask(chat("Again?", previous_response_id="resp_1"))
        assert second.text == f"To {CANARY}."


@pytest.mark.parametrize("stream", [False, True])
async def test_what_the_house_answered_about_regulated_data_does_not_go_to_the_cloud_as_history(
    tmp_path: Path, stream: bool
) -> None:
    async with world(tmp_path, Plan()) as w:
        w.house.reply = lambda _: LONG
        asked = await w.ask("token = ghp_k2Vq8ZrT5nXwB7mJ4sLd9cYfH3gPaE1uR6oT, and why?", stream=stream)
        assert asked.zone == "onprem"
        history = [{"role": "user", "content": HARMLESS}, {"role": "assistant", "content": LONG}]
        later = chat("", messages=[*history, {"role": "user", "content": "Shorter, please."}])
        assert (await w.ask(later)).zone == "onprem"
        assert w.cloud.bodies == []
        assert w.records(kind="intent")[-1]["facts"]["inherited"] == "onprem"
        w.http.headers["authorization"] = f"Bearer {OTHER_KEY}"
        assert (await w.ask(later)).zone == "onprem", "another app of the tenant takes it over too"
        fresh = chat("", messages=[{"role": "user", "content": HARMLESS}, {"role": "assistant", "content": "Paris."}])
        assert (await w.ask({**fresh, "messages": [*fresh["messages"], later["messages"][-1]]})).zone == "cloud"


async def test_an_app_that_leaves_in_the_middle_has_part_of_an_answer_that_keeps_its_ceiling(tmp_path: Path) -> None:
    async with world(tmp_path, Plan()) as w:
        w.house.reply, w.house.mode = lambda _: LONG, "endless"
        secret = "token = ghp_k2Vq8ZrT5nXwB7mJ4sLd9cYfH3gPaE1uR6oT, and why?"
        async with w.http.post(w.chat_url, json=chat(secret, stream=True)) as answer:
            await answer.content.readexactly(400)
        await w.house.gone.wait()
        await w.quiet()
        assert "answer" in w.gate.vault._kinds


async def test_an_id_is_in_the_vault_before_the_app_sees_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_cloud._base", ids("resp_1"))
    async with world(tmp_path) as w:
        await w.gate.vault.close()
        answered = await w.ask(HARMLESS)
        assert (answered.status, answered.code) == (503, "vault_unavailable")
        assert w.records(kind="outcome")[0]["code"] == "vault_unavailable"
