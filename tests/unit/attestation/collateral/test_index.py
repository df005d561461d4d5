"""The index has one form; whatever else it says is damage."""

import json
import random

import pytest
from attested import NOW, flips
from published import TRUST, all_pieces

from attestation.collateral.admit import admit
from attestation.collateral.index import decode, encode
from attestation.collateral.pieces import Index
from attestation.trust import VENDORS
from attestation.types import Malformed

GOOD = admit(Index(), all_pieces(), NOW, VENDORS, TRUST)
RAW = encode(GOOD)


def test_what_is_written_is_read_back():
    assert decode(RAW) == GOOD
    assert decode(encode(Index())) == Index()


def test_the_order_of_its_making_does_not_show():
    pieces = all_pieces()
    random.Random(4).shuffle(pieces)
    assert encode(admit(Index(), pieces, NOW, VENDORS, TRUST)) != RAW  # other signatures, same form
    shuffled = dict(sorted(GOOD.entries.items(), reverse=True))
    assert encode(Index(shuffled, GOOD.floors)) == RAW


def test_no_changed_bit_is_read():
    for changed in flips(RAW):
        with pytest.raises(Malformed):
            decode(changed)


@pytest.mark.parametrize("cut", [0, 1, 100, -1, -2])
def test_a_truncated_index_is_not_read(cut):
    with pytest.raises(Malformed):
        decode(RAW[:cut])


def resealed(change) -> bytes:
    """An index with a right digest over changed content: not damage, but a bad writer."""
    import hashlib

    from attestation.collateral.index import _text

    body = json.loads(RAW)
    del body["sha256"]
    change(body)
    return _text({**body, "sha256": hashlib.sha256(_text(body)).hexdigest()})


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b["entries"].append(b["entries"][0]),
        lambda b: b["floors"].append(b["floors"][0]),
        lambda b: b["entries"].reverse(),
        lambda b: b["entries"][0].update(kind="passwd"),
        lambda b: b["entries"][0].update(sha256="../../etc/passwd"),
        lambda b: b["entries"][0].update(key="../x"),
        lambda b: b["entries"][0].update(size=-1),
        lambda b: b["entries"][0].update(size=True),
        lambda b: b["entries"][0].update(fetched_at="yesterday"),
        lambda b: b["entries"][0].update(trust="blind"),
        lambda b: b["entries"][0].update(more=1),
        lambda b: b["entries"][0].pop("issued"),
        lambda b: b["floors"][0].update(number=1.5),
        lambda b: b["floors"][0].update(number=-1),
        lambda b: b.update(format="sealgate-collateral/2"),
        lambda b: b.update(more=[]),
        lambda b: b.update(entries={}),
        lambda b: b.update(entries=[1]),
        lambda b: b.update(entries=b["entries"] * 5000),
    ],
)
def test_a_badly_written_index_is_not_read(change):
    with pytest.raises(Malformed):
        decode(resealed(change))
    assert decode(resealed(lambda _: None)) == GOOD
