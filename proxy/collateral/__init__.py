"""The shell around :mod:`attestation.collateral`: writing the store, asking vendors, keeping it fresh, carrying it."""
