"""LiteLLM as an app's client, unmodified: ``openai/…`` and ``anthropic/…`` models behind an ``api_base``."""

from __future__ import annotations

from typing import Any

import litellm
from loop import Mail, serve

litellm.telemetry = False
litellm.suppress_debug_info = True
TOOL = {
    "type": "function",
    "function": {"name": "send_mail", "description": "Sends a mail.", "parameters": Mail.model_json_schema()},
}


def args(text: str, kind: str, base: str, key: str, model: str, **more: Any) -> dict[str, Any]:
    where = {"model": f"{kind}/{model}", "api_base": f"{base}/v1" if kind == "openai" else base, "api_key": key}
    return {**where, "messages": [{"role": "user", "content": text}], **more}


def dump(answer: Any) -> Any:
    tree = answer.model_dump(mode="json")
    tree["created"] = 0  # of a stream, when it was read
    if tree["id"] != "chatcmpl-fake":  # made up here: Anthropic's answers have none of this form
        tree["id"] = ""
    return tree


def plain(**order: Any) -> Any:
    return dump(litellm.completion(**args(**order)))


def stream(**order: Any) -> Any:
    return [dump(chunk) for chunk in litellm.completion(**args(**order), stream=True)]


async def aplain(**order: Any) -> Any:
    return dump(await litellm.acompletion(**args(**order)))


async def astream(**order: Any) -> Any:
    return [dump(chunk) async for chunk in await litellm.acompletion(**args(**order), stream=True)]


def calls(answer: Any) -> Any:
    return [c.function.arguments for c in answer.choices[0].message.tool_calls]


def tools(**order: Any) -> Any:
    return calls(litellm.completion(**args(**order), tools=[TOOL]))


def stream_tools(**order: Any) -> Any:
    return calls(litellm.stream_chunk_builder(list(litellm.completion(**args(**order), tools=[TOOL], stream=True))))


def structured(**order: Any) -> Any:
    answer = litellm.completion(**args(**order), response_format=Mail)
    return Mail.model_validate_json(answer.choices[0].message.content).model_dump()


def embed(text: str, kind: str, base: str, key: str, model: str) -> Any:
    made = litellm.embedding(f"{kind}/{model}", [text, "another"], api_base=f"{base}/v1", api_key=key)
    return [row["embedding"] for row in made.data]


serve({f.__name__: f for f in (plain, stream, aplain, astream, tools, stream_tools, structured, embed)})
