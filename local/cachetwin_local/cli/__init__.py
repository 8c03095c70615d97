"""The command line."""

from cachetwin_local.cli.application import app, main

__all__ = ["app", "main"]
