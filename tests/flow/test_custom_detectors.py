"""Patterns, terms and recognizers of an organisation's own in a gate that serves: what docs/detectors.md shows, and
ways to make a value cross because one of them failed silently."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gate_support import HARMLESS, Judge, Plan, World, chat, world

from policies.types import Inspection
from policies.yaml_strict import Reader, parse
from proxy.config_recognizers import read_recognizers
from proxy.dialects.base import Segment
from proxy.inspect_worker import Bench, build
from proxy.ports import Inspected
from redaction.custom import NOTHING, Custom, OwnPattern
from redaction.pipeline import Pipeline
from redaction.spans import OWN
from redaction.types import DetectorFailed, Finding

PAGE = (Path(__file__).parents[2] / "docs" / "detectors.md").read_text("utf-8")
NUMBER = "EMP-204711"
TEXT = f"Please greet {NUMBER} for me."


def example(name: str) -> str:
    """A block of the page, as a reader copies it."""
    found = re.search(rf"<!-- example: {name} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def policy(folder: Path, text: str = "") -> str:
    (folder / "acme.yaml").write_text(text or example("policy"))
    (folder / "projects.txt").write_text("# ours\nGrey Owl\n")
    return str(folder / "acme.yaml")


def unseen(w: World, *values: str) -> bool:
    return not any(v.encode() in body for v in values for body in w.cloud.bodies)


async def test_the_page_s_pattern_and_recognizer_mask_on_the_wire_and_restore_in_the_answer(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "badges.py").write_text(example("recognizer"))
    r = Reader(parse(example("configuration"), "sealgate.yaml"))
    configured = tuple(replace(one, timeout_s=20.0) for one in read_recognizers(r, tmp_path))
    r.done()
    plan = Plan(judge=None, policy=policy(tmp_path), recognizers=configured)
    async with world(tmp_path, plan) as w:
        text = f"I am {NUMBER}, my badge is B-1234 and my dni is 55555555K."
        answer = await w.ask(text, "cloud-only")
        assert (answer.status, answer.text) == (200, text)
        assert w.cloud.bodies and unseen(w, NUMBER, "B-1234", "55555555K")
        sent = w.cloud.bodies[0].decode()
        assert "EMPLOYEE_ID_" in sent and "BADGE_NUMBER_" in sent
        (intent,) = w.records(kind="intent")
        assert {OWN, "recognizer.BadgeRecognizer", "recognizer.EsNifRecognizer"} <= intent["digests"].keys()


@pytest.mark.parametrize(
    "text",
    [
        TEXT, TEXT.lower(), f"{NUMBER}", f"x={NUMBER}&y=1", "EMP%2D204711", "ＥＭＰ-204711", "EMP-20\u200b4711",
        base64.b64encode(f"my number is {NUMBER}".encode()).decode(), "customer 12345674", "Kunde: 12345674",
    ],
)  # fmt: skip
async def test_no_spelling_of_an_own_value_reaches_the_cloud(tmp_path: Path, text: str) -> None:
    async with world(tmp_path, Plan(policy=policy(tmp_path))) as w:
        answer = await w.ask(text, "cloud-only")
        assert answer.status == 200 and answer.text == text
        assert unseen(w, NUMBER, NUMBER.lower(), "12345674", text)


@pytest.mark.parametrize("text", ["Tell me about grey owl.", "GREY-OWL", "the C++ Guild", "Blue\nHeron's plan"])
async def test_a_rule_on_an_own_label_keeps_the_text_at_home(tmp_path: Path, text: str) -> None:
    async with world(tmp_path, Plan(policy=policy(tmp_path))) as w:
        assert (await w.ask(text)).zone == "onprem"
        assert not w.cloud.requests


@pytest.mark.parametrize(
    "more",
    [
        {"user": NUMBER}, {"metadata": {"who": NUMBER}}, {"metadata": {NUMBER: "who"}}, {"stop": [NUMBER]},
        {"tools": [{"type": "function", "function": {"name": "f", "description": f"for {NUMBER}"}}]},
        {"messages": [{"role": "user", "content": "I am EMP-20"}, {"role": "user", "content": "4711"}]},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": [
            {"id": NUMBER, "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": NUMBER, "content": "x"}]},
    ],
    ids=["user", "metadata", "key", "stop", "tool", "split", "id"],
)  # fmt: skip
async def test_an_own_value_crosses_in_no_field(tmp_path: Path, more: dict[str, Any]) -> None:
    async with world(tmp_path, Plan(policy=policy(tmp_path))) as w:
        await w.ask(chat(HARMLESS, "cloud-only", **more))
        assert unseen(w, NUMBER, "EMP-20")


async def test_a_pattern_added_to_the_policy_is_in_force_with_it(tmp_path: Path) -> None:
    name = policy(tmp_path, example("policy").replace(r"EMP-\d{6}", r"ABC-\d{6}").replace("EMP-20", "ABC-20"))
    async with world(tmp_path, Plan(policy=name)) as w:
        assert (await w.ask(TEXT, "cloud-only")).status == 200
        assert not unseen(w, NUMBER)
        w.cloud.requests.clear()
        policy(tmp_path)
        await w.gate.reload()
        assert (await w.ask(TEXT, "cloud-only")).text == TEXT
        assert unseen(w, NUMBER)
        (tmp_path / "acme.yaml").write_text(example("policy").replace(r"\bEMP", "(?<=x)EMP"))
        await w.gate.reload()
        assert w.gate.policy.failing
        assert (await w.ask(TEXT, "cloud-only")).status == 200
        assert unseen(w, NUMBER), "the old one stays"
        (tmp_path / "projects.txt").write_text("")
        await w.gate.reload()
        assert (await w.ask("grey owl")).zone == "onprem", "so do its lists"


class Deaf(Judge):
    """An inspector that never hears of what the policy looks for."""

    def use(self, own: Custom) -> None:
        pass


async def test_what_was_not_inspected_for_the_policy_s_patterns_is_uninspected(tmp_path: Path) -> None:
    async with world(tmp_path, Plan(judge=Deaf(), policy=policy(tmp_path))) as w:
        assert (await w.ask(TEXT)).zone == "onprem"
        assert not w.cloud.requests
        (intent,) = w.records(kind="intent")
        assert intent["facts"]["uninspected"] == ["detectors:reloaded"]


class Slow(Judge):
    """The policy changes while the first text is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.go = asyncio.Event()
        self.begun = asyncio.Event()

    async def inspect(
        self, tenant: str, segments: Sequence[Segment], inspection: Inspection = Inspection.FULL
    ) -> Inspected:
        seen = await super().inspect(tenant, segments, inspection)
        self.looks += 1
        self.begun.set()
        await self.go.wait()
        return seen


async def test_a_request_that_began_before_a_pattern_was_added_is_inspected_again(tmp_path: Path) -> None:
    judge = Slow()
    name = policy(tmp_path, example("policy").replace(r"EMP-\d{6}", r"ABC-\d{6}").replace("EMP-20", "ABC-20"))
    async with world(tmp_path, Plan(judge=judge, policy=name)) as w:
        asked = asyncio.ensure_future(w.ask(TEXT, "cloud-only"))
        await judge.begun.wait()
        policy(tmp_path)
        await w.gate.reload()
        judge.go.set()
        assert (await asked).text == TEXT
        assert judge.looks == 2 and unseen(w, NUMBER)


class Broken:
    """A recognizer's failure as the pipeline sees it."""

    digest = "0" * 16
    name = "recognizer.Broken"

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        raise DetectorFailed(self.name, "resting")


async def test_a_text_that_a_recognizer_could_not_read_stays_at_home(tmp_path: Path) -> None:
    judge = Judge(Pipeline([*build(None, names=False).detectors, Broken()], None))
    async with world(tmp_path, Plan(judge=judge, policy=policy(tmp_path))) as w:
        assert (await w.ask(HARMLESS)).zone == "onprem"
        assert not w.cloud.requests
        (intent,) = w.records(kind="intent")
        assert intent["facts"]["uninspected"] == ["recognizer.Broken:resting"]


def test_a_worker_never_takes_other_patterns_for_those_it_was_asked_for() -> None:
    bench = Bench(None, names=False)
    own = Custom((OwnPattern("p", "X_ID", "x1"),))
    with pytest.raises(LookupError):
        bench.pipeline(own.digest)
    bench.equip(own)
    assert OWN in bench.pipeline(own.digest).digests
    with pytest.raises(LookupError):
        bench.pipeline("")
    bench.equip(NOTHING)
    assert OWN not in bench.pipeline("").digests


def test_a_fast_look_and_a_look_at_borders_leave_out_no_own_pattern_and_a_fast_one_no_recognizer() -> None:
    pipeline = Bench(None, names=False).equip(Custom((OwnPattern("p", "X_ID", "x1"),)))
    assert OWN in pipeline.digests_of(patterns_only=True) and OWN in pipeline.digests_of(fast=True)
    light = Pipeline([*pipeline.detectors, Broken()], None, [Broken.name])
    assert light.inspect(["a"], fast=True)[0].uninspected == "recognizer.Broken:resting"
