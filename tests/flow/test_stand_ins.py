"""Realistic stand-ins and numbers through the gate: what leaves is believable, what comes back is the app's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_cloud import call_tool
from gate_support import ADDRESS, Plan, chat, world

POLICY = Path(__file__).parents[2] / "policies" / "default.yaml"
CARD = "4111111111111111"


def realistic(folder: Path) -> str:
    text = POLICY.read_text("utf-8").replace("defaults:\n", "defaults:\n  stand_ins: realistic\n", 1)
    (folder / "policy.yaml").write_text(text)
    return str(folder / "policy.yaml")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_realistic_stand_in_leaves_and_the_value_comes_back(tmp_path: Path, stream: bool) -> None:
    async with world(tmp_path, Plan(policy=realistic(tmp_path))) as w:
        text = f"Write to {ADDRESS} or call +49 30 901820 from 10.20.30.40 please."
        got = await w.ask(text, stream=stream)
        sent = w.cloud.requests[0].json["messages"][0]["content"]
        assert ADDRESS not in sent and "10.20.30.40" not in sent and "@example." in sent and "EMAIL_" not in sent
        assert got.headers.get("sealgate-restored", "3/3") == "3/3"
        said = got.text if not stream else "".join(
            json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
            for line in got.body.decode().splitlines()
            if line.startswith("data: {")
        )  # fmt: skip
        assert said == text


async def test_the_same_value_has_the_same_realistic_stand_in_in_every_turn(tmp_path: Path) -> None:
    async with world(tmp_path, Plan(policy=realistic(tmp_path))) as w:
        first = {"role": "user", "content": f"I am {ADDRESS}."}
        await w.ask({"model": "gpt-4o", "messages": [first]})
        more = [first, {"role": "assistant", "content": "Hi!"}, {"role": "user", "content": f"And {ADDRESS}?"}]
        await w.ask({"model": "gpt-4o", "messages": more})
        one, two = (r.json["messages"][0]["content"] for r in w.cloud.requests)
        assert one == two and one.split()[2].rstrip(".") in w.cloud.requests[1].json["messages"][2]["content"]


async def test_a_number_leaves_as_another_number_and_comes_back(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.read_text("utf-8").replace("CREDIT_CARD: redact", "CREDIT_CARD: pseudonym"))
    async with world(tmp_path, Plan(policy=str(policy))) as w:
        schema = {"type": "object", "properties": {"account": {"type": "integer", "default": int(CARD)}}}
        tools = [{"type": "function", "function": {"name": "book", "parameters": schema}}]
        history = call_tool("book", {"account": int(CARD)})
        body = chat("book it", messages=[{"role": "user", "content": "book"}, history | {"content": ""},
                                         {"role": "tool", "tool_call_id": "call_1", "content": "ok"}])  # fmt: skip

        def reply(seen: dict[str, Any]) -> dict[str, Any]:
            account = seen["tools"][0]["function"]["parameters"]["properties"]["account"]["default"]
            assert (
                isinstance(account, int)
                and str(account) in seen["messages"][1]["tool_calls"][0]["function"]["arguments"]
            )
            return call_tool("book", {"account": account})

        w.cloud.reply = reply
        got = await w.ask(body | {"tools": tools})
        assert got.status == 200 and CARD.encode() not in w.cloud.requests[0].body
        arguments = got.json["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
        assert json.loads(arguments) == {"account": int(CARD)}
