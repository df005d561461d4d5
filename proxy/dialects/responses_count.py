"""POST /v1/responses/input_tokens: a Responses request that is only counted. Nothing here decides, sends or logs."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.dialects.base import RestorerFactory
from proxy.dialects.fields import answer_object
from proxy.dialects.json_text import Number
from proxy.dialects.responses import OpenAIResponses


class OpenAIInputTokens(OpenAIResponses):
    """The dialect of /v1/responses/input_tokens; it reads what responses read."""

    name = "openai.input_tokens"

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """The count as it came; it is no usage. Raises ValueError for what holds none."""
        if not isinstance(answer_object(body).get("input_tokens"), Number):
            raise ValueError("the answer holds no count")
        return body, {}
