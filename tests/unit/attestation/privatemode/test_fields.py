"""Values sealed for one exchange open at their place in it, and nowhere else."""

import datetime as dt

import pytest

from attestation.privatemode.exchange import InferenceSecret, SecretExchange
from attestation.privatemode.fields import FieldExchange, ocsp_headers
from attestation.sealing import Fault, SealingError
from attestation.simulator.privatemode import Service

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
SERVICE = Service()
_FIRST = SecretExchange()
SECRET = _FIRST.finish(SERVICE.answer(_FIRST.body), SERVICE.mesh_ca, NOW)


def fault(exchange: FieldExchange, text: str) -> Fault | None:
    try:
        exchange.open(text)
    except SealingError as e:
        return e.fault
    return None


def test_values_arrive_in_order_both_ways():
    exchange = FieldExchange(SECRET)
    sent = [exchange.seal(v) for v in (b'"hello"', b"[1]", b"")]
    assert [SERVICE.open(text, i) for i, text in enumerate(sent)] == [b'"hello"', b"[1]", b""]
    for i, value in enumerate((b'"answer"', b"", b'{"a":1}')):
        assert exchange.open(SERVICE.seal(sent[0], value, i)) == value


def test_values_cannot_be_moved_repeated_or_taken_from_elsewhere():
    exchange, other = FieldExchange(SECRET), FieldExchange(SECRET)
    mine, theirs = exchange.seal(b"1"), other.seal(b"1")
    first, second = (SERVICE.seal(mine, b"x", i) for i in range(2))
    assert fault(exchange, second) is Fault.AUTHENTICITY  # the first was left out
    assert fault(exchange, SERVICE.seal(theirs, b"x", 0)) is Fault.AUTHENTICITY
    assert fault(exchange, SERVICE.seal(theirs, b"x", 0).replace(theirs.split(":")[1], mine.split(":")[1]))
    assert fault(exchange, first.replace(SECRET.id, "A" * 43 + "=")) is Fault.AUTHENTICITY
    assert fault(exchange, first.replace(mine.split(":")[1], "00" * 12)) is Fault.AUTHENTICITY  # says another exchange
    assert exchange.open(first) == b"x"
    assert fault(exchange, first) is Fault.AUTHENTICITY
    assert exchange.open(second) == b"x"


def test_what_was_changed_or_not_sealed_does_not_open():
    exchange = FieldExchange(SECRET)
    good = SERVICE.seal(exchange.seal(b"1"), b"value", 0)
    name, nonce, iv, sealed = good.split(":")
    assert fault(exchange, "plain text") is Fault.UNSEALED
    assert fault(exchange, good + ":") is Fault.UNSEALED
    for bad in (f"{name}:{nonce}:{iv}:", f"{name}:{nonce}:{iv}:00", f"{name}:{nonce}:{iv}:{sealed[:-2]}",
                f"{name}:{nonce}:{'00' * 12}:{sealed}", f"\ud800:{nonce}:{iv}:{sealed}"):  # fmt: skip
        assert fault(exchange, bad) is Fault.AUTHENTICITY
    for bad in (f"{name}:{nonce}:{iv}:{sealed.upper()}", f"{name}:{nonce}:{iv[:-2]}:{sealed}",
                f"{name}:{nonce[:-2]}:{iv}:{sealed}", f"{name}:{nonce}:{iv}:{sealed}0"):  # fmt: skip
        assert fault(exchange, bad) is Fault.FRAME
    assert exchange.open(good) == b"value"


def test_nothing_is_sealed_after_the_answer_began():
    exchange = FieldExchange(SECRET)
    exchange.open(SERVICE.seal(exchange.seal(b"1"), b"x", 0))
    with pytest.raises(SealingError, match="sequence"):
        exchange.seal(b"2")


def test_no_two_values_share_a_nonce():
    texts = [FieldExchange(SECRET).seal(b"same").split(":") for _ in range(50)]
    assert len({t[1] for t in texts}) == len({t[2] for t in texts}) == 50


@pytest.mark.parametrize(("name", "key"), [("x", bytes(32)), ("A" * 43 + "=", bytes(16)), ("B" * 43 + "=", bytes(32))])
def test_a_secret_of_another_form_is_refused(name, key):
    with pytest.raises(SealingError, match="input"):
        FieldExchange(InferenceSecret(name, key, NOW))


def test_huge_values_are_refused(monkeypatch):
    monkeypatch.setattr("attestation.privatemode.fields.MAX_VALUE_BYTES", 3)
    with pytest.raises(SealingError, match="input"):
        FieldExchange(SECRET).seal(b"1234")
    assert fault(FieldExchange(SECRET), "0" * 7) is Fault.FRAME


def test_rules_for_revocation_are_under_a_mac():
    headers = ocsp_headers(SECRET, ("allow-good", "allow-unknown"), 1767225600)
    policy = "rules=allow-good,allow-unknown; revocation-time-not-before=1767225600"
    assert headers["Privatemode-NVIDIA-OCSP-Policy"] == policy
    other = InferenceSecret(SECRET.id, bytes(32), NOW)
    assert headers != ocsp_headers(other, ("allow-good", "allow-unknown"), 1767225600)
    for rules, at in (((), 0), (("allow-all",), 0), (("allow-good",), -1)):
        with pytest.raises(SealingError, match="rules"):
            ocsp_headers(SECRET, rules, at)
