"""Cluster mode: who owns which slot, and where a request for a key belongs."""
