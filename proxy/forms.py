"""Forms that are too large for memory, read from the wire as strictly as ``proxy/dialects/multipart.py`` reads others.

What two readers of one form might disagree about is refused: a preamble or an epilogue, the boundary anywhere but in a
delimiter, line ends without a carriage return, headers twice, escapes, encodings, forms in forms. Messages carry no
piece of the form.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from proxy.dialects.multipart import MAX_HEAD, Part, bad, part_head

CRLF = b"\r\n"


class FormReader:
    """``async for part in reader.parts()``; of each, ``reader.content()`` is to be read to its end before the next. The
    content of ``Part`` is empty. Raises BadRequest."""

    def __init__(self, chunks: AsyncIterator[bytes], mark: str) -> None:
        self._chunks = chunks
        self._dash = b"--" + mark.encode("ascii")
        self._held = bytearray()
        self._size = 0
        self._said: int | None = None
        self._open = False
        self._ended = False

    async def parts(self) -> AsyncIterator[Part]:
        await self._have(len(self._dash) + 2)
        if not self._held.startswith(self._dash + CRLF):
            raise bad("it must begin and end with its boundary")
        del self._held[: len(self._dash) + 2]
        while not self._ended:
            yield await self._head()
            async for _ in self.content():  # what nobody wanted
                pass

    async def _head(self) -> Part:
        while (at := self._held.find(CRLF * 2)) < 0:
            if len(self._held) > MAX_HEAD or not await self._more():
                raise bad("a part has no end of its headers")
        head = bytes(self._held[:at])
        if at > MAX_HEAD or self._dash in head:
            raise bad("a part has no end of its headers")
        del self._held[: at + 4]
        part, self._said = part_head(head)
        self._size = 0
        self._open = True
        return part

    async def content(self) -> AsyncIterator[bytes]:
        """The bytes of the part that was given last."""
        keep = len(self._dash) + 1  # the beginning of a delimiter waits for its end
        while self._open:
            at = self._held.find(self._dash)
            if at >= 0:
                yield await self._end(at)
                return
            if len(self._held) > keep:
                piece = bytes(self._held[:-keep])
                del self._held[:-keep]
                self._size += len(piece)
                yield piece
            if not await self._more():
                raise bad("it must begin and end with its boundary")

    async def _end(self, at: int) -> bytes:
        """The last bytes of a part whose delimiter stands at ``at``."""
        self._open = False
        after = at + len(self._dash)
        await self._have(after + 2)
        if at < 2 or self._held[at - 2 : at] != CRLF:
            raise bad("its boundary occurs elsewhere too")
        piece, follows = bytes(self._held[: at - 2]), bytes(self._held[after : after + 2])
        del self._held[: after + 2]
        self._size += len(piece)
        if self._said is not None and self._said != self._size:
            raise bad("a part has another length than it says")
        if follows == b"--":
            await self._have(3)
            if bytes(self._held) not in {b"", CRLF}:
                raise bad("something follows its end")
            self._ended = True
        elif follows != CRLF:
            raise bad("its boundary occurs elsewhere too")
        return piece

    async def _have(self, size: int) -> None:
        while len(self._held) < size and await self._more():
            pass

    async def _more(self) -> bool:
        async for chunk in self._chunks:
            self._held += chunk
            return True
        return False
