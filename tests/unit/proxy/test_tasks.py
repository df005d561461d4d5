"""Tasks are kept while they run and forgotten when they end."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading

import pytest

from proxy.tasks import aside, spawn


async def test_a_task_nobody_holds_still_runs_to_its_end() -> None:
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0)
        done.set()

    spawn(work(), "work")
    gc.collect()
    await done.wait()


async def test_an_awaiting_caller_gets_result_and_error() -> None:
    async def fine() -> int:
        return 7

    async def fails() -> None:
        raise ValueError("text of a payload")

    assert await spawn(fine(), "fine") == 7
    with pytest.raises(ValueError, match="payload"):
        await spawn(fails(), "fails")


async def test_a_failure_nobody_awaits_is_logged_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("text of a payload")

    with caplog.at_level(logging.DEBUG, "sealgate"):
        await asyncio.wait({spawn(fails(), "fails")})
        await asyncio.sleep(0)
    assert "task fails ended with ValueError" in caplog.text
    assert "payload" not in caplog.text


async def test_much_is_done_in_another_thread_and_little_here() -> None:
    here = threading.get_ident()
    assert await aside(False, threading.get_ident) == here
    assert await aside(True, threading.get_ident) != here
    assert await aside(True, int, "12", base=16) == await aside(False, int, "12", base=16) == 18
    for much in (False, True):
        with pytest.raises(ValueError, match="invalid"):
            await aside(much, int, "x")
