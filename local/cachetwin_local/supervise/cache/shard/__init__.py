"""A shard: a primary and the nodes that follow it."""
