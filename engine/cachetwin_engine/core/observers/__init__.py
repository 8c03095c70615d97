"""Clients that receive changes: WATCH, MONITOR, CLIENT TRACKING, pub/sub."""
