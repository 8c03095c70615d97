"""Cluster mode: the topology of a cache, and how the number of its shards changes."""
