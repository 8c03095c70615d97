"""Commands that run and manage Lua scripts and functions."""

from . import functions, scripts

__all__ = ["functions", "scripts"]
