"""What an answer leaves behind is durable before the app sees it: ids before their event, words before the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import pytest
from egress_support import HandClock
from plain_restorer import Plain
from vault_support import CRM, held

from policies.types import Zone
from proxy.answers import Ending, Restorers, forward_json, forward_stream
from proxy.dialects.base import RestorerFactory
from proxy.errors import VaultUnavailable
from proxy.outbound import Answer, Receipt
from proxy.state import Keeping, Talk

DAY = dt.timedelta(days=1)


class Dialect:
    """Every chunk is text; ``id:`` names state; ``end`` completes."""

    def __init__(self) -> None:
        self.complete = False
        self.usage: Mapping[str, int] = {}

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        return self.restore_stream(restorers, str).feed(body), {}

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> Dialect:
        self._restorers = restorers
        self._text = restorers("text")
        return self

    def feed(self, chunk: bytes) -> bytes:
        text = chunk.decode()
        if text.startswith("id:"):
            self._restorers.created("response", text.removeprefix("id:"))
        self.complete = text == "end"
        return self._text.feed(text).encode()

    def close(self) -> bytes:
        return self._text.close().encode()


class Vault:
    """Writes down what is put, unless it is full."""

    def __init__(self) -> None:
        self.put_: list[tuple[str, Sequence[str]]] = []
        self.full = False

    async def put(self, who: Any, kind: str, ids: Sequence[str], held: Any, ttl: dt.timedelta) -> None:
        if self.full:
            raise VaultUnavailable("full")
        self.put_.append((kind, list(ids)))


class Nothing:
    async def finish(self, outcome: Any) -> None:
        self.code = outcome.code

    async def __aexit__(self, *_: object) -> None:
        return None


@pytest.fixture
def vault() -> Vault:
    return Vault()


def parts(vault: Vault, *chunks: bytes, ceiling: Zone = Zone.ENCLAVE) -> tuple[Any, ...]:
    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    keeping = Keeping(vault, Talk(CRM, "hello"), held(ceiling=ceiling, mapping={}), DAY, DAY)  # type: ignore[arg-type]  # what is used of a vault
    store: Any = Nothing()
    ending = Ending(store, HandClock(), Receipt(1, "r", "u", b"", b"", b""), 0.0, store)
    return Dialect(), Answer(200, {}, stream()), Restorers({}, keeping=keeping), ending, {}


async def test_an_id_is_durable_before_its_event_leaves_and_the_words_before_the_end(vault: Vault) -> None:
    reply = await forward_stream(*parts(vault, b"id:resp_1", b" a word", b"end"))
    assert await anext(reply.chunks) == b"id:resp_1"
    assert vault.put_ == [("response", ["resp_1"])]
    assert await anext(reply.chunks) == b" a word"
    assert len(vault.put_) == 1
    assert await anext(reply.chunks) == b"end"
    assert [kind for kind, _ in vault.put_] == ["response", "answer"]
    assert [c async for c in reply.chunks] == []
    assert len(vault.put_) == 2, "nothing is noted twice"


async def test_an_answer_that_breaks_off_keeps_its_ceiling(vault: Vault) -> None:
    reply = await forward_stream(*parts(vault, b"some words", b"end"))
    await anext(reply.chunks)
    await reply.chunks.aclose()  # type: ignore[attr-defined]  # closable (proxy.answers)
    ((kind, ids),) = vault.put_
    assert (kind, ids[0].endswith("\0some words")) == ("answer", True)


async def test_without_a_vault_the_event_does_not_leave(vault: Vault) -> None:
    vault.full = True
    reply = await forward_stream(*parts(vault, b"id:resp_1"))
    with pytest.raises(VaultUnavailable):
        await anext(reply.chunks)
    with pytest.raises(VaultUnavailable):
        await forward_json(*parts(vault, b"id:resp_1"))


async def test_a_whole_answer_is_noted_before_it_is_handed_out(vault: Vault) -> None:
    await forward_json(*parts(vault, b"id:resp_1"))
    assert [kind for kind, _ in vault.put_] == ["response", "answer"]


async def test_what_may_go_anywhere_leaves_no_words(vault: Vault) -> None:
    reply = await forward_stream(*parts(vault, b"id:resp_1", b"end", ceiling=Zone.CLOUD))
    assert [c async for c in reply.chunks]
    assert [kind for kind, _ in vault.put_] == ["response"]


@pytest.mark.parametrize("id", ["", "a b", "x" * 600, "\ud800", "a\nb"])
def test_an_id_that_is_none_is_not_remembered(id: str) -> None:
    restorers = Restorers({})
    restorers.created("response", id)
    assert restorers.made == []


def test_few_values_are_looked_for_in_a_line_and_counted_in_all() -> None:
    mapping = {f"EMAIL_{i:013d}": f"v{i}" for i in range(1000)} | {"PERSON_0000000000001": "Otto"}
    restorers = Restorers(mapping)
    for text, want in (
        ("to email_0000000000007!", "to v7!"),
        (r"EMAIL\_0000000000008 and PERSON_0000000000001", "v8 and Otto"),
        ("EMAIL_9999999999999", None),
    ):
        few = restorers.within(text)
        if few is None:
            assert want is None
            continue
        assert len(few._mapping) < 4
        channel = few("text")
        assert channel.feed(text) + channel.close() == want
    assert restorers.counts() == {"restored": 3, "seen": 3, "refused": 0}
    assert Plain({})("text").feed("x") == "x"
