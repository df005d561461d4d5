"""One canonical JSON line per request on stderr. Fields come from an allow-list; payload text has no way in."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping

import orjson

log = logging.getLogger("sealgate.request")

FIELDS = ("sealgate-action", "sealgate-zone", "sealgate-upstream", "sealgate-policy", "sealgate-restored")


def log_request(
    request_id: str, app: str | None, status: int, headers: Mapping[str, str], seconds: float, code: str = "ok"
) -> None:
    """Writes the line. ``app`` is a configured name, ``code`` a stable error code."""
    line = {"event": "request", "id": request_id, "app": app, "status": status, "code": code,
            "ms": round(seconds * 1000, 1)}  # fmt: skip
    line |= {name.removeprefix("sealgate-"): headers[name] for name in FIELDS if name in headers}
    log.info("%s", orjson.dumps(line).decode())


def setup(level: int = logging.INFO) -> None:
    """Plain lines on stderr; libraries from warnings up only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger("sealgate")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
