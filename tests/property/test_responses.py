"""Responses requests and streams of any content: read or refused, never crashed, and back to their own bytes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.answers import Restorers
from proxy.dialects.responses import OpenAIResponses
from proxy.dialects.responses_items import DATA, HELD, IDS, ITEMS, MEDIA, PLAIN, SMALL, TEXTS, WORDS
from proxy.dialects.responses_request import ENUMS, FLAGS, NUMBERS, SETTINGS
from proxy.dialects.responses_stream import GROWING
from proxy.errors import BadRequest

DIALECT = OpenAIResponses()
NAMES = [
    *DATA, *HELD, *IDS, *PLAIN, *WORDS, "arguments", "input", "output", "outputs", "results", "content", "summary",
    "encrypted_content", "error", "tools", "format", "annotations", "input_audio", "zzz", "~2", "a#",
]  # fmt: skip
KINDS = [*ITEMS, *TEXTS, *MEDIA, *SMALL, "function", "custom", "mcp", "hologram"]
FIELDS = [*ENUMS, *FLAGS, *NUMBERS, *SETTINGS, "instructions", "tools", "tool_choice", "prompt", "include", "metadata",
          "conversation", "previous_response_id"]  # fmt: skip
WORDS_ = ["", "auto", "user", "assistant", '{"a": "x"}', "[", "é😀", "canary", "x" * 80, "resp_" + "ab" * 20, "#", "~"]
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
                    st.sampled_from(WORDS_ + KINDS))  # fmt: skip
members = st.sampled_from([*NAMES, "type", "role", "type", "text"])
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=4), max_leaves=14
)
nodes = st.builds(
    lambda kind, more: {"type": kind, "role": "user", **more},
    st.sampled_from(KINDS), st.dictionaries(st.sampled_from(NAMES), trees, max_size=4),
)  # fmt: skip
quick = settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def leaves(node: Any) -> list[str]:
    """Every text of a document."""
    if isinstance(node, str):
        return [node]
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [text for one in inner for text in leaves(one)]


@quick
@given(st.lists(nodes, max_size=3), st.dictionaries(st.sampled_from(FIELDS), trees, max_size=3))
def test_any_request_is_read_or_refused_and_holds_every_text(items: list[Any], fields: dict[str, Any]) -> None:
    tree = {"model": "m", **fields, "input": items}
    body = json.dumps(tree, indent=1).encode()
    try:
        parsed = DIALECT.parse(body)
    except BadRequest:
        return
    same = {(s.pointer, s.kind): s.text for s in parsed.segments}
    assert len(same) == len(parsed.segments)
    assert DIALECT.render(parsed, same, "m") == body
    if "canary" in leaves(tree):
        assert any("canary" in s.text for s in parsed.segments)
        edited = DIALECT.render(parsed, {k: "changed" if v == "canary" else v for k, v in same.items()}, "m")
        assert "canary" not in leaves(json.loads(edited))


kinds = [f"{name}{end}" for name in GROWING for end in (".delta", ".done", ".added")]
kinds += ["response.created", "response.output_item.added", "response.output_item.done", "response.content_part.added",
          "response.content_part.done", "response.completed", "error", "response.unheard_of"]  # fmt: skip
events = st.dictionaries(
    st.sampled_from(["delta", "item", "part", "response", "annotation", "text", "arguments", "command", "output",
                     "output_index", "content_index", "item_id", "sequence_number", "message"]),
    trees | nodes | st.sampled_from(["PERSON_k3f9", "xkzzzzzzz"]) | st.integers(0, 3), max_size=6,
)  # fmt: skip


@quick
@given(st.lists(st.tuples(st.sampled_from(kinds), events), max_size=8), st.integers(1, 40))
def test_any_stream_passes_without_a_crash_the_same_in_any_pieces(made: list[Any], size: int) -> None:
    raw = b"".join(f"data: {json.dumps({**more, 'type': kind})}\n\n".encode() for kind, more in made)
    whole, pieces = (DIALECT.restore_stream(Restorers({"PERSON_k3f9xkzzzzzzz": "Zoë"}), lambda: "t") for _ in "ab")
    out = whole.feed(raw) + whole.close()
    assert b"".join([pieces.feed(raw[i : i + size]) for i in range(0, len(raw), size)]) + pieces.close() == out


@quick
@given(st.lists(nodes, max_size=3), trees)
def test_any_answer_is_restored_or_refused(output: list[Any], more: Any) -> None:
    body = json.dumps({"output": output, "metadata": more, "tools": more, "usage": more}).encode()
    out, _ = DIALECT.restore(body, Restorers({"PERSON_k3f9xkzzzzzzz": "Zoë"}))
    assert json.loads(out) == json.loads(body)
