"""Forms of any size: read as everybody reads them, in any chunking, or refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects import multipart
from proxy.errors import BadRequest
from proxy.forms import FormReader

MARK = "x1y2"
PARTS = [("purpose", None, b"batch"), ("file", "a.txt", b"one\r\n--x1\r\n\r\ntwo\r\n"), ("empty", None, b"")]


def form(parts: list[tuple[str, str | None, bytes]] = PARTS, more: str = "") -> bytes:
    out = b""
    for name, file, content in parts:
        filename = f'; filename="{file}"' if file is not None else ""
        out += f'--{MARK}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n{more}\r\n'.encode()
        out += content + b"\r\n"
    return out + f"--{MARK}--\r\n".encode()


async def read(body: bytes, size: int) -> list[tuple[str, str | None, bytes]]:
    async def chunks() -> AsyncIterator[bytes]:
        for i in range(0, len(body), size):
            yield body[i : i + size]

    reader = FormReader(chunks(), MARK)
    return [(p.name, p.filename, b"".join([c async for c in reader.content()])) async for p in reader.parts()]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 1000])
async def test_any_chunking_gives_the_parts(size: int) -> None:
    assert await read(form(), size) == PARTS
    assert await read(form().removesuffix(b"\r\n"), size) == PARTS


async def test_a_part_that_nobody_reads_is_passed_over() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield form()

    assert [p.name async for p in FormReader(chunks(), MARK).parts()] == [name for name, _, _ in PARTS]


ODD = {
    "preamble": b"hello\r\n" + form(),
    "epilogue": form() + b"hello",
    "another form behind it": form() + form(),
    "bare line feeds": form().replace(b"\r\n", b"\n"),
    "a bare line feed before a boundary": form().replace(b"batch\r\n--", b"batch\n--"),
    "a bare line feed in headers": form().replace(b'"purpose"\r\n', b'"purpose"\nX: y\r\n'),
    "boundary in the content": form([("file", "a", b"x --x1y2 y")]),
    "boundary at the beginning of the content": form([("file", "a", b"--x1y2\r\nx")]),
    "boundary with a tail": form([("file", "a", b"x\r\n--x1y2z\r\n y")]),
    "boundary in a header": form([("--x1y2", None, b"x")]),
    "spaces behind a boundary": form().replace(b"batch\r\n--x1y2\r\n", b"batch\r\n--x1y2  \r\n"),
    "no end": form().removesuffix(b"--\r\n"),
    "cut in the content": form()[:90],
    "nothing": b"",
    "only an end": b"--x1y2--\r\n",
    "nested": form(more="Content-Type: multipart/mixed; boundary=x\r\n"),
    "encoded": form(more="Content-Transfer-Encoding: base64\r\n"),
    "header twice": form(more='Content-Disposition: form-data; name="other"\r\n'),
    "type twice": form(more="Content-Type: text/plain\r\nContent-Type: text/html\r\n"),
    "folded header": form(more="Content-Type: text/plain;\r\n charset=x\r\n"),
    "unknown header": form(more="X-Name: a\r\n"),
    "extended name": form().replace(b'name="purpose"', b"name=\"purpose\"; filename*=utf-8''a"),
    "escape in a name": form([('a\\"b', None, b"x")]),
    "no name": form().replace(b'form-data; name="purpose"', b"form-data"),
    "wrong length": form(more="Content-Length: 3\r\n"),
    "no length": form(more="Content-Length:\r\n"),
    "length with a sign": form(more="Content-Length: +5\r\n"),
    "long headers": form(more="Content-Type: text/plain" + " " * 9000 + "\r\n"),
}


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("name", ODD)
async def test_what_readers_may_read_differently_is_refused(name: str, size: int) -> None:
    with pytest.raises(BadRequest) as refused:
        await read(ODD[name], size)
    assert refused.value.code == "invalid_multipart"


async def test_a_length_that_is_right_is_fine() -> None:
    assert await read(form([("a", None, b"12345")], more="Content-Length: 5\r\n"), 9) == [("a", None, b"12345")]


pieces = st.sampled_from([b"--", b"\r", b"\n", b"\r\n", b"x1y2", b"--x1y2", b"--x1y2--", b"a", b":", b" ", form()])


@given(st.lists(pieces, max_size=12).map(b"".join), st.integers(1, 9))
async def test_both_readers_of_forms_agree(body: bytes, size: int) -> None:
    body = form([("a", None, body)]) if size % 2 else body
    try:
        want = [(p.name, p.filename, p.content) for p in multipart.split(body, MARK)]
    except BadRequest:
        with pytest.raises(BadRequest):
            await read(body, size)
    else:
        assert await read(body, size) == want
