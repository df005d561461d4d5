"""POST /v1/messages/count_tokens: a message request that is only counted. Nothing here decides, sends or logs.

What is counted is what would be sent, stand-ins included, so the number fits what the provider will bill.
"""

from __future__ import annotations

from collections.abc import Mapping

from proxy.dialects.anthropic import AnthropicMessages
from proxy.dialects.base import RestorerFactory
from proxy.dialects.fields import answer_object
from proxy.dialects.json_text import Number


class AnthropicCountTokens(AnthropicMessages):
    """The dialect of /v1/messages/count_tokens; it reads what messages read."""

    name = "anthropic.count_tokens"

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """The count as it came; it is no usage. Raises ValueError for what holds none."""
        if not isinstance(answer_object(body).get("input_tokens"), Number):
            raise ValueError("the answer holds no count")
        return body, {}
