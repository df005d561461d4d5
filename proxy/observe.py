"""One canonical JSON line per request on stderr. Fields come from an allow-list; payload text has no way in.

Libraries quote what they were sent in their errors, so of their log records only the kind of error and its place stay.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Mapping

import orjson

log = logging.getLogger("sealgate.request")

FIELDS = ("sealgate-action", "sealgate-zone", "sealgate-upstream", "sealgate-policy", "sealgate-restored")

LIBRARIES = ("aiohttp.server", "aiohttp.web", "aiohttp.client", "aiohttp.internal", "asyncio")
"""Loggers that see requests or tasks of ours."""
_QUOTING = re.compile(r"[\n<(]")
"""Where a library's message goes over to quoting: a repr, arguments, another line."""


class ValueFree(logging.Filter):
    """Takes out of a record whatever may hold text of a request: the message of an error, reprs, arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = _QUOTING.split(record.getMessage(), maxsplit=1)[0].strip()
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
            said = f"{said}: {type(error).__name__} at {where}"
        record.msg, record.args = "%s", (said,)
        record.exc_info = record.exc_text = record.stack_info = None
        return True


_VALUE_FREE = ValueFree()


def quiet_libraries() -> None:
    """Puts the filter on the libraries' loggers. Idempotent."""
    for name in LIBRARIES:
        logging.getLogger(name).addFilter(_VALUE_FREE)


def log_request(
    request_id: str, app: str | None, status: int, headers: Mapping[str, str], seconds: float, code: str = "ok"
) -> None:
    """Writes the line. ``app`` is a configured name, ``code`` a stable error code."""
    line = {"event": "request", "id": request_id, "app": app, "status": status, "code": code,
            "ms": round(seconds * 1000, 1)}  # fmt: skip
    line |= {name.removeprefix("sealgate-"): headers[name] for name in FIELDS if name in headers}
    log.info("%s", orjson.dumps(line).decode())


def log_fault(error: BaseException) -> None:
    """Says where a bug of ours shows: type and line. Its message may hold text and goes nowhere."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
    logging.getLogger("sealgate").error("internal error: %s at %s", type(error).__name__, where)


def setup(level: int = logging.INFO) -> None:
    """Plain lines on stderr; libraries from warnings up only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger("sealgate")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
