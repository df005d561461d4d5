"""Privatemode's own exchange, as far as it is pure: not in the send path (docs/attestation/privatemode.md)."""
