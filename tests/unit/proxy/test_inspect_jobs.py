"""The queue of inspection: short before long, long not for ever behind, costly ones leave a worker free."""

from __future__ import annotations

import asyncio

from proxy.inspect_jobs import ROW, Job, Queue, Waiting


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


async def test_costly_jobs_leave_one_worker_to_the_others() -> None:
    queue = Queue(2)
    for name in ("c1", "c2"):
        queue.put(job(name, long=True, depth="full"))
    first = await queue.get()
    waiting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0.01)
    assert not waiting.done(), "the second worker stays free"
    queue.put(job("short"))
    assert isinstance(short := await asyncio.wait_for(waiting, 1), Job) and short.texts == ["short"]
    waiting = asyncio.ensure_future(queue.get())
    queue.finished(first)
    assert isinstance(second := await asyncio.wait_for(waiting, 1), Job) and second.texts == ["c2"]


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
