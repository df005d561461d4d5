"""Where in a text one is: in a link, in code, or in plain text. Theory of operation:

* A tracker reads an answer from left to right, in pieces of any size, and can say at any point whether what comes next
  would stand in a link or image URL or in code. It never looks ahead, so a stream holds nothing back for it.
* Markdown (inline and reference targets, images, autolinks), HTML tags with all their attributes, and bare URLs are
  links. Renderers disagree about where a link ends; here it ends where none of them would go on. What looks like a link
  and is none costs a stand-in that is left in the text; the opposite would carry a value to a stranger.
* It reads what the model wrote, never restored values, and keeps no more text than the longest token. Linear.

It knows nothing of stand-ins and decides nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

TOKEN = 64
"""No token is longer; what begins nearer to the end of the text than this may still change."""
KEPT = 40
"""Characters before the present place that stay, for the neighbours of a token."""
TAG = 2000
"""After so many characters ``<x`` was no tag, unless it is one of those that load or send something."""

_OPEN = re.compile(
    r"\]\(|\]:|<[A-Za-z/!][A-Za-z0-9]{0,15}|`{1,40}|\n[ \t\r]{0,20}\n|~~~(?<=\n~~~)"
    r"|:(?:(?<=[A-Za-z0-9+.-]{2}:)[/\\]|(?<=[mM][aA][iI][lL][tT][oO]:)|(?<=[tT][eE][lL]:)|(?<=[sS][mM][sS]:)"
    r"|(?<=[dD][aA][tT][aA]:)|(?<=[sS][cC][rR][iI][pP][tT]:)|(?<=[xX][mM][pP][pP]:)|(?<=[bB][lL][oO][bB]:))"
    r"|/[/\\](?=[A-Za-z0-9\[]|\Z)|\\[/\\](?=[A-Za-z0-9\[]|\Z)|\.(?<=[wW]{3}\.)"
    r"|\.(?<=[A-Za-z0-9]\.)[A-Za-z]{2,18}(?::[0-9]{1,5})?[/?#]"
)
_KIND = {"](": "dest", "]:": "def", "<": "tag", "`": "tick", "~": "fence", "\n": "blank"}
"""By the beginning of a token; any other is a URL."""
_BEFORE = re.compile(r"[A-Za-z0-9+./\\:-]*\Z")
_LINE_START = re.compile(r"\n[ \t>]{0,12}(?:[-*+][ \t]{1,3})?\Z")
_SPACE = r"[ \t\n\r\f\v]"
_URL_END = {
    "": re.compile(rf"{_SPACE}|<"),
    **{q: re.compile(rf"{_SPACE}|<|{q}(?=[ \t\n\r\f\v,}}\]):;>/.\\])") for q in "\"'`"},
}
"""A quoted URL also ends at its quote, if what follows cannot belong to a URL in quotes."""
_DEST = re.compile(rf"\\.|[()]|\n[ \t\r]{{0,20}}\n|{_SPACE}", re.DOTALL)
_WORD = re.compile(r"\n[ \t\r]{0,20}\n|[^ \t\n\r\f\v]")
_DEF = {False: re.compile(_SPACE), True: re.compile(r"[>\n]")}
_TAG = {"": re.compile(rf">|={_SPACE}{{0,20}}[\"']"), '"': re.compile('"'), "'": re.compile("'")}
_LOADING = re.compile(
    r"<[/!]?(?:a|area|audio|base|body|button|embed|form|frame|i?frame|image|img|input|link|math|meta|object|script|source"
    r"|style|svg|table|td|track|use|video)\Z",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _State:
    """``kind`` is empty in plain text, else the name of the token that opened a link."""

    kind: str = ""
    quote: str = ""
    depth: int = 0
    closed: bool = False
    loads: bool = False
    since: int = 0
    fence: str = ""
    span: int = 0


class Surroundings:
    """``feed`` everything up to a place, then ask where that is."""

    def __init__(self) -> None:
        self._text = "\n"
        self._at = 1
        self._state = _State()

    def feed(self, text: str) -> None:
        self._text += text
        if len(self._text) > self._at + 2 * TOKEN:
            self._at = _run(self._state, self._text, self._at, len(self._text) - TOKEN)
            drop = max(0, self._at - KEPT)
            self._text = self._text[drop:]
            self._at -= drop

    def reset(self) -> None:
        """Another text begins (a string of JSON ended)."""
        self._text, self._at, self._state = "\n", 1, _State()

    def here(self) -> tuple[bool, bool]:
        """(in a link, in code) for what would stand next."""
        state = replace(self._state)
        _run(state, self._text, self._at, len(self._text) + 1)
        return bool(state.kind), bool(state.fence or state.span)


def _run(state: _State, text: str, at: int, safe: int) -> int:
    """Takes note of every token that begins before ``safe``; returns from where to go on."""
    while at < min(safe, len(text)):
        step = _STEPS[state.kind](state, text, at, safe)
        if step is None:
            if state.kind:
                state.since += min(safe, len(text)) - at
            return min(safe, len(text))
        state.since += step - at
        at = step
    return at


def _found(pattern: re.Pattern[str], text: str, at: int, safe: int) -> re.Match[str] | None:
    match = pattern.search(text, at)
    return match if match is not None and match.start() < safe else None


def _plain(state: _State, text: str, at: int, safe: int) -> int | None:
    match = _found(_OPEN, text, at, safe)
    if match is None:
        return None
    kind = _KIND.get(match[0]) or _KIND.get(match[0][0], "url")
    if kind in {"dest", "def", "tag", "url"}:
        state.kind, state.quote, state.depth, state.closed, state.since = kind, "", 0, False, 0
        if kind == "tag":
            state.loads = bool(_LOADING.match(match[0]))
        if kind == "url":
            head = _BEFORE.search(text, max(0, match.start() - KEPT), match.start())
            before = text[head.start() - 1] if head is not None and head.start() else ""
            state.quote = before if before in _URL_END else ""
    else:
        _code(state, kind, match)
    return match.end()


def _code(state: _State, kind: str, match: re.Match[str]) -> None:
    """Fences and spans of code, as Markdown has them."""
    if kind == "blank":
        state.span = 0
        return
    mark = match[0]
    begins = bool(_LINE_START.search(match.string, max(0, match.start() - 20), match.start()))
    if state.fence:
        if begins and mark[0] == state.fence[0] and len(mark) >= len(state.fence):
            state.fence = ""
    elif kind == "fence" or (begins and len(mark) >= 3):
        state.fence = mark
    elif state.span:
        state.span = 0 if state.span == len(mark) else state.span
    else:
        state.span = len(mark)


def _url(state: _State, text: str, at: int, safe: int) -> int | None:
    match = _found(_URL_END[state.quote], text, at, safe)
    if match is None:
        return None
    state.kind = ""
    return match.end() if match[0] == state.quote else match.start()


def _dest(state: _State, text: str, at: int, safe: int) -> int | None:
    match = _found(_DEST, text, at, safe)
    if match is None:
        return None
    mark = match[0]
    if mark == "(":
        state.depth += 1
    elif mark == ")":
        state.closed |= state.depth == 0
        state.depth = max(0, state.depth - 1)
    elif mark[0] != "\\" and (state.closed or len(mark) > 1):
        state.kind = ""
        return match.start()
    return match.end()


def _def(state: _State, text: str, at: int, safe: int) -> int | None:
    """The first word after ``[x]:`` is a target; ``quote`` remembers that it began, and whether in angle brackets."""
    match = _found(_DEF[state.quote == "<"] if state.quote else _WORD, text, at, safe)
    if match is None:
        return None
    if state.quote or len(match[0]) > 1:
        state.kind = ""
        return match.start()
    state.quote = match[0] if match[0] == "<" else "word"
    return match.end()


def _tag(state: _State, text: str, at: int, safe: int) -> int | None:
    end = len(text) + 1 if state.loads else at + TAG - state.since
    match = _found(_TAG[state.quote], text, at, min(safe, end))
    if match is None:
        if end > min(safe, len(text)):
            return None
        state.kind = ""
        return end
    if state.quote:
        state.quote = ""
    elif match[0] == ">":
        state.kind = ""
    else:
        state.quote = match[0][-1]
    return match.end()


_STEPS = {"": _plain, "url": _url, "dest": _dest, "def": _def, "tag": _tag}
