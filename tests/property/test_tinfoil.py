"""Whatever a Tinfoil or Privatemode endpoint answers: it is read or refused with the documented errors, and an answer
that was changed on the way never proves another key."""

import base64
import functools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutate import Mutator
from tinfoil_support import NONCE, OPTIONS, heard, pin

from attestation import ehbp
from attestation.encodings import base64_bytes, gunzip, hex_bytes
from attestation.privatemode.exchange import SecretExchange
from attestation.privatemode.fields import FieldExchange
from attestation.providers.base import Heard, Reply
from attestation.providers.prove import prove
from attestation.providers.tinfoil import DOCUMENT, KEYS, Tinfoil, spki_sha256
from attestation.providers.tinfoil_collateral import amd_chain_of, amd_crl_of, intel_of, parse_entries
from attestation.sealing import SealingError
from attestation.simulator.privatemode import Service
from attestation.simulator.providers.tinfoil import NOW, Machine, dump
from attestation.simulator.providers.tinfoil_lies import Form
from attestation.simulator.providers.tinfoil_present import present
from attestation.strictjson import raw_members
from attestation.trust import VENDORS
from attestation.types import NO_COLLATERAL, Malformed, Rejected

FEW = settings(max_examples=150, deadline=None)
LENIENT = Tinfoil(allow_v2=True, allow_draft=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@functools.cache
def machine(tee: str) -> Machine:
    return Machine(tee, gpus=1)


@functools.cache
def document(tee: str, form: Form) -> bytes:
    return present(machine(tee), form, None, pin(), NONCE)


@functools.cache
def tree(tee: str, form: Form) -> object:
    """The document with its sections opened, so that mutations reach into them."""
    doc = json.loads(document(tee, form))
    for name in ("crypto_material", "device_evidence"):
        if name in doc:
            doc[name] = json.loads(base64.b64decode(doc[name]))
    return doc


def packed(changed: object) -> bytes:
    """The document that a changed tree stands for."""
    if isinstance(changed, dict):
        changed = dict(changed)
        for name in ("crypto_material", "device_evidence"):
            if isinstance(changed.get(name), dict):
                changed[name] = base64.b64encode(dump(changed[name])).decode()
    return dump(changed)


def outcome(tee: str, form: Form, raw: bytes) -> object:
    """The proven channel, or None where it was refused with a documented error."""
    m = machine(tee)
    try:
        presented = LENIENT.read(heard(raw, m), NONCE)
        own = NO_COLLATERAL if form is Form.V3 else m.collateral()
        return prove(presented, m.expectations(), NOW, VENDORS, m.trust, own).channel
    except (Malformed, Rejected):
        return None


KINDS = st.tuples(st.sampled_from(["snp", "tdx"]), st.sampled_from(list(Form)))


def honest(tee: str, form: Form) -> object:
    return outcome(tee, form, document(tee, form))


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("tee", ["snp", "tdx"])
def test_what_is_mutated_here_is_good_before(tee, form):
    assert honest(tee, form) is not None
    assert outcome(tee, form, packed(tree(tee, form))) == honest(tee, form)


@FEW
@given(KINDS, st.integers(0, 2**32))
def test_changed_members_prove_no_other_key(kind, seed):
    trees = [tree(tee, form) for tee in ("snp", "tdx") for form in Form]
    changed = Mutator(seed, trees).document(tree(*kind))
    assert outcome(*kind, packed(changed)) in (None, honest(*kind))


@FEW
@given(KINDS, st.integers(0, 2**32))
def test_changed_bytes_prove_no_other_key(kind, seed):
    raw = Mutator(seed, [{}]).harm(document(*kind))
    assert outcome(*kind, raw) in (None, honest(*kind))


@FEW
@given(KINDS, st.data())
def test_one_flipped_bit_proves_no_other_key(kind, data):
    raw = bytearray(document(*kind))
    at = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[at // 8] ^= 1 << at % 8
    assert outcome(*kind, bytes(raw)) in (None, honest(*kind))


@FEW
@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=80))
def test_any_bytes_are_refused(raw, certificate, keys):
    for options in (*OPTIONS.values(), LENIENT):
        try:
            options.read(Heard({DOCUMENT: Reply(raw), KEYS: Reply(keys, ehbp.KEYS_TYPE)}, certificate), NONCE)
        except (Malformed, Rejected):
            continue
        raise AssertionError("this is no document")


@FEW
@given(JSON)
def test_any_collateral_is_read_or_malformed(value):
    try:
        entries = parse_entries(value)
        amd_chain_of(entries), amd_crl_of(entries), intel_of(entries)
    except Malformed:
        return
    assert value is None or value == []


@FEW
@given(st.binary(max_size=400))
def test_any_certificate_and_any_text_is_read_or_malformed(raw):
    for read in (spki_sha256, lambda r: gunzip(r, "x", 100), lambda r: base64_bytes(r.decode("latin-1"), "x", 100),
                 lambda r: hex_bytes(r.decode("latin-1"), "x", 4)):  # fmt: skip
        try:
            assert len(read(raw)) <= 100
        except Malformed:
            continue


@FEW
@given(st.dictionaries(st.text(max_size=6), JSON, max_size=4), st.sampled_from([None, 1]), st.booleans())
def test_members_are_found_as_they_were_written(value, indent, ascii_):
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_).encode("utf-8", "surrogatepass")
    try:
        members = raw_members(raw, 100_000)
    except Malformed:
        assert not ascii_  # half a surrogate pair is no UTF-8
        return
    assert {k: json.loads(v) for k, v in members.items()} == value and all(v in raw for v in members.values())


@functools.cache
def service() -> Service:
    return Service()


@FEW
@given(st.integers(0, 2**32), st.booleans())
def test_an_answer_to_the_secret_exchange_is_right_or_refused(seed, whole):
    exchange = SecretExchange()
    answer = service().answer(exchange.body)
    mutator = Mutator(seed, [json.loads(answer)])
    raw = mutator.harm(answer) if whole else json.dumps(mutator.document(json.loads(answer))).encode()
    try:
        secret = exchange.finish(raw, service().mesh_ca, NOW)
    except (Malformed, Rejected, SealingError):
        return
    assert secret.key == service().key


@FEW
@given(st.integers(0, 2**32), st.text(max_size=60))
def test_a_sealed_value_opens_as_it_was_or_not_at_all(seed, text):
    exchange = SecretExchange()
    fields = FieldExchange(exchange.finish(service().answer(exchange.body), service().mesh_ca, NOW))
    good = service().seal(fields.seal(b"1"), b"value", 0)
    for changed in (Mutator(seed, [{}]).harm(good.encode()).decode("utf-8", "surrogateescape"), text):
        try:
            assert fields.open(changed) == b"value" and changed == good
            return
        except SealingError:
            continue
