"""What the client programs share: orders come in as lines of JSON, one line of JSON answers each.

An order is ``{"do": NAME, "base": URL, ...}``; NAME is a method of the program. An answer is ``{"ok": VALUE}`` or
``{"error": [CLASS, ...], "message": TEXT}`` with the exception's classes, nearest first.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel


class Mail(BaseModel):
    """A mail to send."""

    to: str
    n: int


def send_mail(to: str, n: int) -> str:
    """Sends a mail."""
    return f"sent {n} to {to}"


def serve(program: Mapping[str, Callable[..., Any]]) -> None:
    """Answers orders until the input ends. Whatever else the libraries print goes to the error output."""
    answers, sys.stdout = sys.stdout, sys.stderr
    logging.disable(logging.CRITICAL)
    print(json.dumps({"ok": sorted(program)}), file=answers, flush=True)
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            order = json.loads(line)
            try:
                made = program[order.pop("do")](**order)
                answer = {"ok": runner.run(_waited(made)) if inspect.isawaitable(made) else made}
            except Exception as e:  # the test judges it
                answer = {"error": [f"{c.__module__}.{c.__qualname__}" for c in type(e).__mro__], "message": str(e)}
            print(json.dumps(answer), file=answers, flush=True)


async def _waited(made: Any) -> Any:
    return await made
