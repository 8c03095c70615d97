"""Sorted sets: small ones packed, large ones a tree of scores."""
