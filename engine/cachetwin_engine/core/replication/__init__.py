"""Replication without I/O: what a primary sends to its replicas, and what a replica does with it."""
