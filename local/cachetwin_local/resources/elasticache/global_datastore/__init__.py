"""AWS::ElastiCache::GlobalReplicationGroup and the replication groups that are its members."""
