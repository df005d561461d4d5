"""The attestation services whose tokens are read, and what every token of theirs must show (attestation.md §2.7-§2.10).

An issuer counts by its exact name: the name must be one that the service has, and its key set must have been supplied
under that very name. Azure's regional keys sign for every tenant, so a key alone proves nothing about the issuer.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from cryptography import x509

from attestation.jwt.jws import ES384, PS384, RS256, Key, Token, find_key, is_signed, public_key, x5c_of
from attestation.paths import RSA, check_path, ends, load_path
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import Check, Collateral, Source
from attestation.x509 import check, is_pinned

SKEW, HOUR = dt.timedelta(seconds=60), dt.timedelta(hours=1)
PROVIDER = Source.PROVIDER


@dataclass(frozen=True, slots=True)
class Service:
    """``issuer`` matches whole names; ``lifetime`` is the longest a token may live; ``vendor`` pins x5c roots."""

    issuer: re.Pattern[str]
    algorithms: frozenset[str]
    lifetime: dt.timedelta
    vendor: str = ""


MAA = Service(re.compile(r"https://[a-z0-9]{3,24}\.[a-z0-9]{2,12}\.attest\.azure\.net"), frozenset({RS256}),
              dt.timedelta(hours=24))  # fmt: skip
GOOGLE = Service(re.compile(r"https://confidentialcomputing\.googleapis\.com"), frozenset({RS256}),
                 dt.timedelta(hours=24), "google-tokens")  # fmt: skip
ITA = Service(re.compile(r"https://portal\.(eu\.)?trustauthority\.intel\.com"), frozenset({RS256, PS384}),
              dt.timedelta(hours=24), "intel-tokens")  # fmt: skip
NRAS = Service(re.compile(r"https://nras\.attestation\.nvidia\.com"), frozenset({ES384}), dt.timedelta(hours=24))


@dataclass(frozen=True, slots=True)
class Trusted:
    """What was found out about a token before its own statements are looked at."""

    checks: tuple[Check, ...]
    not_after: dt.datetime
    signed_at: dt.datetime | None
    simulated: bool


def check_token(
    token: Token, service: Service, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None,
    collateral: Collateral, prefix: str = "token",
) -> Trusted:  # fmt: skip
    """Issuer, key, signature and times. Raises Malformed for an unreadable key set or chain."""
    known = service.issuer.fullmatch(token.issuer) is not None
    checks = [check(f"{prefix}.issuer", known, "the issuer must be this service, by its exact name")]
    own = "x5c" in token.header
    if own and service is not GOOGLE:
        checks.append(check(f"{prefix}.header", False, "this service's tokens bring no certificates"))
        own = False
    key: Key | None = None
    until = dt.datetime.max.replace(tzinfo=dt.UTC)
    pretend = False
    if own:
        path = load_path(x5c_of(token))
        key, until, found, pretend = _chain(f"{prefix}.chain", path, service, now, trust, simulated)
        checks += found
    else:
        jwks, pretend = _key_set(token.issuer, simulated, collateral)
        picked = find_key(jwks, token.header.get("kid"), token.header.get("alg", "")) if jwks is not None else None
        checks.append(check(f"{prefix}.keys", jwks is not None, "the issuer's key set must be supplied"))
        if picked is not None:
            key, chain = picked
            if service is ITA:
                found_chain = _chain(f"{prefix}.chain", load_path(chain), service, now, trust, simulated)
                until, pretend = found_chain[1], found_chain[3]
                checks += found_chain[2]
        checks.append(check(f"{prefix}.key", picked is not None, "kid must name exactly one key of the issuer's set"))
    good = key is not None and is_signed(token, key, service.algorithms)
    checks.append(
        check(f"{prefix}.signature", good, f"by that key, with one of {sorted(service.algorithms)}", PROVIDER)
    )
    times, expires, issued = _times(token, service, now, prefix)
    return Trusted((*checks, *times), min(until, expires), issued, pretend)


def _key_set(issuer: str, simulated: SimulatedTrust | None, collateral: Collateral) -> tuple[bytes | None, bool]:
    if simulated is not None and issuer in simulated.jwks:
        return simulated.jwks[issuer], True
    return collateral.jwks.get(issuer), False


def _chain(
    prefix: str, path: tuple[x509.Certificate, ...], service: Service, now: dt.datetime, trust: TrustStore,
    simulated: SimulatedTrust | None,
) -> tuple[Key, dt.datetime, tuple[Check, ...], bool]:  # fmt: skip
    checks = check_path(prefix, path, trust.of(service.vendor, simulated), now, RSA)
    return public_key(path[0]), ends(path), checks, not is_pinned(path[-1], trust.of(service.vendor, None))


def _times(
    token: Token, service: Service, now: dt.datetime, prefix: str
) -> tuple[tuple[Check, ...], dt.datetime, dt.datetime | None]:
    """``exp`` and ``iat`` are required, ``nbf`` counts where it is there; all in whole seconds."""
    expires, issued = _time(token, "exp"), _time(token, "iat")
    begins = _time(token, "nbf") if "nbf" in token.claims else issued
    hours = service.lifetime // HOUR
    if expires is None or issued is None or begins is None:
        missing = check(f"{prefix}.times", False, "exp, iat and nbf must be times in whole seconds", PROVIDER)
        return (missing,), now, None
    return (
        check(f"{prefix}.expiry", now < expires, f"expires {expires:%F %T}, it is {now:%F %T}", PROVIDER),
        check(f"{prefix}.begin", max(begins, issued) <= now + SKEW, f"begins {begins:%F %T}", PROVIDER),
        check(f"{prefix}.lifetime", expires - issued <= service.lifetime, f"at most {hours} hours", PROVIDER),
    ), expires, issued  # fmt: skip


def _time(token: Token, name: str) -> dt.datetime | None:
    value = token.claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**33:
        return None
    return dt.datetime.fromtimestamp(value, dt.UTC)
