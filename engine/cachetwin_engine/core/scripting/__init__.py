"""Lua: scripts, libraries of functions, and the machine that runs them."""
