"""The part of the scripting engine that is Lua itself, in ``lua/*.lua``: the sandbox, the API of scripts, replies.

The files are package data and are read like modules, once for each interpreter. Each is a chunk that is called with
``host``, the functions of Python, and ``parts``, a table of what the chunks before it returned. So they share values that
scripts can't reach. What the last one returns is for Python to call.
"""

import pkgutil
from typing import Final

CHUNK_NAME: Final = b"=server"
"""The source of every chunk: errors are attributed to the first function that has another one."""

PARTS: Final = (
    "readonly",
    "errors",
    "reply_values",
    "encoder",
    "api",
    "bit_struct",
    "cjson",
    "cmsgpack",
    "watch",
    "built_ins",
    "environment",
    "runs",
    "libraries",
    "machine",
)
"""The chunks in their order."""


def source(part: str) -> bytes:
    """The Lua source of a part."""
    text = pkgutil.get_data("cachetwin_engine.core.scripting", f"lua/{part}.lua")
    if text is None:
        raise RuntimeError(f"the Lua source {part}.lua cannot be read: is the package complete?")
    return text
