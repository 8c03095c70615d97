"""Metrics as values: what is put, what is kept, and what is computed from it. Pure."""
