"""Streaming answers of the Responses API, restored as they arrive. Theory of operation:

* Every text that grows has its own channel: per item, and per part of it. A stand-in may be cut anywhere between the
  deltas of its channel, whatever comes in between.
* What a channel still holds goes out in a delta of its own before the event that says the text is done. The events
  after an added one are numbered on, so that ``sequence_number`` stays strictly increasing.
* The same text comes again in the events that end its part, its item and the response. It is restored once: what the
  deltas added up to is what those events say.
* An event that comes out as it went in passes with its own bytes. Nothing is put back into one that is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.dialects import json_text, sse
from proxy.dialects.anthropic_answers import usage
from proxy.dialects.base import RestorerFactory, TextRestorer
from proxy.dialects.json_text import InvalidJson, Number
from proxy.dialects.openai_answers import OTHER, TEXT, input_place, tool_place
from proxy.dialects.responses_answers import DEVICES, PLAIN, Repeats, item, leaves, made, response
from proxy.errors import UpstreamError

FINAL = frozenset({"response.completed", "response.failed", "response.incomplete"})
DELTA, DONE, ADDED = ".delta", ".done", ".added"
JSON, INPUT = "json", "input"
GROWING: Mapping[str, str] = {
    "response.output_text": TEXT, "response.refusal": PLAIN, "response.reasoning_text": PLAIN,
    "response.reasoning_summary_text": PLAIN, "response.audio.transcript": PLAIN,
    "response.code_interpreter_call_code": PLAIN, "response.shell_call_output_content": PLAIN,
    "response.function_call_arguments": JSON, "response.mcp_call_arguments": JSON,
    "response.custom_tool_call_input": INPUT, "response.shell_call_command": INPUT,
    "response.apply_patch_call_operation_diff": INPUT,
}  # fmt: skip
"""What grows by deltas -> its place, or how its place follows from the item's tool."""
PARTS: Mapping[str, str] = {
    "output_text": "response.output_text", "refusal": "response.refusal", "reasoning_text": "response.reasoning_text",
    "summary_text": "response.reasoning_summary_text",
}  # fmt: skip
"""Kind of part -> what grows it."""
STARTS: Mapping[str, tuple[str, str]] = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "mcp_call": ("arguments", "response.mcp_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
}
"""Kind of item -> its member that deltas go on from, and what grows it."""
ENDS = frozenset({"text", "refusal", "arguments", "input", "code", "command", "diff", "output", "transcript"})
"""Members that say what deltas added up to."""
SOUNDS = frozenset({"response.audio.delta", "response.image_generation_call.partial_image"})
"""Events that carry sound or pictures."""
READ = frozenset({"response", "item", "part", "annotation", "type", "item_id", "obfuscation", "logprobs"})
"""Members that were read already, or are no text."""
INDEXES = ("content_index", "summary_index", "command_index")


@dataclass(slots=True)
class _Channel:
    """A text that grows. ``last`` is its last delta, the pattern for one that is added."""

    place: str
    restorer: TextRestorer = field(repr=False)
    last: dict[str, Any] = field(repr=False)
    where: tuple[str, ...]
    member: str = ""
    came: list[str] = field(default_factory=list, repr=False)
    went: list[str] = field(default_factory=list, repr=False)

    def feed(self, text: str) -> str:
        out = self.restorer.feed(text)
        self.came.append(text)
        self.went.append(out)
        return out


class ResponseStream:
    """See the module. ``trailer()`` is asked once, before the final event."""

    def __init__(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> None:
        self._restorers = restorers
        self._whole = Repeats(restorers)
        self._trailer: Callable[[], str] | None = trailer
        self._parser = sse.Parser()
        self._tools: dict[str, str] = {}
        self._channels: dict[tuple[str, ...], _Channel] = {}
        self._made: set[tuple[str, str]] = set()
        self._usage: dict[str, int] = {}
        self._stores: Any = True
        self._added = 0
        self._number = -1
        self._complete = False

    @property
    def usage(self) -> Mapping[str, int]:
        return self._usage

    @property
    def complete(self) -> bool:
        return self._complete

    def feed(self, chunk: bytes) -> bytes:
        """Raises UpstreamError when the upstream's line or event is too long to be buffered."""
        try:
            return b"".join([self._event(e) for e in self._parser.feed(chunk)])
        except sse.TooLong:
            raise UpstreamError("the upstream's stream is not readable", code="upstream_unreadable") from None

    def close(self) -> bytes:
        """What no empty line ended is read if it is whole; a torn piece follows after everything that was held."""
        out = b""
        for event in self._parser.close():
            if _tree(event.data) is None:
                out += self._ending() + event.raw
            else:
                out += self._event(event) + (b"\n" if event.raw.endswith((b"\n", b"\r")) else b"\n\n")
        return out if self._complete else out + self._ending()

    # -- events -------------------------------------------------------------------------------------------------------

    def _event(self, event: sse.Event) -> bytes:
        tree = _tree(event.data)
        if tree is None or self._complete:
            return event.raw
        kind = tree.get("type")
        kind = kind if isinstance(kind, str) else ""
        before = self._settle(kind, tree)
        out = self._restored(kind, tree)
        if kind in FINAL or kind == "error":
            before += self._ending()
            self._complete = kind in FINAL
        out = self._numbered(out)
        return before + (event.raw if out == tree else event.with_data(json_text.serialize(out).decode()))

    def _restored(self, kind: str, tree: dict[str, Any]) -> dict[str, Any]:
        if kind.endswith(DELTA):
            return self._delta(kind.removesuffix(DELTA), tree)
        out = dict(tree)
        if isinstance(tree.get("response"), dict):
            self._note(tree["response"])
            out["response"] = response(tree["response"], self._whole)
        if isinstance(tree.get("item"), dict):
            out["item"] = self._item(tree, starts=kind.endswith(ADDED))
        if isinstance(tree.get("part"), dict):
            out["part"] = self._part(tree, starts=kind.endswith(ADDED))
        if "annotation" in tree:
            out["annotation"] = leaves(tree["annotation"], self._whole, PLAIN)
        if "logprobs" in tree:
            out["logprobs"] = leaves(tree["logprobs"], self._whole, PLAIN, "logprobs")
        if kind == "error":
            out = leaves(out, self._whole, PLAIN)
        return self._said(kind, out)

    def _said(self, kind: str, tree: dict[str, Any]) -> dict[str, Any]:
        """The whole text that ends a channel, or that starts one (the commands of a shell)."""
        grows = kind.removesuffix(DONE).removesuffix(ADDED)
        if grows == kind or grows not in GROWING:
            return tree if kind in SOUNDS else self._odd(tree)
        place = self._place(grows, tree)
        for member in [name for name in tree if name in ENDS]:
            tree[member] = leaves(tree[member], self._whole, place, member)
        return tree

    def _odd(self, tree: dict[str, Any]) -> dict[str, Any]:
        """What is in no table: nothing is put back, but it is told to the restorers."""
        return {k: v if k in READ else leaves(v, self._whole, OTHER, k) for k, v in tree.items()}

    def _note(self, tree: dict[str, Any]) -> None:
        self._usage |= usage(tree)
        self._stores = tree.get("store", self._stores)
        for one in made(tree):
            if one not in self._made:
                self._made.add(one)
                self._restorers.created(*one)

    def _item(self, tree: dict[str, Any], *, starts: bool) -> dict[str, Any]:
        node = tree["item"]
        self._note({"output": [node], "store": self._stores})
        kind = node.get("type")
        kind = kind if isinstance(kind, str) else ""
        name = node.get("name") or DEVICES.get(kind, kind)
        if isinstance(name, str):
            self._tools[_item_of(tree)] = name
        member, grows = STARTS.get(kind, ("", ""))
        begun = node.get(member) if starts and member else None
        if not isinstance(begun, str) or not begun:
            return item(node, self._whole)
        rest = item({k: v for k, v in node.items() if k != member}, self._whole)
        return {k: self._grown(grows, tree, begun) if k == member else rest[k] for k in node}

    def _part(self, tree: dict[str, Any], *, starts: bool) -> dict[str, Any]:
        node = tree["part"]
        kind = node.get("type")
        grows = PARTS.get(kind, "") if isinstance(kind, str) else ""
        member = "refusal" if kind == "refusal" else "text"
        begun = node.get(member) if starts and grows else None
        if not isinstance(begun, str) or not begun:
            return dict(leaves(node, self._whole, PLAIN))
        rest = leaves({k: v for k, v in node.items() if k != member}, self._whole, PLAIN)
        return {k: self._grown(grows, tree, begun) if k == member else rest[k] for k in node}

    # -- channels -----------------------------------------------------------------------------------------------------

    def _delta(self, grows: str, tree: dict[str, Any]) -> dict[str, Any]:
        delta = tree.get("delta")
        if "logprobs" in tree:
            tree = {**tree, "logprobs": leaves(tree["logprobs"], self._whole, PLAIN, "logprobs")}
        if grows not in GROWING:
            return tree if grows + DELTA in SOUNDS else self._odd(tree)
        if isinstance(delta, dict):
            return {**tree, "delta": {k: self._grown(grows, tree, v, k) if isinstance(v, str) else v
                                      for k, v in delta.items()}}  # fmt: skip
        return {**tree, "delta": self._grown(grows, tree, delta)} if isinstance(delta, str) else tree

    def _grown(self, grows: str, tree: dict[str, Any], text: str, member: str = "") -> str:
        where = _where(tree)
        channel = self._channels.get((grows, member, *where))
        if channel is None:
            place = self._place(grows, tree)
            channel = _Channel(place, self._restorers(place), {}, where, member)
            self._channels[grows, member, *where] = channel
        channel.last = {
            "type": grows + DELTA,
            **{k: v for k, v in tree.items() if k not in {"type", "delta", "item", "part", "obfuscation", "command"}},
        }
        if "logprobs" in tree or grows == "response.output_text":
            channel.last["logprobs"] = []
        return channel.feed(text)

    def _place(self, grows: str, tree: dict[str, Any]) -> str:
        place = GROWING[grows]
        name = self._tools.get(_item_of(tree))
        return tool_place(name) if place == JSON else input_place(name) if place == INPUT else place

    def _settle(self, kind: str, tree: dict[str, Any]) -> bytes:
        """Closes what this event ends: the channels of its part or of its item."""
        if kind in FINAL:
            return self._flush(tree, ())
        return self._flush(tree, _where(tree)) if kind.endswith(DONE) else b""

    def _flush(self, tree: dict[str, Any], where: tuple[str, ...]) -> bytes:
        """Closes the channels at ``where`` or below. What they held becomes deltas, numbered from ``tree``'s on."""
        out = b""
        for key in [k for k, c in self._channels.items() if c.where[: len(where)] == where]:
            channel = self._channels.pop(key)
            tail = channel.restorer.close()
            self._whole.learn(channel.place, "".join(channel.came), "".join(channel.went) + tail)
            if tail:
                delta = {channel.member: tail} if channel.member else tail
                made_up = {**channel.last, "delta": delta}
                if "sequence_number" in tree:
                    made_up["sequence_number"] = tree["sequence_number"]
                made_up = self._numbered(made_up)
                self._added += 1
                out += f"event: {channel.last['type']}\n".encode() + sse.write(json_text.serialize(made_up).decode())
        return out

    def _numbered(self, tree: dict[str, Any]) -> dict[str, Any]:
        """With the number it has after the events that were added before it."""
        number = tree.get("sequence_number")
        if not isinstance(number, Number) or not number.lexeme.isdigit() or len(number.lexeme) > 15:
            return tree
        self._number = int(number.lexeme) + self._added
        return {**tree, "sequence_number": Number(str(self._number))} if self._added else tree

    def _ending(self) -> bytes:
        """What is left when the stream ends; the trailer."""
        after = {} if self._number < 0 else {"sequence_number": Number(str(self._number + 1 - self._added))}
        tails = self._flush(after, ())
        trailer, self._trailer = self._trailer, None
        return tails + (sse.comment(trailer()) if trailer is not None else b"")


def _tree(data: str | None) -> dict[str, Any] | None:
    if data is None:
        return None
    try:
        tree = json_text.loads_answer(data)
    except InvalidJson:
        return None
    return tree if isinstance(tree, dict) else None


def _item_of(tree: dict[str, Any]) -> str:
    """Which item an event is about."""
    index = tree.get("output_index")
    return index.lexeme if isinstance(index, Number) else str(tree.get("item_id", ""))


def _where(tree: dict[str, Any]) -> tuple[str, ...]:
    """Item and, where the event says it, part."""
    for name in INDEXES:
        if isinstance(tree.get(name), Number):
            return (_item_of(tree), name, tree[name].lexeme)
    return (_item_of(tree),)
