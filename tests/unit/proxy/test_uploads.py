"""How an upload is cut and read: no value between two borders, no text that the leak guard takes for a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from proxy.attachments import DOCUMENT
from proxy.spool import Spool
from proxy.uploads import BLOCK_BYTES, HALF, Form, blocks, document_of

FILL = b"word garden " * 3000
KEY = b"-----BEGIN PRIVATE KEY-----\n" + b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 50 + b"-----END PRIVATE KEY-----\n"


class Held:
    """What is needed of a spool."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self) -> Iterator[bytes]:
        yield self._data


def cut(data: bytes) -> list[bytes]:
    made = list(blocks(cast("Spool", Held(data))))
    assert b"".join(made) == data
    return made


@pytest.mark.parametrize("middle", [b"4111\n1111\n1111\n1111,", b"patient MRN:\n\n48291734,", b"4111 1111 1111 1111,"])
@pytest.mark.parametrize("rest", [b"x" * 20_000, b"\n" * 20_000, "ü".encode() * 20_000])
def test_no_block_is_so_short_that_a_value_has_pieces_in_three(middle: bytes, rest: bytes) -> None:
    for at in range(BLOCK_BYTES - 24, BLOCK_BYTES, 3):
        assert all(len(block) >= HALF for block in cut(FILL[:at] + middle + rest)[:-1])


@pytest.mark.parametrize("at", range(BLOCK_BYTES - len(KEY) + 30, BLOCK_BYTES, 311))
def test_a_key_is_not_cut(at: int) -> None:
    assert sum(KEY in block for block in cut(FILL[:at] + b"\n" + KEY + FILL)) == 1


@pytest.mark.parametrize("name", ["notes.txt", "notes.pdf"])
def test_the_text_of_a_document_is_read_again_before_it_leaves(name: str) -> None:
    held = cast("Spool", Held("Write to anna.berg@example.com.".encode("utf-16")))
    body, dialect = document_of(Form(held, {"purpose": "user_data"}, name, "text/plain", present=True))
    parsed = dialect.parse(body)
    made = dialect.render(parsed, {("/file", DOCUMENT): "Write to EMAIL_1."}, "")
    assert [(s.kind, s.text) for s in dialect.parse(made).segments] == [("text", "Write to EMAIL_1.")]
