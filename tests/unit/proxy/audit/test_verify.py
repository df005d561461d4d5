from __future__ import annotations

import json
from pathlib import Path

import pytest
from audit_support import DIGEST, KEY, damage, intent, now, outcome, refusal

from proxy.audit.canonical import GENESIS, chain_hash, encode, head_mac
from proxy.audit.query import verify
from proxy.audit.sqlite import SqliteStore
from proxy.audit.verify import INDEXED, Head, check_chain
from proxy.errors import ConfigError


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A ledger of six records."""
    store = SqliteStore(tmp_path / "ledger.sqlite", KEY, now)
    await store.open()
    for i in range(2):
        receipt = await store.begin(intent(f"req-{i}"), DIGEST)
        await store.finish(outcome(receipt.seq, f"req-{i}"))
    await store.refuse(refusal())
    await store.control("stopped", {})
    await store.close()
    return tmp_path / "ledger.sqlite"


async def test_an_untouched_ledger_is_whole(path: Path) -> None:
    verdict = verify(path, KEY)
    assert (verdict.problem, verdict.records, verdict.head_checked) == (None, 6, True)


async def test_without_the_key_the_verdict_says_that_the_head_was_not_checked(path: Path) -> None:
    verdict = verify(path, None)
    assert verdict.problem is None and not verdict.head_checked


@pytest.mark.parametrize("column", INDEXED[1:])
async def test_a_changed_search_column_is_found_in_its_record(path: Path, column: str) -> None:
    damage(path, f"UPDATE records SET {column} = {'99' if column == 'ref_seq' else repr('x')} WHERE seq = 3")
    verdict = verify(path, KEY)
    assert verdict.seq == 3 and verdict.problem is not None and "columns" in verdict.problem


@pytest.mark.parametrize(
    ("statements", "seq", "words"),
    [
        (("UPDATE records SET body = replace(body, 'crm', 'cRm') WHERE seq = 3",), 3, "was changed"),
        (("UPDATE records SET body = CAST(replace(body, '321', '322') AS BLOB) WHERE seq = 1",), 1, "was changed"),
        (("UPDATE records SET hash = replace(hash, substr(hash, 1, 1), 'f') WHERE seq = 2",), 2, "was changed"),
        (("UPDATE records SET prev_hash = hash WHERE seq = 4",), 4, "predecessor"),
        (("DELETE FROM records WHERE seq = 3",), 3, "missing"),
        (("DELETE FROM records WHERE seq = 1",), 1, "missing"),
        (("DELETE FROM records WHERE seq = 3", "UPDATE records SET seq = seq - 1 WHERE seq > 3"), 3, "predecessor"),
        (
            ("UPDATE records SET seq = 99 WHERE seq = 2", "UPDATE records SET seq = 2 WHERE seq = 4",
             "UPDATE records SET seq = 4 WHERE seq = 99"), 2, "predecessor",
        ),
        (("DELETE FROM records WHERE seq > 4",), 6, "end of the ledger"),
        (("DELETE FROM records",), 6, "end of the ledger"),
        (("DELETE FROM head",), 6, "head is missing"),
        (("UPDATE head SET mac = replace(mac, substr(mac, 1, 1), 'x')",), 6, "not signed"),
        (
            ("DELETE FROM records WHERE seq > 4",
             "UPDATE head SET seq = 4, hash = (SELECT hash FROM records WHERE seq = 4)"), 4, "not signed",
        ),
    ],
)  # fmt: skip
async def test_every_kind_of_tampering_is_found_where_it_happened(
    path: Path, statements: tuple[str, ...], seq: int, words: str
) -> None:
    if "CAST" not in statements[0] and "body" in statements[0]:
        statements = (statements[0].replace("replace(body", "CAST(replace(body").replace("'cRm')", "'cRm') AS BLOB)"),)
    damage(path, *statements)
    verdict = verify(path, KEY)
    assert verdict.problem is not None and words in verdict.problem
    assert verdict.seq == seq


async def test_without_the_key_a_shortened_ledger_with_a_fitting_head_row_looks_whole(path: Path) -> None:
    """What the keyed head is for; documented in docs/audit.md."""
    damage(path, "DELETE FROM records WHERE seq > 4",
           "UPDATE head SET seq = 4, hash = (SELECT hash FROM records WHERE seq = 4)")  # fmt: skip
    assert verify(path, None).problem is None
    assert verify(path, KEY).problem is not None


async def test_another_key_is_told_apart(path: Path) -> None:
    assert "not signed" in (verify(path, b"x" * 32).problem or "")


def test_a_consistent_chain_of_what_is_no_record_is_refused() -> None:
    for body in (b"not json", b"[]", encode({"seq": 2})):
        own = chain_hash(GENESIS, body)
        row = {"seq": 1, "body": body, "prev_hash": GENESIS, "hash": own}
        full = row | dict.fromkeys(INDEXED[1:])
        assert check_chain([full], Head(1, own, head_mac(KEY, 1, own)), KEY).seq == 1


def test_an_empty_ledger_is_whole_and_a_head_alone_is_not() -> None:
    assert check_chain([], None, KEY).problem is None
    assert check_chain([], Head(3, GENESIS, ""), KEY).seq == 3


async def test_an_unreadable_ledger_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no ledger here"):
        verify(tmp_path / "ledger.sqlite", KEY)
    (tmp_path / "ledger.sqlite").write_bytes(b"this is no database " * 300)
    with pytest.raises(ConfigError, match="cannot be read"):
        verify(tmp_path / "ledger.sqlite", KEY)


def test_bodies_are_json_that_other_tools_read() -> None:
    assert json.loads(encode({"a": [1, None]})) == {"a": [1, None]}
