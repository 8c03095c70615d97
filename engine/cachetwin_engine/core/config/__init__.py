"""Profiles and parameters: which server an engine is, and how it is set."""
