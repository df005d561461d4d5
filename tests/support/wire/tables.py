"""What a table of the matrix is made of: requests, rows, surfaces. The tables themselves are in ``surfaces_*``."""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from wire.shapes import PLAIN, TEXT, Place, fill, places

REPLACED = "inspected, replaced"
HOUSE = "not inspected: on premise only"
OWNED = "set by the gate"
REFUSED = "refused"
DROPPED = "never leaves"
LOCAL = "answered by the gate itself: nothing leaves"
FIRST, REST = "\ue001", "\ue002"
"""Where the two pieces of one value go."""
JSON = {"content-type": "application/json"}
BOUNDARY = "0123456789abcdef0123456789abcdef"
"""As httpx draws one: 32 hexadecimal digits."""


@dataclass(frozen=True)
class Request:
    """What an app sends. ``case-0`` in path and body becomes the case's own name; ``coding`` is applied after that."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    coding: Callable[[bytes], bytes] = bytes
    method: str = "POST"


@dataclass(frozen=True)
class Row:
    """``path`` is the end of a place's path, or all of it after ``/``: ``[*]`` any member of a union, ``**`` at the end
    whatever is below, and ``.~`` whatever free JSON is below: its values and keys."""

    path: str
    handling: str = REPLACED
    note: str = ""

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        plain, below = self.path, ""
        if plain.endswith(".**"):
            plain, below = plain[:-3], r"(?:[.\[].*)?"
        elif plain.endswith(".~"):
            plain, below = plain[:-2], r"(?:\[\])?(?:\.\*|\.\(key\))+"
        said = re.escape(plain).replace(r"\*\]", r"[^\]]*\]")
        return re.compile((said[1:] if said[0] == "/" else r"(?:^|.*\.)" + said) + below)

    def covers(self, path: str) -> bool:
        return self.pattern.fullmatch(path) is not None


@dataclass(frozen=True)
class Surface:
    """One served path. ``request``: the vendor SDK's request type; ``base``: members that every request has;
    ``upstream``: the answer of a stand-in; ``plain``: the place where every label and spelling is tried; ``splits``:
    requests for one value in two pieces; ``extra``: places that no type names. ``like``: the surface whose dialect and
    table this one shares, so that one place of each row is tried here, and not every place.
    """

    name: str
    route: str
    request: Any
    rows: Sequence[Row]
    upstream: Any
    plain: str
    back: Sequence[tuple[str, str]]
    """What of an answer is restored: place, how."""
    base: Mapping[str, Any] = field(default_factory=dict)
    sdk: str = ""
    splits: Mapping[str, Any] = field(default_factory=dict)
    extra: Sequence[Place] = ()
    like: str = ""
    json: bool = True
    """Whether a body is one JSON object of which unknown members are inspected."""
    named: bool = True
    """Whether a body names the model."""
    query: str = ""
    at: str = ""
    """The path of a request, where it is not the route's own."""
    routes: Sequence[tuple[str, str]] = ()
    """Methods and routes, where it is more than a POST to ``route``."""
    rewrites: bool = False
    """Whether the gate writes the frame of a body itself, so that harmless ones do not keep all of their bytes."""
    make: Callable[[Surface, Any], Request] | None = None
    """Makes the request of a place's body; without it that is JSON."""

    @property
    def path(self) -> str:
        """The path of a request; a model in it is the case's name."""
        return self.at or re.sub(r"\{[a-z]+\}", "case-0", self.route)

    @functools.cached_property
    def places(self) -> tuple[Place, ...]:
        found = self.request() if callable(self.request) and not isinstance(self.request, type) else self.request
        listed = found if isinstance(found, tuple) else tuple(places(found)) if found is not None else ()
        return (*listed, *self.extra)

    def row(self, path: str) -> Row | None:
        return next((r for r in self.rows if r.covers(path)), None)

    def place(self, path: str) -> Place:
        return next(p for p in self.places if p.path == path)

    def body(self, part: Any) -> dict[str, Any]:
        """The members of a place, and of ``base`` those that the place leaves out or fills with anything at all."""
        made = {**part, **{name: value for name, value in self.base.items() if part.get(name, PLAIN) == PLAIN}}
        if self.named and "case-0" not in str(made.get("model", "")):
            made["model"] = "case-0"
        return made

    def made(self, part: Any) -> Request:
        """The request with a place's body, whatever stands in it."""
        if isinstance(part, Request):
            return part
        if self.make is not None:
            return self.make(self, part)
        return Request(self.path + self.query, to_json(self.body(part)))

    def says(self, place: Place, text: str) -> Request:
        """The request with a text in a place."""
        if place.base64:
            text = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
        if place.binary:
            text = base64.b64encode(b"\x89PNG\r\n\x1a\n\xff\xfe" + text.encode()).decode()
        if isinstance(place.body, Request):
            return put(place.body, text)
        return self.made(fill(place.body, text))

    def tried(self) -> list[Place]:
        """The places that are tried: every one, or one for each row."""
        known = [p for p in self.places if (row := self.row(p.path)) is not None and row.handling != OWNED]
        return list({self.row(p.path): p for p in reversed(known)}.values()) if self.like else known

    def one_per_row(self) -> dict[Row, Place]:
        """The first place of each row: where the worst spellings are tried."""
        out: dict[Row, Place] = {}
        for place in self.places:
            row = self.row(place.path)
            if row is not None and row.handling == REPLACED:
                out.setdefault(row, place)
        return out


def form(surface: Surface, part: Mapping[str, Any]) -> Request:
    """A multipart form as httpx writes it; a file is an object with ``filename``, ``media`` and ``content``."""
    out = b"".join(_parts(surface.body(part)))
    head = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    return Request(surface.path, out + f"--{BOUNDARY}--\r\n".encode(), head)


FILES = ("file", "image", "mask", "markup")


def _parts(body: Mapping[str, Any]) -> Iterator[bytes]:
    for name, value in body.items():
        for at, one in _flat(name, value):
            disposition, media, content = f'name="{at}"', "", one
            if name in FILES:
                file = one if isinstance(one, dict) else {"content": one}
                said = file.get("filename", "x.bin").replace('"', "%22")
                disposition += f'; filename="{said}"'
                media = f"Content-Type: {file.get('media', 'application/octet-stream')}\r\n"
                content = file["content"]
            if not isinstance(content, str):
                content = "\n".join(json.dumps(line, ensure_ascii=False) for line in content)
            head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n{media}\r\n"
            yield (head + content + "\r\n").encode("utf-8", "surrogatepass")


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"{name}[]", one) for one in value)
    elif isinstance(value, dict) and name not in FILES:
        yield from ((f"{name}[{key}]", one) for key, one in value.items())
    else:
        yield name, value if isinstance(value, dict) else str(value)


def put(request: Request, text: str) -> Request:
    """A written request with a text where :data:`TEXT` stands, encoded as the place needs it."""
    kind = request.headers.get("content-type", "")
    said = text
    if "json" in kind:
        said = json.dumps(text, ensure_ascii=False)[1:-1]
    elif "urlencoded" in kind:
        said = quote(text, safe="")
    headers = {k: v.replace(TEXT, text) for k, v in request.headers.items()}
    body = request.body.replace(TEXT.encode(), said.encode("utf-8", "surrogatepass"))
    return replace(request, path=request.path.replace(TEXT, quote(text, safe="")), body=body, headers=headers)


def to_json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


def rows(handling: str, *paths: str, note: str = "") -> list[Row]:
    return [Row(path, handling, note) for path in paths]


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def user(said: str) -> dict[str, str]:
    return {"role": "user", "content": said}


MODEL = Row("/model", OWNED, "a configured name, or behind `*` a name without a finding")
SCHEMA = "as a JSON schema: names and keywords are kept, texts and values are inspected"
ARGUMENTS = "the JSON inside is walked: values, keys, numbers"
IDS = "ids of a provider's form are kept"
FREE = "every value, key and number"
ELSEWHERE = "state that was made elsewhere"
