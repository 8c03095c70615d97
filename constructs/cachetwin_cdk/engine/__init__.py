"""Engines, versions, node types, parameter groups and maintenance windows."""
