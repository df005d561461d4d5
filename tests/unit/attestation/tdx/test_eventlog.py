"""Event logs replay to signed registers; a compose file counts only where the TD names it."""

import hashlib
import json

import pytest
from attested import BINDING, NOW, ids, vector

from attestation.simulator.intel import Guest, shared_intel
from attestation.tdx.eventlog import DSTACK_EVENT, Event, dstack_digest, parse_log, replay
from attestation.tdx.quote import parse_quote
from attestation.trust import VENDORS
from attestation.types import Evidence, Malformed
from attestation.verify import verify

SIM = shared_intel()
INTEL = SIM.collateral(NOW)
COMPOSE = b'{"name":"inference"}'
DIGEST = hashlib.sha256(COMPOSE).digest()


def own(name: str, payload: bytes, register: int = 3) -> Event:
    event = Event(register, DSTACK_EVENT, bytes(48), name, payload)
    return Event(register, DSTACK_EVENT, dstack_digest(event), name, payload)


EVENTS = (Event(0, 1, b"\1" * 48, "", b""), own("compose-hash", DIGEST), own("instance-id", b"i"))


def text(events: tuple[Event, ...]) -> bytes:
    return json.dumps(
        [{"imr": e.register, "event_type": e.kind, "digest": e.digest.hex(), "event": e.name,
          "event_payload": e.payload.hex()} for e in events]
    ).encode()  # fmt: skip


def evidence(events: tuple[Event, ...], shown: tuple[Event, ...] | None = None, config: bytes = bytes(48), **parts):
    quote = SIM.tdx_quote(BINDING, Guest(rtmrs=replay(events), mrconfigid=config))
    return Evidence("tdx", quote, parts={"event_log": text(shown or events), **parts})


def verdict(*args, **kwargs) -> set[str]:
    return ids(evidence(*args, **kwargs), SIM.trust, NOW, INTEL)


def test_a_log_that_replays_gives_measurements():
    got = verify(evidence(EVENTS, app_compose=COMPOSE), NOW, VENDORS, SIM.trust, INTEL)
    assert got.measurements["compose-hash"] == DIGEST
    assert got.measurements["instance-id"] == b"i"


def test_a_log_that_does_not_replay_is_refused():
    assert verdict(EVENTS, EVENTS[1:]) == {"event-log.rtmr0"}
    assert verdict(EVENTS, EVENTS[:1]) == {"event-log.rtmr3"}
    assert verdict(EVENTS, (EVENTS[0], EVENTS[2], EVENTS[1])) == {"event-log.rtmr3"}


def test_an_event_whose_content_was_exchanged_is_refused():
    false = Event(3, DSTACK_EVENT, EVENTS[1].digest, "compose-hash", b"\7" * 32)
    assert verdict(EVENTS, (EVENTS[0], false, EVENTS[2])) == {"event-log.events"}


def test_an_event_that_comes_twice_is_refused():
    assert verdict((*EVENTS, own("compose-hash", b"\7" * 32))) == {"event-log.once"}


def test_another_compose_file_is_refused():
    assert verdict(EVENTS, app_compose=COMPOSE + b" ") == {"compose-hash"}
    assert verdict((), app_compose=COMPOSE) == {"compose-hash"}


def test_mrconfigid_may_name_the_compose_file():
    assert verdict((), config=b"\1" + DIGEST + bytes(15), app_compose=COMPOSE) == set()
    assert verdict((), config=b"\2" + DIGEST + bytes(15), app_compose=COMPOSE) == {"compose-hash"}
    assert verdict((), config=b"\1" + DIGEST + bytes(14) + b"\1", app_compose=COMPOSE) == {"compose-hash"}
    both = verdict((own("compose-hash", b"\7" * 32),), config=b"\1" + DIGEST + bytes(15), app_compose=COMPOSE)
    assert both == {"compose-hash"}


def test_a_part_that_is_not_known_is_malformed():
    assert verdict(EVENTS, more=b"") == {"malformed"}
    enclave = Evidence("sgx", SIM.sgx_quote(BINDING), parts={"event_log": b"[]"})
    assert ids(enclave, SIM.trust, NOW, SIM.collateral(NOW, sgx=True)) == {"malformed"}


@pytest.mark.parametrize("raw", [
    b"", b"{}", b"[1]", b"[{}]", text(EVENTS).replace(b'"imr": 0', b'"imr": 4'),
    text(EVENTS).replace(b'"imr": 0', b'"imr": true'), text(EVENTS).replace(b'"imr": 0', b'"imr": "0"'),
    text(EVENTS).replace(b"0101", b"zz01", 1), text(EVENTS).replace(b"0101", b"", 1),
    text(EVENTS).replace(b"01" * 48, b"", 1), text((own("app-id", b"\xab"),)).replace(b'"ab"', b'"AB"'),
    text(EVENTS).replace(b"0101", b"01 01", 1),
])  # fmt: skip
def test_another_form_is_malformed(raw):
    with pytest.raises(Malformed):
        parse_log(raw)


def test_a_digest_that_was_left_out_is_computed_from_the_content():
    bare = json.loads(text(EVENTS))
    for entry in bare[1:]:
        entry["digest"] = ""
    assert parse_log(json.dumps(bare).encode()) == EVENTS


def test_the_real_dstack_log_replays():
    body = json.loads(vector("dstack/quote-report.json"))
    quote = parse_quote(bytes.fromhex(body["quote"]))
    events = parse_log(body["event_log"].encode())
    got = replay(events)
    assert got == tuple(quote.body.registers[f"rtmr{i}"] for i in range(4))
    assert all(dstack_digest(e) == e.digest for e in events if e.register == 3)
