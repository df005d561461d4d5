"""One module per kind of provider: what its endpoint is asked, and what its answers hold (attestation.md §2.11, §5)."""
