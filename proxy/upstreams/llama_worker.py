"""The local model's own process: reads requests on stdin, writes answer frames on stdout, opens no connection.

Started by ``proxy.upstreams.local``. The only file that imports llama_cpp. A frame is a 4-byte big-endian length and
JSON. In: ``{"id", "options"}`` or ``{"cancel": id}``. Out: ``{"id", "chunk"}``, then ``{"id", "done", …}`` or
``{"id", "error"}``, whose value is a code, never text.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import IO, Any

import orjson

CONTEXT_TOKENS = 2048


def write(out: IO[bytes], value: Mapping[str, Any]) -> None:
    data = orjson.dumps(value)
    out.write(len(data).to_bytes(4, "big") + data)
    out.flush()


def frames(stream: IO[bytes]) -> Iterator[Any]:
    while len(head := stream.read(4)) == 4:
        yield orjson.loads(stream.read(int.from_bytes(head, "big")))


class Requests:
    """Reads stdin in a thread, so that a cancel is seen while tokens are made."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.waiting: queue.Queue[Any] = queue.Queue()
        self.cancelled: set[int] = set()
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: IO[bytes]) -> None:
        for frame in frames(stream):
            if "cancel" in frame:
                self.cancelled.add(frame["cancel"])
            else:
                self.waiting.put(frame)
        os._exit(0)  # the gate is gone: nobody waits for the rest of an answer


def answer(llm: Any, request: Any, requests: Requests, out: IO[bytes]) -> None:
    """One completion, token by token."""
    number = request["id"]
    tokens = 0
    finish = "stop"
    try:
        for chunk in llm.create_chat_completion(stream=True, **request["options"]):
            if number in requests.cancelled:
                finish = "cancelled"
                break
            choice = chunk["choices"][0]
            finish = choice.get("finish_reason") or finish
            if text := choice["delta"].get("content"):
                tokens += 1
                write(out, {"id": number, "chunk": text})
    except ValueError:  # what llama_cpp raises when the prompt does not fit
        write(out, {"id": number, "error": "context_length_exceeded"})
        return
    finally:
        requests.cancelled.discard(number)
    write(out, {"id": number, "done": finish, "tokens_out": tokens, "tokens_in": max(0, llm.n_tokens - tokens)})


def main() -> None:
    """Loads the model, says so, serves until stdin closes."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # native code that prints must not break the frames
    import llama_cpp

    path, threads = sys.argv[1], int(sys.argv[2])
    llm = llama_cpp.Llama(
        model_path=path, n_ctx=CONTEXT_TOKENS, n_threads=threads, n_threads_batch=threads, verbose=False, seed=0
    )
    write(out, {"ready": True})
    requests = Requests(os.fdopen(os.dup(0), "rb"))
    while True:
        answer(llm, requests.waiting.get(), requests, out)


if __name__ == "__main__":
    main()
