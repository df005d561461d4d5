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
