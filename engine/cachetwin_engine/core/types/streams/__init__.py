"""Streams: entries in leaves, consumer groups."""
