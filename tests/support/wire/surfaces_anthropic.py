"""Tables of Anthropic's messages, with the members of its beta, and of what only counts them."""

from __future__ import annotations

from typing import Any

from anthropic.types import message_count_tokens_params, message_create_params
from anthropic.types.beta import message_count_tokens_params as beta_count_tokens_params
from anthropic.types.beta import message_create_params as beta_create_params
from anthropic.types.messages import batch_create_params
from wire.tables import (
    ELSEWHERE,
    FIRST,
    HOUSE,
    MODEL,
    OWNED,
    REPLACED,
    REST,
    SCHEMA,
    Request,
    Row,
    Surface,
    rows,
    text,
    to_json,
    user,
)

ROWS = (
        MODEL,
        *rows(HOUSE, "content[server_tool_use].**", "content[web_search_tool_result].**",
              "content[web_fetch_tool_result].**", "content[code_execution_tool_result].**",
              "content[bash_code_execution_tool_result].**", "content[text_editor_code_execution_tool_result].**",
              "content[tool_search_tool_result].**", "content[tool_reference].**", "content[browser_state].**",
              "container.**", note="what the provider's own tools did"),
        *rows(HOUSE, "content[image].**", "content[document].source[base64].**", "content[document].source[url].**",
              "content[document].source[file].**", "content[document].title", "content[document].context",
              "content[container_upload].**", note="images and binary documents"),
        Row("content[redacted_thinking].data", HOUSE, "encrypted by the provider"),
        *rows(REPLACED, "messages[*].content", "content[text].text", "system", "system[text].text",
              "source[content].content", "source[text].data", "content[thinking].thinking"),
        Row("content[thinking].signature", REPLACED, "base64 is kept: the provider made it"),
        *rows(REPLACED, "citations[*].cited_text", "citations[*].document_title", "citations[*].source",
              "citations[*].title", "citations[*].url", "citations[*].encrypted_index", "content[search_result].source",
              "content[search_result].title"),
        *rows(REPLACED, "content[tool_use].name", "content[tool_use].toolset_name", "content[tool_result].toolset_name",
              "content[tool_result].content", "content[tool_use].input.~"),
        *rows(REPLACED, "content[tool_use].id", "content[tool_use].caller[*].tool_id",
              "content[tool_result].tool_use_id", note="ids of a provider's form are kept"),
        *rows(REPLACED, "tools[].name", "tools[].description", "tools[].input_examples[].~", "tool_choice[tool].name"),
        *rows(REPLACED, "input_schema.~",
              "input_schema[object].properties.~", "input_schema[object].required[]", "schema.~", note=SCHEMA),
        *rows(REPLACED, "metadata.user_id", "stop_sequences[]", "inference_geo", "user_profile_id", "workspace_id",
              "diagnostics.previous_message_id"),
        *rows(REPLACED, *(f"tools[{kind}_*].input_examples[].~" for kind in ("bash", "memory", "text_editor")),
              note="tools that the app runs"),
        Row("tools[*].**", HOUSE, "tools that the provider runs or defines"),
    )  # fmt: skip
BETA_ROWS = (
    *rows(HOUSE, "content[compaction].**", "content[fallback].**", "content[advisor_tool_result].**",
              "content[mcp_tool_use].**", "content[mcp_tool_result].**", "content[mcp_tool_listing].**",
              "content[tool_addition].**", "content[tool_removal].**", note="blocks of the beta"),
        *rows(HOUSE, "mcp_servers[*].**", note="remote servers that the provider calls"),
        Row("thread[*].**", HOUSE, ELSEWHERE),
    *rows(REPLACED, "tools[computer_*].input_examples[].~", note="tools that the app runs"),
    *ROWS,
    *rows(REPLACED, "compaction[summarize].instructions", "edits[*].clear_tool_inputs[]", "edits[*].exclude_tools[]",
              "edits[*].instructions", "fallback_credit_token", "fallback_credit_token.token", "betas[]",
              "fallbacks[].model"),
)  # fmt: skip
UPSTREAM = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": "ok"}],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
BACK = (
    ("`content[text].text` and its deltas", "restored"),
    ("`content[tool_use].input` and its deltas", "restored, JSON-escaped"),
    ("`content[thinking].thinking`, `signature`", "as they came: the signature covers them"),
    ("`usage`", "as it came"),
)
SPLITS = {
    "over parts": {"messages": [{"role": "user", "content": [text(f"Note {FIRST}"), text(f"{REST} please")]}]},
    "over messages": {"messages": [user(f"Note {FIRST}"), user(f"{REST} please")]},
    "over a list": {"messages": [user("x")], "stop_sequences": [FIRST, REST]},
}

MESSAGES = Surface(
    name="Anthropic messages",
    route="/v1/messages",
    sdk="anthropic `MessageCreateParams`",
    request=message_create_params.MessageCreateParamsNonStreaming,
    plain="messages[user].content",
    base={"max_tokens": 9},
    splits=SPLITS,
    rows=ROWS,
    upstream=UPSTREAM,
    back=BACK,
)
BETA = Surface(
    name="Anthropic messages, beta",
    route="/v1/messages",
    sdk="anthropic `MessageCreateParams` (beta)",
    request=beta_create_params.MessageCreateParamsNonStreaming,
    plain="messages[user].content",
    base={"max_tokens": 9},
    splits=SPLITS,
    rows=BETA_ROWS,
    upstream=UPSTREAM,
    back=BACK,
    like=MESSAGES.name,
    query="?beta=true",
)
COUNT = Surface(
    name="Anthropic count_tokens",
    route="/v1/messages/count_tokens",
    sdk="anthropic `MessageCountTokensParams`",
    request=message_count_tokens_params.MessageCountTokensParams,
    plain="messages[user].content",
    base={},
    splits=SPLITS,
    rows=ROWS,
    upstream={"input_tokens": 3},
    back=(("`input_tokens`", "as it came: of what would be sent"),),
    like=MESSAGES.name,
)
BETA_COUNT = Surface(
    name="Anthropic count_tokens, beta",
    route="/v1/messages/count_tokens",
    sdk="anthropic `MessageCountTokensParams` (beta)",
    request=beta_count_tokens_params.MessageCountTokensParams,
    plain="messages[user].content",
    base={},
    splits=SPLITS,
    rows=BETA_ROWS,
    upstream={"input_tokens": 3},
    back=COUNT.back,
    like=MESSAGES.name,
    query="?beta=true",
)


def _batch(surface: Surface, part: dict[str, Any]) -> Request:
    """Each request of a batch names its model."""
    made = [
        {"custom_id": "one", **one, "params": {"max_tokens": 9, **one.get("params", {}), "model": "case-0"}}
        for one in part["requests"]
    ]
    return Request(surface.path, to_json({"requests": made}))


BATCHES = Surface(
    name="Anthropic batches",
    route="/v1/messages/batches",
    sdk="anthropic `BatchCreateParams`",
    request=batch_create_params.BatchCreateParams,
    like=MESSAGES.name,
    plain="requests[].params.messages[user].content",
    make=_batch,
    json=False,
    rewrites=True,
    rows=(Row("requests[].custom_id"), Row("requests[].params.model", OWNED), *ROWS),
    upstream={
        "id": "msgbatch_matrix", "type": "message_batch", "processing_status": "in_progress", "results_url": None,
        "created_at": "2026-01-01T00:00:00Z",
    },
    back=(("results, line by line", "restored as an answer is"),),
)  # fmt: skip
SURFACES = (MESSAGES, BETA, COUNT, BETA_COUNT, BATCHES)
