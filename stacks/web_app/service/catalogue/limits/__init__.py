"""Bounds on work: how many at once, how long, and not again while it fails."""
