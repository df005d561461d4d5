"""Disguised values through a real gate: nothing of them crosses in any reading, and answers have them as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from disguises import BENIGN, CHARACTERS, RUNS, SPELLED, VALUES
from gate_support import World, chat, world

from redaction.known import Known

MAIL = VALUES["EMAIL_ADDRESS"]
CARD = VALUES["CREDIT_CARD"]


def strings(node: Any) -> list[str]:
    if isinstance(node, str):
        return [node]
    return (
        [s for child in (node.values() if isinstance(node, dict) else node or []) for s in strings(child)]
        if isinstance(node, (dict, list))
        else []
    )


def crossed(w: World, *values: str) -> list[str]:
    """What the last request to the cloud still says of the values: in one text or in neighbours together."""
    texts = strings(w.cloud.requests[-1].json["messages"])
    known = Known({v: {} for v in values})
    left = [t for t in (*texts, "".join(texts), " ".join(texts)) if list(known.find(t))]
    bare = ["".join(c for c in t if c.isalnum()).lower() for t in (*texts, "".join(texts))]
    return left + [t for t in bare for v in values if "".join(c for c in v if c.isalnum()).lower() in t]


async def test_a_disguised_address_crosses_as_a_stand_in_and_comes_back_as_it_was(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for name, disguise in (CHARACTERS | RUNS).items():
            text = f"Please write to {disguise(MAIL)} today."
            if name == "nul":  # JSON text may not hold it
                continue
            got = await w.ask(text)
            assert (got.status, got.zone) == (200, "cloud"), name
            assert not crossed(w, MAIL), name
            assert got.text == text, name
        assert not w.cloud.violations


async def test_a_spelled_out_address_crosses_as_a_stand_in_and_comes_back_as_it_was(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for name, spelled in SPELLED["EMAIL_ADDRESS"].items():
            text = f"Please write to this one:\n{spelled}\ntoday."
            got = await w.ask(text)
            assert (got.status, got.zone) == (200, "cloud"), name
            sent = " ".join(strings(w.cloud.requests[-1].json["messages"]))
            assert "vorhausen" not in sent and "v o r" not in sent and "berry" not in sent, name
            if name == "in_a_link":  # nothing of the user goes into links (``restore:``), even where it was
                assert got.text.startswith(text.partition("quintella")[0]) and "EMAIL_" in got.text
            else:
                assert got.text == text, name


async def test_a_disguised_card_never_crosses(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for name, disguise in (CHARACTERS | RUNS).items():
            if name != "nul":
                got = await w.ask(f"Charge {disguise(CARD)} please.")
                assert got.status == 200, name
                assert got.zone != "cloud" or not crossed(w, CARD), name
        for name, spelled in SPELLED["CREDIT_CARD"].items():
            got = await w.ask(f"Charge this:\n{spelled}\nplease.")
            assert got.status == 200, name
            if got.zone == "cloud":
                sent = "".join(strings(w.cloud.requests[-1].json["messages"]))
                assert "30109903" not in "".join(c for c in sent if c.isdigit()), name


async def test_a_value_split_over_parts_or_messages_crosses_in_stand_ins_and_comes_back_whole(tmp_path: Path) -> None:
    def parts(*texts: str) -> list[dict[str, str]]:
        return [{"type": "text", "text": t} for t in texts]

    cuts = (
        ("mail to ", "quintella.vorhausen@canary", "-berry.com"),
        ("mail to quintella.vorhausen@", "canary-berry", ".com", " now"),
        tuple(MAIL),
        ("mail to quintella.vorhausen", "@canary-berry.com."),
    )
    async with world(tmp_path) as w:
        for texts in cuts:
            got = await w.ask(chat("", messages=[{"role": "user", "content": parts(*texts)}]))
            assert (got.status, got.zone) == (200, "cloud"), texts
            assert not crossed(w, MAIL), texts
            assert got.text == "".join(texts), texts
        messages = [{"role": "user", "content": t} for t in ("mail to quintella.vorhausen@canary", "-berry.com now")]
        got = await w.ask(chat("", messages=messages))
        assert got.status == 200
        assert not crossed(w, MAIL)
        assert got.text == "-berry.com now"
        got = await w.ask(chat("", messages=[{"role": "user", "content": parts("pay 5425 2334 ", "3010 9903")}]))
        assert got.status == 200
        assert got.zone != "cloud" or not crossed(w, CARD)


async def test_the_pieces_of_a_split_value_may_stand_elsewhere(tmp_path: Path) -> None:
    parts = [
        {"type": "text", "text": t} for t in ("mail to quintella.vorhausen@canary-berry.", "com", " or a com object")
    ]
    async with world(tmp_path) as w:
        got = await w.ask(chat("", "cloud-only", messages=[{"role": "user", "content": parts}]))
        assert got.status == 200
        assert not crossed(w, MAIL)
        assert "a com object" in w.cloud.requests[-1].body.decode()


async def test_innocent_texts_cross_byte_for_byte(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for text in BENIGN:
            body = json.dumps(chat(text, "cloud-only")).encode()
            async with w.http.post(w.chat_url, data=body, headers={"content-type": "application/json"}) as answer:
                assert answer.status == 200, (text, await answer.read())
                assert answer.headers["sealgate-zone"] == "cloud", text
            assert w.cloud.requests[-1].body == body, text


async def test_disguises_in_tool_arguments_keys_and_lists_are_found(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for name, disguise in {"plain": str, **CHARACTERS, **RUNS}.items():
            if name == "nul":
                continue
            arguments = {"to": disguise(MAIL), disguise(MAIL): 1, "list": ["quintella.vorhausen@canary", "-berry.com"]}
            call = {"id": "c1", "type": "function", "function": {"name": "send", "arguments": json.dumps(arguments)}}
            messages = [
                {"role": "user", "content": "go"},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c1", "content": json.dumps({"sent": disguise(MAIL)})},
            ]
            got = await w.ask(chat("", messages=messages, metadata={"for": disguise(MAIL)}))
            assert got.status == 200, name
            assert got.zone != "cloud" or not crossed(w, MAIL), name
            sent = json.loads(
                json.loads(w.cloud.requests[-1].body)["messages"][1]["tool_calls"][0]["function"]["arguments"]
            )
            assert not {"quintella.vorhausen@canary", "-berry.com"} & set(sent["list"])


async def test_more_encoded_runs_than_may_be_read_are_uninspected(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        got = await w.ask("bm90aGluZyB0byBzZWU= " * 3000)
        assert got.status == 200
        assert got.zone != "cloud"
        assert not w.cloud.requests
