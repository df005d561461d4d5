"""Everything a document says is read, or the document is incomplete."""

from __future__ import annotations

import document_files as files
import pytest
from document_files import CANARY, TYPES

from redaction.documents import Document, Limits, read

CASES = [(kind, place) for kind, places in files.PLACES.items() for place in places]


def seen(document: Document) -> bool:
    return any(CANARY in piece.text for piece in document.texts)


@pytest.mark.parametrize(("kind", "place"), CASES, ids=[f"{k}: {p}" for k, p in CASES])
def test_a_value_is_read_wherever_it_stands(kind: str, place: str) -> None:
    document = read(files.PLACES[kind][place](), TYPES[kind], f"a.{kind}", Limits())

    assert seen(document)


@pytest.mark.parametrize("kind", files.OTHER)
def test_plain_formats_are_read(kind: str) -> None:
    document = read(files.OTHER[kind](), TYPES[kind], f"a.{kind}", Limits())

    assert seen(document)
    assert document.complete


@pytest.mark.parametrize("kind", files.BENIGN)
def test_an_ordinary_document_is_read_completely(kind: str) -> None:
    document = read(files.BENIGN[kind](), TYPES[kind], f"a.{kind}", Limits())

    assert (document.complete, document.reason) == (True, None)
    assert document.kind == {"eml": "mail", "csv": "text", "md": "text", "txt": "text"}.get(kind, kind)


def identified(first: bytes) -> str:
    """What is read of a PDF whose identifier is ``first``."""
    data = files.pdf("Nothing.")
    id_ = data[data.index(b"/ID [") :].split(b"]")[0]
    made = data.replace(id_, b"/ID [<" + first.hex().encode() + b"><" + first.hex().encode() + b">")
    return "\n".join(piece.text for piece in read(made, TYPES["pdf"], "a.pdf", Limits()).texts)


@pytest.mark.parametrize("digest", ["54001e58fb798bc176b33c568e37eeec", "03007272accf0a5e0d88b498b625b7f8", "ff" * 16])
def test_a_pdfs_identifier_is_no_text_whatever_script_its_bytes_look_like(digest: str) -> None:
    assert all(c.isascii() for c in identified(bytes.fromhex(digest)))


@pytest.mark.parametrize("hidden", [CANARY.encode(), CANARY.encode("utf-16-le"), ("é" * 20 + CANARY).encode("latin-1")])
def test_what_is_readable_in_a_pdfs_identifier_is_read(hidden: bytes) -> None:
    assert CANARY in identified(hidden)
