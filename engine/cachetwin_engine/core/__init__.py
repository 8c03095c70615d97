"""The engine's core: commands, keyspace, sessions. No I/O, no clock; compiled by mypyc, or run as it is."""

from typing import Final

BUILD: Final = "pure" if __file__.endswith((".py", ".pyc")) else "compiled"

__all__ = ["BUILD"]
