"""Reports of dstack proxies and ACI services, changed at random: only the documented errors come out, and soon."""

import asyncio
import copy
import json
import time
from typing import Any

import pytest
from attested import NOW
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutate import Mutator
from provided import NONCE, hear, proven, wanted

from attestation.near import Algo
from attestation.providers.aci import Aci
from attestation.providers.base import Heard, Provider, Reply
from attestation.providers.dstack import Dstack
from attestation.providers.reading import dumped
from attestation.simulator.providers.aci import DOMAIN, SimulatedAci
from attestation.simulator.providers.dstack import SimulatedDstack, gateway
from attestation.simulator.providers.guest import collateral
from attestation.types import Malformed, Rejected

INTEL = collateral(NOW)
DIRECT, FRONT = Dstack(gpu_count=1), Dstack(gpu_count=1, gateway=True)
SEALED = Dstack(gpu_count=1, signing_algo=Algo.ED25519, seal=True)
CURVE = Dstack(gpu_count=1, seal=True)
PLAIN, KEYED = Aci(DOMAIN), Aci(DOMAIN, seal=True)
CASES: dict[str, tuple[Any, Provider]] = {
    "proxy": (lambda: SimulatedDstack(gpus=1), DIRECT), "sealed proxy": (lambda: SimulatedDstack(gpus=1), SEALED),
    "sealed to a curve": (lambda: SimulatedDstack(gpus=1), CURVE),
    "gateway": (gateway, FRONT), "tdx": (SimulatedAci, PLAIN), "sealed": (SimulatedAci, KEYED),
    "snp": (lambda: SimulatedAci("sev_snp"), PLAIN),
}  # fmt: skip
QUICK = settings(max_examples=40, database=None, deadline=None, suppress_health_check=list(HealthCheck))


def heard_by(name: str) -> tuple[Any, Heard]:
    async def once() -> tuple[Any, Heard]:
        make, provider = CASES[name]
        async with make() as running:
            return (wanted(running), running.trust), await hear(running, provider)

    return asyncio.run(once())


@pytest.fixture(scope="module")
def honest() -> dict[str, tuple[Any, Heard]]:
    return {name: heard_by(name) for name in CASES}


def judged(name: str, known: tuple[Any, Heard], raw: bytes) -> str:
    (want, trust), heard = known
    try:
        proven(CASES[name][1].read(Heard({"report": Reply(raw)}, heard.certificate), NONCE), want, trust, INTEL)
    except Malformed:
        return "malformed"
    except Rejected:
        return "rejected"
    return "proven"


@pytest.mark.parametrize("name", CASES)
@QUICK
@given(seed=st.integers(0, 2**32))
def test_a_changed_document_gives_only_the_documented_errors(honest, name, seed):
    body = json.loads(honest[name][1].replies["report"].body)
    raw = json.dumps(
        Mutator(seed, [honest[n][1].replies["report"].body.decode() for n in CASES]).document(body)
    ).encode()
    assert judged(name, honest[name], raw) in ("malformed", "rejected", "proven")


@pytest.mark.parametrize("name", CASES)
@QUICK
@given(data=st.data())
def test_changed_bytes_give_only_the_documented_errors(honest, name, data):
    raw = bytearray(honest[name][1].replies["report"].body)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(raw), len(raw) // 2, 1, 0]))
    assert judged(name, honest[name], bytes(raw[:cut])) in ("malformed", "rejected", "proven")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=40).map(bytes.hex),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", CASES)
@QUICK
@given(key=st.text(min_size=1, max_size=4), value=JSON, data=st.data())
def test_any_value_at_any_place_gives_only_the_documented_errors(honest, name, key, value, data):
    body = json.loads(honest[name][1].replies["report"].body)
    holder: Any = body
    while data.draw(st.booleans()):
        inner = [
            v for v in (holder.values() if isinstance(holder, dict) else holder) if isinstance(v, (dict, list)) and v
        ]
        if not inner:
            break
        holder = data.draw(st.sampled_from(inner))
    place = data.draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
    changed = copy.copy(value)
    holder[place] = changed
    assert judged(name, honest[name], json.dumps(body).encode()) in ("malformed", "rejected", "proven")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[" * 10**6, b'{"a":' * 10**6, b"1" * 10**6, b'{"info":' + b"[" * 10**5 + b"]" * 10**5 + b"}",
        b'{"attestation":{"workload_keyset":' + b"[" * 900 + b"]" * 900 + b"}}", b"\xff" * 100, b"\xef\xbb\xbf{}",
        b'{"a":NaN}', b'{"a":' + b"9" * 10**5 + b"}", b"{}" + b" " * (5 * 2**20), b'{"a":1}{"a":1}', b'{"a":1,"a":1}',
        b'"' + b"\\u0000" * 10**5 + b'"',
        b'{"gateway_attestation":{},"model_attestations":[' + b"{}," * 10**5 + b"{}]}",
    ],
)  # fmt: skip
def test_monstrous_documents_are_malformed_at_once(honest, name, raw):
    start = time.monotonic()
    assert judged(name, honest[name], raw) == "malformed"
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("depth", [500, 900, 2000, 20_000])
def test_deep_parts_of_a_good_report_are_malformed(honest, depth):
    body = json.loads(honest["proxy"][1].replies["report"].body)
    text = "[" * depth + "]" * depth
    for change in ("event_log", "nvidia_payload"):
        raw = json.dumps({**body, change: "@"}).replace('"@"', text).encode()
        assert judged("proxy", honest["proxy"], raw) in ("malformed", "rejected")
    raw = json.dumps({**body, "nvidia_payload": {"nonce": NONCE.hex(), "evidence_list": [{"arch": "@"}]}})
    assert judged("proxy", honest["proxy"], raw.replace('"@"', text).encode()) in ("malformed", "rejected")


def test_what_is_too_deep_to_be_written_again_is_malformed():
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Malformed, match="too deep"):
        dumped(deep, "the log")
