"""Counters and logs of calls: INFO stats, latency, COMMANDLOG, traffic."""
