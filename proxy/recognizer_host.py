"""The process of one foreign recognizer: texts on stdin, what it found on stdout. Loads code that is not ours.

Started by ``proxy.recognizers`` with an environment of its own; ends with its parent. The recognizer sees neither the
pipe nor the log: its stdin and stdout are nothing, and so is its stderr once it is loaded, since it may print what it
reads. It may not connect, nor start processes once it is loaded: that raises, and the text counts as uninspected even
if the recognizer looks away. Memory is bounded, core dumps are off. This holds an honest recognizer to what it may do;
it is no cage for a malicious one.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from typing import IO, Any

import orjson

_CONNECTS = (
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostby",
    "socket.sendto",
    "socket.sendmsg",
    "socket.bind",
)
_STARTS = ("os.fork", "os.posix_spawn", "os.exec", "os.spawn", "os.system", "subprocess.Popen", "pty.spawn")
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


class _Watch:
    """An audit hook: refuses, and remembers that it did."""

    def __init__(self) -> None:
        self.loaded = False
        self.refused = 0
        sys.addaudithook(self)

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(_CONNECTS) or (self.loaded and event.startswith(_STARTS)):
            self.refused += 1
            raise PermissionError("a recognizer may not do this")


def _confine(memory_mb: int, parent: int) -> None:
    size = memory_mb << 20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if os.getppid() != parent:  # it was gone before it could be watched
            os._exit(1)


def _nothing(*fds: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for fd in fds:
        os.dup2(null, fd)
    os.close(null)


def _read(stream: IO[bytes]) -> Any:
    """The next frame; None at the end."""
    head = stream.read(4)
    body = stream.read(int.from_bytes(head, "big")) if len(head) == 4 else b""
    return orjson.loads(body) if body else None


def _write(stream: IO[bytes], value: Any) -> None:
    data = orjson.dumps(value)
    stream.write(len(data).to_bytes(4, "big") + data)
    stream.flush()


def _answer(foreign: Any, watch: _Watch, text: str) -> dict[str, Any]:
    """``found``, or why nothing is known. The name of an exception's class is all that is told of it."""
    before = watch.refused
    try:
        found = [[str(label), start, end, score] for label, start, end, score in foreign.analyze(text)]
    except Exception as e:  # whatever a recognizer raises: its text is uninspected, and its process starts anew
        return {"failed": type(e).__name__}
    return {"failed": "forbidden"} if watch.refused != before else {"found": found}


def main() -> None:
    """Serves texts until stdin closes."""
    jobs, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    _nothing(0, 1)
    settings = _read(jobs)
    _confine(settings["memory_mb"], settings["parent"])
    watch = _Watch()
    try:
        from redaction.detectors.foreign import Foreign

        foreign = Foreign(settings)
    except BaseException as e:  # SystemExit of foreign code, too; nothing was read yet, so its words may be told
        _write(out, {"unfit": f"{type(e).__name__}: {e}"[:500]})
        return
    watch.loaded = True
    _nothing(2)
    _write(out, {"digest": foreign.digest})
    while (job := _read(jobs)) is not None:
        answer = _answer(foreign, watch, job["text"])
        try:
            _write(out, {"id": job["id"], **answer})
        except (TypeError, ValueError):  # what it found is no JSON: numbers of other libraries, objects
            _write(out, {"id": job["id"], "failed": "junk"})


if __name__ == "__main__":
    main()
