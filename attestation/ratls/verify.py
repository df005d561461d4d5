"""RA-TLS: is this TLS key held by genuine hardware? The certificate's quote is verified like any other (§5.5).

The certificate's issuer, names and web-PKI trust mean nothing here; its dates do. Without a nonce, a certificate
says nothing of when: the caller must not accept one that is older than policy allows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace

from attestation.paths import signed_by
from attestation.ratls.certificate import carried, load_carrier, spki_of
from attestation.tdx.eventlog import EVENT_LOG
from attestation.tdx.verify import verify as verify_intel
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import NO_COLLATERAL, Check, Claims, Collateral, Evidence, Malformed, Rejected, Source, require
from attestation.x509 import check, load_certificate


def verify(evidence: Evidence, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None,
           collateral: Collateral = NO_COLLATERAL) -> Claims:  # fmt: skip
    """Claims of the quote in a certificate (``report``, DER); ``certificates`` holds its issuer, else it signs itself.

    ``bound["spki"]`` is then the SHA-256 of a TLS key that the hardware vouches for. Raises Malformed, Rejected.
    """
    certificate = load_carrier(evidence.report)
    if len(evidence.certificates) > 1:
        raise Malformed("a certificate comes with its issuer alone")
    issuer = load_certificate(evidence.certificates[0]) if evidence.certificates else certificate
    got = carried(certificate)
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    own: tuple[Check, ...] = (
        check(
            "certificate.signature",
            signed_by(certificate, issuer),
            "signed by itself, or by the issuer that came along",
        ),
        check("certificate.validity", start <= now <= end, f"{now:%F} must be in {start:%F}..{end:%F}"),
        check("certificate.key", got.names_key, "the claims must name the certificate's key"),
    )
    parts = {EVENT_LOG: got.event_log} if got.event_log is not None else {}
    try:
        claims = verify_intel(Evidence("tdx", got.quote, parts=parts), now, trust, simulated, collateral)
    except Rejected as e:
        require((*own, *e.checks))
        raise
    bound = check("certificate.bound", claims.report_data == got.expected, "report data must name the key",
                  Source.HARDWARE)  # fmt: skip
    require((*own, bound, *claims.checks))
    return replace(
        claims,
        checks=(*own, bound, *claims.checks),
        not_after=min(claims.not_after, end),
        evidence_sha256=hashlib.sha256(evidence.report).digest(),
        signed_at=start,
        bound={**claims.bound, "spki": hashlib.sha256(spki_of(certificate)).digest(),
               **({"nonce": got.nonce} if got.nonce else {})},
        facts={**claims.facts, "form": got.form},
    )  # fmt: skip
