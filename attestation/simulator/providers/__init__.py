"""Simulated endpoints, one module per kind of provider. Tests and the demo only."""
