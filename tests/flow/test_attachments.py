"""Attachments through the gate: read in the worker, decided on, replaced by their text where policy says so."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anthropic
import document_files as files
import pytest
from document_files import CANARY, TYPES, data_uri
from fake_anthropic import FakeAnthropic
from gate_support import HARMLESS, KEY, MODELS, Plan, World, world

from policies.types import Zone
from proxy.settings import Limits, ModelRoute, Secret, UpstreamConfig

KINDS = ("pdf", "docx", "xlsx", "pptx", "eml", "html")
FIRST = {kind: next(iter(places.values())) for kind, places in files.PLACES.items()} | dict(files.OTHER)
DEFAULT = Path(__file__).parents[2] / "policies" / "default.yaml"


def asking(kind: str, data: bytes, name: str | None = None) -> dict[str, Any]:
    """A chat request with a file."""
    file = {"filename": name or f"a.{kind}", "file_data": data_uri(data, TYPES[kind])}
    parts = [{"type": "text", "text": HARMLESS}, {"type": "file", "file": file}]
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": parts}]}


def replacing(folder: Path) -> Plan:
    """The default policy, with attachments replaced by their text."""
    policy = folder / "policy.yaml"
    policy.write_text(DEFAULT.read_text().replace("defaults:\n", "defaults:\n  attachments: text\n", 1))
    return Plan(policy=str(policy))


@pytest.mark.parametrize("kind", files.BENIGN)
async def test_an_attachment_without_findings_crosses_with_its_own_bytes(tmp_path: Path, kind: str) -> None:
    async with world(tmp_path) as w:
        body = asking(kind, files.BENIGN[kind]())
        answer = await w.ask(body)
        assert (answer.status, answer.zone, answer.headers["sealgate-action"]) == (200, "cloud", "allowed")
        assert json.loads(w.cloud.requests[0].body) == body


@pytest.mark.parametrize("kind", FIRST)
async def test_an_attachment_with_a_value_stays_out_of_a_zone_where_the_value_must_change(
    tmp_path: Path, kind: str
) -> None:
    async with world(tmp_path) as w:
        answer = await w.ask(asking(kind, FIRST[kind]()))
        assert answer.zone != "cloud" and not w.cloud.requests
        facts = w.records(kind="intent")[-1]["facts"]
        assert facts["labels"]["EMAIL_ADDRESS"]["n"] >= 1 and not facts["uninspected"]


@pytest.mark.parametrize("kind", FIRST)
async def test_an_attachment_gives_way_to_its_transformed_text_and_the_answer_is_restored(
    tmp_path: Path, kind: str
) -> None:
    async with world(tmp_path, replacing(tmp_path)) as w:
        answer = await w.ask(asking(kind, FIRST[kind]()))
        assert (answer.status, answer.zone, answer.headers["sealgate-action"]) == (200, "cloud", "redacted")
        sent = json.loads(w.cloud.requests[0].body)
        part = sent["messages"][0]["content"][1]
        assert part["type"] == "text" and part["text"].startswith(f"[file a.{kind}]\n") and "EMAIL_" in part["text"]
        assert CANARY not in str(sent)


async def test_what_replaces_an_attachment_is_restored_in_the_answer(tmp_path: Path) -> None:
    async with world(tmp_path, replacing(tmp_path)) as w:
        body = asking("txt", f"see {CANARY}".encode())
        body["messages"][0]["content"].reverse()
        body["messages"][0]["content"][1]["text"] = f"Who is {CANARY}?"
        answer = await w.ask(body)
        assert CANARY in answer.text and CANARY.encode() not in w.cloud.requests[0].body


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("docx", files.word(edit=lambda d: d.add_picture(__import__("io").BytesIO(files.picture())) and None)),
        ("pdf", b"%PDF-1.7\nnot one"),
        ("docx", files.pdf()),
        ("xlsx", files.bomb(60_000_000)),
    ],
    ids=["a picture inside", "damaged", "another type than it says", "a bomb"],
)
async def test_an_attachment_that_nobody_can_read_stays_in_the_house(tmp_path: Path, kind: str, data: bytes) -> None:
    async with world(tmp_path) as w:
        answer = await w.ask(asking(kind, data))
        assert (answer.status, answer.zone) == (200, "onprem")
        assert not w.cloud.requests and not w.enclave.received
        assert any(r.startswith("document:") for r in w.records(kind="intent")[-1]["facts"]["uninspected"])


async def test_a_value_of_the_conversation_is_found_in_an_attachment_and_the_other_way_round(tmp_path: Path) -> None:
    code = "Zanzibar-77-Kolibri"
    async with world(tmp_path, replacing(tmp_path)) as w:
        body = asking("txt", f"The password is {code}x9Q!.".encode())
        body["messages"][0]["content"][0]["text"] = f"Say {CANARY} twice."
        body["messages"].append(
            {"role": "user", "content": [asking("txt", f"to {CANARY}".encode())["messages"][0]["content"][1]]}
        )
        await w.ask(body)
        assert all(CANARY.encode() not in r.body for r in w.cloud.requests)


async def test_the_name_of_a_file_that_is_replaced_is_transformed_too(tmp_path: Path) -> None:
    async with world(tmp_path, replacing(tmp_path)) as w:
        await w.ask(asking("txt", f"see {CANARY}".encode(), name=f"{CANARY}.txt"))
        assert CANARY.encode() not in w.cloud.requests[0].body and b"[file EMAIL_" in w.cloud.requests[0].body


async def test_a_document_as_the_text_of_a_message_is_read(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for text in (data_uri(files.pdf(CANARY), TYPES["pdf"]), base64.b64encode(files.word(CANARY)).decode()):
            await w.ask(text)
        assert not w.cloud.requests


async def test_a_real_worker_reads_attachments_too(tmp_path: Path) -> None:
    plan = replacing(tmp_path)
    plan.judge = None
    plan.limits = replace(plan.limits, inspect_deadline_s=120.0)  # of a busy machine, too
    async with world(tmp_path, plan) as w:
        answer = await w.ask(asking("pdf", files.pdf(f"Write to {CANARY}.")))
        assert (answer.status, answer.zone) == (200, "cloud")
        assert CANARY.encode() not in w.cloud.requests[0].body and b"EMAIL_" in w.cloud.requests[0].body


async def test_a_worker_that_reads_for_too_long_is_killed_and_the_attachment_stays_in_the_house(tmp_path: Path) -> None:
    plan = Plan(judge=None, limits=Limits(shutdown_s=5.0, inspect_deadline_s=0.002))
    async with world(tmp_path, plan) as w:
        answer = await w.ask(asking("xlsx", files.excel([[f"cell {i}", i] for i in range(20_000)])))
        assert answer.zone == "onprem" and not w.cloud.requests
        assert "document:deadline" in w.records(kind="intent")[-1]["facts"]["uninspected"]


# -- Anthropic --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def claude(tmp_path: Path, plan: Plan) -> AsyncIterator[tuple[World, FakeAnthropic, anthropic.AsyncAnthropic]]:
    async with FakeAnthropic() as cloud:
        plan.more = {"claude": UpstreamConfig("claude", Zone.CLOUD, "anthropic", url=cloud.url, key=Secret("k"))}
        plan.models = {**MODELS, "claude": ModelRoute((("claude", "claude"),))}
        async with (
            world(tmp_path, plan) as w,
            anthropic.AsyncAnthropic(base_url=w.gate.url, api_key=KEY, max_retries=0) as sdk,
        ):
            yield w, cloud, sdk


def telling(data: bytes, media_type: str = "application/pdf") -> dict[str, Any]:
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}
    parts = [{"type": "document", "source": source, "title": "Report"}, {"type": "text", "text": HARMLESS}]
    return {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": parts}]}


async def test_a_document_block_without_findings_crosses_with_its_own_bytes(tmp_path: Path) -> None:
    async with claude(tmp_path, Plan()) as (_, cloud, sdk):
        body = telling(files.pdf())
        await sdk.messages.create(**body)
        assert json.loads(cloud.bodies[0]) == body


async def test_a_document_block_with_a_value_is_refused_or_replaced_as_policy_says(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with claude(tmp_path / "a", Plan()) as (_, cloud, sdk):
        with pytest.raises(anthropic.APIStatusError):
            await sdk.messages.create(**telling(files.pdf(CANARY)))
        assert cloud.bodies == []
    async with claude(tmp_path / "b", replacing(tmp_path)) as (_, cloud, sdk):
        await sdk.messages.create(**telling(files.pdf(CANARY)))
        block = json.loads(cloud.bodies[0])["messages"][0]["content"][0]
        assert block["source"]["type"] == "text" and block["source"]["media_type"] == "text/plain"
        assert "EMAIL_" in block["source"]["data"] and block["title"] == "Report"
        assert CANARY.encode() not in cloud.bodies[0] and cloud.violations == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_document_block_of_any_type_is_read(tmp_path: Path, kind: str) -> None:
    async with claude(tmp_path, Plan()) as (_, cloud, sdk):
        with pytest.raises(anthropic.APIStatusError):
            await sdk.messages.create(**telling(FIRST[kind](), TYPES[kind]))
        assert cloud.bodies == []


async def test_an_attachment_that_no_upstream_may_have_is_refused_once_and_for_good(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        answer = await w.ask({**asking("pdf", FIRST["pdf"]()), "model": "cloud-only"})
        assert (answer.status, answer.code) == (403, "transform_failed")
        assert answer.headers["x-should-retry"] == "false" and "retry-after" not in answer.headers
        assert not w.cloud.requests and not w.records(kind="intent")
        assert [r["code"] for r in w.records(kind="refusal")] == ["transform_failed"] * 2
