"""The sections of INFO: each a function that returns its lines."""
