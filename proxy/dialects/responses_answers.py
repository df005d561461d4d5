"""Complete answers of the Responses API: real values back into every item and into what the provider repeats.

Arguments are restored as JSON, input of tools as plain text, everything else as text. Ids, addresses, images, token
strings of ``logprobs`` and what a provider encrypted stay as they came; so do offsets in citations, which count in the
text as the provider wrote it. Nothing changes where nothing was restored. Addresses and token strings are still told to
the restorers, which may have to inspect what a model wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from proxy.dialects import json_text
from proxy.dialects.anthropic_answers import usage
from proxy.dialects.base import RestorerFactory
from proxy.dialects.json_text import InvalidJson
from proxy.dialects.lines import few
from proxy.dialects.openai_answers import OTHER, TEXT, input_place, tool_place, whole
from proxy.dialects.openai_answers import error_body as chat_error
from proxy.errors import SealgateError

Restore = Callable[[str, str], str]
"""(place, complete text) -> the text with values restored."""

PLAIN = "text:plain"
"""Text beside the answer's own, which is never JSON, whatever format was asked for."""
FIXED = frozenset(
    {"id", "call_id", "item_id", "response_id", "previous_response_id", "caller_id", "approval_request_id", "file_id",
     "container_id", "skill_id", "vector_store_ids", "file_ids", "fingerprint", "type", "object", "status", "role",
     "phase", "model", "encrypted_content", "file_data", "data", "partial_image_b64", "obfuscation", "event_id"}
)  # fmt: skip
"""Members that stay as they are."""
URLS = frozenset({"url", "image_url", "file_url", "server_url"})
"""Members that hold addresses: nothing is put back into them."""
FREE = frozenset(
    {"metadata", "variables", "attributes", "schema", "parameters", "input_schema", "output_schema", "env", "headers"}
)
"""Members whose own members are the app's: all of them are restored, and their names."""
DEVICES: Mapping[str, str] = {
    "computer_call": "computer", "local_shell_call": "local_shell", "shell_call": "shell",
    "apply_patch_call": "apply_patch",
}  # fmt: skip
"""Calls that carry out something in the app's place, and the tool's name."""
OWN = frozenset(
    {"id", "object", "output", "output_text", "error", "incomplete_details", "status", "usage", "created_at", "model",
     "completed_at", "tool_usage", "service_tier"}
)  # fmt: skip
"""Members of a response that are its own; the others repeat the request."""
ITEMS = frozenset({"output", "input", "instructions"})
"""Members of a response that may hold items."""
ACTIONS = frozenset({"action", "actions", "operation", "command", "diff"})
REMEMBERED = 8 * 2**20
"""Characters of texts that are kept, with what they became, to be repeated in the same answer."""


class Repeats:
    """Restores complete texts. What was restored once in a place is repeated, not restored and counted once more."""

    def __init__(self, restorers: RestorerFactory) -> None:
        self.restorers = restorers
        self._echo = b""
        self._echoed: dict[str, Any] = {}
        self._known: dict[tuple[str, str], str] = {}
        self._left = REMEMBERED

    def __call__(self, place: str, text: str) -> str:
        known = self._known.get((place, text))
        if known is None:
            known = whole(self.restorers(place), text)
            self.learn(place, text, known)
        return known

    def learn(self, place: str, text: str, restored: str) -> None:
        """``text`` was restored elsewhere, piece by piece."""
        self._left -= len(text)  # what it became may differ between two readings of one answer
        if self._left >= 0:
            self._known[place, text] = restored

    def echo(self, tree: dict[str, Any]) -> dict[str, Any]:
        """Members that repeat the request. They are no words of the model; most hold no stand-in at all."""
        text = json_text.serialize(tree)
        if text != self._echo:
            within = few(text, self.restorers)
            again = Repeats(within) if within is not None else None
            self._echo = text
            self._echoed = {k: v if again is None else _member(k, v, again) for k, v in tree.items()}
        return self._echoed


def restore_answer(body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
    """The answer with values restored and its usage. Raises ValueError for what is no response."""
    try:
        tree = json_text.loads_answer(json_text.decode(body))
    except InvalidJson:
        raise ValueError("the answer is not JSON") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("output"), list):
        raise ValueError("the answer is no response")
    for kind, ident in made(tree):
        restorers.created(kind, ident)
    restored = response(tree, Repeats(restorers))
    return json_text.serialize(restored) if restored != tree else body, usage(tree)


def made(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the upstream holds after this response; with ``store: false`` nothing that could be asked for by id."""
    if tree.get("store") is False:
        return
    output = tree.get("output")
    named = [("response", tree), ("conversation", tree.get("conversation"))]
    named += [("item", item) for item in (output if isinstance(output, list) else ())]
    for kind, node in named:
        if isinstance(node, dict) and isinstance(node.get("id"), str):
            yield kind, node["id"]
        if isinstance(node, dict) and isinstance(node.get("container_id"), str):
            yield "container", node["container_id"]


def response(tree: dict[str, Any], restore: Repeats) -> dict[str, Any]:
    """A response object: its items, its error, and what it repeats of the request."""
    said = {key: _member(key, value, restore) for key, value in tree.items() if key in OWN}
    echoed = restore.echo({key: value for key, value in tree.items() if key not in OWN})
    return {key: said[key] if key in said else echoed[key] for key in tree}


def _member(key: str, node: Any, restore: Restore) -> Any:
    if key in ITEMS and isinstance(node, list):
        return [item(one, restore) if isinstance(one, dict) else one for one in node]
    return leaves(node, restore, TEXT if key == "output_text" else PLAIN, key)


def item(node: dict[str, Any], restore: Restore) -> dict[str, Any]:
    """One item."""
    kind = node.get("type")
    kind = kind if isinstance(kind, str) else ""
    name = node.get("name") or DEVICES.get(kind, kind)
    out: dict[str, Any] = {}
    for key, value in node.items():
        if key == "arguments":
            out[key] = arguments(value, tool_place(name), restore)
        elif key == "input" and isinstance(value, str):
            out[key] = restore(input_place(name), value)
        elif key in ACTIONS and kind in DEVICES:
            out[key] = leaves(value, restore, input_place(name), key)
        elif key == "result" and kind == "image_generation_call":
            out[key] = value
        else:
            out[key] = leaves(value, restore, PLAIN, key)
    return out


def arguments(value: Any, place: str, restore: Restore) -> Any:
    """JSON in a string, or as it is."""
    if isinstance(value, str):
        return restore(place, value) if value else value
    if not isinstance(value, (dict, list)):
        return value
    text = json_text.serialize_text(value)
    restored = restore(place, text)
    return json_text.loads_answer(restored) if restored != text else value


def leaves(node: Any, restore: Restore, place: str, name: str = "", *, free: bool = False) -> Any:
    """Every text of ``node`` restored. ``free``: names of members are text as well, and no member is special."""
    if name == "logprobs" and node and not free:
        return logprobs(node, restore)
    if isinstance(node, str):
        at = OTHER if name in URLS and not free else place
        return node if not node or (name in FIXED and not free) else restore(at, node)
    if isinstance(node, list):
        return [leaves(inner, restore, place, name, free=free) for inner in node]
    if not isinstance(node, dict) or (name in FIXED and not free):
        return node
    free = free or name in FREE
    said = TEXT if node.get("type") == "output_text" and not free else place
    out: dict[str, Any] = {}
    for key, value in node.items():
        called = restore(PLAIN, key) if free else key
        called = key if called in node or called in out else called
        out[called] = leaves(value, restore, said if key == "text" else place, key, free=free)
    return out


def logprobs(node: Any, restore: Restore) -> Any:
    """Tokens and their probabilities: they pass, or become nothing where their tokens would spell what is masked."""
    text = json_text.serialize_text(node)
    return node if restore("logprobs", text) == text else []


def error_body(error: SealgateError, request_id: str) -> bytes:
    """OpenAI's error object; ``type`` makes it an event of a stream as well."""
    inner = json_text.loads_answer(chat_error(error, request_id).decode())
    return json_text.serialize({"type": "error", **inner})
