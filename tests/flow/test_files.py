"""Files and batches through the official SDKs: nothing of a value leaves, results come back restored, and nobody else
gets at them."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import document_files
import httpx
import openai
import pytest
from crash_support import Driver
from fake_files import FakeFiles
from gate_support import HARMLESS, KEY, OTHER_KEY, SECRET, Plan, World, world

from policies.types import Zone
from proxy.dialects import lines
from proxy.ports import Principal
from proxy.settings import Limits, ModelRoute, UpstreamConfig

NAMES = ("anna.berg@example.com", "otto.kranz@example.org", "mia.lund@example.net")
FAR = ModelRoute((("far", "gpt-4o"), ("house", "small")), substitute=True)


@dataclass
class Files:
    w: World
    far: FakeFiles
    app: openai.AsyncOpenAI
    other: openai.AsyncOpenAI

    @property
    def clean(self) -> bool:
        """Whether the far end saw none of the values."""
        return not any(n.encode() in self.far.wire for n in (*NAMES, SECRET))


@contextlib.asynccontextmanager
async def files(folder: Path, far: FakeFiles | None = None, **more: Any) -> AsyncIterator[Files]:
    async with far or FakeFiles() as far:
        plan = Plan(
            models={"gpt-4o": FAR, "claude": ModelRoute((("claude", "claude"),))},
            more={
                "far": UpstreamConfig("far", Zone.CLOUD, "openai", url=far.url, labels={"region": "eu"}),
                "claude": UpstreamConfig("claude", Zone.CLOUD, "anthropic", url=far.url),
                "own": UpstreamConfig("own", Zone.ONPREM, "openai", url=far.url),
            },
            **more,
        )
        async with world(folder, plan) as w:
            # "cloud" and "sealed" of the world hold no files; "far" is first among those that do
            upstreams = w.gate.router._upstreams
            w.gate.router._upstreams = {k: upstreams[k] for k in ("far", "claude", "house")}  # type: ignore[misc]  # a test's arrangement
            options: dict[str, Any] = {"max_retries": 0}
            yield Files(w, far, w.sdk(**options), w.sdk(OTHER_KEY, **options))


def line(i: int, text: str, model: str = "gpt-4o", **more: Any) -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    made = {"custom_id": f"task-{i}", "method": "POST", "url": "/v1/chat/completions", "body": body, **more}
    return json.dumps(made, ensure_ascii=False).encode()


def batch_file() -> bytes:
    return b"\n".join(line(i, f"Write to {name} about the fence.") for i, name in enumerate(NAMES)) + b"\n"


def same(lines: str, other: bytes) -> bool:
    """Whether two files hold the same JSON, line by line."""
    return [json.loads(x) for x in lines.splitlines()] == [json.loads(x) for x in other.splitlines()]


async def test_a_batch_from_upload_to_restored_results(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        uploaded = await f.app.files.create(file=("anna-berg.jsonl", batch_file()), purpose="batch")
        assert (uploaded.filename, uploaded.bytes) == ("anna-berg.jsonl", len(batch_file()))
        batch = await f.app.batches.create(
            input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h",
            metadata={"owner": NAMES[0]},
        )  # fmt: skip
        assert batch.metadata == {"owner": NAMES[0]}
        assert (await f.app.batches.retrieve(batch.id)).status == "in_progress"
        done = await f.app.batches.retrieve(batch.id)
        assert done.status == "completed" and done.output_file_id
        assert f.clean
        assert b"anna-berg" not in f.far.wire
        assert [x.id async for x in f.app.files.list()] == [uploaded.id]
        got = (await f.app.files.content(done.output_file_id)).text
        answers = [json.loads(x) for x in got.splitlines()]
        assert [a["custom_id"] for a in answers] == ["task-0", "task-1", "task-2"]
        said = [a["response"]["body"]["choices"][0]["message"]["content"] for a in answers]
        assert said == [f"Write to {name} about the fence." for name in NAMES]
        assert same((await f.app.files.content(uploaded.id)).text, batch_file())
        assert not f.far.violations
        await f.w.quiet()
        assert f.w.intact()
        routes = {r["route"] for r in f.w.records(kind="intent")}
        assert routes == {"/files", "/batches", "/batches/:id", "/files/:id/content"}


async def test_tool_arguments_in_results_stay_json(tmp_path: Path) -> None:
    async with files(tmp_path, FakeFiles(calls=[{"n": 1}])) as f:
        secret = 'say "hi"\\ to anna.berg@example.com'
        uploaded = await f.app.files.create(file=("b.jsonl", line(0, secret)), purpose="batch")
        batch = await f.app.batches.create(
            input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        await f.app.batches.retrieve(batch.id)
        done = await f.app.batches.retrieve(batch.id)
        answer = json.loads((await f.app.files.content(str(done.output_file_id))).text)
        call = answer["response"]["body"]["choices"][0]["message"]["tool_calls"][0]
        assert json.loads(call["function"]["arguments"]) == {"to": secret, "n": 1}
        assert f.clean


@pytest.mark.parametrize("asked", [False, True])
async def test_results_that_are_json_by_request_stay_json(tmp_path: Path, asked: bool) -> None:
    async with files(tmp_path) as f:
        more = {"response_format": {"type": "json_object"}} if asked else {}
        said = json.dumps({"to": NAMES[0]})
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": said}], **more}
        uploaded = await f.app.files.create(file=("b.jsonl", line(0, "", body=body)), purpose="batch")
        batch = await f.app.batches.create(
            input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        await f.app.batches.retrieve(batch.id)
        out = str((await f.app.batches.retrieve(batch.id)).output_file_id)
        who = Principal("sales", "crm")
        held = (await f.w.gate.vault.get(who, "file", [out]))[out]
        quoted = replace(held, mapping=dict.fromkeys(held.mapping, 'x", "admin": "yes'))
        await f.w.gate.vault.put(who, "file", [out], quoted, dt.timedelta(days=1))
        answer = json.loads((await f.app.files.content(out)).text)
        content = answer["response"]["body"]["choices"][0]["message"]["content"]
        assert json.loads(content) == ({"to": 'x", "admin": "yes'} if asked else {"to": "x", "admin": "yes"})


async def test_a_rule_about_what_a_file_holds_also_says_what_its_results_may_show(tmp_path: Path) -> None:
    strict = tmp_path / "strict.yaml"
    default = (Path(__file__).resolve().parents[2] / "policies/default.yaml").read_text()
    rule = "rules:\n  - id: masked\n    when: {labels: [EMAIL_ADDRESS]}\n    restore: {user: [], other: []}\n"
    rule += "    because: x\n"
    strict.write_text(default.replace("rules:\n", rule, 1))
    async with files(tmp_path, policy=str(strict)) as f:
        uploaded = await f.app.files.create(file=("b.jsonl", batch_file()), purpose="batch")
        batch = await f.app.batches.create(
            input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        await f.app.batches.retrieve(batch.id)
        done = await f.app.batches.retrieve(batch.id)
        for id in (str(done.output_file_id), uploaded.id):
            got = (await f.app.files.content(id)).text
            assert "EMAIL_" in got and not any(name in got for name in NAMES)


async def test_a_file_that_only_tells_of_tools_asks_for_none(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        told = json.dumps({"messages": [{"role": "user", "content": HARMLESS}], "tools": [{"type": "web_search"}]})
        uploaded = await f.app.files.create(file=("t.jsonl", told.encode()), purpose="fine-tune")
        assert uploaded.id and len(f.far.requests) == 1


@pytest.mark.parametrize("more", [{"web_search_options": {}}, {"tools": [{"type": "web_search"}]}])
async def test_a_line_of_a_batch_may_use_no_tool_that_is_not_listed(tmp_path: Path, more: dict[str, Any]) -> None:
    async with files(tmp_path) as f:
        messages = [{"role": "user", "content": HARMLESS}]
        bad = line(1, "", body={"model": "gpt-4o", "messages": messages, **more})
        with pytest.raises(openai.PermissionDeniedError) as refused:
            await f.app.files.create(file=("b.jsonl", line(0, HARMLESS) + b"\n" + bad), purpose="batch")
        assert refused.value.code == "tool_not_allowed" and f.far.requests == []
        assert [r["code"] for r in f.w.records(kind="refusal")] == ["tool_not_allowed"]


async def test_a_message_of_a_batch_may_call_no_server_that_is_not_listed(tmp_path: Path) -> None:
    async with files(tmp_path) as f, claude(f, KEY) as app:
        bad = requests()
        bad[1]["params"]["mcp_servers"] = [{"type": "url", "url": "https://evil.example/mcp", "name": "x"}]
        with pytest.raises(anthropic.PermissionDeniedError):
            await app.messages.batches.create(requests=bad)
        assert f.far.requests == []


async def test_a_batch_takes_no_file_whose_lines_were_not_read_as_requests(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        uploaded = await f.app.files.create(file=("b.jsonl", batch_file()), purpose="assistants")
        seen = len(f.far.requests)
        with pytest.raises(openai.BadRequestError) as refused:
            await f.app.batches.create(
                input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
        assert refused.value.code == "invalid_batch" and len(f.far.requests) == seen


async def test_nobody_else_gets_at_a_file_or_a_batch(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        uploaded = await f.app.files.create(file=("b.jsonl", batch_file()), purpose="batch")
        batch = await f.app.batches.create(
            input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        seen = len(f.far.requests)
        for asking in (
            f.other.files.retrieve(uploaded.id),
            f.other.files.content(uploaded.id),
            f.other.files.delete(uploaded.id),
            f.other.batches.retrieve(batch.id),
            f.other.batches.cancel(batch.id),
            f.app.files.retrieve("file-elsewhere"),
            f.app.batches.retrieve(uploaded.id),
        ):
            with pytest.raises(openai.NotFoundError) as refused:
                await asking
            assert refused.value.code == "reference_not_found"
        for app, id, error in (
            (f.other, uploaded.id, openai.PermissionDeniedError),
            (f.app, "file-elsewhere", openai.NotFoundError),  # the house was asked, which knows no batches
        ):
            with pytest.raises(error):
                await app.batches.create(input_file_id=id, endpoint="/v1/chat/completions", completion_window="24h")
        assert [r.path for r in f.w.house.requests] == ["/v1/batches"]
        assert len(f.far.requests) == seen, "nothing of all this left"
        assert [x.id async for x in f.other.files.list()] == []
        assert [x.id async for x in f.other.batches.list()] == []
        assert [x.id async for x in f.app.files.list()] == [uploaded.id]
        assert [x.id async for x in f.app.batches.list()] == [batch.id]


async def test_a_question_about_a_file_does_not_loosen_what_was_decided_about_it(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        uploaded = await f.app.files.create(file=("b.jsonl", batch_file()), purpose="batch")
        who = Principal("sales", "crm")
        before = (await f.w.gate.vault.get(who, "file", [uploaded.id]))[uploaded.id]
        tight = replace(before, ceiling=Zone.ENCLAVE)
        await f.w.gate.vault.put(who, "file", [uploaded.id], tight, dt.timedelta(days=1))
        await f.app.files.retrieve(uploaded.id)
        await f.app.files.content(uploaded.id)
        after = (await f.w.gate.vault.get(who, "file", [uploaded.id]))[uploaded.id]
        assert after == tight
        assert after.facts.labels["EMAIL_ADDRESS"].n == len(NAMES)
        with pytest.raises(openai.PermissionDeniedError):  # its upstream is beyond what may use it now
            await f.app.batches.create(
                input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
        assert (await f.app.files.delete(uploaded.id)).deleted, "to drop it is always allowed"


async def test_lists_are_paged_newest_first_and_by_purpose(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        made = [(await f.app.files.create(file=(f"{i}.txt", b"hello"), purpose="user_data")).id for i in range(5)]
        await f.app.files.create(file=("b.jsonl", line(0, HARMLESS)), purpose="batch")
        assert [x.id async for x in f.app.files.list(purpose="user_data", limit=2)] == made[::-1]
        assert [x.id async for x in f.app.files.list(purpose="user_data", order="asc", limit=3)] == made


async def test_a_deleted_file_is_gone(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        uploaded = await f.app.files.create(file=("a.txt", b"hello"), purpose="user_data")
        assert (await f.app.files.delete(uploaded.id)).deleted
        assert f.far.files == {}
        with pytest.raises(openai.NotFoundError):
            await f.app.files.retrieve(uploaded.id)
        assert [x async for x in f.app.files.list()] == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", f"Call {NAMES[0]}.\r\n\r\nThen {NAMES[1]} \u2013 and {NAMES[0]} again.\n"),
        ("notes.md", "# Zoë\n\n" + "\n".join(f"* **{n}** said ü" for n in NAMES) + "\n" + "x y " * 20_000),
        ("list.csv", "id,mail\r\n" + "".join(f"{i},{n}\r\n" for i, n in enumerate(NAMES * 700))),
        ("tree.json", json.dumps({"people": [{"mail": n, "n": 1.50} for n in NAMES], NAMES[0]: True}, indent=2)),
        ("train.jsonl", "\n".join(json.dumps({"messages": [{"role": "user", "content": n}]}) for n in NAMES)),
    ],
)
async def test_readable_files_leave_replaced_and_come_back_as_they_were(
    tmp_path: Path, name: str, content: str
) -> None:
    async with files(tmp_path) as f:
        uploaded = await f.app.files.create(file=(name, content.encode()), purpose="fine-tune")
        assert uploaded.bytes == len(content.encode())
        assert f.clean
        stored = f.far.files[uploaded.id]
        assert stored and (b"EMAIL_" in stored)
        got = (await f.app.files.content(uploaded.id)).content
        if name.endswith((".json", ".jsonl")):
            assert [json.loads(x) for x in _documents(name, got)] == [json.loads(x) for x in _documents(name, content)]
        else:
            assert got.decode() == content
        assert not f.far.violations


def _documents(name: str, content: str | bytes) -> list[Any]:
    return content.splitlines() if name.endswith(".jsonl") else [content]


async def test_a_file_without_any_value_leaves_byte_for_byte(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        data = b'{"b": 1.50,  "a":"x"}\r\n\r\n{"c":[ ]}\n\n'
        uploaded = await f.app.files.create(file=("d.jsonl", data), purpose="fine-tune")
        assert f.far.files[uploaded.id] == data


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("scan.pdf", b"%PDF-1.7 anna.berg@example.com"),
        ("lies.txt", b"%PDF-1.7 anna.berg@example.com"),
        ("lies.csv", document_files.BENIGN["docx"]()),
        ("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
        ("noname", b"\xff\xfe\xfd anna.berg@example.com"),
        ("large.pdf", document_files.BENIGN["pdf"]() + b"\n" * 2**23),
    ],
)
async def test_what_nobody_can_read_does_not_go_to_the_cloud(tmp_path: Path, name: str, data: bytes) -> None:
    async with files(tmp_path) as f:
        with pytest.raises(openai.APIStatusError):  # the house of this world holds no files
            await f.app.files.create(file=(name, data), purpose="user_data")
        assert f.far.requests == []
        (tried,) = f.w.records(kind="intent")
        (reason,) = tried["facts"]["uninspected"]
        assert tried["zone"] == "onprem" and reason.startswith("file:unread" if "large" in name else "document:")


READABLE = {
    "wide.txt": NAMES[0].encode("utf-16"), "bom.txt": f"\ufeff{NAMES[0]}".encode(), "noname": NAMES[0].encode(),
    "page.html": b"<b>anna</b>.berg@example.com",
    **{f"a.{kind}": next(iter(places.values()))() for kind, places in document_files.PLACES.items()},
    **{f"b.{kind}": make() for kind, make in document_files.OTHER.items() if kind in {"eml", "html"}},
}  # fmt: skip


@pytest.mark.parametrize("name", READABLE)
async def test_a_document_with_a_value_stays_where_the_value_may_be(tmp_path: Path, name: str) -> None:
    async with files(tmp_path) as f:
        with pytest.raises(openai.APIStatusError):  # the house of this world holds no files
            await f.app.files.create(file=(name, READABLE[name]), purpose="assistants")
        assert f.far.requests == []
        tried = f.w.records(kind="intent")[-1]
        assert tried["zone"] == "onprem" and tried["facts"]["labels"]["EMAIL_ADDRESS"]["n"] >= 1
        assert not tried["facts"]["uninspected"]


@pytest.mark.parametrize("name", READABLE)
async def test_a_document_gives_way_to_its_text_where_policy_says_so(tmp_path: Path, name: str) -> None:
    policy = tmp_path / "policy.yaml"
    default = (Path(__file__).resolve().parents[2] / "policies/default.yaml").read_text()
    policy.write_text(default.replace("defaults:\n", "defaults:\n  attachments: text\n", 1))
    async with files(tmp_path, policy=str(policy)) as f:
        uploaded = await f.app.files.create(file=(name, READABLE[name]), purpose="user_data")
        assert (uploaded.filename, uploaded.bytes) == (name, len(READABLE[name]))
        stored = f.far.files[uploaded.id]
        assert b"EMAIL_" in stored and not any(n.encode() in f.far.wire for n in (*NAMES, document_files.CANARY))
        assert b'filename="upload.txt"' in f.far.wire and b'filename="' + name.encode() not in f.far.wire
        got = (await f.app.files.content(uploaded.id)).text
        assert (NAMES[0] in got or document_files.CANARY in got) and "EMAIL_" not in got
        assert (await f.app.files.retrieve(uploaded.id)).filename == name and not f.far.violations


@pytest.mark.parametrize("kind", [k for k in document_files.BENIGN if k not in {"json"}])
async def test_a_document_without_findings_leaves_byte_for_byte(tmp_path: Path, kind: str) -> None:
    async with files(tmp_path) as f:
        data = document_files.BENIGN[kind]()
        uploaded = await f.app.files.create(file=(f"anna-berg.{kind}", data), purpose="assistants")
        assert f.far.files[uploaded.id] == data and f.clean and b"anna-berg" not in f.far.wire
        assert (await f.app.files.content(uploaded.id)).content == data
        assert (await f.app.files.retrieve(uploaded.id)).filename == f"anna-berg.{kind}"


PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 300


def at_home(f: Files) -> None:
    """The house holds files too."""
    f.w.gate.router._upstreams = {"own": f.w.gate.settings.upstreams["own"]}  # type: ignore[misc]  # as above


async def test_what_nobody_can_read_comes_back_from_the_house_byte_for_byte(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        at_home(f)
        uploaded = await f.app.files.create(file=("a.png", PICTURE), purpose="vision")
        assert (await f.app.files.content(uploaded.id)).content == PICTURE
        await f.w.quiet()
        assert [r["code"] for r in f.w.records(kind="outcome")] == ["ok", "ok"]


async def test_a_download_that_breaks_off_never_looks_whole(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        at_home(f)
        uploaded = await f.app.files.create(file=("a.png", PICTURE), purpose="vision")
        f.far.cut = True
        async with f.w.http.get(f"{f.w.gate.url}/v1/files/{uploaded.id}/content") as answer:
            with pytest.raises(aiohttp.ClientError):
                await answer.read()
        await f.w.quiet()
        assert f.w.records(kind="outcome")[-1]["code"] == "upstream_error"


async def test_one_line_with_a_secret_keeps_the_whole_file_home(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        lines = [line(i, HARMLESS) for i in range(40)]
        lines[33] = line(33, f"token = {SECRET}")
        with pytest.raises(openai.APIStatusError):
            await f.app.files.create(file=("b.jsonl", b"\n".join(lines)), purpose="batch")
        assert f.far.requests == []
        assert {r["zone"] for r in f.w.records(kind="intent")} == {"onprem"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"no json", "invalid_json"),
        (line(0, "x", url="/v1/responses/elsewhere"), "invalid_batch"),
        (line(0, "x") + b"\n" + line(1, "x", model="claude"), "invalid_batch"),
        (line(0, "x", model="unknown"), "model_not_found"),
        (b'{"custom_id": "1", "custom_id": "2", "body": {}}', "duplicate_key"),
        (line(0, "x", body={"model": "gpt-4o", "messages": []}), "missing_messages"),
    ],
)
async def test_a_file_that_is_no_batch_is_refused_before_anything_leaves(
    tmp_path: Path, content: bytes, code: str
) -> None:
    async with files(tmp_path) as f:
        with pytest.raises(openai.APIStatusError) as refused:
            await f.app.files.create(file=("b.jsonl", content), purpose="batch")
        assert refused.value.code == code
        assert f.far.requests == []


async def test_a_value_in_a_custom_id_is_replaced_and_comes_back(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        content = line(0, HARMLESS, custom_id=NAMES[0])
        uploaded = await f.app.files.create(file=("b.jsonl", content), purpose="batch")
        assert f.clean
        batch = await f.app.batches.create(
            input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        await f.app.batches.retrieve(batch.id)
        done = await f.app.batches.retrieve(batch.id)
        assert json.loads((await f.app.files.content(str(done.output_file_id))).text)["custom_id"] == NAMES[0]


async def test_bad_forms_and_files_that_are_too_large_are_refused(tmp_path: Path) -> None:
    limits = Limits(shutdown_s=5.0, file_bytes=200_000)
    async with files(tmp_path, limits=limits) as f:
        with pytest.raises(openai.APIStatusError) as large:
            await f.app.files.create(file=("a.txt", b"a b " * 60_000), purpose="user_data")
        assert large.value.status_code == 413
        for purpose, extra in (("anna.berg@example.com", None), ("batch", {"note": "x"})):
            with pytest.raises(openai.BadRequestError) as bad:
                await f.app.files.create(file=("a.txt", b"x"), purpose=purpose, extra_body=extra)  # type: ignore[arg-type]  # on purpose
            assert bad.value.code == "invalid_form"
        assert f.far.requests == []


async def test_a_cancelled_batch_and_a_restart(tmp_path: Path) -> None:
    far = FakeFiles()
    async with files(tmp_path, far) as f:
        uploaded = await f.app.files.create(file=("b.jsonl", batch_file()), purpose="batch")
        batch = await f.app.batches.create(
            input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        assert (await f.app.batches.cancel(batch.id)).status == "cancelling"
    async with files(tmp_path, far) as f:
        assert same((await f.app.files.content(uploaded.id)).text, batch_file())
        assert (await f.app.batches.retrieve(batch.id)).status == "cancelling"


async def test_nothing_is_on_disk_in_clear_and_no_spool_stays(tmp_path: Path) -> None:
    async with files(tmp_path) as f:
        big = batch_file() * 300
        await f.app.files.create(file=("anna-berg.jsonl", big), purpose="batch")
        with pytest.raises(openai.APIStatusError):
            await f.app.files.create(file=("b.jsonl", line(0, f"token = {SECRET}")), purpose="batch")
        data = b"".join(p.read_bytes() for p in (tmp_path / "var").rglob("*") if p.is_file())
        for canary in (*NAMES, SECRET, "anna-berg", "file-0000"):
            assert canary.encode() not in data, canary
        assert list((tmp_path / "var" / "spool").iterdir()) == []
        open_files = [os.readlink(f"/proc/self/fd/{fd}") for fd in _descriptors()]
        assert not [x for x in open_files if "/spool/" in x]


def _descriptors() -> list[str]:
    return [fd for fd in os.listdir("/proc/self/fd") if os.path.islink(f"/proc/self/fd/{fd}")]


# --- Anthropic's batches


def requests() -> list[Any]:
    return [
        {"custom_id": f"task-{i}", "params": {"model": "claude", "max_tokens": 9,
         "messages": [{"role": "user", "content": f"Write to {n}."}]}}
        for i, n in enumerate(NAMES)
    ]  # fmt: skip


async def test_a_batch_of_messages_from_creation_to_restored_results(tmp_path: Path) -> None:
    async with files(tmp_path) as f, claude(f, KEY) as app, claude(f, OTHER_KEY) as other:
        batch = await app.messages.batches.create(requests=requests())
        assert f.clean
        await app.messages.batches.retrieve(batch.id)
        done = await app.messages.batches.retrieve(batch.id)
        assert str(done.results_url).startswith(f.w.gate.url), "never around the gate"
        said = [r.result.message.content[0].text async for r in await app.messages.batches.results(batch.id)]  # type: ignore[union-attr]  # succeeded texts only
        assert said == [f"You said: Write to {n}." for n in NAMES]
        for asking in (other.messages.batches.retrieve(batch.id), other.messages.batches.delete(batch.id)):
            with pytest.raises(anthropic.NotFoundError):
                await asking
        assert [b.id async for b in app.messages.batches.list()] == [batch.id]
        assert [b.id async for b in other.messages.batches.list()] == []
        await app.messages.batches.cancel(batch.id)
        await app.messages.batches.delete(batch.id)
        with pytest.raises(anthropic.NotFoundError):
            await app.messages.batches.retrieve(batch.id)
        assert not f.far.violations


async def test_a_batch_of_messages_with_one_secret_stays(tmp_path: Path) -> None:
    async with files(tmp_path) as f, claude(f, KEY) as app:
        bad = requests()
        bad[1]["params"]["messages"][0]["content"] = f"token = {SECRET}"
        with pytest.raises(anthropic.PermissionDeniedError):
            await app.messages.batches.create(requests=bad)
        assert f.far.requests == []


@contextlib.asynccontextmanager
async def claude(f: Files, key: str) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=f.w.gate.url, api_key=key, max_retries=0) as made:
        yield made


async def test_a_download_that_breaks_never_looks_like_a_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with files(tmp_path) as f:
        uploaded = await f.app.files.create(file=("b.jsonl", batch_file()), purpose="batch")
        monkeypatch.setattr(lines, "LINE_BYTES", -1)  # too long, by now
        with pytest.raises((openai.APIConnectionError, httpx.RemoteProtocolError)):
            await f.app.files.content(uploaded.id)
        await f.w.quiet()
        assert f.w.records(kind="outcome")[-1]["code"] == "upstream_unreadable"


# --- a gate that dies


async def test_kill_9_in_the_middle_of_an_upload_leaves_nothing_in_clear(tmp_path: Path) -> None:
    async with FakeFiles() as far, Driver(tmp_path, far.url, KEY) as driver:
        gate = await driver.start("before_send")
        form = aiohttp.FormData({"purpose": "batch"})
        form.add_field("file", batch_file() * 500, filename="anna-berg.jsonl")
        async with aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}) as app:
            with pytest.raises(aiohttp.ClientError):
                async with app.post(f"{gate['url']}/v1/files", data=form) as answer:
                    await answer.read()
        await driver.dead()
        assert far.requests == []
        data = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
        assert len(data) > 10_000
        for canary in (*NAMES, "anna-berg"):
            assert canary.encode() not in data, canary
        assert list((tmp_path / "var" / "spool").iterdir()) == []
        assert (await driver.start())["recovered"] == 1, "its record was durable, so its end is unknown"
