"""Replication without I/O: what a primary tells its replicas, and what a replica does with what it is told."""
