"""HyperLogLogs, sparse and dense."""
