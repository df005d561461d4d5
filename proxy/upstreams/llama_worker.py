"""The local model's own process: reads requests on stdin, writes answer frames on stdout, opens no connection.

Started by ``proxy.upstreams.local``. The only file that imports llama_cpp. A frame is a 4-byte big-endian length and
JSON. In: ``{"id", "options"}`` or ``{"cancel": id}``. Out: ``{"ready"}`` once, then for each request any number of
``{"id", "chunk"}`` and one ``{"id", "done", "tokens_in", "tokens_out"}`` or ``{"id", "error"}``, a code and never text.
Requests are answered one after the other.
"""

from __future__ import annotations

import os
import queue
import resource
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import IO, Any

import orjson

CONTEXT_TOKENS = 2048
PREFILL_TOKENS = 128
"""A prompt is read in steps of so many tokens; between them a cancel is seen (under a second each)."""


def write(out: IO[bytes], value: Mapping[str, Any]) -> None:
    """One frame."""
    data = orjson.dumps(value)
    out.write(len(data).to_bytes(4, "big") + data)
    out.flush()


def frames(stream: IO[bytes]) -> Iterator[Any]:
    """Frames until the stream ends."""
    while len(head := stream.read(4)) == 4:
        yield orjson.loads(stream.read(int.from_bytes(head, "big")))


class Requests:
    """Reads stdin in a thread, so that a cancel is seen while tokens are made."""

    def __init__(self, stream: IO[bytes], gone: Callable[[], object]) -> None:
        self.waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.cancelled = -1
        self._gone = gone
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: IO[bytes]) -> None:
        for frame in frames(stream):
            if "cancel" in frame:
                self.cancelled = frame["cancel"]
            else:
                self.waiting.put(frame)
        self._gone()


class Cancelled(Exception):
    """Nobody waits for this answer any more."""


class Counting:
    """Counts tokens of the request that runs and stops it when it is cancelled, inside llama_cpp's own loop."""

    def __init__(self, llm: Any) -> None:
        self.stop: Callable[[], bool] = lambda: False
        self.tokens_in = 0
        self.tokens_out = 0
        self._generate = llm.generate
        self._eval = llm.eval
        llm.generate = self.generate
        llm.eval = self.eval

    def generate(self, tokens: Any, *args: Any, **kwargs: Any) -> Iterator[int]:
        self.tokens_in = len(tokens)
        for token in self._generate(tokens, *args, **kwargs):
            if self.stop():
                raise Cancelled
            self.tokens_out += 1
            yield token

    def eval(self, tokens: Any) -> None:
        for start in range(0, len(tokens), PREFILL_TOKENS):
            if self.stop():
                raise Cancelled
            self._eval(tokens[start : start + PREFILL_TOKENS])


def answer(llm: Any, counting: Counting, request: Any, requests: Requests, out: IO[bytes]) -> None:
    """One completion, token by token."""
    number = request["id"]
    counting.stop = lambda: requests.cancelled == number
    counting.tokens_in = counting.tokens_out = 0
    finish = "stop"
    try:
        with closing(llm.create_chat_completion(stream=True, **request["options"])) as chunks:
            for chunk in chunks:
                choice = chunk["choices"][0]
                finish = choice.get("finish_reason") or finish
                if text := choice["delta"].get("content"):
                    write(out, {"id": number, "chunk": text})
    except Cancelled:
        finish = "cancelled"
    except ValueError as e:
        code = "context_length_exceeded" if "context window" in str(e) else "invalid_request"
        write(out, {"id": number, "error": code})
        return
    except (RuntimeError, TypeError, KeyError):
        write(out, {"id": number, "error": "local_model_failed"})
        return
    usage = {"tokens_in": counting.tokens_in, "tokens_out": counting.tokens_out}
    write(out, {"id": number, "done": finish, **usage})


def main() -> None:
    """Loads the model, says so, serves until stdin closes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not leave prompts on disk
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # native code that prints must not break the frames
    import llama_cpp

    path, threads = sys.argv[1], int(sys.argv[2])
    llm = llama_cpp.Llama(
        model_path=path, n_ctx=CONTEXT_TOKENS, n_threads=threads, n_threads_batch=threads, verbose=False, seed=0
    )
    counting = Counting(llm)
    write(out, {"ready": True})
    # when the gate is gone nobody waits for the rest of an answer
    requests = Requests(os.fdopen(os.dup(0), "rb"), lambda: os._exit(0))
    while True:
        answer(llm, counting, requests.waiting.get(), requests, out)


if __name__ == "__main__":
    main()
