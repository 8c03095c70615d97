"""Global datastores: a cache in one region and copies of it in others.

The primary is a ReplicationGroup. Each other region has a SecondaryReplicationGroup in a stack of its own, which has the
engine, node type, shards, encryption and parameters of the primary; ElastiCache refuses to set them there.
"""
