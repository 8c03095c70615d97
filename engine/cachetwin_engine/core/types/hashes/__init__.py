"""Hashes: small ones packed, large ones a table."""
