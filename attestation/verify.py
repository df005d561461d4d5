"""The way in: evidence of any kind in, claims out. One line per kind; an unknown kind is an error, never a pass.

Verify has no options. What policy demands of claims is :mod:`attestation.validate`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from attestation.jwt.nras import verify as verify_nras
from attestation.jwt.verify import verify_google, verify_ita, verify_maa
from attestation.nitro.verify import verify as verify_nitro
from attestation.nvidia.verify import verify as verify_nvidia
from attestation.ratls.verify import verify as verify_ratls
from attestation.snp.verify import verify as verify_snp
from attestation.tdx.verify import verify as verify_intel
from attestation.tpm.verify import verify_azure
from attestation.tpm.verify import verify_google as verify_google_vtpm
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import NO_COLLATERAL, Claims, Collateral, Evidence, Malformed

Verifier = Callable[[Evidence, dt.datetime, TrustStore, SimulatedTrust | None, Collateral], Claims]

VERIFIERS: Mapping[str, Verifier] = {
    "sealgate-snp": verify_snp,
    "snp": verify_snp,
    "nitro": verify_nitro,
    "tdx": verify_intel,
    "sgx": verify_intel,
    "maa": verify_maa,
    "google": verify_google,
    "ita": verify_ita,
    "nras": verify_nras,
    "nvidia": verify_nvidia,
    "ratls": verify_ratls,
    "azure-snp": verify_azure,
    "azure-tdx": verify_azure,
    "google-vtpm": verify_google_vtpm,
}
WITH_CHAIN = frozenset({"sealgate-snp", "snp", "azure-snp", "google-vtpm", "ratls"})
WITH_PARTS = frozenset({"tdx", "azure-snp", "azure-tdx", "google-vtpm"})


def verify(
    evidence: Evidence,
    now: dt.datetime,
    trust: TrustStore,
    simulated: SimulatedTrust | None = None,
    collateral: Collateral = NO_COLLATERAL,
) -> Claims:
    """Claims of genuine evidence at ``now`` (aware).

    ``simulated`` additionally accepts a software enclave's root and marks the claims; ``collateral`` is what vendors
    publish. Raises Malformed or Rejected, the latter with every failure.
    """
    verifier = VERIFIERS.get(evidence.kind)
    if verifier is None:
        raise Malformed("evidence of this kind cannot be verified")
    if (evidence.certificates and evidence.kind not in WITH_CHAIN) or (
        evidence.parts and evidence.kind not in WITH_PARTS
    ):
        raise Malformed("evidence of this kind comes with no further pieces")  # nothing that was sent is ignored
    return verifier(evidence, now, trust, simulated, collateral)
