"""LangChain as an app uses it: ``langchain-openai`` and ``langchain-anthropic``, unmodified."""

from __future__ import annotations

from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from loop import Mail, send_mail, serve


def llm(kind: str, base: str, key: str, model: str, **more: Any) -> Any:
    if kind == "openai":
        return ChatOpenAI(model=model, base_url=f"{base}/v1", api_key=key, stream_usage=True, **more)
    return ChatAnthropic(model=model, base_url=base, api_key=key, **more)


def dump(message: Any) -> Any:
    tree = message.model_dump(mode="json")
    return {k: v for k, v in tree.items() if not str(v).startswith("lc_run-")}


def plain(text: str, **to: Any) -> Any:
    return dump(llm(**to).invoke(text))


def stream(text: str, **to: Any) -> Any:
    return [dump(chunk) for chunk in llm(**to).stream(text)]


async def aplain(text: str, **to: Any) -> Any:
    return dump(await llm(**to).ainvoke(text))


async def astream(text: str, **to: Any) -> Any:
    return [dump(chunk) async for chunk in llm(**to).astream(text)]


def tools(text: str, **to: Any) -> Any:
    return [c["args"] for c in llm(**to).bind_tools([tool(send_mail)]).invoke(text).tool_calls]


def stream_tools(text: str, **to: Any) -> Any:
    whole = None
    for chunk in llm(**to).bind_tools([tool(send_mail)]).stream(text):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return [c["args"] for c in whole.tool_calls]


def structured(text: str, **to: Any) -> Any:
    return llm(**to).with_structured_output(Mail).invoke(text).model_dump()


def turns(text: str, **to: Any) -> Any:
    """A call of a tool, its result, and the answer to it."""
    called = llm(**to).bind_tools([tool(send_mail)]).invoke(text)
    result = ToolMessage(f"sent to {called.tool_calls[0]['args']['to']}", tool_call_id=called.tool_calls[0]["id"])
    return dump(llm(**to).bind_tools([tool(send_mail)]).invoke([HumanMessage(text), called, result]))["content"]


def embed(text: str, kind: str, base: str, key: str, model: str) -> Any:
    assert kind == "openai"
    made = OpenAIEmbeddings(model=model, base_url=f"{base}/v1", api_key=key, check_embedding_ctx_length=False)
    return made.embed_documents([text, "another"])


serve({f.__name__: f for f in (plain, stream, aplain, astream, tools, stream_tools, structured, turns, embed)})
