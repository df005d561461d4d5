"""Tokens: the attacks on JOSE, one test per statement of each service, every flipped bit, the real MAA token."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from dataclasses import replace

import pytest
from attested import NOW, flips, ids, vector
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attestation.jwt import jws
from attestation.jwt.nras import MAX_DEVICES
from attestation.simulator import pki
from attestation.simulator.tokens import GOOGLE, ITA, KID, MAA, NRAS, Services, _sign, base64url, shared_services
from attestation.trust import VENDORS, SimulatedTrust
from attestation.types import Collateral, Evidence, Source
from attestation.verify import verify

SIM = shared_services()
TRUST = SIM.trust
HOUR = dt.timedelta(hours=1)
NONCE = "ab" * 32


def verdict(kind: str, token: bytes, now: dt.datetime = NOW, trust: SimulatedTrust = TRUST) -> set[str]:
    return ids(Evidence(kind, token), trust, now)


def sgx(**changes: object) -> set[str]:
    return verdict("maa", SIM.token(SIM.maa_sgx(NOW, **changes)))


def headed(**header: object) -> set[str]:
    return verdict("maa", SIM.token(SIM.maa_sgx(NOW), header=header))


GOOD = [
    ("maa", SIM.token(SIM.maa_sgx(NOW)), "maa-sgx", MAA),
    ("maa", SIM.token(SIM.maa_vm(NOW)), "maa-sevsnpvm", MAA),
    ("maa", SIM.token(SIM.maa_td(NOW)), "maa-tdxvm", MAA),
    ("maa", SIM.token(SIM.maa_vm(NOW, **{"x-ms-isolation-tee": SIM.td()})), "maa-tdxvm", MAA),
    ("google", SIM.token(SIM.google(NOW)), "google-cs", GOOGLE),
    ("google", SIM.token(SIM.google(NOW), header={"x5c": SIM.x5c}), "google-cs", GOOGLE),
    ("ita", SIM.token(SIM.ita(NOW), "PS384"), "ita-tdx", ITA),
    ("ita", SIM.token(SIM.ita(NOW), "RS256"), "ita-tdx", ITA),
]


@pytest.mark.parametrize(("kind", "token", "tee", "issuer"), GOOD)
def test_a_good_token_becomes_claims(kind, token, tee, issuer):
    got = verify(Evidence(kind, token), NOW, VENDORS, TRUST)
    assert (got.tee, got.facts["issuer"], got.simulated, got.signed_at) == (tee, issuer, True, NOW)
    assert got.measurement
    assert got.measurement == next(iter(got.measurements.values()))
    assert len({c.id for c in got.checks}) == len(got.checks)


@pytest.mark.parametrize(("kind", "token", "tee", "issuer"), GOOD)
def test_no_vendor_key_accepts_a_simulated_token(kind, token, tee, issuer):
    assert ids(Evidence(kind, token), None)


# -- the attacks on JOSE


def test_an_unsigned_token_is_refused():
    head, claims, _ = SIM.token(SIM.maa_sgx(NOW)).split(b".")
    none = base64url(json.dumps({"alg": "none", "kid": KID}).encode())
    assert verdict("maa", none + b"." + claims + b".") == {"token.signature"}
    assert verdict("maa", head + b"." + claims + b".") == {"token.signature"}


def test_the_public_key_is_no_secret_key():
    pem = SIM.rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = b".".join(base64url(json.dumps(p).encode()) for p in ({"alg": "HS256", "kid": KID}, SIM.maa_sgx(NOW)))
    token = signed + b"." + base64url(hmac.digest(pem, signed, "sha256"))
    assert verdict("maa", token) == {"token.signature"}


@pytest.mark.parametrize("alg", ["PS384", "PS256", "RS512", "rs256", "", None, 5, ["RS256"], {"RS256": 1}])
def test_another_algorithm_is_refused(alg):
    """What no set can hold is no reason for an error of the language's."""
    assert headed(alg=alg) == {"token.signature"}


def test_a_key_that_says_what_it_is_for_is_for_nothing_else():
    for alg, want in (
        ("RS256", set()),
        ("PS384", {"token.key", "token.signature"}),
        (["RS256"], {"token.key", "token.signature"}),
    ):
        trust = replace(TRUST, jwks={MAA: json.dumps({"keys": [{**SIM.jwk(SIM.rsa), "alg": alg}]}).encode()})
        assert verdict("maa", SIM.token(SIM.maa_sgx(NOW)), trust=trust) == want


def test_an_algorithm_of_another_service_is_refused():
    assert verdict("maa", SIM.token(SIM.maa_sgx(NOW), "PS384")) == {"token.signature"}
    assert verdict("google", SIM.token(SIM.google(NOW), "PS384")) == {"token.signature"}


def test_a_key_named_in_the_token_is_never_used():
    mine = rsa.generate_private_key(65537, 2048)
    jwk = SIM.jwk(mine)
    for header in ({"jwk": jwk}, {"jku": "https://attacker.example/certs"}, {"x5u": "https://attacker.example/c"}):
        assert verdict("maa", SIM.token(SIM.maa_sgx(NOW), key=mine, header=header)) == {"token.signature"}
    assert headed(jku="https://attacker.example/certs") == set()  # named, not followed: the signature is the issuer's


@pytest.mark.parametrize("kid", ["other", "", None, 1, "../../keys/1"])
def test_a_key_that_is_not_in_the_set_is_refused(kid):
    assert headed(kid=kid) == {"token.key", "token.signature"}


def test_a_key_id_that_two_keys_have_is_refused():
    twice = json.dumps({"keys": [SIM.jwk(SIM.rsa), SIM.jwk(rsa.generate_private_key(65537, 2048))]}).encode()
    trust = replace(TRUST, jwks={MAA: twice})
    assert verdict("maa", SIM.token(SIM.maa_sgx(NOW)), trust=trust) == {"token.key", "token.signature"}


def test_a_key_of_another_algorithm_signs_nothing():
    for alg, want in (
        ("RS256", set()),
        ("PS384", {"token.key", "token.signature"}),
        (7, {"token.key", "token.signature"}),
    ):
        trust = replace(TRUST, jwks={MAA: json.dumps({"keys": [{**SIM.jwk(SIM.rsa), "alg": alg}]}).encode()})
        assert verdict("maa", SIM.token(SIM.maa_sgx(NOW)), trust=trust) == want


def test_an_encryption_key_signs_nothing():
    trust = replace(TRUST, jwks={MAA: json.dumps({"keys": [{**SIM.jwk(SIM.rsa), "use": "enc"}]}).encode()})
    assert verdict("maa", SIM.token(SIM.maa_sgx(NOW)), trust=trust) == {"token.key", "token.signature"}


def test_a_short_rsa_key_signs_nothing():
    short = rsa.generate_private_key(65537, 1024)
    trust = replace(TRUST, jwks={MAA: json.dumps({"keys": [SIM.jwk(short)]}).encode()})
    assert verdict("maa", SIM.token(SIM.maa_sgx(NOW), key=short), trust=trust) == {"token.signature"}


def test_a_key_that_contradicts_its_certificate_is_malformed():
    other = SIM.jwk(rsa.generate_private_key(65537, 2048)) | {"x5c": SIM.x5c}
    trust = replace(TRUST, jwks={MAA: json.dumps({"keys": [other]}).encode()})
    assert verdict("maa", SIM.token(SIM.maa_sgx(NOW)), trust=trust) == {"malformed"}


@pytest.mark.parametrize(
    "keys",
    [{}, None, [1], [[]], {"a": 1},
     [{"kid": KID, "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}], [{"kid": KID}],
     [{"kid": KID, "kty": "oct", "k": "AA"}],
     [{"kid": KID, "kty": "RSA", "n": 5, "e": "AQAB"}], [{"kid": KID, "kty": "RSA", "n": "AQAB"}],
     [{"kid": KID, "kty": "RSA", "n": "AQAB", "e": None}], [{"kid": KID, "kty": "EC", "crv": "P-384", "x": "AA"}],
     [{"kid": KID, "x5c": [5]}], [{"kid": KID, "x5c": ["!"]}], [{"kid": KID, "x5c": ["AAAA"]}]],
)  # fmt: skip
def test_a_key_set_of_another_form_is_malformed(keys):
    trust = replace(TRUST, jwks={MAA: json.dumps({"keys": keys}).encode()})
    assert verdict("maa", SIM.token(SIM.maa_sgx(NOW)), trust=trust) == {"malformed"}


def test_a_token_and_a_key_set_have_their_length(monkeypatch):
    token = SIM.token(SIM.maa_sgx(NOW))
    for name, size in (("MAX_TOKEN_BYTES", len(token)), ("MAX_JWKS_BYTES", len(TRUST.jwks[MAA]))):
        with monkeypatch.context() as m:
            m.setattr(jws, name, size)
            assert verdict("maa", token) == set()
            m.setattr(jws, name, size - 1)
            assert verdict("maa", token) == {"malformed"}


@pytest.mark.parametrize("x5c", [[], {}, "x", None, [SIM.x5c[0]] * 9, [SIM.x5c[0] + "\n", SIM.x5c[1]], [5, 6]])
def test_a_chain_in_a_token_has_its_form(x5c):
    assert verdict("google", SIM.token(SIM.google(NOW), header={"x5c": x5c})) == {"malformed"}


def test_a_certificate_with_a_key_of_another_kind_signs_nothing():
    root = pki.name("Simulated Token Root", "Sealgate Simulator")
    key = Ed25519PrivateKey.generate().public_key()
    leaf = pki.issue(pki.name("leaf", "x"), key, root, SIM.root_key, digest=hashes.SHA256(), pss=None)  # type: ignore[arg-type]
    x5c = [base64.b64encode(leaf).decode(), SIM.x5c[1]]
    assert verdict("google", SIM.token(SIM.google(NOW), header={"x5c": x5c})) == {"malformed"}


def test_a_chain_with_one_more_or_an_ended_certificate_is_refused():
    root = pki.name("Simulated Token Root", "Sealgate Simulator")

    def leaf(**how):
        return base64.b64encode(pki.issue(pki.name("leaf", "x"), SIM.rsa.public_key(), root, SIM.root_key,
                                          digest=hashes.SHA256(), pss=None, **how)).decode()  # fmt: skip

    def chained(*x5c):
        return verdict("google", SIM.token(SIM.google(NOW), header={"x5c": list(x5c)}))

    own, root_der = SIM.x5c
    assert chained(leaf(), root_der) == set()
    assert (
        chained(leaf(end=NOW - HOUR), root_der) == chained(leaf(start=NOW + HOUR), root_der) == {"token.chain.validity"}
    )
    assert chained(leaf(extensions={"2.5.29.15": bytes.fromhex("03020520")}), root_der) == {"token.chain.constraints"}
    assert chained(leaf(ca=True), root_der) == {"token.chain.constraints"}
    assert {"token.chain.issuer", "token.chain.signature"} <= chained(own, leaf(), root_der)
    assert "token.chain.distinct" in chained(own, root_der, root_der)
    token = SIM.token(SIM.google(NOW), header={"x5c": [leaf(end=NOW + HOUR / 2), root_der]})
    assert verify(Evidence("google", token), NOW, VENDORS, TRUST).not_after == NOW + HOUR / 2


def under(kind, issuer, token, *keys):
    """The verdict with these keys in the issuer's set."""
    return verdict(kind, token, trust=replace(TRUST, jwks={issuer: json.dumps({"keys": keys}).encode()}))


@pytest.mark.parametrize("kid", [5, "", None, ["a"], True])
def test_a_key_has_a_name_that_is_text(kid):
    token = SIM.token(SIM.maa_sgx(NOW), header={"kid": kid})
    assert under("maa", MAA, token, {**SIM.jwk(SIM.rsa), "kid": kid}) == {"token.key", "token.signature"}


def test_a_key_may_come_with_its_certificate_and_say_what_it_is_for():
    whole = {**SIM.jwk(SIM.rsa), "x5c": SIM.x5c, "alg": "RS256"}
    assert under("maa", MAA, SIM.token(SIM.maa_sgx(NOW)), whole) == set()
    assert jws.find_key(json.dumps({"keys": [whole]}).encode(), KID, "RS256") is not None
    assert under("maa", MAA, SIM.token(SIM.maa_sgx(NOW)), whole, 5) == {"malformed"}


@pytest.mark.parametrize(
    ("key", "changes"),
    [("rsa", {"kty": "EC"}), ("rsa", {"kty": "EC", "crv": "P-384"}), ("rsa", {"kty": "OKP"}), ("rsa", {"kty": None}),
     ("ec", {"kty": "RSA"}), ("ec", {"kty": "OKP"}), ("ec", {"crv": "P-256"}), ("ec", {"crv": None})],
)  # fmt: skip
def test_the_numbers_of_a_key_are_of_its_kind(key, changes):
    jwk = {**SIM.jwk(getattr(SIM, key)), **changes}
    assert under("maa", MAA, SIM.token(SIM.maa_sgx(NOW)), jwk) == {"malformed"}


def forged(alg: str, claims: dict, signed_as: str, key) -> bytes:
    """A header that says one algorithm, and a good signature of another one."""
    head = base64url(json.dumps({"alg": alg, "kid": KID}).encode())
    token = head + b"." + base64url(json.dumps(claims).encode())
    return token + b"." + base64url(_sign(key, signed_as, token))


def test_a_key_signs_with_its_own_algorithm_only():
    claims = SIM.maa_sgx(NOW)
    assert under("maa", MAA, forged("RS256", claims, "ES384", SIM.ec), SIM.jwk(SIM.ec)) == {"token.signature"}
    assert under("maa", MAA, forged("RS256", claims, "PS384", SIM.rsa), SIM.jwk(SIM.rsa)) == {"token.signature"}
    assert under("maa", MAA, forged("RS256", claims, "RS256", SIM.rsa), SIM.jwk(SIM.rsa)) == set()
    body = json.loads(SIM.nras(NOW, {"GPU-0": SIM.device(NOW, NONCE)}))
    overall = json.loads(base64.urlsafe_b64decode(body[0][1].split(".")[1] + "=="))
    for signed_as in ("PS384", "RS256"):
        body[0][1] = forged("ES384", overall, signed_as, SIM.rsa).decode()
        raw = json.dumps(body).encode()
        assert "token.signature" in under("nras", NRAS, raw, SIM.jwk(SIM.rsa))


def test_a_key_on_another_curve_signs_nothing():
    small = ec.generate_private_key(ec.SECP256R1())
    name = pki.name("leaf", "x")
    leaf = base64.b64encode(pki.issue(name, small.public_key(), name, small)).decode()
    body = json.loads(SIM.nras(NOW, {"GPU-0": SIM.device(NOW, NONCE)}))
    overall = json.loads(base64.urlsafe_b64decode(body[0][1].split(".")[1] + "=="))
    body[0][1] = forged("ES384", overall, "ES384", small).decode()
    got = under("nras", NRAS, json.dumps(body).encode(), {"kty": "EC", "kid": KID, "x5c": [leaf]})
    assert "token.signature" in got


def test_an_extension_that_must_be_understood_is_refused():
    assert headed(crit=["b64"], b64=False) == {"malformed"}
    assert headed(b64=False) == headed(crit=["exp"]) == headed(crit=[]) == {"malformed"}


def test_base64url_has_one_spelling():
    token = SIM.token(SIM.maa_sgx(NOW))  # 256 bytes: the last character has four bits that mean nothing
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    here = letters.index(token[-1:])
    for value in range(here & 0x30, here | 0x0F):
        other = letters[value : value + 1]
        if other != token[-1:]:
            assert verdict("maa", token[:-1] + other) == {"malformed"}
    for raw in (token + b"=", token + b"==", token + b"\n", token.replace(b"-", b"+"), token.replace(b"_", b"/")):
        assert raw == token or verdict("maa", raw) == {"malformed"}


def test_certificates_in_a_token_count_for_google_alone():
    assert headed(x5c=SIM.x5c) == {"token.header"}
    forged = Services()
    token = forged.token(SIM.google(NOW), header={"x5c": forged.x5c})
    assert verdict("google", token) == {"token.chain.root"}
    mixed = SIM.token(SIM.google(NOW), header={"x5c": [forged.x5c[0], SIM.x5c[1]]})
    assert "token.chain.signature" in verdict("google", mixed)
    assert verdict("google", SIM.token(SIM.google(NOW), header={"x5c": SIM.x5c[:1]})) == {"malformed"}


def test_intels_keys_are_simulated_where_their_root_is():
    from_store = Collateral(jwks={ITA: TRUST.jwks[ITA]})
    token = Evidence("ita", SIM.token(SIM.ita(NOW), "PS384"))
    assert verify(token, NOW, VENDORS, replace(TRUST, jwks={}), from_store).simulated


def test_intels_key_set_must_chain_to_a_pinned_root():
    assert ids(Evidence("ita", SIM.token(SIM.ita(NOW), "PS384")), None,
               collateral=Collateral(jwks={ITA: TRUST.jwks[ITA]})) == {"token.chain.root"}  # fmt: skip
    bare = replace(TRUST, jwks={ITA: json.dumps({"keys": [SIM.jwk(SIM.rsa)]}).encode()})
    assert verdict("ita", SIM.token(SIM.ita(NOW), "PS384"), trust=bare) == {"malformed"}


# -- issuer and times


@pytest.mark.parametrize(
    "issuer",
    ["https://other.weu.attest.azure.net", "https://sealgatesim.weu.attest.azure.net/", "http://sealgatesim.weu.attest.azure.net",
     "https://sealgatesim.weu.attest.azure.net.evil.example", "https://evil.example", "", None, 5],
)  # fmt: skip
def test_a_token_of_another_issuer_is_refused(issuer):
    got = sgx(iss=issuer)
    assert {"token.keys", "token.key", "token.signature"} <= got


def test_a_key_set_under_a_name_that_is_no_service_does_not_count():
    trust = replace(TRUST, jwks={"https://evil.example": TRUST.jwks[MAA]})
    token = SIM.token(SIM.maa_sgx(NOW, iss="https://evil.example"))
    assert verdict("maa", token, trust=trust) == {"token.issuer"}


def test_a_token_of_one_service_is_none_of_another():
    assert "token.issuer" in verdict("google", SIM.token(SIM.google(NOW, iss=MAA)))
    assert verdict("ita", SIM.token(SIM.ita(NOW, iss=GOOGLE))) == {"malformed"}  # that set has no chain


def test_a_token_holds_between_its_times():
    token = SIM.token(SIM.maa_sgx(NOW))
    assert verdict("maa", token, NOW + 9 * HOUR) == {"token.expiry"}
    assert verdict("maa", token, NOW + 8 * HOUR) == {"token.expiry"}
    assert verdict("maa", token, NOW - HOUR) == {"token.begin"}
    assert verdict("maa", token, NOW - dt.timedelta(seconds=50)) == set()
    at = int(NOW.timestamp())
    second = dt.timedelta(seconds=1)
    assert verdict("maa", token, NOW - 60 * second) == set()
    assert verdict("maa", token, NOW - 61 * second) == {"token.begin"}
    assert verdict("maa", token, NOW + 8 * HOUR - second) == set()
    assert sgx(nbf=at + 60) == sgx(iat=at + 60) == sgx(exp=at + 24 * 3600) == set()
    assert sgx(nbf=at + 61) == sgx(iat=at + 61) == sgx(nbf=at + 600) == {"token.begin"}
    assert sgx(exp=at + 24 * 3600 + 1) == sgx(exp=2**33 - 1) == {"token.lifetime"}
    assert sgx(exp=2**33) == {"token.times"}
    claims = SIM.maa_sgx(NOW)
    del claims["nbf"]
    assert verdict("maa", SIM.token(claims)) == set()
    for name in ("exp", "iat"):
        assert verdict("maa", SIM.token({k: v for k, v in SIM.maa_sgx(NOW).items() if k != name})) == {"token.times"}
    assert sgx(exp=at + 48 * 3600) == {"token.lifetime"}


@pytest.mark.parametrize("changes", [{"exp": None}, {"iat": None}, {"exp": "1"}, {"exp": 1.5}, {"exp": True},
                                     {"nbf": "x"}, {"exp": 2**40}, {"exp": 0}])  # fmt: skip
def test_times_are_required_and_whole(changes):
    assert sgx(**changes) == {"token.times"}


@pytest.mark.parametrize("raw", [b"", b"..", b"a.b.c", b"e30.e30", b"e30.e30.e30.e30", b"e30=.e30.", b"W10.e30.",
                                 b"e30.e31.", b"eyJhIjoxLCJhIjoyfQ.e30."])  # fmt: skip
def test_another_form_is_malformed(raw):
    assert verdict("maa", raw) == {"malformed"}


# -- statements


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        ({"x-ms-sgx-is-debuggable": True}, "debug"),
        ({"x-ms-sgx-is-debuggable": 0}, "debug"),
        ({"x-ms-policy-hash": ""}, "statement.policy-hash"),
        ({"x-ms-sgx-mrenclave": "e1"}, "statement.mrenclave"),
        ({"x-ms-sgx-mrenclave": "zz" * 32}, "statement.mrenclave"),
        ({"x-ms-sgx-mrsigner": None}, "statement.mrsigner"),
        ({"x-ms-sgx-report-data": "0d" * 32}, "statement.report-data"),
        ({"x-ms-sgx-svn": "1"}, "statement.isvsvn"),
        ({"x-ms-sgx-product-id": -1}, "statement.isvprodid"),
        ({"x-ms-attestation-type": "tpm"}, "malformed"),
    ],
)
def test_a_statement_about_an_enclave_must_be_right(changes, want):
    assert sgx(**changes) == {want}


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        ({"tee": {"x-ms-compliance-status": "azure-noncompliant"}}, "compliance"),
        ({"tee": {"x-ms-sevsnpvm-is-debuggable": True}}, "debug"),
        ({"tee": {"x-ms-sevsnpvm-migration-allowed": True}}, "migration"),
        ({"tee": {"x-ms-sevsnpvm-vmpl": 1}}, "vmpl"),
        ({"tee": {"x-ms-sevsnpvm-vmpl": False}}, "vmpl"),
        ({"tee": {"x-ms-sevsnpvm-launchmeasurement": ""}}, "statement.measurement"),
        ({"tee": {"x-ms-sevsnpvm-reportdata": ""}}, "statement.report-data"),
        ({"tee": {"x-ms-sevsnpvm-microcode-svn": None}}, "statement.microcode"),
        ({"tee": {"x-ms-attestation-type": "sgx"}}, "malformed"),
        ({"secureboot": False}, "secure-boot"),
        ({"x-ms-azurevm-debuggersdisabled": False}, "debuggers"),
        ({"x-ms-azurevm-bootdebug-enabled": True}, "bootdebug-enabled"),
        ({"x-ms-azurevm-kerneldebug-enabled": True}, "kerneldebug-enabled"),
        ({"x-ms-azurevm-testsigning-enabled": True}, "testsigning-enabled"),
    ],
)
def test_a_statement_about_a_virtual_machine_must_be_right(changes, want):
    assert verdict("maa", SIM.token(SIM.maa_vm(NOW, **changes))) == {want}


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        ({"swname": "GCE"}, "software"),
        ({"secboot": False}, "secure-boot"),
        ({"secboot": "true"}, "secure-boot"),
        ({"dbgstat": "enabled"}, "debug"),
        ({"hwmodel": "GCP_SHIELDED_VM"}, "hardware"),
        ({"aud": ["a", "b"]}, "statement.audience"),
        ({"eat_nonce": "short"}, "malformed"),
        ({"eat_nonce": []}, "malformed"),
        ({"eat_nonce": ["long-enough"] * 7}, "malformed"),
        ({"container": {"image_digest": f"md5:{'1a' * 32}"}}, "statement.image_digest"),
        ({"container": {"image_digest": "sha256:zz"}}, "statement.image_digest"),
        ({"container": {"image_digest": "1a" * 32}}, "statement.image_digest"),
        ({"container": {"image_digest": 5}}, "statement.image_digest"),
        ({"container": {"env_override": ""}}, "image.env_override"),
        ({"container": {"cmd_override": False}}, "image.cmd_override"),
        ({"eat_nonce": "x" * 7}, "malformed"),
        ({"eat_nonce": "x" * 89}, "malformed"),
        ({"eat_nonce": ["long-enough", 5]}, "malformed"),
        ({"eat_nonce": {"a": 1}}, "malformed"),
        ({"container": {"image_reference": None}}, "statement.image_reference"),
        ({"container": {"env_override": {"DEBUG": "1"}}}, "image.env_override"),
        ({"container": {"cmd_override": ["sh"]}}, "image.cmd_override"),
    ],
)
def test_a_statement_about_a_confidential_space_must_be_right(changes, want):
    assert verdict("google", SIM.token(SIM.google(NOW, **changes))) == {want}


@pytest.mark.parametrize("nothing", [[], {}, None])
def test_nothing_overridden_may_be_said_in_several_ways(nothing):
    for name in ("env_override", "cmd_override"):
        assert verdict("google", SIM.token(SIM.google(NOW, {name: nothing}))) == set()


@pytest.mark.parametrize("nonce", ["x" * 8, "x" * 88, ["x" * 8] * 6])
def test_a_nonce_of_googles_has_so_many_letters(nonce):
    assert verdict("google", SIM.token(SIM.google(NOW, eat_nonce=nonce))) == set()


def test_a_debug_image_that_says_stable_in_its_environment_is_refused():
    claims = SIM.google(NOW, {"env": {"support_attributes": "STABLE"}})
    claims["submods"]["confidential_space"]["support_attributes"] = ["EXPERIMENTAL"]
    assert verdict("google", SIM.token(claims)) == {"image.support"}


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        ({"x-ms-compliance-status": "azure-noncompliant"}, "compliance"),
        ({"tdx_td_attributes_debug": True}, "debug"),
        ({"tdx_td_attributes_debug": None}, "debug"),
        ({"tdx_td_attributes": "0100001000000000"}, "attributes"),
        ({"tdx_td_attributes": "8000000000000000"}, "attributes"),
        ({"dbgstat": "enabled"}, "dbgstat"),
        ({"tdx_mrsignerseam": "01" * 48}, "module.signer"),
        ({"tdx_seam_attributes": "0100000000000000"}, "module.attributes"),
        ({"attester_tcb_status": None}, "statement.tcb-status"),
        ({"attester_advisory_ids": "INTEL-SA-00837"}, "statement.advisories"),
        ({"attester_advisory_ids": ["INTEL SA\n"]}, "statement.advisories"),
        ({"tdx_mrtd": ""}, "statement.mrtd"),
        ({"tdx_rtmr2": "00"}, "statement.rtmr2"),
        ({"tdx_report_data": ""}, "statement.report-data"),
        ({"x-ms-policy-hash": None}, "statement.policy-hash"),
    ],
)
def test_a_statement_about_a_trust_domain_must_be_right(changes, want):
    assert verdict("maa", SIM.token(SIM.maa_td(NOW, **changes))) == {want}
    if "x-ms-policy-hash" not in changes:
        assert verdict("maa", SIM.token(SIM.maa_vm(NOW, **{"x-ms-isolation-tee": SIM.td(**changes)}))) == {want}


def test_what_a_trust_domain_s_token_leaves_open_is_the_expectations_to_accept():
    token = SIM.token(SIM.maa_td(NOW, attester_tcb_status="OutOfDate", attester_advisory_ids=["INTEL-SA-00837"]))
    got = verify(Evidence("maa", token), NOW, VENDORS, TRUST)
    assert (got.tcb_status, got.advisories) == ("OutOfDate", ("INTEL-SA-00837",))


def nested(kind: str = "tdx", **changes: object) -> dict:
    """As tokens of version 2 have it."""
    old = SIM.ita(NOW, **changes)
    outside = {k: old.pop(k) for k in ("iss", "iat", "nbf", "exp")}
    return {**outside, "ver": "2.0.0", kind: old}


@pytest.mark.parametrize(
    ("claims", "want"),
    [
        (nested(), set()),
        ({**nested(), "attester_type": "TDX"}, set()),
        ({k: v for k, v in nested().items() if k != "tdx"}, {"malformed"}),
        ({**nested(), "sgx": {}}, {"malformed"}),
        ({**nested(), "attester_type": "SGX"}, {"malformed"}),
        (nested(attester_type="SGX"), {"attester"}),
        (nested(tdx_is_debuggable=True), {"debug"}),
        (nested(dbgstat="enabled"), {"dbgstat"}),
        (nested(tdx_is_migratable=True), {"migration"}),
        ({**nested(tdx_is_debuggable=True), "tdx_is_debuggable": False}, {"malformed"}),
        ({**nested(), "policy_ids_unmatched": [{"id": "1"}]}, {"policies"}),
    ],
)
def test_intels_tokens_of_version_2_say_it_in_one_place(claims, want):
    assert verdict("ita", SIM.token(claims, "PS384")) == want


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        ({"tdx_is_debuggable": True}, {"debug"}),
        ({"dbgstat": "enabled"}, {"dbgstat"}),
        ({"attester_advisory_ids": [1]}, {"statement.advisories"}),
        ({"attester_tcb_status": None}, {"statement.tcb-status"}),
        ({"policy_ids_unmatched": [{"id": "1"}]}, {"policies"}),
        ({"tdx_rtmr2": ""}, {"statement.rtmr2"}),
        ({"tdx_report_data": ""}, {"statement.report-data"}),
        ({"attester_type": "SEVSNP"}, {"malformed"}),
    ],
)
def test_a_statement_of_intels_service_must_be_right(changes, want):
    assert verdict("ita", SIM.token(SIM.ita(NOW, **changes), "PS384")) == want


HALF = "\ud800" + "a" * 20
"""JSON can spell half of a surrogate pair; it has no bytes."""


def test_text_without_bytes_is_no_statement():
    vm = SIM.maa_vm(NOW)
    got = verify(Evidence("maa", SIM.token(vm)), NOW, VENDORS, TRUST)
    assert got.bound["nonce"] == b"bm9uY2U="
    vm["x-ms-runtime"]["client-payload"]["nonce"] = HALF
    assert "nonce" not in verify(Evidence("maa", SIM.token(vm)), NOW, VENDORS, TRUST).bound
    for nonce in (HALF, ["long-enough", HALF], [HALF]):
        assert verdict("google", SIM.token(SIM.google(NOW, eat_nonce=nonce))) == {"malformed"}
    assert verdict("google", SIM.token(SIM.google(NOW, aud=HALF))) == {"statement.audience"}


@pytest.mark.parametrize("spaced", ["0d " * 42 + "0d", "0d" * 63 + "  ", " " * 128, "0d" * 63 + "\u0661\u0661"])
def test_hex_has_no_spaces_in_it(spaced):
    """Python reads it with spaces: as many digits as it should have, and fewer bytes."""
    assert sgx(**{"x-ms-sgx-report-data": spaced}) == {"statement.report-data"}
    tail = spaced[-64:]
    assert verdict("google", SIM.token(SIM.google(NOW, {"image_digest": f"sha256:{tail}"}))) == {
        "statement.image_digest"
    }


def test_a_token_of_googles_may_have_no_nonce():
    claims = SIM.google(NOW)
    del claims["eat_nonce"]
    assert verify(Evidence("google", SIM.token(claims)), NOW, VENDORS, TRUST).bound == {}


def test_several_nonces_are_bound_in_their_order():
    token = SIM.token(SIM.google(NOW, eat_nonce=["nonce-of-gate", "key-of-gate"]))
    got = verify(Evidence("google", token), NOW, VENDORS, TRUST)
    assert got.bound == {"nonce": b"nonce-of-gate", "nonce1": b"key-of-gate"}


def test_what_intels_service_says_twice_must_be_the_same():
    claims = SIM.ita(NOW)
    inner = {k: claims.pop(k) for k in list(claims) if k.startswith("tdx_")}
    assert verdict("ita", SIM.token({**claims, "tdx": inner}, "PS384")) == set()
    assert verdict("ita", SIM.token({**claims, "tdx": inner, **inner}, "PS384")) == set()
    for said in ({"tdx_is_debuggable": True}, {"tdx_mrtd": "00" * 48}, {"attester_tcb_status": "OutOfDate"}):
        other = {**claims, "tdx": inner | dict.fromkeys(said, "UpToDate"), **said}
        assert verdict("ita", SIM.token(other, "PS384")) == {"malformed"}
    assert verdict("ita", SIM.token({**claims, "tdx": {**inner, "tdx_is_debuggable": True}}, "PS384")) == {"debug"}
    assert verdict("ita", SIM.token({**claims, **inner, "tdx": "x"}, "PS384")) == set()
    two = {**claims, **inner, "tdx": "x", "sgx": {"tdx_mrtd": "00" * 48}}  # of an enclave, and of a TD
    assert verdict("ita", SIM.token(two, "PS384")) == {"malformed"}


def test_intels_service_speaks_of_enclaves_too():
    claims = {k: v for k, v in SIM.ita(NOW).items() if not k.startswith("tdx_")}
    claims |= {"attester_type": "SGX", "sgx_is_debuggable": False, "sgx_mrenclave": "e1" * 32,
               "sgx_mrsigner": "e2" * 32, "sgx_report_data": "0d" * 64, "sgx_isvsvn": 3}  # fmt: skip
    got = verify(Evidence("ita", SIM.token(claims, "PS384")), NOW, VENDORS, TRUST)
    assert (got.tee, got.measurement, got.tcb) == ("ita-sgx", b"\xe1" * 32, {"isvsvn": 3})
    for name, want in (
        ("sgx_is_debuggable", "debug"),
        ("sgx_mrsigner", "statement.mrsigner"),
        ("sgx_isvsvn", "statement.isvsvn"),
    ):
        assert verdict("ita", SIM.token({k: v for k, v in claims.items() if k != name}, "PS384")) == {want}


def test_what_is_kept_of_a_statement():
    got = verify(Evidence("maa", SIM.token(SIM.maa_sgx(NOW))), NOW, VENDORS, TRUST)
    assert got.tcb == {"isvprodid": 1, "isvsvn": 1} and got.facts == {"issuer": MAA, "policy-hash": "policy-1"}
    assert sgx(**{"x-ms-sgx-svn": 0}) == set()
    for value in (True, -1, 1.0, "1", None):
        assert sgx(**{"x-ms-sgx-svn": value}) == {"statement.isvsvn"}
    for value, good in (("x" * 500, True), ("x" * 501, False), ("", False), (5, False), (None, False)):
        assert sgx(**{"x-ms-policy-hash": value}) == (set() if good else {"statement.policy-hash"})


@pytest.mark.parametrize(
    ("nonce", "kept"), [("x" * 500, True), ("x" * 501, False), ("", False), (5, False), (None, False)]
)
def test_a_guests_nonce_is_text_of_some_length(nonce, kept):
    vm = SIM.maa_vm(NOW)
    vm["x-ms-runtime"]["client-payload"]["nonce"] = nonce
    assert ("nonce" in verify(Evidence("maa", SIM.token(vm)), NOW, VENDORS, TRUST).bound) == kept


def test_statements_of_a_service_say_who_said_them():
    checks = verify(Evidence("maa", GOOD[0][1]), NOW, VENDORS, TRUST).checks
    assert {c.source for c in checks if c.id.startswith(("debug", "statement"))} == {Source.PROVIDER}


@pytest.mark.parametrize(("kind", "token"), [(g[0], g[1]) for g in GOOD[::2]])
def test_no_flipped_bit_is_accepted(kind, token):
    for raw in flips(token):
        assert verdict(kind, raw), "a changed token was accepted"


# -- NVIDIA's service


def nras(devices: dict[str, dict] | None = None, **changes: object) -> set[str]:
    devices = devices if devices is not None else {f"GPU-{i}": SIM.device(NOW, NONCE, i) for i in range(2)}
    return verdict("nras", SIM.nras(NOW, devices, **changes))


def test_good_devices_become_claims():
    raw = SIM.nras(NOW, {"GPU-0": SIM.device(NOW, NONCE), "SWITCH-0": SIM.device(NOW, NONCE, 1, "switch")})
    got = verify(Evidence("nras", raw), NOW, VENDORS, TRUST)
    assert (got.tee, got.facts["devices"], got.bound["nonce"].hex()) == ("nvidia-nras", "2", NONCE)
    assert got.measurement == b""


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        ({"measres": "fail"}, "gpu-0.measurements"),
        ({"secboot": False}, "gpu-0.secure-boot"),
        ({"dbgstat": "enabled"}, "gpu-0.debug"),
        ({"eat_nonce": "cd" * 32}, "gpu-0.nonce"),
        ({"x-nvidia-gpu-driver-rim-signature-verified": False}, "gpu-0.verdicts"),
        ({"x-nvidia-gpu-arch-check": 1}, "gpu-0.verdicts"),
        ({"x-nvidia-gpu-new-match": False}, "gpu-0.verdicts"),
        ({"ueid": None}, "distinct"),
        ({"ueid": ""}, "distinct"),
        ({"ueid": 5}, "distinct"),
        ({"another-match": False}, "gpu-0.verdicts"),
        ({"another-cert-chain": None}, "gpu-0.certificates"),
        ({"exp": int(NOW.timestamp()) - 1}, "gpu-0.expiry"),
        ({"iss": "https://nras.attestation-stg.nvidia.com"}, "gpu-0.issuer"),
    ],
)
def test_a_statement_about_a_device_must_be_right(changes, want):
    assert want in nras({"GPU-0": SIM.device(NOW, NONCE, **changes)})


CHAIN = {"x-nvidia-cert-status": "valid", "x-nvidia-cert-ocsp-status": "good"}


@pytest.mark.parametrize("chain", ["attestation-report", "driver-rim", "vbios-rim"])
@pytest.mark.parametrize(
    "said",
    [{**CHAIN, "x-nvidia-cert-ocsp-status": "revoked"}, {**CHAIN, "x-nvidia-cert-ocsp-status": "unknown"},
     {**CHAIN, "x-nvidia-cert-status": "expired"}, {"x-nvidia-cert-status": "valid"}, {}, None, "valid"],
)  # fmt: skip
def test_a_chain_that_the_service_found_revoked_is_refused_whatever_the_summary_says(chain, said):
    name = f"x-nvidia-gpu-{chain}-cert-chain"
    assert (
        nras({"GPU-0": SIM.device(NOW, NONCE, **{name: {**CHAIN, "x-nvidia-cert-revocation-reason": None}})}) == set()
    )
    assert nras({"GPU-0": SIM.device(NOW, NONCE, **{name: said})}) == {"gpu-0.certificates"}


@pytest.mark.parametrize("nonce", ["zz" * 32, " " * 64, "ab " * 21 + "a", "\u0661" * 64, "\ud800" * 64])
def test_a_nonce_is_hex_and_nothing_else(nonce):
    """Sixty-four spaces were hex of no byte, and letters an error of the language's."""
    assert "nonce" in nras({"GPU-0": SIM.device(NOW, nonce)}, nonce=nonce)


def test_a_missing_verdict_is_refused():
    claims = SIM.device(NOW, NONCE)
    del claims["x-nvidia-gpu-attestation-report-nonce-match"]
    assert nras({"GPU-0": claims}) == {"gpu-0.verdicts"}


def test_claims_end_with_the_first_token():
    at = int(NOW.timestamp())
    devices = {f"GPU-{i}": SIM.device(NOW, NONCE, i, exp=at + 600 * (i + 1)) for i in range(2)}
    for changes, end in (({}, at + 600), ({"exp": at + 60}, at + 60)):
        got = verify(Evidence("nras", SIM.nras(NOW, devices, **changes)), NOW, VENDORS, TRUST)
        assert got.not_after == dt.datetime.fromtimestamp(end, dt.UTC)


@pytest.mark.parametrize("own", [5, None, "", "\u0661" * 64, HALF, ["ab" * 32], "ab" * 31, "ab" * 33, " " * 64])
def test_a_devices_own_nonce_is_hex_too(own):
    assert nras({"GPU-0": SIM.device(NOW, NONCE, eat_nonce=own)}) == {"gpu-0.nonce"}


@pytest.mark.parametrize("many", [MAX_DEVICES, MAX_DEVICES + 1])
def test_a_machine_has_so_many_devices(many):
    got = nras({f"GPU-{i}": SIM.device(NOW, NONCE, i) for i in range(many)})
    assert got == (set() if many == MAX_DEVICES else {"malformed"})


def test_one_device_does_not_count_twice():
    assert nras({"GPU-0": SIM.device(NOW, NONCE), "GPU-1": SIM.device(NOW, NONCE)}) == {"distinct"}


def test_the_summary_must_be_positive_and_name_exactly_these_devices():
    assert nras(**{"x-nvidia-overall-att-result": False}) == {"overall"}
    assert nras(**{"x-nvidia-overall-att-result": 1}) == {"overall"}
    assert nras(submods={}) == {"devices"}
    assert "nonce" in nras(nonce="ab")
    body = json.loads(SIM.nras(NOW, {f"GPU-{i}": SIM.device(NOW, NONCE, i) for i in range(2)}))
    del body[1]["GPU-1"]
    assert verdict("nras", json.dumps(body).encode()) == {"devices"}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'[["JWT","x"],{}]',
        b'[["JWT",1],{"GPU-0":"x"}]',
        b'{"a":1}',
        b'[["JWT","x"],{"GPU-0":5}]',
        b'[["JWT","\\ud800"],{"GPU-0":"x"}]',
        b'[["JWT","x"],{"GPU-0":"\\ud800"}]',
        b'[["JWT","x"],{"GPU-0":null}]',
        b'[["JWS","x"],{"GPU-0":"x"}]',
    ],
)
def test_another_answer_is_malformed(raw):
    assert verdict("nras", raw) == {"malformed"}


@pytest.mark.parametrize(
    "change", [lambda s: s[:48] + b"\0" + s[48:], lambda s: b"\0" + s, lambda s: s[:-1], lambda s: s + b"\0"]
)
def test_a_signature_has_one_length(change):
    body = json.loads(SIM.nras(NOW, {"GPU-0": SIM.device(NOW, NONCE)}))
    head, _, signature = body[0][1].rpartition(".")
    raw = base64.urlsafe_b64decode(signature)
    body[0][1] = head + "." + base64url(change(raw)).decode()
    assert verdict("nras", json.dumps(body).encode()) == {"token.signature"}


def test_a_token_with_another_curve_is_refused():
    other = ec.generate_private_key(ec.SECP384R1())
    claims = json.loads(json.dumps(SIM.device(NOW, NONCE)))
    token = SIM.token(claims, "ES384", key=other)
    submods = {"GPU-0": ["DIGEST", ["SHA-256", hashlib.sha256(token).hexdigest()]]}
    body = json.loads(SIM.nras(NOW, {"GPU-0": claims}, submods=submods))
    body[1]["GPU-0"] = token.decode()
    assert verdict("nras", json.dumps(body).encode()) == {"gpu-0.signature"}


# -- real tokens

REAL_ISSUER = "https://sharedeus.eus.attest.azure.net"
REAL_NOW = dt.datetime(2023, 9, 26, 15, tzinfo=dt.UTC)


def real(issuer: str = REAL_ISSUER) -> tuple[Evidence, Collateral]:
    token = vector("jwt/maa_sgx_2023/token.jwt").strip()
    return Evidence("maa", token), Collateral(jwks={issuer: vector("jwt/maa_sgx_2023/certs.json")})


def test_the_real_maa_token_gets_its_verdict():
    evidence, keys = real()
    got = verify(evidence, REAL_NOW, VENDORS, None, keys)
    assert (got.simulated, got.facts["policy-hash"]) == (False, "OwEvpSVEWA5eisCEncBt8NSZFLYDRKoLaoONPrZgoeY")
    assert got.report_data[:32] == hashlib.sha256(b"This is some runtime data").digest()
    assert ids(evidence, None, REAL_NOW + 8 * HOUR, keys) == {"token.expiry"}


def test_the_regional_key_does_not_vouch_for_another_tenant():
    evidence, keys = real("https://sealgate.eus.attest.azure.net")
    assert ids(evidence, None, REAL_NOW, keys) == {"token.keys", "token.key", "token.signature"}


def test_no_flipped_bit_of_the_real_token_is_accepted():
    evidence, keys = real()
    for raw in list(flips(evidence.report))[::3]:  # every byte was tried once; this keeps the suite quick
        assert ids(replace(evidence, report=raw), None, REAL_NOW, keys), "a changed token was accepted"


@pytest.mark.parametrize("name", ["hopperClaimsv3_detached_eat.json", "switch_detached_eat.json"])
def test_real_answers_of_nvidias_service_name_their_devices(name):
    raw = vector(f"nvidia/sample/{name}")
    issued = json.loads(base64.urlsafe_b64decode(json.loads(raw)[0][1].split(".")[1] + "=="))["iat"]
    got = ids(Evidence("nras", raw), None, dt.datetime.fromtimestamp(issued + 60, dt.UTC))
    # no key set was archived; the staging service is none of ours
    want = {"token.keys", "token.key", "token.signature"}
    device = "gpu-0" if "hopper" in name else "switch-0"
    want |= {w.replace("token", device) for w in want}
    assert got - {"token.issuer", f"{device}.issuer"} == want
    assert ("token.issuer" in got) == ("switch" in name)


def test_a_real_local_answer_without_a_signature_is_refused():
    body = json.loads(vector("dstack/gpu_attestation_h100.json"))["detached_eat"]
    assert ids(Evidence("nras", json.dumps(body).encode()), None)


def test_the_simulated_key_set_is_of_another_type():
    assert NRAS in TRUST.jwks
    assert ids(Evidence("nras", SIM.nras(NOW, {"GPU-0": SIM.device(NOW, NONCE)})), None) >= {"token.keys"}
