"""Debuggers in functions and services: ``cachetwin attach``."""
