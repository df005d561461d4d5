"""Loopback servers, one for each kind of provider, that can be told to lie. For tests and the demo only."""
