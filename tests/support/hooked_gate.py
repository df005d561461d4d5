"""A gate under ``sys.addaudithook``: every connection, look-up and process start that no door made is written down.

Run as ``python hooked_gate.py FOLDER UPSTREAM KEY BYPASSES`` (comma-separated, one per request, ``-`` for none). It
prints its address, serves until stdin closes, then prints ``{"outside": {label: [events]}, "inside": n}``; labels are
``start``, the number of the request, and ``stop``. Inspection processes are excepted by their module's name.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

WATCHED = frozenset(
    {
        "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.sendto",
        "socket.sendmsg", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork",
        "os.forkpty", "urllib.Request", "ftplib.connect", "smtplib.connect", "http.client.connect",
    }
)  # fmt: skip
WORKERS = frozenset({"proxy.inspect_worker", "proxy.upstreams.llama_worker"})


class Watch:
    """What happened outside the doors, by label, and how often a door connected."""

    def __init__(self) -> None:
        self.outside: dict[str, list[str]] = {}
        self.inside = 0
        self.label = "start"

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """For ``sys.addaudithook``."""
        if event not in WATCHED:
            return
        from proxy.egress import IN_DOOR

        if IN_DOOR.get():
            self.inside += 1
        elif event != "subprocess.Popen" or not WORKERS.intersection(args[1]):
            self.outside.setdefault(self.label, []).append(event)


async def plant(kind: str, upstream: str) -> None:
    """A bypass, as a careless or hostile change would write it inside the flow."""
    loop = asyncio.get_running_loop()
    host, port = urlsplit(upstream).hostname or "", urlsplit(upstream).port or 0
    if kind == "create_connection":
        transport, _ = await loop.create_connection(asyncio.Protocol, host, port)
        transport.close()
    elif kind == "importlib":
        importlib.import_module("socket").create_connection((host, port)).close()
    elif kind == "sendto":
        module = importlib.import_module("socket")
        with module.socket(module.AF_INET, module.SOCK_DGRAM) as udp:
            udp.sendto(b"payload", (host, port))
    elif kind == "getaddrinfo":
        await loop.getaddrinfo("localhost", 80)
    elif kind == "popen":
        subprocess.run(["true"], check=True)
    elif kind == "system":
        os.system("true")


async def serve(watch: Watch, folder: Path, upstream: str, key: str, bypasses: list[str]) -> None:
    """Start, requests, stop; the watch's label says where we are."""
    from crash_support import patterns_only, settings

    from proxy import app, flow

    planned = list(bypasses)

    class Planted(flow.Flow):
        async def run(self, call: Any, dialect: Any) -> Any:
            watch.label = str(len(bypasses) - len(planned))
            await plant(planned.pop(0), upstream)
            return await super().run(call, dialect)

    vars(app)["Flow"] = Planted
    async with patterns_only(app)(settings(folder, upstream, key)) as gate:
        print(gate.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        watch.label = "stop"
    print(json.dumps({"outside": watch.outside, "inside": watch.inside}), flush=True)


if __name__ == "__main__":
    watching = Watch()
    sys.addaudithook(watching.hook)
    asyncio.run(serve(watching, Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4].split(",")))
