"""The command line."""

from cachetwin_local.cli.entry import main

__all__ = ["main"]
