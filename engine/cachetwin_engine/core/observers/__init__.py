"""Clients that are told of changes: WATCH, MONITOR, CLIENT TRACKING, pub/sub."""
