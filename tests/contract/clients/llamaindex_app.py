"""LlamaIndex as an app uses it: its OpenAI model, unmodified."""

from __future__ import annotations

from typing import Any

from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAI
from loop import Mail, send_mail, serve


def llm(kind: str, base: str, key: str, model: str, **more: Any) -> Any:
    assert kind == "openai"
    return OpenAI(model=model, api_base=f"{base}/v1", api_key=key, **more)


def dump(answer: Any) -> Any:
    return {"message": answer.message.model_dump(mode="json"), "delta": answer.delta, "raw": repr(answer.raw)}


def said(text: str) -> list[ChatMessage]:
    return [ChatMessage(role="user", content=text)]


def plain(text: str, **to: Any) -> Any:
    return dump(llm(**to).chat(said(text)))


def stream(text: str, **to: Any) -> Any:
    return [dump(chunk) for chunk in llm(**to).stream_chat(said(text))]


async def aplain(text: str, **to: Any) -> Any:
    return dump(await llm(**to).achat(said(text)))


async def astream(text: str, **to: Any) -> Any:
    return [dump(chunk) async for chunk in await llm(**to).astream_chat(said(text))]


def tools(text: str, **to: Any) -> Any:
    model = llm(**to)
    answer = model.chat_with_tools([FunctionTool.from_defaults(send_mail)], user_msg=text)
    return [c.tool_kwargs for c in model.get_tool_calls_from_response(answer)]


def stream_tools(text: str, **to: Any) -> Any:
    model = llm(**to)
    *_, last = model.stream_chat_with_tools([FunctionTool.from_defaults(send_mail)], user_msg=text)
    return [c.tool_kwargs for c in model.get_tool_calls_from_response(last)]


def structured(text: str, **to: Any) -> Any:
    return llm(**to).structured_predict(Mail, PromptTemplate("{text}"), text=text).model_dump()


serve({f.__name__: f for f in (plain, stream, aplain, astream, tools, stream_tools, structured)})
