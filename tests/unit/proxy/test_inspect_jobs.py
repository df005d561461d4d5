"""The queue of inspection: short before long, long not for ever behind; they leave a worker to prompts."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import orjson
import pytest

from proxy import inspect_jobs
from proxy.inspect_jobs import FORMAL, QUIET_S, ROW, About, Job, Queue, Waiting
from proxy.inspect_worker import answered, encode
from redaction.custom import Custom
from redaction.detectors.patterns import PatternDetector
from redaction.pipeline import Pipeline, whole
from redaction.types import Classification, Finding, Sensitivity, TextResult
from redaction.windows import windows


def job(name: str, *, long: bool = False, depth: str = "fast") -> Job:
    return Job([name], asyncio.get_running_loop().create_future(), depth, long=long)


async def names(queue: Queue, count: int) -> list[str]:
    out = []
    for _ in range(count):
        got = await asyncio.wait_for(queue.get(), 1)
        assert isinstance(got, Job)
        out.append(got.texts[0])
        queue.finished(got)
    return out


async def test_short_jobs_go_first_in_their_order() -> None:
    queue = Queue(2)
    for each in (job("l1", long=True), job("s1"), job("l2", long=True), job("s2")):
        queue.put(each)
    assert await names(queue, 4) == ["s1", "s2", "l1", "l2"]


async def test_a_long_job_is_not_left_behind_for_ever() -> None:
    queue = Queue(2)
    queue.put(job("long", long=True))
    for i in range(3 * ROW):
        queue.put(job(f"s{i}"))
    assert (await names(queue, ROW + 1))[-1] == "long"


async def test_what_was_given_up_is_not_done() -> None:
    queue = Queue(1)
    gone, stays = job("gone"), job("stays")
    for each in (gone, stays):
        queue.put(each)
    gone.settle("deadline")
    assert await names(queue, 1) == ["stays"]


class Time:
    """The event loop's clock, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(inspect_jobs, "_now", lambda: self.now)


@pytest.mark.parametrize("depth", ["fast", "full"])
async def test_while_prompts_come_in_long_jobs_leave_one_worker_to_them(
    monkeypatch: pytest.MonkeyPatch, depth: str
) -> None:
    time, queue = Time(monkeypatch), Queue(2)
    queue.put(job("s1"))
    assert await names(queue, 1) == ["s1"]
    time.now += QUIET_S - 1
    for name in ("l1", "l2"):
        queue.put(job(name, long=True, depth=depth))
    first = await queue.get()
    waiting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0.01)
    assert not waiting.done(), "the second worker stays free"
    queue.put(job("short"))
    assert isinstance(short := await asyncio.wait_for(waiting, 1), Job) and short.texts == ["short"]
    waiting = asyncio.ensure_future(queue.get())
    queue.finished(first)
    assert isinstance(second := await asyncio.wait_for(waiting, 1), Job) and second.texts == ["l2"]


async def test_when_no_prompt_comes_long_jobs_have_every_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    time, queue = Time(monkeypatch), Queue(2)
    for name in ("l1", "l2"):
        queue.put(job(name, long=True, depth="full"))
    both = [await asyncio.wait_for(queue.get(), 1) for _ in range(2)]
    for each in both:
        queue.finished(each)
    queue.put(job("prompt"))
    assert await names(queue, 1) == ["prompt"]
    for name in ("l3", "l4"):
        queue.put(job(name, long=True, depth="full"))
    await asyncio.wait_for(queue.get(), 1)
    time.now += QUIET_S
    await asyncio.wait_for(queue.get(), 1)


async def test_who_waits_for_quiet_is_woken_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_jobs, "QUIET_S", 0.05)
    queue = Queue(2)
    queue.put(job("prompt"))
    assert await names(queue, 1) == ["prompt"]
    for name in ("l1", "l2"):
        queue.put(job(name, long=True, depth="full"))
    await asyncio.wait_for(queue.get(), 5)
    await asyncio.wait_for(queue.get(), 5)  # nothing happens in the queue meanwhile


async def test_the_small_jobs_of_a_long_request_are_no_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    Time(monkeypatch)
    queue = Queue(2)
    queue.put(job("joints", depth=FORMAL))
    assert await names(queue, 1) == ["joints"]
    for name in ("l1", "l2"):
        queue.put(job(name, long=True, depth="full"))
        await asyncio.wait_for(queue.get(), 1)


async def test_one_worker_does_everything() -> None:
    queue = Queue(1)
    queue.put(job("c", long=True, depth="full"))
    assert await names(queue, 1) == ["c"]


async def test_a_queue_that_is_emptied_settles_what_waits() -> None:
    queue = Queue(2)
    some = [job("a"), job("b", long=True)]
    for each in some:
        queue.put(each)

    def stop(waiting: Waiting) -> None:
        waiting.settle("stopped")

    queue.drain(stop)
    assert [each.done.result()[0].uninspected for each in some] == ["stopped", "stopped"]


class Guesses:
    """A model that takes each ``over 45`` for somebody's age."""

    name = digest = "student"

    def given(self, word: str, /) -> bool:
        return False

    def named(self, word: str, /, *, first: bool = False) -> bool:
        return False

    surname = given

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        return tuple(Finding(m.end() - 2, m.end(), "AGE", 0.9, self.name) for m in re.finditer("over 45", text))


async def test_a_long_text_is_about_what_one_process_says_it_is() -> None:
    """What its windows found may be nobody's once the whole is known; that hides nothing that is new."""
    pipeline = Pipeline([PatternDetector(), Guesses()], None)

    class Here:
        async def equip(self, own: Custom) -> None:
            pass

        async def ask(self, frame: Any) -> Any:
            return orjson.loads(orjson.dumps(answered(frame, self, {})))  # type: ignore[arg-type]

        def pipeline(self, digest: str) -> Pipeline:
            return pipeline

    rows = "\n".join(f"{n},open,{48291734 + 7 * n}" for n in range(400))
    text = "Adults over 45 may come. " * 4 + "She is over 45.\n\nid,state,MRN\n" + rows
    parts = windows(text)
    found = whole(parts, [pipeline.part(text[w.low : w.high]) for w in parts])
    (seen,) = await About(text, found, asyncio.get_running_loop().create_future()).run(Here())
    (here,) = pipeline.inspect([text])
    assert set(seen.findings) == set(here.findings)
    assert len([f for f in found.findings if f.label == "AGE"]) == 5
    assert len([f for f in seen.findings if f.label == "AGE"]) == 1
    assert len({f.start for f in seen.findings if f.label == "MEDICAL_RECORD"}) == 400


async def test_the_only_worker_does_long_jobs_while_prompts_come(monkeypatch: pytest.MonkeyPatch) -> None:
    Time(monkeypatch)
    queue = Queue(1)
    queue.put(job("prompt"))
    queue.put(job("long", long=True))
    assert await names(queue, 2) == ["prompt", "long"]


async def test_a_long_job_that_is_done_wakes_who_waits_for_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    Time(monkeypatch).now = 1e12  # quiet never comes, also not by the loop's own clock
    queue = Queue(2)
    queue.put(job("prompt"))
    assert await names(queue, 1) == ["prompt"]
    for name in ("l1", "l2"):
        queue.put(job(name, long=True))
    first = await queue.get()
    waiting = asyncio.ensure_future(queue.get())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    queue.finished(first)
    assert (await asyncio.wait_for(waiting, 1)).long


async def test_after_a_long_job_it_is_the_turn_of_as_many_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    time, queue = Time(monkeypatch), Queue(2)
    for i in range(6 * ROW):
        queue.put(job(f"s{i}"))
    held = job("held", long=True)
    queue.put(held)
    order = await names(queue, ROW)
    assert await queue.get() is held
    for name in ("l1", "l2"):
        queue.put(job(name, long=True))
    order += await names(queue, ROW + 2)  # none of them counts: no long job may go, one is held
    assert not any(name.startswith("l") for name in order)
    time.now += QUIET_S
    order = await names(queue, 2 * ROW)
    assert [n for n, name in enumerate(order) if name.startswith("l")] == [ROW]
    assert (await names(queue, 2))[-1] == "l2"


async def test_what_a_worker_gives_back_is_next_and_wakes_another() -> None:
    queue = Queue(2)
    for name in ("a", "b"):
        queue.put(job(name))
    taken = await queue.get()
    queue.back(taken)
    assert await names(queue, 2) == ["a", "b"]
    waiting = asyncio.ensure_future(queue.get())
    for _ in range(5):
        await asyncio.sleep(0)
    queue.back(taken)
    assert await asyncio.wait_for(waiting, 1) is taken


@pytest.mark.parametrize("later", [False, True])
async def test_neither_the_windows_nor_the_whole_take_back_what_the_other_says(later: bool) -> None:
    """Levels, categories, tags, and that something was not judged."""
    much = TextResult((), Classification(Sensitivity.REGULATED, {"health": 0.9}, frozenset({"marked"})), "budget")
    less = TextResult((), Classification(Sensitivity.INTERNAL, {"health": 0.2, "legal": 0.4}))

    class Says:
        async def equip(self, own: Custom) -> None:
            pass

        async def ask(self, frame: Any) -> Any:
            return {"said": encode([much if later else less]), "gone": []}

    found = less if later else much
    (seen,) = await About("text", found, asyncio.get_running_loop().create_future()).run(Says())
    assert seen.uninspected == "budget"
    assert seen.classification.sensitivity is Sensitivity.REGULATED
    assert seen.classification.categories == {"health": 0.9, "legal": 0.4}
    assert seen.classification.tags == {"marked"}
