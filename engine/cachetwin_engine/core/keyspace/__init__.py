"""Databases: tables of keys, values, times to live, slots."""
