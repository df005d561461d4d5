"""Background tasks that are not forgotten. The only place that may call ``asyncio.create_task``.

The event loop keeps weak references only, so a task nobody holds may vanish in mid-flight; and a failure nobody
awaits would be silent.  The log names the task and the type of its error, never the message, which may hold text.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from proxy.errors import SealgateError
from proxy.observe import log_fault

log = logging.getLogger("sealgate")

P = ParamSpec("P")
T = TypeVar("T")

_running: set[asyncio.Task[Any]] = set()


def spawn(coro: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Starts ``coro`` as a task that is kept until it ends. Cancellation and awaiting work as usual."""
    task = asyncio.create_task(coro, name=name)  # noqa: TID251  # this is the place the ban points to
    _running.add(task)
    task.add_done_callback(_ended)
    return task


async def aside(large: bool, do: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    """Does something; in a thread if it is much, so that the event loop serves others meanwhile."""
    return await asyncio.to_thread(do, *args, **more) if large else do(*args, **more)


async def awaited(what: Awaitable[object]) -> None:
    """``what`` as something to spawn."""
    await what


def loud(task: asyncio.Task[Any]) -> None:
    """Done-callback of a task that nobody waits for: what it raises is an error in the log."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, SealgateError):
        log.error("task %s failed: %s", task.get_name(), error.code)
    elif error is not None:
        log_fault(error)


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    error = task.exception()  # marks it as retrieved; an awaiting caller still gets it
    if error is not None:
        log.debug("task %s ended with %s", task.get_name(), type(error).__name__)
