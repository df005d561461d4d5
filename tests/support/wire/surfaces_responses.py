"""Tables of OpenAI's Responses: made, compacted, counted."""

from __future__ import annotations

from openai.types.responses import input_token_count_params, response_compact_params, response_create_params
from wire.shapes import TEXT, Place
from wire.tables import ARGUMENTS, ELSEWHERE, FIRST, HOUSE, IDS, MODEL, REPLACED, REST, SCHEMA, Row, Surface, rows, user

HOSTED = ("file_search", "web_search*", "mcp", "code_interpreter", "image_generation", "tool_search")
ROWS = (
    MODEL,
    *rows(HOUSE, "conversation.**", "previous_response_id", "prompt.**", "comparison_response_id", "input[].id",
          "environment[container_reference].**", note=ELSEWHERE),
    *rows(HOUSE, "input[reasoning].id", "input[reasoning].summary[summary_text].text",
          note="reasoning that comes without its content is looked up by the provider"),
    *rows(HOUSE, "content[input_image].**", "content[input_file].**", "output[input_image].**",
          "output[input_file].**", note="images, files"),
    Row("input[computer_call_output].**", HOUSE, "screenshots"),
    Row("input[code_interpreter_call].**", HOUSE, "it names the provider's container"),
    *rows(HOUSE, *(f"tools[{kind}].**" for kind in HOSTED), "environment[container_auto].**",
          note="tools that the provider runs; policy lists those that may be used"),
    *rows(REPLACED, "input", "input[*].content", "content[*].text", "content[*].refusal", "instructions",
          "input[function_call_output].output", "input[custom_tool_call_output].output", "output[input_text].text",
          "logprobs[].token", "logprobs[].top_logprobs[].token", "input[reasoning] (with its content).summary"),
    *rows(REPLACED, "annotations[*].file_id", "annotations[*].filename", "annotations[*].title", "annotations[*].url",
          "annotations[*].container_id", "results[].file_id", "results[].filename", "results[].text",
          "results[].attributes.~", note="citations and results of searches"),
    *rows(REPLACED, "input[*].id", "call_id", "caller_id", "approval_request_id", "fingerprint",
          "pending_safety_checks[].id", note=IDS),
    *rows(REPLACED, "arguments", "arguments.~", "input[mcp_call].output",
          "error[*].content.~", note=ARGUMENTS),
    *rows(REPLACED, "input[*].name", "input[*].namespace", "input[*].server_label", "input[*].error",
          "error[*].message", "input[*].reason", "input[program].code", "input[program_output].result"),
    *rows(REPLACED, "queries[]", "query", "pattern", "action[*].url", "sources[url].url", "action[*].text",
          "actions[*].text", "keys[]",
          "pending_safety_checks[].code", "pending_safety_checks[].message", note="actions of the model"),
    *rows(REPLACED, "command[]", "commands[]", "env.~", "action.user", "working_directory",
          "input[local_shell_call_output].output", "output[].stdout", "output[].stderr", "operation[*].diff",
          "operation[*].path", "input[apply_patch_call_output].output", note="shells and patches"),
    *rows(REPLACED, "input[image_generation_call].result", "revised_prompt", "input[*].size", "error.code",
          "error.message", "error.param", "error.type", "moderation_details.categories[]",
          note="an image of an earlier answer in base64 is not read, and makes the request uninspected"),
    *rows(REPLACED, "input[reasoning].encrypted_content", "input[compaction].encrypted_content",
          note="ciphertext of the provider is kept; what reads as text is inspected"),
    *rows(REPLACED, "tools[*].name", "tools[*].description", "skills[].name", "skills[].description", "skills[].path",
          "format[grammar].definition"),
    *rows(REPLACED, "parameters.~", "output_schema.~", "tools[].input_schema.~", "schema.~", note=SCHEMA),
    *rows(REPLACED, "tools[].annotations.~", note="tools of a remote server"),
    *rows(REPLACED, "tool_choice[*].name", "tool_choice[mcp].server_label", "tool_choice[allowed_tools].tools[].~",
          "format[json_schema].name", "format[json_schema].description"),
    *rows(REPLACED, "metadata.~", "context_management[].type", "background_options.continuation_id", "prompt_cache_key",
          "reasoning.mode", "safety_identifier", "user", "personality"),
    *rows(REPLACED, "svg.model", "moderation.model", "model"),
)  # fmt: skip
EXTRA = (
    Place(
        "input[reasoning] (with its content).summary",
        {"input": [{"type": "reasoning", "id": "x", "encrypted_content": "x",
                    "summary": [{"type": "summary_text", "text": TEXT}]}]},
    ),
)  # fmt: skip
BACK = (
    ("`output[].content[].text`, refusals, reasoning and all their events", "restored"),
    ("`output[].arguments`, `.input` and their deltas", "restored, JSON-escaped"),
    ("addresses and offsets of annotations, log-probabilities, `encrypted_content`", "as they came: stand-ins stay"),
    ("`usage`", "as it came"),
)
UPSTREAM = {
    "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed",
    "output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "ok", "annotations": []}]}],
}  # fmt: skip


def part(said: str) -> dict[str, str]:
    return {"type": "input_text", "text": said}


SPLITS = {
    "over parts": {"input": [{"role": "user", "content": [part(f"Note {FIRST}"), part(f"{REST} please")]}]},
    "over messages": {"input": [user(f"Note {FIRST}"), user(f"{REST} please")]},
}
RESPONSES = Surface(
    name="OpenAI Responses",
    route="/v1/responses",
    sdk="openai `ResponseCreateParams`",
    request=response_create_params.ResponseCreateParamsNonStreaming,
    plain="input",
    base={"input": "x"},
    splits=SPLITS,
    rows=ROWS,
    extra=EXTRA,
    upstream=UPSTREAM,
    back=BACK,
)
COMPACT = Surface(
    name="OpenAI Responses, compacted",
    route="/v1/responses/compact",
    sdk="openai `ResponseCompactParams`",
    request=response_compact_params.ResponseCompactParams,
    like=RESPONSES.name,
    plain="input",
    base={"input": "x"},
    splits=SPLITS,
    rows=ROWS,
    extra=EXTRA,
    upstream=UPSTREAM,
    back=BACK,
)
COUNT = Surface(
    name="OpenAI Responses, counted",
    route="/v1/responses/input_tokens",
    sdk="openai `InputTokenCountParams`",
    request=input_token_count_params.InputTokenCountParams,
    like=RESPONSES.name,
    plain="input",
    base={"input": "x"},
    splits=SPLITS,
    rows=ROWS,
    extra=EXTRA,
    upstream={"object": "response.input_tokens", "input_tokens": 3},
    back=(("`input_tokens`", "as it came: of what would be sent"),),
)
SURFACES = (RESPONSES, COMPACT, COUNT)
