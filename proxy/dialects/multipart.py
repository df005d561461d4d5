"""multipart/form-data, read strictly and written back byte for byte where nothing changes (RFC 7578, RFC 2046 §5.1).

Two parsers that disagree about one form are a hole in a gate, so whatever they disagree about is refused: a preamble or
an epilogue, a boundary that occurs anywhere but in a delimiter, folded or unknown headers, escapes and extended
parameters in names, transfer encodings, forms in forms. Messages carry no piece of the form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from proxy.dialects.base import Untransformable
from proxy.errors import BadRequest

MAX_PARTS = 1000
MAX_HEAD = 8192
"""Bytes of the headers of one part."""

_BOUNDARY = re.compile(
    r"""multipart/form-data[ ]*;[ ]*boundary=(?:"([0-9A-Za-z'+_.-]{1,70})"|([0-9A-Za-z'+_.-]{1,70}))""", re.I | re.A
)
_TYPE = re.compile(rb"[!-~](?:[ -~]{0,253}[!-~])?")
_DISPOSITION = re.compile(rb'form-data; ?name="([^"\\\r\n\0]+)"(?:; ?filename="([^"\\\r\n\0]*)")?', re.I)
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,15}")
_IDENTITY = frozenset({b"binary", b"8bit", b"7bit"})
_ESCAPES = {'"': "%22", "\r": "%0D", "\n": "%0A"}


@dataclass(frozen=True, slots=True)
class Part:
    """One part. ``media`` is its content type as it was written, empty where it has none; ``filename`` is None for a
    plain field. ``head`` are the bytes of its headers."""

    name: str = field(repr=False)
    filename: str | None = field(repr=False)
    media: str = field(repr=False)
    content: bytes = field(repr=False)
    head: bytes = field(repr=False)

    @property
    def kind(self) -> str:
        """The media type, lower case and without parameters."""
        return self.media.partition(";")[0].strip().lower()

    def changed(self, *, name: str, filename: str | None, media: str, content: bytes) -> Part:
        """The same part saying something else; what stays as it was keeps its bytes. Raises Untransformable."""
        new = replace(self, name=name, filename=filename, media=media, content=content)
        if new == self:
            return self
        if media != self.media and not _TYPE.fullmatch(media.encode()):
            raise Untransformable
        lines = [_rewritten(line, self, new) for line in self.head.split(b"\r\n")]
        return replace(new, head=b"\r\n".join(lines))


def _rewritten(line: bytes, old: Part, new: Part) -> bytes:
    name, _, _ = line.partition(b":")
    match name.lower():
        case b"content-disposition" if (old.name, old.filename) != (new.name, new.filename):
            file = f'; filename="{_quoted(new.filename)}"' if new.filename is not None else ""
            return name + f': form-data; name="{_quoted(new.name)}"{file}'.encode()
        case b"content-type" if old.media != new.media:
            return name + b": " + new.media.encode("ascii")
        case b"content-length":
            return name + b": " + str(len(new.content)).encode()
    return line


def _quoted(text: str) -> str:
    """As HTML §4.10.21.8 writes names. A backslash means different things to different readers."""
    if "\\" in text or "\0" in text or not text:
        raise Untransformable
    return "".join(_ESCAPES.get(c, c) for c in text)


def bad(message: str) -> BadRequest:
    """What is raised for a form that readers may read differently."""
    return BadRequest(f"The form cannot be read alike by everybody: {message}.", code="invalid_multipart")


def boundary(content_type: str) -> str:
    """The boundary that a content type names. Raises BadRequest for any other type, parameter or alphabet."""
    match = _BOUNDARY.fullmatch(content_type)
    if match is None:
        raise BadRequest(
            "The content type must be multipart/form-data; boundary=… (letters, digits and '+_.-) and nothing else.",
            code="unsupported_content_type",
        )
    return match[1] or match[2]


def header(mark: str) -> str:
    """The content type that goes with a boundary."""
    return f"multipart/form-data; boundary={mark}"


def marked(body: bytes, old: str, new: str) -> bytes:
    """The form with ``new`` for its boundary. Where ``old`` stands anywhere but in a delimiter ``new`` does now, and
    the form is refused as it would have been."""
    return body.replace(b"--" + old.encode("ascii"), b"--" + new.encode("ascii"))


def split(body: bytes, mark: str) -> tuple[Part, ...]:
    """The parts of a form. Raises BadRequest."""
    dash = b"--" + mark.encode("ascii")
    tail = b"\r\n" if body.endswith(b"--\r\n") else b""
    if not body.startswith(dash + b"\r\n") or not body.endswith(b"\r\n" + dash + b"--" + tail):
        raise bad("it must begin and end with its boundary")
    inner = body[len(dash) + 2 : len(body) - len(dash) - 2 - len(tail)]
    pieces = inner.split(b"\r\n" + dash + b"\r\n")
    if len(pieces) > MAX_PARTS:
        raise BadRequest("The form has too many parts.", code="too_complex")
    if body.count(dash) != len(pieces) + 1:
        raise bad("its boundary occurs elsewhere too")
    return tuple(
        _part(piece.removesuffix(b"\r\n") if i == len(pieces) - 1 else piece) for i, piece in enumerate(pieces)
    )


def join(parts: Sequence[Part], mark: str) -> bytes:
    """The form with these parts. Raises Untransformable when one of them now holds the boundary."""
    dash = b"--" + mark.encode("ascii")
    if any(dash in part.content or dash in part.head for part in parts):
        raise Untransformable
    return b"".join(dash + b"\r\n" + p.head + b"\r\n\r\n" + p.content + b"\r\n" for p in parts) + dash + b"--\r\n"


def _part(piece: bytes) -> Part:
    head, blank, content = piece.partition(b"\r\n\r\n")
    if not blank or len(head) > MAX_HEAD:
        raise bad("a part has no end of its headers")
    part, length = part_head(head)
    if length not in {None, len(content)}:
        raise bad("a part has another length than it says")
    return replace(part, content=content)


def part_head(head: bytes) -> tuple[Part, int | None]:
    """A part by its headers, still without content, and the length that they say, if any. Raises BadRequest."""
    found: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon or name.lower() in found:
            raise bad("a part has a header twice, or one that is no header")
        found[name.lower()] = value.strip(b" ")
    disposition = found.pop(b"content-disposition", None)
    media = found.pop(b"content-type", b"")
    encoding = found.pop(b"content-transfer-encoding", b"binary").lower()
    length = found.pop(b"content-length", None)
    match = _DISPOSITION.fullmatch(disposition or b"")
    if match is None:
        raise bad('a part must say form-data; name="…" and at most a filename, without escapes')
    if found or encoding not in _IDENTITY or (length is not None and not _LENGTH.fullmatch(length)):
        raise bad("a part has a header, an encoding or a length that forms do not have")
    if (media and not _TYPE.fullmatch(media)) or media.lower().startswith(b"multipart/"):
        raise bad("a part has a content type that forms do not have")
    filename = None if match[2] is None else _utf8(match[2])
    return Part(_utf8(match[1]), filename, media.decode("ascii"), b"", head), int(
        length
    ) if length is not None else None


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest("The names of a form must be UTF-8.", code="invalid_encoding") from None
