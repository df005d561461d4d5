"""Privatemode is no provider of enclaves here: its sidecar verifies, this process sees none of it (§5.3; PAG#111).

The sidecar attests the deployment, exchanges a secret and encrypts. What reaches this process is an HTTP port on
loopback that says so. No key of an enclave is proven to us, so it is zone ``cloud``, and what it asserts is a label.
"""

from __future__ import annotations

from collections.abc import Mapping

KIND = "privatemode"
ASSERTED = "asserted_tee"
"""Label of an upstream: whose word it is that a TEE stands behind it. It never makes a zone."""
LABELS: Mapping[str, str] = {ASSERTED: KIND}
WHY_NO_ENCLAVE = (
    "its sidecar verifies the enclaves, and nothing of that is proven to this gate. Run privatemode-proxy on loopback "
    "with a pinned image digest and a pinned manifest, and make it an upstream of zone 'cloud' with "
    f"labels: {{{ASSERTED}: {KIND}}}; a policy may require that label (docs/attestation/privatemode.md)"
)
"""What a configuration that says otherwise is told."""
