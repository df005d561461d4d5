"""Documents of format sealgate-snp: one spelling, and nothing beside it."""

import base64
import json

import pytest
from attested import BINDING, platform

from attestation.types import Malformed
from attestation.wire import MAX_DOCUMENT_BYTES, encode_sealgate_snp, parse_sealgate_snp


def document(**changes) -> bytes:
    body = json.loads(encode_sealgate_snp(platform().evidence(BINDING)))
    return json.dumps({k: v for k, v in {**body, **changes}.items() if v is not ...}).encode()


def test_a_document_reads_back_as_it_was_written():
    evidence = platform().evidence(BINDING)
    assert parse_sealgate_snp(encode_sealgate_snp(evidence)) == evidence


BASE64 = base64.b64encode(b"\xff" * 4).decode()  # "/////w=="
BAD = {
    "empty": b"",
    "not json": b"<html>",
    "not utf-8": b"\xff\xfe",
    "byte order mark": b"\xef\xbb\xbf" + document(),
    "a list": b"[]",
    "a number": b"1",
    "trailing text": document() + b"{}",
    "deep nesting": b"[" * 60_000,
    "huge integer": b'{"report":' + b"1" * 60_000 + b"}",
    "nan": b'{"report": NaN, "vcek": "", "chain": ["", ""]}',
    "duplicate key": document()[:-1] + b', "report": "AAAA"}',
    "missing key": document(vcek=...),
    "further key": document(verified=True),
    "report is a number": document(report=1),
    "report is null": document(report=None),
    "report too long": document(report=base64.b64encode(bytes(16 * 1024 + 3)).decode()),
    "certificate too long": document(vcek=base64.b64encode(bytes(9000)).decode()),
    "url-safe base64": document(report=BASE64.replace("/", "_")),
    "no padding": document(report=BASE64.rstrip("=")),
    "loose padding bits": document(report="/////x=="),
    "white space": document(report=BASE64 + "\n"),
    "non-ascii": document(report="é" * 4),
    "chain of one": document(chain=[BASE64]),
    "chain of three": document(chain=[BASE64] * 3),
    "chain is text": document(chain=BASE64),
    "chain of numbers": document(chain=[1, 2]),
}


@pytest.mark.parametrize("case", BAD)
def test_anything_else_is_malformed(case):
    with pytest.raises(Malformed):
        parse_sealgate_snp(BAD[case])


def test_a_document_may_fill_its_limit_and_not_one_byte_more():
    whole = document()
    assert parse_sealgate_snp(whole + b" " * (MAX_DOCUMENT_BYTES - len(whole)))
    with pytest.raises(Malformed, match="more than"):
        parse_sealgate_snp(whole + b" " * (MAX_DOCUMENT_BYTES - len(whole) + 1))
