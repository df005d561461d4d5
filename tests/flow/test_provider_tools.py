"""What a provider would use on its own is an upstream of its own: listed, and as far away as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gate_support import HARMLESS, MAIL, RECORD, Plan, World, chat, world

from policies.types import Zone
from proxy.settings import ModelRoute, UpstreamConfig

SEARCH: dict[str, Any] = {"web_search_options": {}}


def plan(cloud: str, tools: dict[str, Zone], zone: Zone = Zone.CLOUD) -> Plan:
    there = UpstreamConfig("there", zone, "openai", url=cloud, tools=tools)
    return Plan(more={"there": there}, models={"m": ModelRoute((("there", "m"),)), "n": ModelRoute((("cloud", "n"),))})


async def ask(w: World, text: str, model: str = "m", **more: Any) -> Any:
    return await w.ask(chat(text, model, **more))


async def test_a_tool_that_is_not_listed_is_refused_and_recorded(tmp_path: Path) -> None:
    async with world(tmp_path, Plan(models={"n": ModelRoute((("cloud", "n"),))})) as w:
        got = await ask(w, HARMLESS, "n", **SEARCH)
        assert (got.status, got.code) == (403, "tool_not_allowed") and not w.cloud.requests
        [refusal] = w.records(kind="refusal")
        assert refusal["code"] == "tool_not_allowed" and refusal["reasons"] == ["web_search"]


@pytest.mark.parametrize(
    "more",
    [
        {"search_parameters": {"mode": "on"}}, {"enable_search": True}, {"plugins": [{"id": "web"}]},
        {"data_sources": [{"type": "azure_search"}]}, {"mcp_servers": [{"url": "https://evil.example"}]},
        {"extra_body": {"tools": [{"type": "web_search"}]}}, {"extra": {"server_url": "https://evil.example"}},
    ],
)  # fmt: skip
async def test_a_tool_that_is_asked_for_in_a_servers_own_way_is_a_tool(tmp_path: Path, more: dict[str, Any]) -> None:
    async with world(tmp_path, Plan(models={"n": ModelRoute((("cloud", "n"),))})) as w:
        got = await ask(w, HARMLESS, "n", **more)
        assert (got.status, got.code) == (403, "tool_not_allowed") and not w.cloud.requests
        off = await ask(w, HARMLESS, "n", enable_search=False, web_search_options=None, plugins=[])
        assert off.status != 403 and len(w.cloud.requests) == 1


async def test_a_listed_tool_may_be_used_and_values_still_stay(tmp_path: Path) -> None:
    async with world(tmp_path) as far, world_with(tmp_path / "x", far.cloud.url, {"web_search": Zone.CLOUD}) as w:
        got = await ask(w, MAIL, **SEARCH)
        assert got.status == 200 and got.headers["sealgate-action"] == "redacted"
        assert b"anna.berg" not in far.cloud.requests[0].body


@pytest.mark.parametrize(("zone", "status"), [(Zone.CLOUD, 403), (Zone.ONPREM, 200)])
async def test_a_model_in_the_house_with_a_tool_outside_is_outside(tmp_path: Path, zone: Zone, status: int) -> None:
    async with (
        world(tmp_path) as far,
        world_with(tmp_path / "x", far.cloud.url, {"web_search": zone}, Zone.ONPREM) as w,
    ):
        assert (await ask(w, RECORD)).status == 200
        assert (await ask(w, RECORD, **SEARCH)).status == status
        got = await ask(w, MAIL, **SEARCH)
        assert got.status == 200
        outside = b"anna.berg" not in far.cloud.requests[-1].body
        assert outside == (zone is Zone.CLOUD) and got.zone == zone.word


@pytest.mark.parametrize(
    ("tools", "status"),
    [
        ({}, 403),
        ({"fetch:a.example": Zone.ONPREM}, 200),
        ({"fetch:*": Zone.ONPREM}, 200),
        ({"fetch:b.example": Zone.ONPREM}, 403),
        ({"fetch:a.example": Zone.CLOUD}, 403),
    ],
)
async def test_an_image_is_fetched_from_listed_hosts_only(tmp_path: Path, tools: dict[str, Zone], status: int) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}
    async with world(tmp_path) as far, world_with(tmp_path / "x", far.cloud.url, tools, Zone.ONPREM) as w:
        got = await w.ask({"model": "m", "messages": [{"role": "user", "content": [image]}]})
        assert got.status == status and len(far.cloud.requests) == (status == 200)


def world_with(folder: Path, cloud: str, tools: dict[str, Zone], zone: Zone = Zone.CLOUD) -> Any:
    folder.mkdir()
    return world(folder, plan(cloud, tools, zone))
