"""The worker pool: results, cache, deadlines that kill, budgets, crashes. Real processes, light detectors."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policies.types import Inspection
from proxy import inspect
from proxy.dialects.base import Segment
from proxy.errors import ConfigError
from proxy.inspect import WorkerPool
from proxy.inspect_results import classify_payload, inspect_here
from proxy.inspect_worker import NICE, build
from proxy.settings import Limits
from redaction.types import Classification, Sensitivity, TextResult


def segments(*texts: str) -> list[Segment]:
    return [Segment(f"/messages/{i}/content", "user", t) for i, t in enumerate(texts)]


def pool(limits: Limits | None = None, workers: int = 1) -> WorkerPool:
    return WorkerPool(None, names=False, workers=workers, limits=limits or Limits(), cache_key=b"k" * 32)


def remembered(made: WorkerPool, tenant: str, text: str, depth: str = "full") -> TextResult | None:
    return made._cache.shelf(tenant, depth, made.digests[depth].values()).result(text)


@pytest.fixture
async def running() -> AsyncIterator[WorkerPool]:
    made = pool()
    await made.start()
    yield made
    await made.close()


async def test_findings_come_in_the_order_of_the_segments(running: WorkerPool) -> None:
    seen = await running.inspect("t", segments("nothing", "mail a@example.org", "card 4111 1111 1111 1111"))
    assert [[f.label for f in r.findings if f.score == 1.0] for r in seen.results] == [
        [], ["EMAIL_ADDRESS"], ["CREDIT_CARD"],
    ]  # fmt: skip
    assert all(r.uninspected is None for r in seen.results)
    assert set(seen.digests) == {"patterns", "secrets", "readings", "coverage"}


async def test_a_value_found_once_is_found_in_the_whole_request(running: WorkerPool) -> None:
    seen = await running.inspect("t", segments("account number 12345678", "what about 12345678?"))
    assert any(f.label == "BANK_ACCOUNT" and f.detector == "request" for f in seen.results[1].findings)


async def test_known_texts_are_answered_without_a_worker(running: WorkerPool) -> None:
    first = await running.inspect("t", segments("mail a@example.org"))
    pid = running.workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(5):
            again = await running.inspect("t", segments("mail a@example.org"))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert again.results == first.results


async def test_the_cache_belongs_to_a_tenant_and_holds_no_text(running: WorkerPool) -> None:
    text = "mail very-unusual-address@example.org"
    await running.inspect("t", segments(text))
    assert remembered(running, "t", text) is not None
    assert remembered(running, "other", text) is None
    held = repr(running._cache._held)
    assert "very-unusual" not in held and "example.org" not in held, "neither the text nor a value of it"


async def test_a_value_split_over_messages_is_found_and_its_joint_is_cached_apart(running: WorkerPool) -> None:
    seen = await running.inspect("t", segments("mail jane.doe@exam", "ple.org now"))
    assert [[f.label for f in r.findings] for r in seen.results] == [["EMAIL_ADDRESS"], ["EMAIL_ADDRESS"]]
    joint = "mail jane.doe@example.org now"
    assert remembered(running, "t", joint, "formal") is not None
    assert remembered(running, "t", joint, "full") is None, "what models have not seen does not count as seen"


async def test_a_worker_that_overruns_is_killed_and_its_texts_are_uninspected() -> None:
    made = pool(replace(Limits(), inspect_deadline_s=0.3))
    await made.start()
    pid = made.workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    seen = await made.inspect("t", segments("mail a@example.org"))
    assert [r.uninspected for r in seen.results] == ["deadline"]
    assert remembered(made, "t", "mail a@example.org", "full") is None, "what was not judged is never cached"
    later = await _until_inspected(made)
    assert later.uninspected is None and made.workers[0].pid != pid
    await made.close()


async def _until_inspected(made: WorkerPool) -> TextResult:
    """A new worker may take longer to start than the short deadline of this test."""
    while True:
        result = (await made.inspect("t", segments("mail b@example.org"))).results[0]
        if result.uninspected is None:
            return result


async def test_a_worker_that_dies_leaves_its_texts_uninspected_and_comes_back(running: WorkerPool) -> None:
    pid = running.workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    first = await running.inspect("t", segments("mail a@example.org"))
    assert first.results[0].uninspected in {None, "worker_died"}
    second = await running.inspect("t", segments("mail c@example.org"))
    assert second.results[0].uninspected is None


async def test_text_over_the_budget_is_uninspected_not_skipped() -> None:
    made = pool(replace(Limits(), inspect_tokens=10))
    await made.start()
    other = Segment("/messages/1/content", "assistant", "x " * 100)
    seen = await made.inspect("t", [*segments("mail a@example.org"), other])
    assert [r.uninspected for r in seen.results] == [None, "budget"]
    await made.close()


async def test_more_texts_than_the_limit_are_uninspected_and_not_joined() -> None:
    made = pool(replace(Limits(), segments=3))
    await made.start()
    assert {r.uninspected for r in (await made.inspect("t", segments("a") * 3)).results} == {None}
    assert {r.uninspected for r in (await made.inspect("t", segments("a") * 4)).results} == {"segments"}
    await made.close()


async def test_a_client_that_goes_away_frees_the_worker(running: WorkerPool) -> None:
    pid = running.workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    task = asyncio.ensure_future(running.inspect("t", segments("mail a@example.org")))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(10):
        seen = await running.inspect("t", segments("mail d@example.org"))
    assert seen.results[0].uninspected is None


async def test_apps_that_leave_while_their_text_is_read_cost_no_worker(running: WorkerPool) -> None:
    pid = running.workers[0].pid
    assert pid is not None
    for i in range(3):
        os.kill(pid, signal.SIGSTOP)
        task = asyncio.ensure_future(running.inspect("t", segments(f"mail a{i}@example.org")))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        os.kill(pid, signal.SIGCONT)
        seen = await running.inspect("t", segments(f"mail d{i}@example.org"))
        assert [f.label for f in seen.results[0].findings] == ["EMAIL_ADDRESS"], "its own answer, not that of the other"
    assert running.restarts == 0 and running.workers[0].pid == pid


async def test_stopping_answers_what_waits_as_uninspected() -> None:
    made = pool()
    await made.start()
    pid = made.workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    task = asyncio.ensure_future(made.inspect("t", segments("mail a@example.org")))
    await asyncio.sleep(0.1)
    await made.close()
    assert (await task).results[0].uninspected == "stopped"


async def test_stopping_answers_also_what_waits_for_a_worker_that_gives_way() -> None:
    made = pool()
    await made.start()
    async with made.workers[0].busy:
        task = asyncio.ensure_future(made.inspect("t", segments("mail a@example.org")))
        await asyncio.sleep(0.05)  # it is taken from the queue now; where it were not, it would be answered as well
        closing = asyncio.ensure_future(made.close())
        async with asyncio.timeout(20):
            assert (await task).results[0].uninspected == "stopped"
    await closing


async def test_a_text_does_not_wait_for_a_worker_that_died_while_it_had_nothing_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = pool(replace(Limits(), inspect_deadline_s=60.0), workers=2)
    await made.start()
    await asyncio.sleep(0)
    dead = made.workers[0]
    starts = 0

    async def fails() -> None:
        nonlocal starts
        starts += 1
        raise ConfigError("no models")

    monkeypatch.setattr(dead, "start", fails)
    await dead.stop()
    async with asyncio.timeout(30):
        for i in range(4):
            seen = await made.inspect("t", segments(f"mail a{i}@example.org", _letter(9_000) + str(i)))
            assert {r.uninspected for r in seen.results} == {None}
    assert starts and made._queue._held == 0
    await made.close()


async def test_workers_that_die_in_a_long_job_leave_their_places_to_the_next() -> None:
    made = pool(workers=2)
    await made.start()
    long = asyncio.ensure_future(made.inspect("t", segments(_letter(250_000))))
    await asyncio.sleep(0.1)
    for worker in made.workers:
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
    assert (await long).results[0].uninspected in {None, "worker_died"}, "never clean by half"
    again = await made.inspect("t", segments(_letter(250_000)))
    assert again.results[0].uninspected is None and made._queue._held == 0
    await made.close()


async def test_a_system_that_starts_no_process_for_a_while_costs_no_worker_for_ever(
    running: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = 0
    real = asyncio.create_subprocess_exec

    async def scarce(*what: Any, **how: Any) -> Any:
        nonlocal refused
        refused += 1
        if refused < 3:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return await real(*what, **how)

    monkeypatch.setattr(inspect, "RETRY_S", 0.01)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", scarce)
    pid = running.workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert (await _until_inspected(running)).uninspected is None
    assert refused == 3 and running.alive


@pytest.mark.skipif(sys.platform != "linux", reason="priorities are of processes elsewhere")
@pytest.mark.parametrize("many", [False, True])
async def test_long_jobs_run_in_a_thread_that_gives_way_and_short_ones_do_not(running: WorkerPool, many: bool) -> None:
    def nice() -> list[int]:
        tasks = Path(f"/proc/{running.workers[0].pid}/task")
        return sorted(int((at / "stat").read_text().rpartition(")")[2].split()[16]) for at in tasks.iterdir())

    own = os.getpriority(os.PRIO_PROCESS, 0)
    await running.inspect("t", segments("mail a@example.org"))
    assert set(nice()) == {own}
    await running.inspect("t", segments(*(f"{i} {_letter(200)}" for i in range(60)) if many else [_letter(9_000)]))
    assert nice()[-1] >= NICE and nice().count(own) >= 1


async def test_a_worker_whose_models_were_changed_refuses_to_start(tmp_path: Path) -> None:
    changed(tmp_path)
    made = WorkerPool(tmp_path, names=True, workers=1, limits=Limits(), cache_key=b"k" * 32)
    with pytest.raises(ConfigError, match="models rollback"):
        await made.start()


def test_the_payload_is_as_sensitive_as_its_most_sensitive_text_and_keys_say_nothing() -> None:
    def result(level: Sensitivity, category: str) -> TextResult:
        return TextResult((), Classification(level, {category: 0.5}))

    some = [*segments("a", "b"), Segment("/x", "other", "password", "key")]
    results = [
        result(Sensitivity.INTERNAL, "internal"),
        result(Sensitivity.CONFIDENTIAL, "legal"),
        result(Sensitivity.REGULATED, "health"),
    ]
    seen = classify_payload(some, results)
    assert seen.sensitivity is Sensitivity.CONFIDENTIAL
    assert set(seen.categories) == {"internal", "legal"}


def changed(models: Path) -> None:
    """An installed bundle of our own models that is none."""
    (models / "sealgate").mkdir()
    (models / "sealgate" / "manifest.json").write_text("{}")


FAST_ONLY = {"patterns", "secrets", "student", "topics", "readings", "coverage"}


async def test_a_fast_look_is_cached_apart_and_says_which_detectors_looked(tmp_path: Path) -> None:
    """A gate with fast apps only: the encoder is not loaded."""
    made = WorkerPool(tmp_path, names=True, workers=1, limits=Limits(), cache_key=b"k" * 32, full=False)
    await made.start()
    text = "Anna Keller from Hamburg wrote to bob@example.org"
    seen = await made.inspect("t", segments(text), Inspection.FAST)
    assert set(seen.digests) == FAST_ONLY and seen.inspection is Inspection.FAST
    assert {f.label for f in seen.results[0].findings} >= {"PERSON", "EMAIL_ADDRESS"}
    assert remembered(made, "t", text, "fast") is not None
    changed(tmp_path)
    full = await made.inspect("t", segments(text))
    assert [r.uninspected for r in full.results] == ["not_loaded"], "its files are not what was installed"
    assert (await made.inspect("t", segments(text), Inspection.FAST)).results == seen.results
    await made.close()


async def test_workers_without_the_encoder_give_way_to_ones_that_have_it_when_somebody_needs_it(tmp_path: Path) -> None:
    made = WorkerPool(tmp_path, names=True, workers=1, limits=Limits(), cache_key=b"k" * 32, full=False)
    await made.start()
    pid = made.workers[0].pid
    some = segments("Anna Keller from Hamburg works at Contoso Ltd. in Leeds, and the weather is fine.")
    first, both = await asyncio.gather(made.inspect("t", some), made.inspect("t", some))
    assert first.results == both.results and first.results[0].uninspected is None
    assert set(first.digests) == FAST_ONLY - {"student"} | {"encoder"}
    assert made.workers[0].pid != pid and made.restarts == 0
    await made.close()


def _letter(size: int) -> str:
    block = "The plan for mail a@example.org and card 4111 1111 1111 1111 is on the table. "
    return "".join(f"{i} {block}" for i in range(size // len(block)))


async def test_a_long_text_is_looked_at_in_windows_with_the_result_of_one_process() -> None:
    made = pool(workers=2)
    await made.start()
    some = segments(_letter(60_000), "short a@example.org")
    seen = await made.inspect("t", some)
    here = inspect_here(build(None, names=False), some)
    assert [set(r.findings) for r in seen.results] == [set(r.findings) for r in here.results]
    assert all(r.uninspected is None for r in seen.results)
    assert (await made.inspect("t", some)).results == seen.results
    await made.close()


async def test_short_texts_do_not_wait_for_a_long_one() -> None:
    made = pool()
    await made.start()
    long = asyncio.ensure_future(made.inspect("t", segments(_letter(250_000))))
    await asyncio.sleep(0.05)
    for i in range(3):
        short = await made.inspect("t", segments(f"mail b{i}@example.org"))
        assert short.results[0].uninspected is None
    assert not long.done(), "all of them were answered in between, by the only worker"
    assert (await long).results[0].uninspected is None
    await made.close()


async def test_a_long_text_that_is_given_up_frees_its_worker_without_a_restart() -> None:
    made = pool()
    await made.start()
    pid = made.workers[0].pid
    long = asyncio.ensure_future(made.inspect("t", segments(_letter(250_000))))
    await asyncio.sleep(0.05)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    seen = await made.inspect("t", segments("mail c@example.org"))
    assert seen.results[0].uninspected is None
    assert made.workers[0].pid == pid and made.restarts == 0
    await made.close()


async def test_a_window_that_is_not_done_in_time_leaves_its_text_uninspected() -> None:
    made = pool(replace(Limits(), inspect_deadline_s=0.04))
    await made.start()
    text = _letter(250_000)  # ten times what a fast machine does in that time
    seen = await made.inspect("t", segments(text))
    assert [r.uninspected for r in seen.results] == ["deadline"]
    assert remembered(made, "t", text) is None
    await made.close()


@pytest.mark.parametrize(("count", "aside"), [(1_200, True), (3, False)])
async def test_a_large_request_is_put_together_beside_the_event_loop(
    count: int, aside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside: dict[str, bool] = {}

    def watched(name: str) -> Callable[..., Any]:
        do = getattr(inspect, name)

        def call(*args: Any) -> Any:
            beside[name] = threading.current_thread() is not threading.main_thread()
            return do(*args)

        return call

    for name in ("asked_of", "combined"):
        monkeypatch.setattr(inspect, name, watched(name))
    made = pool(replace(Limits(), inspect_deadline_s=120.0))
    await made.start()
    seen = await made.inspect("t", segments(*(f"row {i}: a{i}@example.org" for i in range(count))))
    assert all(r.uninspected is None for r in seen.results)
    assert beside == {"asked_of": aside, "combined": aside}
    await made.close()


async def test_a_worker_with_other_detectors_than_those_on_record_does_not_take_over() -> None:
    """A bundle that was installed meanwhile would look at texts under the digests, and in the cache, of the old one."""
    made = WorkerPool(None, names=False, workers=1, limits=Limits(), cache_key=b"k" * 32, full=False)
    await made.start()
    try:
        before = made.workers[0].pid
        made.digests = {**made.digests, "fast": {**made.digests["fast"], "patterns": "of other files"}}
        with pytest.raises(ConfigError, match="changed"):
            await made.deepen()
        assert made.workers[0].pid == before and not made.workers[0].spec.full
        seen = await made.inspect("t", segments("plain words"), Inspection.FULL)
        assert seen.results[0].uninspected == "not_loaded"
    finally:
        await made.close()
