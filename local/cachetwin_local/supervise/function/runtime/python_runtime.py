"""Runs the handler of a Python function in its environment: AWS's own runtime client, with the function's paths first.

``python python_runtime.py HANDLER PATH...``: PATH are the folders before the packages of the virtual environment, and
after ``--`` those behind them.
"""

import importlib
import sys


def main(words: list[str]) -> None:
    """Set the paths of modules, then serve events for ever."""
    handler, *paths = words
    at = paths.index("--")
    sys.path[:1] = paths[:at]  # in the place of this file's folder
    sys.path += paths[at + 1 :]
    sys.dont_write_bytecode = "--no-bytecode" in sys.path
    sys.path[:] = [path for path in sys.path if path != "--no-bytecode"]
    sys.argv = ["bootstrap", handler]
    importlib.import_module("awslambdaric.__main__").main(sys.argv)


if __name__ == "__main__":
    main(sys.argv[1:])
