"""The kinds of values that are not plain strings, one a module."""
