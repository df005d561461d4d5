"""The way in: evidence of any kind in, claims out. One line per kind; an unknown kind is an error, never a pass.

Verify has no options. What policy demands of claims is :mod:`attestation.validate`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from attestation.snp.verify import verify as verify_snp
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import Claims, Evidence, Malformed

Verifier = Callable[[Evidence, dt.datetime, TrustStore, SimulatedTrust | None, bytes | None], Claims]

VERIFIERS: Mapping[str, Verifier] = {"sealgate-snp": verify_snp}


def verify(
    evidence: Evidence,
    now: dt.datetime,
    trust: TrustStore,
    simulated: SimulatedTrust | None = None,
    crl: bytes | None = None,
) -> Claims:
    """Claims of genuine evidence at ``now`` (aware).

    ``simulated`` additionally accepts a software enclave's root and marks the claims; ``crl`` is the vendor root's
    revocation list as DER. Raises Malformed or Rejected, the latter with every failure.
    """
    verifier = VERIFIERS.get(evidence.kind)
    if verifier is None:
        raise Malformed("evidence of this kind cannot be verified")
    return verifier(evidence, now, trust, simulated, crl)
