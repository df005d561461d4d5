"""Names of what a provider does on its own while it answers: tools it runs, servers it calls, URLs it fetches. Pure.

Each is an upstream of its own (architecture §2), so an upstream's ``tools`` setting lists those that may be used
through it. A name holds at most a host, and only one that is spelled plainly.
"""

from __future__ import annotations

import re
from typing import Any

TOOLS = frozenset(
    {
        "web_search", "web_fetch", "code_execution", "code_interpreter", "file_search", "image_generation", "computer",
        "tool_search", "shell", "google_search", "google_maps", "url_context", "retrieval",
    }
)  # fmt: skip
REMOTE = ("mcp", "fetch")
"""Kinds that name a host: ``mcp:HOST``, ``fetch:HOST``; ``fetch:*`` in a setting is any host."""
CLIENT = re.compile(r"(?:function|custom|(?:bash|text_editor|memory|computer)_20\d{6})")
"""Types of tools that the app itself runs."""

MEMBERS = {
    "web_search_options": "web_search", "search_parameters": "web_search", "enable_search": "web_search",
    "plugins": "web_search", "data_sources": "retrieval",
}  # fmt: skip
"""Members of a chat request with which servers of OpenAI's API are told to look something up."""

_ALIASES = {
    "web_search_preview": "web_search", "computer_use_preview": "computer", "computer_use": "computer",
    "local_shell": "shell", "google_search_retrieval": "google_search", "code_execution_tool": "code_execution",
    "tool_search_tool_regex": "tool_search", "tool_search_tool_bm25": "tool_search",
}  # fmt: skip
_DATED = re.compile(r"([a-z0-9_]{1,40}?)(?:_20\d\d_?\d\d_?\d\d)?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_HOST = re.compile(r"(?:https?|wss?)://([a-z0-9.-]{1,253})(?::\d{1,5})?(?:[/?#].*)?", re.IGNORECASE | re.DOTALL)
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")


def tool(kind: Any) -> str:
    """The name of a provider's tool of this type (``web_search_20250305`` -> ``web_search``), or ``unknown``."""
    if not isinstance(kind, str):
        return "unknown"
    match = _DATED.fullmatch(_CAMEL.sub("_", kind).lower())
    name = _ALIASES.get(match[1], match[1]) if match else ""
    return name if name in TOOLS else "unknown"


def remote(kind: str, url: Any) -> str:
    """``kind:HOST`` for a URL; ``kind:unknown`` for one that readers may read differently (user, odd spelling)."""
    match = _HOST.fullmatch(url) if isinstance(url, str) else None
    host = match[1].lower().rstrip(".") if match else ""
    return f"{kind}:{host}" if HOST.fullmatch(host) else f"{kind}:unknown"


def members(tree: Any) -> frozenset[str]:
    """What the top level of a request asks a server of OpenAI's API to use, beside its tools."""
    if not isinstance(tree, dict):
        return frozenset()
    found = {name for member, name in MEMBERS.items() if tree.get(member) not in (None, False, [])}
    online = isinstance(tree.get("model"), str) and tree["model"].endswith(":online")
    return frozenset(found | ({"web_search"} if online else set()))


def asked(tree: Any) -> frozenset[str]:
    """What a body of an unknown API asks a provider to use, where it is said as the known APIs say it."""
    found = set(members(tree))
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += node.values()
            for key, value in node.items():
                items = value if isinstance(value, list) else [value]
                held = [item for item in items if isinstance(item, dict)]
                match _CAMEL.sub("_", key).lower():
                    case "tools":
                        found |= {tool(word) for item in held for word in (item.get("type"), *item)}
                        found |= {remote("mcp", i.get("server_url")) for i in held if i.get("type") == "mcp"}
                    case "mcp_servers":
                        found |= {remote("mcp", item.get("url")) for item in held}
                    case "server_url" if isinstance(value, str):
                        found.add(remote("mcp", value))
    return frozenset(found - {"unknown"})


def is_url(text: str) -> bool:
    """Whether a provider would fetch this itself."""
    return not text.lower().lstrip().startswith("data:") and "://" in text
